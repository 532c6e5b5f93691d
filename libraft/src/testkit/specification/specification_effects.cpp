// What came out for the disk, the state machine and those who asked.
#include "testkit/specification/specification.hpp"

#include <algorithm>

namespace libraft::testkit {

/// What the step changed is written, no more and no less (§3.8).
void Specification::judge_batch(const CoreStep& step) {
  const HardState hard_state{term_, vote_};
  const bool has_changed = hard_state != turn_.hard_state;
  const auto& batch = step.effects.persist;
  if (!batch) {
    must(!has_changed, "term {} and its vote are not written (§3.8)", term_.value);
    must(!turn_.cut && turn_.appended == 0, "entries up to {} are not written (§3.8)", log_.last().index.value);
    return;
  }
  must(batch->id == disk_.next_id(), "write {} follows write {}", batch->id.value, disk_.newest().value);
  must(batch->hard_state ? *batch->hard_state == hard_state : !has_changed,
       "the write does not say term {} with its vote (§3.8)", term_.value);
  if (batch->publish) judge_publish(step, *batch->publish);
  judge_cut(*batch);
  if (batch->new_start || turn_.is_installed) judge_new_start(*batch);
  judge_written(batch->entries);
  disk_.hand_out(*batch, log_.last().index);
}

/// A snapshot becomes the newest when it is whole on disk: saved by the own machine, or received (§5.1, figure 5.3).
void Specification::judge_publish(const CoreStep& step, const SnapshotMeta& meta) {
  const auto* saved = std::get_if<SnapshotSaved>(&step.event);
  const auto* stored = std::get_if<SnapshotChunkStored>(&step.event);
  must((saved != nullptr && !saved->error && saved->meta == meta && taking_ == meta.last) ||
           (stored != nullptr && !stored->error && turn_.chunk_last == meta.last && stored->next_offset == meta.size),
       "a snapshot up to {} is published that is not whole (§5)", meta.last.index.value);
  must(meta.last > disk_.newest_snapshot(), "a snapshot up to {} is published after one up to {} (§5)",
       meta.last.index.value, disk_.newest_snapshot().index.value);
}

void Specification::judge_cut(const PersistBatch& batch) {
  if (!turn_.is_installed) {
    must(batch.truncate_from == turn_.cut, "the log is cut from {} on, and must be from {} on (§3.5; 0: not at all)",
         batch.truncate_from.value_or(LogIndex{}).value, turn_.cut.value_or(LogIndex{}).value);
    return;
  }
  // Nothing of the log may stay after the snapshot that contradicts it.
  const LogIndex last = batch.publish->last.index;
  must(batch.truncate_from ? *batch.truncate_from > log_.start().index && *batch.truncate_from <= next(last)
                           : log_.last().index <= last,
       "entries after the snapshot up to {} stay, which replaces the log (figure 5.3)", last.value);
  if (batch.truncate_from) disk_.cut(*batch.truncate_from);
}

/// The log starts no later than the newest snapshot that is safely on disk (§5.1).
void Specification::judge_new_start(const PersistBatch& batch) {
  const LogId start = batch.new_start.value_or(LogId{});
  if (turn_.is_installed) {
    must(start == batch.publish->last, "a log that a snapshot up to {} replaces starts after {} (figure 5.3)",
         batch.publish->last.index.value, start.index.value);
    log_.begin_after(start);
    return;
  }
  must(start.index > disk_.newest_start().index && log_.has(start),
       "the log is made to start after {}, which it has not (§5)", start.index.value);
  // What one write publishes is on disk before its new start is: a write takes effect part by part.
  const LogIndex covered = batch.publish ? batch.publish->last.index : disk_.snapshot().index;
  must(start.index <= covered,
       "the log is made to start after {}, and the newest snapshot that is on disk reaches to {} (§5.1)",
       start.index.value, covered.value);
}

void Specification::judge_written(const Entries& entries) {
  if (!must(entries.size() == turn_.appended, "{} entries are written, and must be {} (§3.5)", entries.size(),
            turn_.appended)) {
    return;
  }
  LogIndex index{log_.last().index.value - turn_.appended};
  std::size_t place = turn_.entries.size() - (turn_.entries.empty() ? 0 : turn_.appended);
  for (const Entry& entry : entries) {
    index = next(index);
    bool is_right = entry.id.index == index && log_.has(entry.id);
    if (!turn_.entries.empty()) {
      is_right = is_right && entry.kind == turn_.entries[place].kind && is_same(entry.data, turn_.entries[place].data);
    } else if (!turn_.commands.empty()) {
      is_right = is_right && entry.kind == EntryKind::command && is_same(entry.data, turn_.commands[place]);
    } else {
      is_right = is_right && entry.kind == EntryKind::noop && entry.data.empty();
    }
    ++place;
    must(is_right, "entry {} of term {} is written, and must be another one (§3.5)", entry.id.index.value,
         entry.id.term.value);
  }
}

/// Committed entries go to the machine in their order, each once (§3.5, §3.8).
void Specification::judge_machine(const CoreStep& step) {
  const Effects& effects = step.effects;
  if (effects.restore) {
    const LogId last = effects.restore->meta.last;
    must(last == disk_.snapshot() && last.index > handed_out_,
         "the machine is restored to {}; it has {}, and the snapshot on disk covers {} (figure 5.3)", last.index.value,
         handed_out_.value, disk_.snapshot().index.value);
    handed_out_ = std::max(handed_out_, last.index);
  }
  for (const Entries& entries : effects.apply) {
    for (const Entry& entry : entries) {
      must(entry.id.index == next(handed_out_), "entry {} is applied after {} (§3.5)", entry.id.index.value,
           handed_out_.value);
      must(entry.id.index <= commit_, "entry {} is applied, and committed is {} (§3.5)", entry.id.index.value,
           commit_.value);
      must(!applies_durable_only_ || entry.id.index <= disk_.durable(),
           "entry {} is applied, and the log is on disk up to {} only", entry.id.index.value, disk_.durable().value);
      must(log_.has(entry.id), "entry {} of term {} is applied, which the log has not (§3.5)", entry.id.index.value,
           entry.id.term.value);
      handed_out_ = entry.id.index;
    }
  }
  if (std::holds_alternative<SnapshotSaved>(step.event)) taking_.reset();
  if (effects.take_snapshot) judge_taken(*effects.take_snapshot);
}

/// A snapshot of what the machine has, which is committed and on disk (§5.1).
void Specification::judge_taken(const TakeSnapshot& take) {
  must(take.last.index == handed_out_ && log_.has(take.last), "a snapshot up to {} is taken of a machine that has {}",
       take.last.index.value, handed_out_.value);
  must(take.last.index <= disk_.durable(), "a snapshot up to {} is taken, and the log is on disk up to {} (§5.1)",
       take.last.index.value, disk_.durable().value);
  must(take.last > disk_.newest_snapshot(), "a snapshot up to {} is taken again", take.last.index.value);
  must(!taking_, "a snapshot is taken while another one is");
  must(take.configuration.value == configuration_, "a snapshot is taken with another configuration (§5)");
  taking_ = take.last;
  is_offered_ = receiving_.has_value();
}

/// Each request ends once.
void Specification::judge_outcomes(const CoreStep& step) {
  const Effects& effects = step.effects;
  must(effects.proposal.has_value() == std::holds_alternative<Propose>(step.event),
       "a proposal has no outcome, or an outcome no proposal");
  for (const ReadOutcome& outcome : effects.reads) judge_read(step, outcome);
  must(role_ == Role::leader || reads_.empty(), "a read goes on though the node does not lead (§6.4)");
  for (const TransferOutcome& outcome : effects.transfers) judge_transfer(step, outcome);
  must(role_ == Role::leader || transfers_.empty(), "a transfer goes on though the node does not lead (§3.10)");
}

/// A read is confirmed by a leader that has committed in its term, by a quorum that answered what was sent after the
/// read was asked for, and with no smaller index than was committed then (§6.4).
void Specification::judge_read(const CoreStep& step, const ReadOutcome& outcome) {
  const auto found = reads_.find(outcome.id);
  if (!must(found != reads_.end(), "read {} ends, which does not wait", outcome.id.value)) return;
  const Read read = found->second;
  reads_.erase(found);
  if (outcome.error) {
    const auto* asked = std::get_if<ReadIndexRequested>(&step.event);
    must(role_ != Role::leader || (asked != nullptr && asked->id == outcome.id),
         "read {} fails on a leader that had taken it (§6.4)", outcome.id.value);
    return;
  }
  if (!must(role_ == Role::leader, "read {} is confirmed by a node that does not lead (§6.4)", outcome.id.value))
    return;
  must(has_committed_in_term(), "read {} is confirmed before the leader of term {} committed in it (§6.4)",
       outcome.id.value, term_.value);
  must(outcome.index >= std::max(read.floor, leadership_.term_start) && outcome.index <= commit_,
       "read {} is confirmed with index {}; {} was committed when it was asked, {} is now (§6.4)", outcome.id.value,
       outcome.index.value, std::max(read.floor, leadership_.term_start).value, commit_.value);
  const bool is_confirmed = is_quorum([&](NodeId id) {
    const auto follower = leadership_.followers.find(id);
    return id == self_.node ||
           (follower != leadership_.followers.end() && follower->second.read_acknowledged > read.sent_before);
  });
  must(is_confirmed, "read {} is confirmed, and no quorum answered what was sent after it (§6.4)", outcome.id.value);
}

void Specification::judge_transfer(const CoreStep& step, const TransferOutcome& outcome) {
  const auto found = transfers_.find(outcome.id);
  if (!must(found != transfers_.end(), "transfer {} ends, which does not wait", outcome.id.value)) return;
  const Transfer transfer = found->second;
  transfers_.erase(found);
  // To whom leads already it is done at once.
  const bool is_here = role_ == Role::leader && transfer.target == self_.node;
  const bool is_taken_over = transfer.is_asked && step.before.role == Role::leader && step.before.term < term_;
  must(outcome.error || is_here || is_taken_over,
       "transfer {} is said to be done, and no later term took over from a target that was told to campaign (§3.10)",
       outcome.id.value);
}

/// What is read back is on disk.
void Specification::judge_reading(const Effects& effects) {
  for (const ReadLog& read : effects.log_reads) {
    must(read.first <= read.last && read.first > log_.start().index && read.last <= disk_.durable(),
         "entries {} to {} are read; the log has {} to {} on disk", read.first.value, read.last.value,
         log_.start().index.value + 1, disk_.durable().value);
  }
}

}  // namespace libraft::testkit
