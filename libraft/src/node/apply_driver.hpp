// ApplyDriver: what the core wants of the state machine, and what comes of it.
#pragma once

#include "node/apply_pipeline.hpp"
#include "node/event_queue.hpp"
#include "node/pending_requests.hpp"
#include "node/reporter.hpp"
#include "node/snapshot_driver.hpp"

#include <libraft/effects.hpp>
#include <libraft/options.hpp>
#include <libraft/runtime.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/storage.hpp>

#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::node {

/// Protocol lane only. Invariant: requests are told of an applied entry after the core knows of it and before anything
/// that came later: at the end of the round, or earlier when a snapshot takes over.
class ApplyDriver final : private ApplyPipeline::Listener {
 public:
  struct Parts {
    EventQueue& events;
    SnapshotDriver& snapshots;
    PendingRequests& pending;
    Reporter& reporter;
  };

  /// `applied` is what the state machine holds.
  ApplyDriver(const CoreOptions& options, StateMachine& machine, Storage& storage, Runtime& runtime, LogId applied,
              const Parts& parts)
      : parts_(parts),
        pipeline_(machine, storage, runtime, {options.apply_entries_max, options.apply_bytes_max}, applied, *this) {}

  void carry_out(Effects& effects);
  void query(RequestId id, std::string request) { pipeline_.query(id, std::move(request)); }
  /// Tells the requests what was applied.
  void conclude();

  [[nodiscard]] LogId applied() const { return pipeline_.applied(); }
  [[nodiscard]] std::size_t queries() const { return pipeline_.queries(); }
  void close() { pipeline_.close(); }
  void read(Gauges& gauges) const { pipeline_.read(gauges); }

 private:
  void on_applied(AppliedEntries& applied) override;
  void on_restored(const SnapshotMeta& meta) override;
  void on_captured(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task) override;
  void on_answered(RequestId id, Result<Bytes> answer, LogId seen) override;
  void on_apply_failed(std::error_code error, std::string detail) override;
  void tell(AppliedEntries& applied);

  const Parts parts_;
  ApplyPipeline pipeline_;
  std::vector<AppliedEntries> applied_;  // not told yet
};

}  // namespace libraft::node
