#include "node/apply_driver.hpp"

#include <utility>

namespace libraft::node {

void ApplyDriver::carry_out(Effects& effects) {
  if (effects.restore) pipeline_.restore(effects.restore->meta);
  for (Entries& entries : effects.apply) pipeline_.apply(std::move(entries));
  if (effects.take_snapshot) pipeline_.capture(*effects.take_snapshot);
}

void ApplyDriver::conclude() {
  // Telling one may bring the next round, which adds to the list.
  std::vector<AppliedEntries> applied;
  applied.swap(applied_);
  for (AppliedEntries& entries : applied) tell(entries);
}

void ApplyDriver::tell(AppliedEntries& applied) {
  if (parts_.pending.has_proposals()) {
    auto command = applied.batch->begin();
    for (const Entries& run : applied.runs) {
      for (const Entry& entry : run) {
        const bool is_command = entry.kind == EntryKind::command;
        parts_.pending.on_entry_applied(entry.id, is_command ? (command++)->take_reply() : Bytes());
      }
    }
  }
  parts_.pending.on_applied(applied.last().index);
}

void ApplyDriver::on_applied(AppliedEntries& applied) {
  if (parts_.events.is_closed()) return;
  const LogIndex last = applied.last().index;
  for (const Entries& run : applied.runs) parts_.reporter.metrics().entries_applied += run.size();
  // Told at the end of the round, when the node's status shows it too.
  applied_.push_back(std::move(applied));
  parts_.events.deliver(EntriesApplied{last});
}

void ApplyDriver::on_restored(const SnapshotMeta& meta) {
  if (parts_.events.is_closed()) return;
  parts_.snapshots.on_installed(meta);
  conclude();
  parts_.pending.on_entries_skipped(meta.last.index);
  parts_.events.deliver(EntriesApplied{meta.last.index});
  parts_.pending.on_applied(meta.last.index);
}

void ApplyDriver::on_captured(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task) {
  parts_.snapshots.save(what, std::move(task));
}

void ApplyDriver::on_answered(RequestId id, Result<Bytes> answer, LogId seen) {
  parts_.pending.on_query_answered(id, std::move(answer), seen);
  parts_.events.settle();
}

void ApplyDriver::on_apply_failed(std::error_code error, std::string detail) {
  parts_.events.fail(error, std::move(detail));
}

}  // namespace libraft::node
