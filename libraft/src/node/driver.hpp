// Driver: tells the core what happened and carries out what it wants, through the pipelines, until nothing is left.
#pragma once

#include "node/apply_pipeline.hpp"
#include "node/log_reader.hpp"
#include "node/pending_requests.hpp"
#include "node/persist_pipeline.hpp"
#include "node/reporter.hpp"
#include "node/request.hpp"
#include "node/send_pipeline.hpp"
#include "node/snapshot_pipeline.hpp"

#include <libraft/core.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::node {

/// Protocol lane only. Events are handled one after the other, never one inside another: what comes while one is
/// handled waits in a queue.
class Driver final : private PersistPipeline::Listener,
                     private LogReader::Listener,
                     private ApplyPipeline::Listener,
                     private SnapshotPipeline::Listener,
                     private PendingRequests::QueryStarter {
 public:
  struct Host {
    /// The core or something around it broke. The driver is closed.
    virtual void on_driver_failed(Failure failure) = 0;
    /// A round of events is carried out: what others can see of the node may have changed.
    virtual void on_round() = 0;
    /// After the requests that the round concludes were told.
    virtual void on_settled() = 0;

   protected:
    ~Host() = default;
  };
  struct Parts {
    Storage& storage;
    Transport& transport;
    StateMachine& machine;
    Runtime& runtime;
    Reporter& reporter;
    Host& host;
  };

  /// `options` as they are after the transport's limits; `applied` is what the state machine holds.
  Driver(const NodeOptions& options, const Parts& parts, const CoreStart& start, LogId applied);

  /// Tells the transport whom to send to. Once it is started.
  void announce_peers();

  // Events and requests. Between begin_round and end_round they gather, and are handled together at its end.

  void begin_round() { is_in_round_ = true; }
  void end_round();
  void deliver(Event event);
  void ask(Request request);
  void on_time(TimePoint now);
  [[nodiscard]] TimePoint next_deadline();

  [[nodiscard]] const CoreStatus& status() const { return status_; }
  [[nodiscard]] const Core& core() const { return core_; }
  [[nodiscard]] std::size_t requests_waiting() const { return pending_.size() + gathered_; }

  // The end.

  /// Starts nothing more and sends nothing more; jobs on the lanes end unheard.
  void close();
  /// Ends all requests: those that had no effect with `harmless`.
  void end_requests(std::error_code harmless);
  /// After close, when the lanes are idle, on the storage lane: lets go of all that belongs to the storage.
  void release() noexcept;

 private:
  /// Consecutive proposals that become one event.
  struct ProposalGroup {
    std::optional<Term> only_in_term;
    std::vector<ProposeRequest> requests;
  };

  // Events.
  void run();
  void run_round();
  void step(const Event& event);
  void settle_proposal(const ProposalOutcome& outcome);
  void carry_out();
  void carry_out(PersistBatch batch);
  void follow_up(const CoreStatus& before);
  void conclude_applied();
  void conclude_snapshots();
  void fail(std::error_code error, std::string reason);

  // Requests.
  void take(ProposeRequest request);
  void take(ReadIndexRequest request);
  void take(QueryRequest request);
  void take(WaitAppliedRequest request);
  void take(WaitLeaderRequest request);
  void take(TransferRequest request);
  void take(SnapshotRequest request);
  void take(StartRequest request);
  void take(StopRequest request);
  [[nodiscard]] RequestId read_group();
  void hand_over_proposals();
  void hand_over_reads();
  void hand_over();

  // What the pipelines tell.
  void on_persisted(PersistId upto) override;
  void on_published(const SnapshotMeta& meta) override;
  void on_disk_full() override;
  void on_retry_set() override;
  void on_write_failed(std::error_code error, std::string detail) override;
  void on_log_read(LogRead answer) override;
  void on_read_failed(std::error_code error, std::string detail) override;
  void on_applied(AppliedEntries& applied) override;
  void on_restored(const SnapshotMeta& meta) override;
  void on_captured(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task) override;
  void on_answered(RequestId id, Result<Bytes> answer, LogId seen) override;
  void on_apply_failed(std::error_code error, std::string detail) override;
  void on_snapshot_saved(SnapshotSaved saved) override;
  void on_chunk_stored(SnapshotChunkStored stored) override;
  void on_chunk_read(const SendSnapshotChunk& send, Bytes data) override;
  void on_chunk_not_read(SnapshotSendFailed failed) override;
  void on_snapshot_failed(std::error_code error, std::string detail) override;
  void start_query(RequestId id, std::string query) override;

  [[nodiscard]] bool is_leader() const { return status_.role == Role::leader; }

  const NodeOptions& options_;
  Transport& transport_;
  Runtime& runtime_;
  Reporter& reporter_;
  Host& host_;
  const NodeId self_;

  Core core_;
  CoreStatus status_;
  Effects effects_;
  std::deque<Event> events_;
  Configuration announced_;
  bool is_running_ = false;
  bool is_in_round_ = false;
  bool is_closed_ = false;

  PersistPipeline persist_;
  LogReader log_reader_;
  SendPipeline sender_;
  ApplyPipeline apply_;
  SnapshotPipeline snapshots_;
  std::optional<LogId> received_snapshot_;  // whole, and on its way to be published
  LogId concluded_snapshot_;

  PendingRequests pending_;
  std::vector<AppliedEntries> applied_;  // whose proposals are to be told at the end of the round
  ProposalGroup proposals_group_;        // gathering
  std::size_t proposals_group_bytes_ = 0;
  std::deque<ProposalGroup> proposals_;  // handed over; one for each Propose among the events
  std::size_t gathered_ = 0;             // requests in the groups
  std::optional<RequestId> read_group_;  // gathering
};

}  // namespace libraft::node
