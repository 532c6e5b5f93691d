#include "node/snapshot_driver.hpp"

#include <libraft/error.hpp>

#include <utility>

namespace libraft::node {

void SnapshotDriver::carry_out(Effects& effects) {
  for (const SendSnapshotChunk& chunk : effects.snapshot_sends) pipeline_.send(chunk);
  if (effects.snapshot_store) pipeline_.store(*std::move(effects.snapshot_store));
}

std::unique_ptr<SnapshotWriter> SnapshotDriver::take_finished(const SnapshotMeta& meta) {
  return pipeline_.take_finished(meta);
}

void SnapshotDriver::on_published(const SnapshotMeta& meta) {
  pipeline_.on_published();
  if (received_ != meta.last) parts_.reporter.on_snapshot_taken(meta.last);
}

void SnapshotDriver::on_installed(const SnapshotMeta& meta) {
  received_.reset();
  parts_.reporter.on_snapshot_installed(meta.last);
}

void SnapshotDriver::on_snapshot_saved(SnapshotSaved saved) {
  if (saved.error == make_error_code(errc::cancelled)) parts_.reporter.marks().hit(Mark::save_cancelled_by_chunk);
  if (saved.error) {
    parts_.reporter.on_snapshot_not_saved(saved.error);
    parts_.pending.on_snapshot_refused(saved.error);
  }
  parts_.events.deliver(std::move(saved));
}

void SnapshotDriver::on_chunk_stored(SnapshotChunkStored stored) {
  if (stored.error) {
    parts_.reporter.on_chunk_not_stored(stored.error);
  } else {
    received_ = stored.last;
  }
  parts_.events.deliver(stored);
}

void SnapshotDriver::on_chunk_read(const SendSnapshotChunk& send, Bytes data) {
  // Read for a leadership that is over: nobody would understand it.
  const CoreStatus& status = parts_.status;
  if (parts_.events.is_closed()) return;
  if (status.role != Role::leader || status.term != send.term) {
    return parts_.reporter.marks().hit(Mark::chunk_of_former_leadership);
  }
  if (send.offset + data.size() == send.meta.size) ++parts_.reporter.metrics().snapshots_sent;
  Outgoing outgoing;
  outgoing.message.route.to = send.to;
  outgoing.message.body = InstallSnapshot{send.term, send.meta, send.offset, std::move(data)};
  outgoing.after = send.after;
  parts_.sender.submit(std::move(outgoing));
  parts_.events.wake();
}

void SnapshotDriver::on_chunk_not_read(SnapshotSendFailed failed) {
  parts_.events.deliver(failed);
}

void SnapshotDriver::on_snapshot_failed(std::error_code error, std::string detail) {
  parts_.events.fail(error, std::move(detail));
}

}  // namespace libraft::node
