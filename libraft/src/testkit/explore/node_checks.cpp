// The rules that concern one node alone: its promises are on its disk, and its disk takes nothing back.
#include "testkit/explore/node_model.hpp"

namespace libraft::testkit::explore {

namespace {

void report(Outcome& outcome, bool holds, const char* rule) {
  if (!holds && outcome.violation.empty()) outcome.violation = rule;
}

}  // namespace

/// iD1 to iD4: every promise on the wire is backed by the sender's disk.
void NodeModel::check_promise(const Message& message, Outcome& outcome) {
  if (std::holds_alternative<PreVote>(message.body)) return;
  const HardState& durable = disk_.hard_state;
  report(outcome, term_of(message.body) <= durable.term, "iD1: the term on the wire is durable");
  if (const auto* vote = std::get_if<RequestVoteReply>(&message.body); vote != nullptr && vote->granted) {
    report(outcome, durable == HardState{vote->term, message.route.to}, "iD2: a granted vote is durable");
  }
  if (const auto* vote = std::get_if<RequestVote>(&message.body)) {
    report(outcome, durable == HardState{vote->term, id_}, "iD2: a candidate's own vote is durable");
  }
  if (const auto* append = std::get_if<AppendEntriesReply>(&message.body); append != nullptr && append->accepted) {
    report(outcome, append->match.value <= disk_.log.size(), "iD3: what is acknowledged is durable");
    const PackedLog promised = disk_.log.prefix(append->match.value);
    if (append->term == durable.term && promised.size() > acknowledged_.size()) acknowledged_ = promised;
  }
  if (const auto* install = std::get_if<InstallSnapshotReply>(&message.body);
      install != nullptr && install->installed) {
    report(outcome, install->last.index.value <= disk_.log.size(), "iD4: an installed snapshot is durable");
  }
}

/// iS8, iS9: what the disk may do.
void NodeModel::check_disk(const HardState& before, Outcome& outcome) {
  const HardState& after = disk_.hard_state;
  report(outcome, after.term >= before.term, "iS9: a durable term never falls");
  report(outcome, after.term > before.term || !before.vote || after.vote == before.vote,
         "iS9: a durable vote stands for its term");
  if (after.term > before.term) acknowledged_ = {};  // a later leader may replace it
  report(outcome, disk_.log.prefix(acknowledged_.size()) == acknowledged_, "iS9: what is acknowledged is never lost");
  for (std::size_t index = 1; index <= disk_.log.size(); ++index) {
    report(outcome, disk_.log.term_at(index) >= disk_.log.term_at(index - 1), "iS8: terms never fall along a log");
  }
  report(outcome, disk_.log.term_at(disk_.log.size()) <= after.term.value, "iS8: no durable entry is of a later term");
}

/// What the core says of itself fits the model, and what it leads by is durable.
void NodeModel::check_core(Outcome& outcome) const {
  const CoreStatus status = core_.status();
  const std::size_t last = log_.size();
  report(outcome, status.log_last == LogId{{last}, {log_.term_at(last)}}, "iS8: the core's log is what it had written");
  report(outcome, status.applied <= status.commit && status.commit <= status.log_last.index,
         "iS8: applied <= commit <= last");
  report(outcome, status.role != Role::leader || disk_.hard_state == HardState{status.term, id_},
         "iD2: a leader's own vote is durable");
}

}  // namespace libraft::testkit::explore
