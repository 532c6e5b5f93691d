// Dispatch: an event goes through the term gate and the role gate to its handler. What follows from the change (an
// election won, the commit index moved, entries to send and to apply) is decided once, afterwards, in settle().
#include <libraft/core.hpp>

#include "core/commit.hpp"
#include "core/context.hpp"
#include "core/digest.hpp"
#include "core/election.hpp"
#include "core/following.hpp"
#include "core/invariants.hpp"
#include "core/leadership_transfer.hpp"
#include "core/read_index.hpp"
#include "core/replication.hpp"
#include "core/role_transition.hpp"
#include "core/snapshotting.hpp"
#include "core/timers.hpp"
#include "util/assert.hpp"

#include <algorithm>
#include <utility>

namespace libraft {

using namespace core;

namespace {

template <class... Handlers>
struct Visitor : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Visitor(Handlers...) -> Visitor<Handlers...>;

/// A request of an older term: its sender must learn of the newer one (§3.3).
void answer_stale_request(Context& context, const Message& message) {
  const Term term = context.state.term;
  const auto answer = [&](MessageBody body) { reply(context, message.route, std::move(body), Rests::on_term_write); };
  std::visit(Visitor{
                 [&](const RequestVote&) {
                   answer(RequestVoteReply{term, false});
                 },
                 [&](const AppendEntries& request) {
                   // Rounds of reads count anew in each term: the old one names none of this term, though a newer one
                   // may have the same number.
                   answer(AppendEntriesReply{term, false, {}, request.previous.index, {}, 0});
                 },
                 [&](const InstallSnapshot& request) {
                   answer(InstallSnapshotReply{term, request.meta.last, false, 0});
                 },
                 [&](const TimeoutNow&) { answer(TimeoutNowReply{term}); },
                 [](const auto&) {},
             },
             message.body);
  context.mark(is_request(message.body) ? Mark::stale_request_answered : Mark::stale_reply_dropped);
}

/// Only the leader of a term sends appends and snapshots.
bool comes_from_leader(const MessageBody& body) {
  return std::holds_alternative<AppendEntries>(body) || std::holds_alternative<InstallSnapshot>(body);
}

void follow(Context& context, NodeId leader) {
  RAFT_ASSERT(context.leader() == nullptr, "at most one leader for each term (§3.4)");
  if (const auto* follower = std::get_if<Follower>(&context.state.role)) {
    RAFT_ASSERT(!follower->leader || *follower->leader == leader, "at most one leader for each term (§3.4)");
  }
  if (std::holds_alternative<Candidate>(context.state.role)) context.mark(Mark::candidate_found_leader);
  if (std::holds_alternative<PreCandidate>(context.state.role)) context.mark(Mark::pre_candidate_found_leader);
  become_follower(context, context.state.term, leader);
}

/// A message of the current term.
void handle_message(Context& context, const Message& message) {
  const Routing& route = message.route;
  if (comes_from_leader(message.body)) follow(context, route.from);
  std::visit(Visitor{
                 [&](const RequestVote& body) { on_request_vote(context, route, body); },
                 [&](const RequestVoteReply& body) { on_request_vote_reply(context, route, body); },
                 [&](const AppendEntries& body) { on_append_entries(context, route, body); },
                 [&](const AppendEntriesReply& body) { on_append_entries_reply(context, route, body); },
                 [&](const InstallSnapshot& body) { on_install_snapshot(context, route, body); },
                 [&](const InstallSnapshotReply& body) { on_install_snapshot_reply(context, route, body); },
                 [&](const TimeoutNow&) { on_timeout_now(context, route); }, [](const TimeoutNowReply&) {},
                 [](const auto&) {},  // pre-votes don't come here
             },
             message.body);
}

/// The term gate (§3.3): a higher term is followed, a lower one answered or dropped.
void on_message(Context& context, const Message& message) {
  if (term_of(message.body).value > kNumberMax) return;  // absurd; taken over, no later term would be left
  if (const auto* request = std::get_if<PreVote>(&message.body)) return on_pre_vote(context, message.route, *request);
  if (const auto* answer = std::get_if<PreVoteReply>(&message.body)) {
    return on_pre_vote_reply(context, message.route, *answer);
  }
  const auto* vote = std::get_if<RequestVote>(&message.body);
  // Before the gate, so that a candidate nobody needs does not even raise the term (§4.2.3).
  if (vote != nullptr && is_disruptive(context, *vote)) {
    context.mark(Mark::vote_denied_beside_leader);
    return deny_vote(context, message.route);
  }
  const Term term = term_of(message.body);
  if (term < context.state.term) return answer_stale_request(context, message);
  if (term > context.state.term) become_follower(context, term, std::nullopt);
  handle_message(context, message);
}

void on_time_advanced(Context& context) {
  const Timers& timers = context.state.timers;
  if (timers.quorum <= context.now) {
    context.mark(Mark::leader_without_quorum);
    return become_follower(context, context.state.term, std::nullopt);
  }
  if (timers.heartbeat <= context.now && context.leader() != nullptr) {
    send_heartbeats(context);
    repeat_transfer_request(context);
  }
  if (timers.election <= context.now) on_election_timeout(context);
}

void on_persisted(Context& context, PersistId upto) {
  RAFT_ASSERT(upto <= context.state.counters.last_write, "only what was handed out becomes durable");
  context.state.counters.persisted = std::max(context.state.counters.persisted, upto);
  context.state.log.persisted(upto);
  release_proposals(context.state);
  on_vote_persisted(context, upto);
  on_snapshot_persisted(context, upto);
}

void on_log_read(Context& context, const LogRead& read) {
  if (!on_log_read_for_apply(context, read)) on_log_read_for_follower(context, read);
}

void on_step_down_requested(Context& context) {
  if (context.leader() == nullptr) return;
  context.mark(Mark::leader_with_bad_disk);
  become_follower(context, context.state.term, std::nullopt);
}

void handle(Context& context, const Event& event) {
  std::visit(Visitor{
                 [&](const TimeAdvanced&) { on_time_advanced(context); },
                 [&](const MessageReceived& received) { on_message(context, received.message); },
                 [&](const Persisted& done) { on_persisted(context, done.upto); },
                 [&](const LogRead& read) { on_log_read(context, read); },
                 [&](const EntriesApplied& done) { on_entries_applied(context, done); },
                 [&](const Propose& request) { on_propose(context, request); },
                 [&](const ReadIndexRequested& request) { on_read_index_requested(context, request); },
                 [&](const TransferRequested& request) { on_transfer_requested(context, request); },
                 [&](const SnapshotRequested&) { on_snapshot_requested(context); },
                 [&](const SnapshotSaved& saved) { on_snapshot_saved(context, saved); },
                 [&](const SnapshotChunkStored& stored) { on_snapshot_chunk_stored(context, stored); },
                 [&](const SnapshotSendFailed& failed) { on_snapshot_send_failed(context, failed); },
                 [&](const PeerChanged& change) { on_peer_changed(context, change); },
                 [&](const StepDownRequested&) { on_step_down_requested(context); },
             },
             event);
}

void settle_leader(Context& context) {
  advance_commit(context);
  advance_transfer(context);
  if (advance_reads(context)) send_heartbeats(context);
  replicate(context);
  announce_commit(context);
}

/// What follows from the event.
void settle(Context& context) {
  const bool has_won = conclude_election(context);
  if (context.leader() != nullptr) {
    if (has_won) arm_heartbeat(context);
    settle_leader(context);
  }
  hand_out_committed(context);
  maybe_take_snapshot(context);
  finish_batch(context);
  context.state.log.shrink_cache(context.state.options.entry_cache_bytes);
}

}  // namespace

Core::State::State(const CoreOptions& core_options, const CoreStart& start)
    : options(core_options),
      self(start.recovered.identity.node),
      incarnation(start.recovered.identity.incarnation),
      term(start.recovered.hard_state.term),
      vote(start.recovered.hard_state.vote),
      log(start.recovered) {
  if (!start.recovered.configurations.empty()) {
    configuration = start.recovered.configurations.back().value;
    configuration_at = start.recovered.configurations.back().at;
  }
  snapshots.newest = start.recovered.snapshot;
  const LogIndex covered = snapshots.newest ? snapshots.newest->last.index : LogIndex{};
  applying.commit = applying.handed_out = applying.applied = std::max(covered, start.applied);
  applying.durable_only = start.apply_durable_only;
  random.state = start.seed;
  timers.now = start.now;
  timers.snapshot_retry = start.now;
}

Core::Core(const CoreOptions& options, const CoreStart& start) : state_(std::make_unique<State>(options, start)) {
  RAFT_ASSERT(state_->self != NodeId{}, "a node has an id");
  Effects effects;
  Context context{*state_, effects, start.now, {}};
  arm_election(context);
  if (state_->vote) context.mark(Mark::restart_with_vote);
  if (state_->snapshots.newest) context.mark(Mark::restart_with_snapshot);
  if (state_->log.last().index > state_->applying.commit) context.mark(Mark::restart_with_log);
  check_state(*state_);
}

Core::Core(const Core& other) : state_(std::make_unique<State>(*other.state_)) {}
Core& Core::operator=(const Core& other) {
  *state_ = *other.state_;
  return *this;
}
Core::Core(Core&&) noexcept = default;
Core& Core::operator=(Core&&) noexcept = default;
Core::~Core() = default;

void Core::step(TimePoint now, const Event& event, Effects& out) {
  out.clear();
  state_->timers.now = std::max(state_->timers.now, now);
  Context context{*state_, out, state_->timers.now, {}};
  const Milestones before(*state_);
  handle(context, event);
  settle(context);
  check_step(before, *state_);
  check_state(*state_);
}

TimePoint Core::next_deadline() const {
  return core::next_deadline(*state_);
}

CoreStatus Core::status() const {
  const State& state = *state_;
  CoreStatus status;
  status.term = state.term;
  status.vote = state.vote;
  status.commit = state.applying.commit;
  status.applied = state.applying.applied;
  status.durable = state.log.durable();
  status.log_start = state.log.start();
  status.log_last = state.log.last();
  if (state.snapshots.newest) status.snapshot = state.snapshots.newest->last;
  std::visit(Visitor{
                 [&](const Follower& role) {
                   status.role = Role::follower;
                   status.leader = role.leader;
                 },
                 [&](const PreCandidate&) { status.role = Role::pre_candidate; },
                 [&](const Candidate&) { status.role = Role::candidate; },
                 [&](const Leader&) {
                   status.role = Role::leader;
                   status.leader = state.self;
                 },
             },
             state.role);
  return status;
}

std::vector<PeerProgress> Core::progress() const {
  std::vector<PeerProgress> result;
  const auto* leader = std::get_if<Leader>(&state_->role);
  if (leader == nullptr) return result;
  for (const auto& [id, progress] : leader->followers) {
    const bool is_active = state_->timers.now - progress.heard_at() < state_->options.election_timeout;
    result.push_back({id, progress.state(), progress.match(), progress.next(), is_active});
  }
  return result;
}

const Configuration& Core::configuration() const {
  return state_->configuration;
}

std::uint64_t Core::protocol_digest(const Renaming& names) const {
  return core::protocol_digest(*state_, names);
}

bool operator==(const Core& a, const Core& b) {
  return *a.state_ == *b.state_;
}

}  // namespace libraft
