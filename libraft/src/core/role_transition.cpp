#include "core/role_transition.hpp"

#include "core/timers.hpp"
#include "util/assert.hpp"

namespace libraft::core {

namespace {

/// `is_replaced`: a higher term was heard of. Without one, nobody is known to have taken over.
void end_leadership(Context& context, bool is_replaced) {
  Leader* leader = context.leader();
  if (leader == nullptr) return;
  if (!leader->reads.empty()) context.mark(Mark::read_lost_with_leadership);
  for (const WaitingRead& read : leader->reads) {
    context.effects.reads.push_back({read.id, make_error_code(errc::not_leader), {}});
  }
  if (leader->transfer) {
    const bool is_handed_over = leader->transfer->is_asked && is_replaced;
    context.mark(is_handed_over ? Mark::transfer_done : Mark::transfer_overtaken);
    context.effects.transfers.push_back(
        {leader->transfer->id, is_handed_over ? std::error_code{} : make_error_code(errc::transfer_failed)});
  }
}

}  // namespace

void become_follower(Context& context, Term term, std::optional<NodeId> leader) {
  Core::State& state = context.state;
  RAFT_ASSERT(term >= state.term, "a term never falls");
  end_leadership(context, term > state.term);
  const bool was_leader = context.leader() != nullptr;
  if (was_leader && term > state.term) context.mark(Mark::leader_deposed);
  if (term > state.term) {
    state.term = term;
    state.vote.reset();
    state.timers.has_heard_leader = false;
    write_hard_state(context);
  }
  state.role = Follower{leader};
  state.timers.heartbeat = state.timers.quorum = kNever;
  if (leader) leader_heard(context);
  // Hearing of a higher term alone does not put off an election, or a node with an old log could keep others from
  // campaigning; a leader that steps down needs a timeout again, though.
  if (leader || was_leader || state.timers.election == kNever) arm_election(context);
}

void become_pre_candidate(Context& context) {
  Core::State& state = context.state;
  RAFT_ASSERT(context.leader() == nullptr, "a leader does not campaign");
  PreCandidate candidate;
  candidate.tally.record(state.self, true);  // promises nothing, so it needs no write
  state.role = std::move(candidate);
  arm_election(context);
}

void become_candidate(Context& context) {
  Core::State& state = context.state;
  RAFT_ASSERT(context.leader() == nullptr, "a leader does not campaign");
  RAFT_ASSERT(is_voter(state.configuration, state.self), "only voters campaign");
  ++state.term.value;
  state.vote = state.self;
  state.timers.has_heard_leader = false;
  write_hard_state(context);
  state.role = Candidate{{}, state.term_write};
  arm_election(context);
}

void become_leader(Context& context) {
  Core::State& state = context.state;
  RAFT_ASSERT(std::holds_alternative<Candidate>(state.role), "only a candidate becomes leader");
  RAFT_ASSERT(state.vote == state.self, "a leader has its own vote");
  const LogId last = state.log.last();
  Leader leader;
  leader.followers = ProgressTracker(state.configuration, state.self, next(last.index), context.now);
  leader.term_start = next(last.index);
  state.role = std::move(leader);
  stop_timers(context);
  append_entry(context, {{next(last.index), state.term}, EntryKind::noop, {}});
  arm_quorum_check(context);
}

void grant_vote(Context& context, NodeId candidate) {
  Core::State& state = context.state;
  RAFT_ASSERT(!state.vote || *state.vote == candidate, "one vote for each term (§3.4)");
  if (!state.vote) {
    state.vote = candidate;
    write_hard_state(context);
  }
  arm_election(context);
}

}  // namespace libraft::core
