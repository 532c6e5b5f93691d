#include "node/reporter.hpp"

#include <fmt/format.h>

namespace libraft::node {

void Reporter::tell(const NodeEvent& event) {
  if (observer_) observer_->on_event(event);
}

bool Reporter::logs(LogLevel level) const {
  return logger_ && logger_->is_enabled(level);
}

void Reporter::on_state(NodeState state) {
  if (logs(LogLevel::debug)) logger_->log(LogLevel::debug, fmt::format("the node is {}", to_string(state)));
  tell(StateChanged{state});
}

void Reporter::on_recovered(const CoreStatus& status, const Identity& identity) {
  if (!logs(LogLevel::info)) return;
  logger_->log(LogLevel::info,
               fmt::format("recovered: cluster {}, node {}, term {}, log ({}, {}], snapshot {}, applied {}",
                           identity.cluster.value, identity.node.value, status.term.value, status.log_start.index.value,
                           status.log_last.index.value, status.snapshot.index.value, status.applied.value));
}

void Reporter::on_failure(const Failure& failure) {
  if (!logs(LogLevel::error)) return;
  logger_->log(LogLevel::error, fmt::format("the node failed: {} ({})", failure.reason, failure.error.message()));
}

void Reporter::on_step(const CoreStatus& before, const CoreStatus& after) {
  if (before.role != after.role || (before.term != after.term && after.role == Role::candidate)) {
    if (after.role == Role::candidate) ++metrics_.elections_started;
    if (logs(LogLevel::info)) {
      logger_->log(LogLevel::info, fmt::format("{} in term {}", to_string(after.role), after.term.value));
    }
    tell(RoleChanged{after.role, after.term});
  }
  // A leader is one of a term: the same node in a later term is another leader.
  const bool is_same_leader = before.leader == after.leader && (!after.leader || before.term == after.term);
  if (is_same_leader) return;
  if (after.leader) ++metrics_.leader_changes;
  if (logs(LogLevel::info)) {
    logger_->log(LogLevel::info, after.leader
                                     ? fmt::format("node {} leads in term {}", after.leader->value, after.term.value)
                                     : fmt::format("no leader is known in term {}", after.term.value));
  }
  tell(LeaderChanged{after.leader, after.term});
}

void Reporter::on_truncated(LogIndex from, LogId last_before) {
  if (from > last_before.index) return;
  metrics_.entries_truncated += last_before.index.value - from.value + 1;
  if (logs(LogLevel::info)) {
    logger_->log(LogLevel::info,
                 fmt::format("entries {} to {} are replaced by a newer leader's", from.value, last_before.index.value));
  }
  tell(LogTruncated{from});
}

void Reporter::on_snapshot_taken(LogId last) {
  ++metrics_.snapshots_taken;
  if (logs(LogLevel::info)) logger_->log(LogLevel::info, fmt::format("took a snapshot at {}", last.index.value));
  tell(SnapshotTaken{last});
}

void Reporter::on_snapshot_installed(LogId last) {
  ++metrics_.snapshots_installed;
  if (logs(LogLevel::info)) {
    logger_->log(LogLevel::info, fmt::format("installed a snapshot of the leader at {}", last.index.value));
  }
  tell(SnapshotInstalled{last});
}

void Reporter::on_snapshot_not_saved(std::error_code error) {
  if (!logs(LogLevel::warning)) return;
  logger_->log(LogLevel::warning, fmt::format("a snapshot was not saved: {}", error.message()));
}

void Reporter::on_chunk_not_stored(std::error_code error) {
  if (!logs(LogLevel::warning)) return;
  logger_->log(LogLevel::warning, fmt::format("a part of the leader's snapshot was not stored: {}", error.message()));
}

void Reporter::on_disk_full() {
  if (logs(LogLevel::warning)) logger_->log(LogLevel::warning, "the disk is full: nothing can be written");
}

void Reporter::on_disk_stall() {
  if (logs(LogLevel::warning)) logger_->log(LogLevel::warning, "a write takes too long: this node will not lead");
}

}  // namespace libraft::node
