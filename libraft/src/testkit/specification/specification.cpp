// A step from beginning to end, and what follows from more than one event: roles, elections, the commit index.
#include "testkit/specification/specification.hpp"

#include <algorithm>

namespace libraft::testkit {
namespace {

/// What a majority has reached.
template <class Reached>
LogIndex majority_index(const std::vector<Peer>& voters, const Reached& reached) {
  LogIndex best;
  for (const Peer& candidate : voters) {
    const LogIndex index = reached(candidate.id);
    std::size_t count = 0;
    for (const Peer& voter : voters) count += std::size_t{reached(voter.id) >= index};
    if (2 * count > voters.size()) best = std::max(best, index);
  }
  return best;
}

}  // namespace

Specification::Specification(const CoreOptions& options, const CoreStart& start, const CoreStatus& begin)
    : options_(options),
      applies_durable_only_(start.apply_durable_only),
      self_(start.recovered.identity),
      now_(begin),
      term_(start.recovered.hard_state.term),
      vote_(start.recovered.hard_state.vote),
      log_(start.recovered),
      disk_(start.recovered),
      commit_(begin.commit),
      handed_out_(begin.applied),
      applied_(begin.applied) {
  const auto& configurations = start.recovered.configurations;
  if (!configurations.empty()) configuration_ = configurations.back().value;
  must(applied_ == std::max(disk_.snapshot().index, start.applied),
       "a node starts with {} applied, and its machine has {}", applied_.value, start.applied.value);
  must(begin.role == Role::follower && !begin.leader, "a node starts as a follower that knows of no leader (§3.4)");
  must(begin.term == term_ && begin.vote == vote_, "term and vote are those on disk (§3.8)");
  must(begin.log_start == log_.start() && begin.log_last == log_.last(), "the log is the one on disk (§3.8)");
  must(disk_.snapshot() == LogId{} ? log_.start() == LogId{} : log_.has(disk_.snapshot()),
       "a node starts with a log from {} to {} and a snapshot up to {} (§5)", log_.start().index.value,
       log_.last().index.value, disk_.snapshot().index.value);
  must(commit_ == std::max(disk_.snapshot().index, applied_) && commit_ <= log_.last().index,
       "a node starts with commit index {}, applied {}, a snapshot up to {} and a log up to {} (§3.8)", commit_.value,
       applied_.value, disk_.snapshot().index.value, log_.last().index.value);
}

std::optional<std::string> Specification::judge(const CoreStep& step) {
  if (violation_) return violation_;
  turn_.hard_state = {term_, vote_};
  turn_.of_term = disk_.of_term();
  must(step.before == now_, "the status changed between two steps");
  std::visit([&](const auto& event) { take(step, event); }, step.event);
  conclude_election(step);
  judge_role(step.after);
  judge_batch(step);
  advance_commit();
  judge_log(step.after);
  judge_machine(step);
  judge_outcomes(step);
  judge_reading(step.effects);
  judge_messages(step.effects);
  now_ = step.after;
  turn_ = {};
  return violation_;
}

bool Specification::is_voter(NodeId id) const {
  const auto has = [&](const std::vector<Peer>& voters) {
    return std::any_of(voters.begin(), voters.end(), [&](const Peer& voter) { return voter.id == id; });
  };
  return has(configuration_.voters) || has(configuration_.outgoing_voters);
}

/// A higher term makes a follower of anybody (§3.3).
void Specification::update_term(Term term) {
  if (term <= term_) return;
  term_ = term;
  vote_.reset();
  leader_.reset();
  role_ = Role::follower;
}

/// The next term, and the own vote for oneself (§3.4). The vote is counted when it is durable.
void Specification::campaign() {
  term_ = {term_.value + 1};
  vote_ = self_.node;
  leader_.reset();
  role_ = Role::candidate;
  candidacy_.votes = {};
  candidacy_.is_transfer = false;
}

/// A candidate raises its term only when a quorum would vote for it (§9.6).
void Specification::conclude_pre_vote(const CoreStep& step) {
  const bool has_raised = step.after.role == Role::candidate && step.after.term == Term{term_.value + 1};
  const auto& votes = has_raised ? candidacy_.pre_votes.given : candidacy_.pre_votes.counted;
  if (is_quorum([&](NodeId id) { return votes.count(id) > 0; })) campaign();
}

/// A quorum of votes makes a leader (§3.4), which begins its term with a no-op (§6.4).
void Specification::conclude_election(const CoreStep& step) {
  if (role_ != Role::candidate) return;
  const bool has_own = disk_.of_term() != PersistId{} && disk_.is_done(disk_.of_term()) && vote_ == self_.node &&
                       turn_.hard_state == HardState{term_, vote_};
  const auto& votes = step.after.role == Role::leader ? candidacy_.votes.given : candidacy_.votes.counted;
  if (!is_quorum([&](NodeId id) { return id == self_.node ? has_own : votes.count(id) > 0; })) return;
  role_ = Role::leader;
  leader_ = self_.node;
  leadership_ = {};
  const auto add = [&](const std::vector<Peer>& members) {
    for (const Peer& member : members) {
      if (member.id != self_.node) leadership_.followers[member.id] = {};
    }
  };
  add(configuration_.voters);
  add(configuration_.outgoing_voters);
  add(configuration_.learners);
  log_.append(term_);
  leadership_.term_start = log_.last().index;
  turn_.appended = 1;
}

/// Committed is what a quorum has durably, but only an entry of the own term is counted (§3.6.2).
void Specification::advance_commit() {
  if (role_ != Role::leader) return;
  const auto reached = [&](NodeId id) {
    if (id == self_.node) return disk_.durable();
    const auto follower = leadership_.followers.find(id);
    return follower == leadership_.followers.end() ? LogIndex{} : follower->second.match;
  };
  LogIndex index = majority_index(configuration_.voters, reached);
  if (!configuration_.outgoing_voters.empty()) {
    index = std::min(index, majority_index(configuration_.outgoing_voters, reached));
  }
  if (index > commit_ && log_.term_at(index) == term_) commit_ = index;
}

void Specification::judge_role(const CoreStatus& after) {
  const auto id = [](const std::optional<NodeId>& node) { return node ? node->value : 0; };
  must(after.term == term_, "the term is {}, and must be {} (§3.3)", after.term.value, term_.value);
  must(after.role == role_, "the node is a {} in term {}, and must be a {} (§3.3, §3.4)", to_string(after.role),
       term_.value, to_string(role_));
  must(after.vote == vote_, "the vote in term {} is {}, and must be {} (§3.4, §3.6.1)", term_.value, id(after.vote),
       id(vote_));
  must(after.leader == leader_, "the leader of term {} is {}, and must be {} (§3.4)", term_.value, id(after.leader),
       id(leader_));
}

void Specification::judge_log(const CoreStatus& after) {
  must(after.log_last == log_.last(), "the log ends with {} of term {}, and must end with {} of term {} (§3.5)",
       after.log_last.index.value, after.log_last.term.value, log_.last().index.value, log_.last().term.value);
  must(after.log_start == log_.start(), "the log starts after {}, and must start after {} (§5)",
       after.log_start.index.value, log_.start().index.value);
  must(after.commit == commit_, "the commit index is {}, and must be {} (§3.5, §3.6.2)", after.commit.value,
       commit_.value);
  must(after.applied == applied_, "applied is {}, and must be {}", after.applied.value, applied_.value);
  must(after.durable == durable(), "the log is said to be durable up to {}, and is up to {} (§3.8)",
       after.durable.value, durable().value);
  must(after.snapshot == disk_.snapshot(), "the newest snapshot is said to cover {}, and covers {} (§5)",
       after.snapshot.index.value, disk_.snapshot().index.value);
}

}  // namespace libraft::testkit
