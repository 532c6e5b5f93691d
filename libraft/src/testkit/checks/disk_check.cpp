#include "testkit/checks/disk_check.hpp"

#include "testkit/checks/text.hpp"

#include <libraft/error.hpp>

#include <algorithm>

namespace libraft::testkit {

void DiskCheck::on_written(NodeId node, const WriteBatch& batch, std::error_code error) {
  if (error == make_error_code(errc::no_space)) {
    full_.insert(node);
    ledger_.marks.hit(CheckMark::disk_full);
  } else if (error) {
    ledger_.marks.hit(CheckMark::write_failed);
    note_attempt(node, batch);
  } else {
    if (!full_.empty() && full_.erase(node) != 0) ledger_.marks.hit(CheckMark::disk_full_ended);
    take(node, ledger_.disks[node], batch);
  }
}

void DiskCheck::on_published(NodeId node, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) {
  DiskShadow& disk = ledger_.disks[node];
  if (error == make_error_code(errc::no_space)) {
    disk.maybe_snapshot = meta.last;
    full_.insert(node);
    ledger_.marks.hit(CheckMark::disk_full);
  } else if (error) {
    if (error != make_error_code(errc::snapshot_stale)) ledger_.marks.hit(CheckMark::write_failed);
  } else {
    if (!ledger_.history.add_snapshot(meta)) {
      report("iS7", node, fmt::format("the snapshot at {} differs from another node's", meta.last.index.value));
    }
    disk.snapshot = meta.last;
    take(node, disk, batch);
  }
}

void DiskCheck::take(NodeId node, DiskShadow& disk, const WriteBatch& batch) {
  if (batch.hard_state) take_hard_state(node, disk, *batch.hard_state);
  if (batch.truncate_from) take_cut(node, disk, *batch.truncate_from);
  if (batch.new_start) take_start(node, disk, *batch.new_start);
  take_entries(node, disk, batch.entries);
  const auto memory = ledger_.memories.find(node);
  if (memory != ledger_.memories.end() && memory->second.log.last() == disk.log.last()) {
    disk.kept_upto = {~std::uint64_t{0}};
  }
}

/// A write that failed may have left its entries all the same; and who made them may have cut them in the same step.
void DiskCheck::note_attempt(NodeId node, const WriteBatch& batch) {
  DiskShadow attempt = ledger_.disks[node];
  if (batch.truncate_from) attempt.log.truncate_from(*batch.truncate_from);
  if (batch.new_start) take_start(node, attempt, *batch.new_start);
  take_entries(node, attempt, batch.entries);
}

void DiskCheck::take_hard_state(NodeId node, DiskShadow& disk, const HardState& state) {
  if (state.term < disk.hard_state.term) {
    report("iS9", node, fmt::format("{} is written over {}", text(state), text(disk.hard_state)));
  } else if (state.term == disk.hard_state.term && disk.hard_state.vote && state.vote != disk.hard_state.vote) {
    report("iS9", node, fmt::format("{} is written over {}", text(state), text(disk.hard_state)));
  }
  disk.hard_state = state;
}

void DiskCheck::take_cut(NodeId, DiskShadow& disk, LogIndex from) {
  if (from <= disk.log.last().index && from > disk.log.start().index) {
    ledger_.marks.hit(CheckMark::disk_truncated);
    const LogId cut{from, *disk.log.term_at(from)};
    const bool is_majority = ledger_.is_quorum([&](NodeId voter) {
      const auto other = ledger_.disks.find(voter);
      return other != ledger_.disks.end() && other->second.log.matches(cut);
    });
    if (is_majority) ledger_.marks.hit(CheckMark::majority_entry_replaced);
  }
  disk.log.truncate_from(from);
}

void DiskCheck::take_start(NodeId node, DiskShadow& disk, LogId start) {
  const LogId covered = std::max(disk.snapshot, disk.maybe_snapshot.value_or(LogId{}));
  if (start.index > covered.index) {
    report("iD6", node,
           fmt::format("the log is dropped up to {}, and the newest durable snapshot covers {}", start.index.value,
                       covered.index.value));
  }
  if (start.index < disk.log.start().index) {
    report("iS8", node,
           fmt::format("the log's start goes back from {} to {}", disk.log.start().index.value, start.index.value));
  } else if (start.index > disk.log.last().index) {
    disk.log = TermLog(start, {});
  } else {
    disk.log.start_after(start);
  }
}

void DiskCheck::take_entries(NodeId node, DiskShadow& disk, std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    const LogId before = disk.log.last();
    if (!disk.log.append(entry.id)) {
      return report("iS8", node, fmt::format("entry {} is written behind {}", text(entry.id), text(before)));
    }
    bool is_new = false;
    if (!ledger_.history.add(before, entry, is_new)) {
      return report("iS3", node,
                    fmt::format("entry {} is written, and another log has other entries up to it", text(entry.id)));
    }
  }
}

void DiskCheck::on_recovered(NodeId node, const std::optional<RecoveredState>& state) {
  const DiskShadow disk = ledger_.disks[node];
  const RecoveredState found = state.value_or(RecoveredState{});
  judge_hard_state(node, disk, found.hard_state);
  const TermLog log(found.start, found.term_runs);
  if (log.last() != found.last) {
    report("iS8", node, fmt::format("the log is said to end at {} and ends at {}", text(found.last), text(log.last())));
  }
  judge_log(node, disk, log, found.snapshot ? found.snapshot->last.index : LogIndex{});
  judge_snapshot(node, disk, found);
  mark_recovery(node, disk, found);
  DiskShadow& now = ledger_.disks[node];
  now = DiskShadow{};
  now.hard_state = found.hard_state;
  now.log = log;
  if (found.snapshot) now.snapshot = found.snapshot->last;
}

void DiskCheck::judge_hard_state(NodeId node, const DiskShadow& disk, const HardState& found) {
  const HardState& promised = disk.hard_state;
  const bool is_lost =
      found.term < promised.term || (found.term == promised.term && promised.vote && found.vote != promised.vote);
  if (is_lost) report("iS9", node, fmt::format("{} was durable, and {} is found", text(promised), text(found)));
}

void DiskCheck::judge_log(NodeId node, const DiskShadow& disk, const TermLog& found, LogIndex covered) {
  for (const LogId& run : found.runs()) {
    if (ledger_.history.find(run) == nullptr) {
      report("iS3", node, fmt::format("entry {} is found, and nobody made it", text(run)));
    }
  }
  // A write under way may have cut what memory had cut already; all else must be there.
  const LogIndex due = std::min(disk.log.last().index, disk.kept_upto);
  if (due <= covered) return;  // the snapshot found has it all: its publication failed, and yet it is there
  const LogIndex agreed = TermLog::agree_until(disk.log, found);
  const bool is_replaced = found.start().index > disk.log.last().index || !disk.log.covers(found.start());
  if (agreed < due && !is_replaced) {
    report("iS9", node,
           fmt::format("the log was durable up to {}, and is found up to {} only", due.value, agreed.value));
  }
  const auto term = due.value == 0 ? std::nullopt : disk.log.term_at(due);
  if (is_replaced && term && found.start().index < due) {
    report("iS9", node, fmt::format("entry {} was durable and is gone", text({due, *term})));
  }
}

void DiskCheck::judge_snapshot(NodeId node, const DiskShadow& disk, const RecoveredState& found) {
  const LogId snapshot = found.snapshot ? found.snapshot->last : LogId{};
  if (snapshot.index < disk.snapshot.index) {
    report("iS9", node,
           fmt::format("the snapshot at {} was durable, and the one at {} is found", disk.snapshot.index.value,
                       snapshot.index.value));
  }
  if (found.start.index > snapshot.index) {
    report("iD6", node,
           fmt::format("the log starts behind {}, and the snapshot found covers {}", found.start.index.value,
                       snapshot.index.value));
  }
  if (found.snapshot && !ledger_.history.add_snapshot(*found.snapshot)) {
    report("iS7", node, fmt::format("the snapshot at {} differs from another node's", snapshot.index.value));
  }
}

void DiskCheck::mark_recovery(NodeId node, const DiskShadow& disk, const RecoveredState& found) {
  const TermLog log(found.start, found.term_runs);
  if (found.hard_state != disk.hard_state) ledger_.marks.hit(CheckMark::crash_kept_hard_state);
  if (found.snapshot && !log.covers(found.snapshot->last)) {
    ledger_.marks.hit(CheckMark::crash_between_publish_and_cut);
  }
  const auto memory = ledger_.memories.find(node);
  if (memory == ledger_.memories.end() || memory->second.log == disk.log) return;
  if (log == memory->second.log) {
    ledger_.marks.hit(CheckMark::crash_kept_write);
  } else {
    ledger_.marks.hit(log == disk.log ? CheckMark::crash_lost_write : CheckMark::crash_tore_write);
  }
}

}  // namespace libraft::testkit
