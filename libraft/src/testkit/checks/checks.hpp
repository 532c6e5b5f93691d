// Checks: all of them as one Watcher, with one verdict.
//
//     Checks checks({.model = &model, .disks = &view});
//     simulation.watch(checks);
//     ... run, and stop when checks.verdicts().has_violation() ...
//     checks.finish();
#pragma once

#include "core/marks.hpp"
#include "node/marks.hpp"
#include "testkit/checks/bounds_check.hpp"
#include "testkit/checks/client_check.hpp"
#include "testkit/checks/disk_check.hpp"
#include "testkit/checks/liveness_check.hpp"
#include "testkit/checks/promise_check.hpp"
#include "testkit/checks/refinement_check.hpp"
#include "testkit/checks/safety_check.hpp"

#include <libraft/export.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace libraft::testkit {

struct CheckOptions {
  Model* model = nullptr;        ///< what the state machine should answer; null: nodes are compared with each other
  DurableView* disks = nullptr;  ///< null: only what storages report is judged
  /// One message in so many of a node is held to the disk itself; and the first after each recovery.
  std::uint64_t disk_sample_every = 4096;
  /// Steps and messages of the whole cluster in a second of virtual time.
  std::uint64_t events_per_second_max = 1000000;
  bool specification = true;  ///< steps are held to it
};

/// A name and how often it was hit.
using MarkCount = std::pair<std::string_view, std::uint64_t>;

class LIBRAFT_EXPORT Checks final : public Watcher {
 public:
  explicit Checks(const CheckOptions& options);

  [[nodiscard]] const Verdicts& verdicts() const { return ledger_.verdicts; }
  /// For violations that others notice.
  [[nodiscard]] Verdicts& verdicts() { return ledger_.verdicts; }
  [[nodiscard]] LivenessCheck& liveness() { return liveness_; }
  [[nodiscard]] BoundsCheck& bounds() { return bounds_; }
  [[nodiscard]] ClientCheck& clients() { return clients_; }
  [[nodiscard]] PromiseCheck& promises() { return promises_; }
  [[nodiscard]] const LogHistory& history() const { return ledger_.history; }

  /// The run is over, and all that was under way with it: judges what is left, and that what was committed is on the
  /// disks of a quorum (iD8).
  void finish();
  /// Of the cores, of the nodes around them, and of the checks, with zeros, in a fixed order.
  [[nodiscard]] std::vector<MarkCount> marks() const;

  void on_time(TimePoint now) override;
  void on_started(NodeId node, std::uint64_t life) override;
  void on_recovered(NodeId node, const std::optional<RecoveredState>& state) override;
  void on_core_started(NodeId node, const CoreOptions& options, const CoreStart& start,
                       const CoreStatus& status) override;
  void on_core_step(NodeId node, const node::CoreStep& step) override;
  void on_stepped(NodeId node, const Core& core) override;
  void on_gauges(NodeId node, const NodeOptions& options, const node::Gauges& gauges) override;
  void on_failed(NodeId node, const Failure& failure) override;
  void on_stopped(NodeId node) override;
  void on_crashed(NodeId node) override;
  void on_written(NodeId node, const WriteBatch& batch, std::error_code error) override;
  void on_published(NodeId node, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) override;
  void on_applied(NodeId node, LogId id, const Bytes& command, const Bytes& reply) override;
  void on_restored(NodeId node, const SnapshotMeta& meta) override;
  void on_sent(const Message& message) override;
  void on_invoked(const Operation& operation) override;
  void on_ended(const Operation& operation, const Outcome& outcome) override;

 private:
  void keep_marks(NodeId node);

  Ledger ledger_;
  DiskCheck disks_;
  SafetyCheck safety_;
  PromiseCheck promises_;
  ClientCheck clients_;
  BoundsCheck bounds_;
  LivenessCheck liveness_;
  RefinementCheck refinement_;
  const bool has_specification_;
  // Of each node's life, and of lives that are over: in the core, and around it.
  std::map<NodeId, core::Marks> marks_;
  std::array<std::uint64_t, core::kMarkCount> kept_marks_{};
  std::map<NodeId, node::Marks> node_marks_;
  node::Marks kept_node_marks_;
};

}  // namespace libraft::testkit
