// ApplyPipeline: everything that touches the state machine, in order, on the apply lane.
#pragma once

#include "node/gauges.hpp"

#include <libraft/effects.hpp>
#include <libraft/runtime.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>
#include <libraft/storage.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

namespace libraft::node {

/// Entries that the state machine has applied. Only commands reach it; their replies are in `batch`, in order.
struct AppliedEntries {
  std::vector<Entries> runs;  // contiguous
  std::optional<ApplyBatch> batch;

  [[nodiscard]] LogId last() const { return runs.back().back().id; }
};

/// Invariant: one job is at the apply lane at most; restore, apply, capture and query happen in the order in which they
/// were submitted, so that a query sees all that was applied before it was asked.
class ApplyPipeline final : private Job {
 public:
  /// All on the protocol lane.
  struct Listener {
    virtual void on_applied(AppliedEntries& applied) = 0;
    virtual void on_restored(const SnapshotMeta& meta) = 0;
    virtual void on_captured(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task) = 0;
    /// `seen` is the last entry that the answer takes into account.
    virtual void on_answered(RequestId id, Result<Bytes> answer, LogId seen) = 0;
    /// User code failed or threw: final.
    virtual void on_apply_failed(std::error_code error, std::string detail) = 0;

   protected:
    ~Listener() = default;
  };
  struct Limits {
    std::size_t entries_max = 0;
    std::size_t bytes_max = 0;
  };

  /// `applied` is what the state machine holds.
  ApplyPipeline(StateMachine& machine, Storage& storage, Runtime& runtime, Limits limits, LogId applied,
                Listener& listener)
      : machine_(machine),
        storage_(storage),
        runtime_(runtime),
        limits_(limits),
        listener_(listener),
        applied_(applied),
        lane_applied_(applied) {}

  void restore(const SnapshotMeta& meta);
  void apply(Entries entries);
  void capture(const TakeSnapshot& what);
  void query(RequestId id, std::string request);

  /// What the state machine is known to have applied.
  [[nodiscard]] LogId applied() const { return applied_; }
  [[nodiscard]] bool is_idle() const { return !is_running_; }
  /// Queries that are not answered, whoever still waits for them.
  [[nodiscard]] std::size_t queries() const { return queries_; }
  /// Entries and queries, at the lane and waiting for it.
  void read(Gauges& gauges) const;
  /// Starts nothing more. What is under way ends, and nobody is told.
  void close();

 private:
  struct Restore {
    SnapshotMeta meta;
  };
  struct Capture {
    TakeSnapshot what;
    std::unique_ptr<SnapshotTask> task;
  };
  struct Query {
    RequestId id;
    std::string request;
    Result<Bytes> answer = errc::cancelled;
    LogId seen;
  };
  using Task = std::variant<Restore, AppliedEntries, Capture, Query>;

  void add(Task task);
  void start();
  void gather();
  void run() noexcept override;
  void done() noexcept override;
  void carry_out(Restore& task);
  void carry_out(AppliedEntries& task);
  void carry_out(Capture& task);
  void carry_out(Query& task);
  void report(Restore& task);
  void report(AppliedEntries& task);
  void report(Capture& task);
  void report(Query& task);

  StateMachine& machine_;
  Storage& storage_;
  Runtime& runtime_;
  const Limits limits_;
  Listener& listener_;

  std::deque<Task> queue_;
  bool is_running_ = false;
  bool is_closed_ = false;
  LogId applied_;
  Fill at_lane_;             // entries
  std::size_t queries_ = 0;  // at the lane, and waiting for it

  // The apply lane's while is_running_.
  std::vector<Task> tasks_;
  std::size_t carried_out_ = 0;
  LogId lane_applied_;
  std::error_code error_;
  std::string detail_;
};

}  // namespace libraft::node
