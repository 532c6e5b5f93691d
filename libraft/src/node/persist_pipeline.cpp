#include "node/persist_pipeline.hpp"

#include "node/request.hpp"
#include "util/assert.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace libraft::node {
namespace {

/// How many of the first entries make up `bytes_max`, at least `at_least` of them.
std::size_t fitting(const Entries& entries, std::size_t bytes_max, std::size_t at_least) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const Entry& entry : entries) {
    bytes += charged_bytes(entry);
    if (bytes > bytes_max && count >= at_least) break;
    ++count;
  }
  return count;
}

}  // namespace

bool MergedWrite::can_take(const PersistBatch& batch) const {
  if (is_empty_) return true;
  // A snapshot becomes the newest before its own batch and after all others.
  if (publish_ || batch.publish) return false;
  if (batch.truncate_from && new_start_) {
    // Storage truncates before it moves the start. That is the same only when the cut is in what it has not got yet.
    return !runs_.empty() && runs_.front().front().id.index < *batch.truncate_from;
  }
  if (batch.new_start) {
    // Storage moves the start before it appends.
    if (truncate_from_) return false;
    return runs_.empty() || batch.new_start->index < runs_.front().front().id.index;
  }
  return true;
}

void MergedWrite::take(const PersistBatch& batch, std::size_t entries) {
  is_empty_ = false;
  if (batch.publish) publish_ = batch.publish;
  if (batch.hard_state) hard_state_ = batch.hard_state;
  if (batch.truncate_from) truncate(*batch.truncate_from);
  if (batch.new_start) new_start_ = batch.new_start;
  if (entries != 0) {
    Entries run = batch.entries.slice(0, entries);
    RAFT_ASSERT(runs_.empty() || next(runs_.back().back().id.index) == run.front().id.index, "the log has no gaps");
    bytes_ += charged_bytes(run);
    runs_.push_back(std::move(run));
  }
  if (entries == batch.entries.size()) proves_ = batch.id;
}

void MergedWrite::truncate(LogIndex from) {
  while (!runs_.empty() && runs_.back().back().id.index >= from) {
    Entries& run = runs_.back();
    bytes_ -= charged_bytes(run);
    const LogIndex first = run.front().id.index;
    if (first < from) {
      run = run.slice(0, from.value - first.value);
      bytes_ += charged_bytes(run);
      return;
    }
    runs_.pop_back();
  }
  // Entries before `from` that were not written yet are all that storage lacks: there is nothing to truncate there.
  if (!runs_.empty()) return;
  truncate_from_ = truncate_from_ ? std::min(*truncate_from_, from) : from;
}

std::size_t MergedWrite::entry_count() const {
  std::size_t count = 0;
  for (const Entries& run : runs_) count += run.size();
  return count;
}

WriteBatch MergedWrite::view() {
  WriteBatch batch;
  batch.hard_state = hard_state_;
  batch.truncate_from = truncate_from_;
  batch.new_start = new_start_;
  if (runs_.size() == 1) {
    batch.entries = runs_.front().view();
  } else {
    flattened_.clear();
    for (const Entries& run : runs_) flattened_.insert(flattened_.end(), run.begin(), run.end());
    batch.entries = flattened_;
  }
  return batch;
}

void MergedWrite::clear() {
  is_empty_ = true;
  proves_ = {};
  publish_.reset();
  hard_state_.reset();
  truncate_from_.reset();
  new_start_.reset();
  runs_.clear();
  flattened_.clear();
  bytes_ = 0;
}

void PersistPipeline::submit(PersistBatch batch, std::unique_ptr<SnapshotWriter> snapshot) {
  RAFT_ASSERT(batch.publish.has_value() == (snapshot != nullptr), "a snapshot to publish is finished and at hand");
  if (is_closed_) return;
  if (snapshot) ++publishing_;
  queue_.push_back({std::move(batch), std::move(snapshot)});
  if (!is_writing_ && write_.is_empty()) start_write();
}

void PersistPipeline::on_time(TimePoint now) {
  if (now < retry_at_) return;
  retry_at_ = kNever;
  if (!is_closed_ && !is_writing_ && !write_.is_empty()) submit_job();
}

void PersistPipeline::close() {
  is_closed_ = true;
  retry_at_ = kNever;
  stall_at_ = kNever;
}

void PersistPipeline::release() noexcept {
  queue_.clear();
  snapshot_.reset();
}

void PersistPipeline::read(Gauges& gauges) const {
  gauges.write = {write_.entry_count(), write_.bytes()};
  for (const Queued& queued : queue_) {
    gauges.unwritten.count += queued.batch.entries.size();
    gauges.unwritten.bytes += charged_bytes(queued.batch.entries);
  }
}

void PersistPipeline::start_write() {
  gather();
  if (!write_.is_empty()) submit_job();
}

void PersistPipeline::gather() {
  while (!queue_.empty()) {
    Queued& head = queue_.front();
    if (!write_.can_take(head.batch)) return;
    const std::size_t room = limits_.write_bytes_max - std::min(limits_.write_bytes_max, write_.bytes());
    const std::size_t count = fitting(head.batch.entries, room, write_.has_entries() ? 0 : 1);
    if (count == 0 && !head.batch.entries.empty()) return;
    write_.take(head.batch, count);
    if (head.snapshot) snapshot_ = std::move(head.snapshot);
    if (count < head.batch.entries.size()) {
      // The rest of a batch that is too long for one sync stays first in the queue.
      PersistBatch rest;
      rest.id = head.batch.id;
      rest.entries = head.batch.entries.slice(count, head.batch.entries.size());
      head.batch = std::move(rest);
      return;
    }
    queue_.pop_front();
  }
}

void PersistPipeline::submit_job() {
  is_writing_ = true;
  stall_at_ = deadline_after(runtime_.now(), limits_.disk_stall_max);
  runtime_.submit(Lane::storage, *this);
}

void PersistPipeline::run() noexcept {
  detail_.clear();
  try {
    write_or_publish();
  } catch (const std::exception& exception) {
    error_ = errc::io_error;
    detail_ = exception.what();
  } catch (...) {
    error_ = errc::io_error;
  }
}

void PersistPipeline::write_or_publish() {
  if (snapshot_) {
    publish();
  } else {
    error_ = storage_.write(write_.view());
  }
  if (error_ && detail_.empty()) detail_ = storage_.error_detail();
}

void PersistPipeline::publish() {
  error_ = storage_.publish(std::move(snapshot_), write_.view());
  if (error_ == make_error_code(errc::snapshot_stale)) {
    // A newer one is there already, which serves as well; what goes with it is still to be written.
    error_ = storage_.write(write_.view());
  } else if (error_ == make_error_code(errc::no_space)) {
    // The snapshot is given away. If it became the newest, only what goes with it is missing, and can be tried again.
    const auto newest = storage_.newest_snapshot();
    if (newest && (*newest)->meta() == *write_.publish()) return;
    error_ = errc::io_error;
    detail_ = "the disk was full while a snapshot was published: " + storage_.error_detail();
  }
}

void PersistPipeline::done() noexcept {
  is_writing_ = false;
  stall_at_ = kNever;
  if (is_closed_) return;
  if (error_ == make_error_code(errc::no_space)) {
    wait_for_space();
  } else if (error_) {
    close();
    listener_.on_write_failed(error_, std::move(detail_));
  } else {
    conclude();
  }
}

void PersistPipeline::wait_for_space() {
  const TimePoint now = runtime_.now();
  if (!space_deadline_) {
    space_deadline_ = deadline_after(now, limits_.no_space_max);
    listener_.on_disk_full();
  } else if (now >= *space_deadline_) {
    close();
    const std::string reason = detail_.empty() ? make_error_code(errc::no_space).message() : detail_;
    return listener_.on_write_failed(errc::no_space, "the disk stayed full: " + reason);
  }
  retry_at_ = deadline_after(now, limits_.no_space_retry_interval);
  listener_.on_retry_set();
}

void PersistPipeline::conclude() noexcept {
  try {
    finish_write();
  } catch (const InvariantViolation& violation) {
    close();
    listener_.on_write_failed(errc::invariant_violated, violation.what());
  }
}

void PersistPipeline::finish_write() {
  space_deadline_.reset();
  ++metrics_.writes;
  metrics_.entries_written += write_.entry_count();
  const PersistId proves = write_.proves();
  const std::optional<SnapshotMeta> published = write_.publish();
  if (published) --publishing_;
  write_.clear();
  // The next write starts before anyone is told of this one: the disk need not wait for what follows from it.
  start_write();
  if (published) listener_.on_published(*published);
  if (proves != PersistId{}) listener_.on_persisted(proves);
}

}  // namespace libraft::node
