#include "core/election.hpp"

#include "core/role_transition.hpp"
#include "core/timers.hpp"
#include "util/assert.hpp"

namespace libraft::core {

namespace {

template <class Body>
void ask_voters(Context& context, const Body& request, Rests rests) {
  const Core::State& state = context.state;
  for (const NodeId id : members(state.configuration)) {
    if (id != state.self && is_voter(state.configuration, id)) send(context, id, request, rests);
  }
}

/// §3.6.1: the log that ends in the later term is newer; in the same term, the longer one.
bool is_up_to_date(const Context& context, LogId candidate_last) {
  return candidate_last >= context.state.log.last();
}

/// Of this answer and of those that come after the decision.
void mark_if_lost(const Context& context, const VoteTally& tally, Mark mark) {
  if (tally.outcome(context.state.configuration) == ElectionOutcome::lost) context.mark(mark);
}

bool has_leader(const Context& context) {
  return std::holds_alternative<Leader>(context.state.role) || is_leader_recent(context);
}

}  // namespace

void on_election_timeout(Context& context) {
  if (!is_voter(context.state.configuration, context.state.self)) {
    // A learner, or a node that waits to be admitted, never campaigns.
    context.state.timers.election = kNever;
    return;
  }
  if (std::holds_alternative<PreCandidate>(context.state.role)) context.mark(Mark::pre_vote_undecided);
  if (std::holds_alternative<Candidate>(context.state.role)) context.mark(Mark::election_timed_out);
  if (!context.state.options.pre_vote) return campaign(context, false);
  become_pre_candidate(context);
  ask_voters(context, PreVote{{context.state.term.value + 1}, context.state.log.last()}, Rests::on_nothing);
}

void campaign(Context& context, bool is_transfer) {
  become_candidate(context);
  ask_voters(context, RequestVote{context.state.term, context.state.log.last(), is_transfer}, Rests::on_newest_write);
}

void on_pre_vote(Context& context, const Routing& route, const PreVote& request) {
  const Core::State& state = context.state;
  const bool is_granted = request.term > state.term && !has_leader(context) && is_up_to_date(context, request.last) &&
                          !state.configuration.voters.empty();
  if (has_leader(context)) context.mark(Mark::pre_vote_denied_beside_leader);
  if (!is_up_to_date(context, request.last)) context.mark(Mark::pre_vote_denied_by_newer_log);
  reply(context, route, PreVoteReply{state.term, request.term, is_granted}, Rests::on_term_write);
}

void on_pre_vote_reply(Context& context, const Routing& route, const PreVoteReply& answer) {
  // A refusal spreads the higher term that is its cause; without this, a node that is behind asks in vain for ever.
  if (answer.term > context.state.term) {
    context.mark(Mark::pre_vote_reply_raised_term);
    return become_follower(context, answer.term, std::nullopt);
  }
  auto* candidate = std::get_if<PreCandidate>(&context.state.role);
  if (candidate == nullptr || answer.proposed.value != context.state.term.value + 1) return;
  candidate->tally.record(route.from, answer.granted);
  mark_if_lost(context, candidate->tally, Mark::pre_vote_lost);
}

bool is_disruptive(const Context& context, const RequestVote& request) {
  return !request.leadership_transfer && has_leader(context);
}

void deny_vote(Context& context, const Routing& route) {
  reply(context, route, RequestVoteReply{context.state.term, false}, Rests::on_term_write);
}

void on_request_vote(Context& context, const Routing& route, const RequestVote& request) {
  const Core::State& state = context.state;
  RAFT_ASSERT(request.term == state.term, "the term gate was passed");
  const bool is_free = !state.vote || (*state.vote == route.from && route.from != state.self);
  // A node without a configuration waits to be admitted; its vote could undo what a lost disk had promised.
  const bool may_vote = !state.configuration.voters.empty();
  if (!is_free) context.mark(Mark::vote_denied_as_given);
  if (!is_up_to_date(context, request.last)) context.mark(Mark::vote_denied_by_newer_log);
  if (!may_vote || !is_free || !is_up_to_date(context, request.last)) return deny_vote(context, route);
  if (state.vote) context.mark(Mark::vote_repeated);
  if (request.leadership_transfer) context.mark(Mark::vote_for_transfer);
  // Who only asks whether to campaign may still have its vote (figure 3.1). Having given it, it waits again.
  if (std::holds_alternative<PreCandidate>(state.role)) become_follower(context, state.term, std::nullopt);
  grant_vote(context, route.from);
  reply(context, route, RequestVoteReply{state.term, true}, Rests::on_newest_write);
}

void on_request_vote_reply(Context& context, const Routing& route, const RequestVoteReply& answer) {
  RAFT_ASSERT(answer.term == context.state.term, "the term gate was passed");
  if (auto* candidate = std::get_if<Candidate>(&context.state.role)) {
    candidate->tally.record(route.from, answer.granted);
    mark_if_lost(context, candidate->tally, Mark::election_lost);
  }
}

void on_vote_persisted(Context& context, PersistId upto) {
  auto* candidate = std::get_if<Candidate>(&context.state.role);
  if (candidate == nullptr) return;
  if (candidate->vote_write > upto) return context.mark(Mark::vote_write_overtaken);
  candidate->tally.record(context.state.self, true);
}

bool conclude_election(Context& context) {
  const Configuration& configuration = context.state.configuration;
  if (const auto* asking = std::get_if<PreCandidate>(&context.state.role)) {
    if (asking->tally.outcome(configuration) == ElectionOutcome::won) campaign(context, false);
    return false;  // the own vote is not durable yet
  }
  const auto* candidate = std::get_if<Candidate>(&context.state.role);
  if (candidate == nullptr || candidate->tally.outcome(configuration) != ElectionOutcome::won) return false;
  become_leader(context);
  return true;
}

}  // namespace libraft::core
