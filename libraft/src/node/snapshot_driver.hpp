// SnapshotDriver: what the core wants of snapshots, and what comes of it.
#pragma once

#include "node/event_queue.hpp"
#include "node/pending_requests.hpp"
#include "node/reporter.hpp"
#include "node/send_pipeline.hpp"
#include "node/snapshot_pipeline.hpp"

#include <libraft/core.hpp>
#include <libraft/effects.hpp>
#include <libraft/runtime.hpp>
#include <libraft/storage.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace libraft::node {

/// Protocol lane only. Invariant: `received_` is a snapshot that came from a leader as long as it is whole and the
/// state machine does not hold it yet, so that a publish is told as what it is.
class SnapshotDriver final : private SnapshotPipeline::Listener {
 public:
  struct Parts {
    EventQueue& events;
    SendPipeline& sender;
    PendingRequests& pending;
    Reporter& reporter;
    const CoreStatus& status;  ///< after the last step
  };

  SnapshotDriver(Storage& storage, Runtime& runtime, const Parts& parts)
      : parts_(parts), pipeline_(storage, runtime, *this) {}

  void carry_out(Effects& effects);
  void save(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task) { pipeline_.save(what, std::move(task)); }
  /// The finished writer of what is to be published; null when it is not at hand.
  [[nodiscard]] std::unique_ptr<SnapshotWriter> take_finished(const SnapshotMeta& meta);
  void on_published(const SnapshotMeta& meta);
  /// The state machine holds what came from the leader.
  void on_installed(const SnapshotMeta& meta);

  void on_time(TimePoint now) { pipeline_.on_time(now); }
  [[nodiscard]] TimePoint next_deadline() const { return pipeline_.next_deadline(); }
  void close() { pipeline_.close(); }
  void read(Gauges& gauges) const { pipeline_.read(gauges); }
  void release() noexcept { pipeline_.release(); }

 private:
  void on_snapshot_saved(SnapshotSaved saved) override;
  void on_chunk_stored(SnapshotChunkStored stored) override;
  void on_chunk_read(const SendSnapshotChunk& send, Bytes data) override;
  void on_chunk_not_read(SnapshotSendFailed failed) override;
  void on_snapshot_failed(std::error_code error, std::string detail) override;

  const Parts parts_;
  SnapshotPipeline pipeline_;
  std::optional<LogId> received_;
};

}  // namespace libraft::node
