// RequestDriver: takes requests, brings to the core what is for the core, and tells what came of it.
#pragma once

#include "node/event_queue.hpp"
#include "node/pending_requests.hpp"
#include "node/reporter.hpp"
#include "node/request.hpp"
#include "node/request_groups.hpp"

#include <libraft/core.hpp>
#include <libraft/effects.hpp>

#include <cstddef>
#include <string>
#include <system_error>

namespace libraft::node {

class ApplyDriver;

/// Protocol lane only. Invariant: a request that is taken is in `groups_` or in `pending_` until it ends.
class RequestDriver final : private PendingRequests::QueryStarter {
 public:
  struct Parts {
    EventQueue& events;
    ApplyDriver& apply;
    const CoreStatus& status;  ///< after the last step
    Reporter& reporter;
  };

  RequestDriver(const NodeOptions& options, NodeId self, const Parts& parts);

  void ask(Request request);
  /// What gathered becomes events.
  void hand_over() { groups_.hand_over(); }

  /// The core's word on proposals: before what else the step brought is carried out, for entries may be applied by
  /// then.
  void settle_proposals(const Effects& effects);
  /// The core's word on reads and transfers.
  void carry_out(const Effects& effects);
  /// The core made a step.
  void on_step(const CoreStatus& before);
  /// At the end of a round: the newest snapshot may be what some wait for.
  void conclude();

  void on_time(TimePoint now) { marks_.add(Mark::request_timed_out, pending_.on_time(now)); }
  [[nodiscard]] TimePoint next_deadline() { return pending_.next_deadline(); }
  [[nodiscard]] std::size_t size() const { return pending_.size() + groups_.size(); }
  [[nodiscard]] PendingRequests& pending() { return pending_; }
  /// Ends all: those that had no effect with `harmless`.
  void end_all(std::error_code harmless);

 private:
  void take(ProposeRequest request);
  void take(ReadIndexRequest request);
  void take(QueryRequest request);
  void take(WaitAppliedRequest request);
  void take(WaitLeaderRequest request);
  void take(TransferRequest request);
  void take(SnapshotRequest request);
  void take(StartRequest request);
  void take(StopRequest request);
  void start_query(RequestId id, std::string query) override;
  [[nodiscard]] LogIndex applied() const;
  [[nodiscard]] bool is_leader() const { return status_.role == Role::leader; }

  const NodeOptions& options_;
  const NodeId self_;
  EventQueue& events_;
  ApplyDriver& apply_;
  const CoreStatus& status_;
  Marks& marks_;
  PendingRequests pending_;
  RequestGroups groups_;
  LogId concluded_snapshot_;
};

}  // namespace libraft::node
