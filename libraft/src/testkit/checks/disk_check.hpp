// DiskCheck: keeps the shadow of each node's disk, and holds each recovery to it.
//
//   iS3  what is written agrees with every other log, entry by entry
//   iS9  term, vote and log are found again after a crash: nothing that was reported durable is lost
//   iD6  a log is compacted only behind a durable snapshot
//   iS7  snapshots of one index are the same on all nodes
#pragma once

#include "testkit/checks/ledger.hpp"
#include "testkit/simulation/watcher.hpp"

#include <set>
#include <string>

namespace libraft::testkit {

class DiskCheck final : public Watcher {
 public:
  explicit DiskCheck(Ledger& ledger) : ledger_(ledger) {}

  void on_recovered(NodeId node, const std::optional<RecoveredState>& state) override;
  void on_written(NodeId node, const WriteBatch& batch, std::error_code error) override;
  void on_published(NodeId node, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) override;

 private:
  void note_attempt(NodeId node, const WriteBatch& batch);
  void take(NodeId node, DiskShadow& disk, const WriteBatch& batch);
  void take_hard_state(NodeId node, DiskShadow& disk, const HardState& state);
  void take_cut(NodeId node, DiskShadow& disk, LogIndex from);
  void take_start(NodeId node, DiskShadow& disk, LogId start);
  void take_entries(NodeId node, DiskShadow& disk, std::span<const Entry> entries);
  void judge_hard_state(NodeId node, const DiskShadow& disk, const HardState& found);
  /// `covered` by the newest snapshot found.
  void judge_log(NodeId node, const DiskShadow& disk, const TermLog& found, LogIndex covered);
  void judge_snapshot(NodeId node, const DiskShadow& disk, const RecoveredState& found);
  void mark_recovery(NodeId node, const DiskShadow& disk, const RecoveredState& found);
  void report(std::string_view invariant, NodeId node, std::string sentence) {
    ledger_.verdicts.report(invariant, node, std::move(sentence));
  }

  Ledger& ledger_;
  std::set<NodeId> full_;  // whose last write found no space
};

}  // namespace libraft::testkit
