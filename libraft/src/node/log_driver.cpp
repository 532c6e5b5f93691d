#include "node/log_driver.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace libraft::node {

LogDriver::LogDriver(const NodeOptions& options, Storage& storage, Runtime& runtime, const Parts& parts)
    : parts_(parts),
      persist_(storage, runtime,
               {options.write_bytes_max, options.no_space_retry_interval, options.no_space_max, options.disk_stall_max},
               *this, parts.reporter.metrics()),
      reader_(storage, runtime, *this) {}

void LogDriver::write(PersistBatch batch) {
  if (batch.hard_state && parts_.sender.drop_older_than(batch.hard_state->term) != 0) {
    parts_.reporter.marks().hit(Mark::held_messages_dropped_with_term);
  }
  std::unique_ptr<SnapshotWriter> snapshot;
  if (batch.publish) snapshot = parts_.snapshots.take_finished(*batch.publish);
  persist_.submit(std::move(batch), std::move(snapshot));
}

// Time.

void LogDriver::on_time(TimePoint now) {
  persist_.on_time(now);
  if (stall_deadline() > now) return;
  persist_.acknowledge_stall();
  parts_.reporter.marks().hit(Mark::disk_stalled);
  parts_.reporter.on_disk_stall();
  parts_.events.deliver(StepDownRequested{});
}

TimePoint LogDriver::next_deadline() const {
  return std::min(persist_.next_deadline(), stall_deadline());
}

/// Only a leader's slow disk is in the way of others.
TimePoint LogDriver::stall_deadline() const {
  return parts_.status.role == Role::leader ? persist_.stall_deadline() : kNever;
}

void LogDriver::close() {
  persist_.close();
  reader_.close();
}

// What the pipelines tell.

void LogDriver::on_persisted(PersistId upto) {
  if (std::exchange(is_disk_full_, false)) parts_.reporter.marks().hit(Mark::disk_full_recovered);
  parts_.sender.on_persisted(upto);
  parts_.events.deliver(Persisted{upto});
}

void LogDriver::on_published(const SnapshotMeta& meta) {
  parts_.snapshots.on_published(meta);
}

void LogDriver::on_disk_full() {
  is_disk_full_ = true;
  parts_.reporter.marks().hit(Mark::disk_full_met);
  parts_.reporter.on_disk_full();
  if (parts_.status.role == Role::leader) parts_.events.deliver(StepDownRequested{});
}

void LogDriver::on_retry_set() {
  parts_.events.settle();
}

void LogDriver::on_write_failed(std::error_code error, std::string detail) {
  parts_.reporter.marks().hit(Mark::node_failed_by_write);
  parts_.events.fail(error, "the storage could not write: " + (detail.empty() ? error.message() : detail));
}

void LogDriver::on_log_read(LogRead answer) {
  parts_.events.deliver(std::move(answer));
}

void LogDriver::on_read_failed(std::error_code error, std::string detail) {
  parts_.events.fail(error, "the storage could not read the log: " + (detail.empty() ? error.message() : detail));
}

}  // namespace libraft::node
