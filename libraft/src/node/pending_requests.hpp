// PendingRequests: the requests that wait for something. Each ends exactly once.
//
//     proposal     its entry is applied: done; another one is applied in its place: certainly not done; else unknown
//     read         confirmed by the core -> applied far enough -> done, or the query runs on the apply lane -> done
//     others       wait for an applied index, a leader, another leader, a snapshot
#pragma once

#include "node/deadlines.hpp"
#include "node/request.hpp"

#include <libraft/result.hpp>
#include <libraft/types.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace libraft::node {

class PendingRequests {
 public:
  /// A query whose turn has come.
  struct QueryStarter {
    virtual void start_query(RequestId id, std::string query) = 0;

   protected:
    ~QueryStarter() = default;
  };

  explicit PendingRequests(QueryStarter& queries) : queries_(queries) {}

  // Proposals. All that wait are of one term: the term that this node leads in.

  /// `request` became the entry `id`, behind all that wait.
  void add_proposal(LogId id, ProposeRequest request);
  /// `id` was applied; `reply` is the state machine's, for a command. Entries come in order.
  void on_entry_applied(LogId id, Bytes reply);
  [[nodiscard]] bool has_proposals() const { return !proposals_.empty(); }
  /// This node leads no more in the term of the proposals. Those at or below `committed` will be applied; what becomes
  /// of the others is unknown.
  void on_leadership_lost(LogIndex committed);
  /// A snapshot took the place of the entries up to `upto`: their replies are lost.
  void on_entries_skipped(LogIndex upto);

  // Reads.

  /// The reads of a group share one confirmation.
  [[nodiscard]] RequestId begin_read_group();
  void add_read(RequestId group, ReadIndexRequest request);
  void add_read(RequestId group, QueryRequest request);
  /// The core's word on a group. `applied` is what is applied now.
  void on_read_confirmed(RequestId group, LogIndex index, LogIndex applied);
  void on_read_refused(RequestId group, std::error_code error);
  /// A query that needs no confirmation.
  void add_local_query(QueryRequest request);
  void on_query_answered(RequestId id, Result<Bytes> answer, LogId seen);

  // Others.

  void add_wait_applied(WaitAppliedRequest request);
  void add_wait_leader(WaitLeaderRequest request);
  [[nodiscard]] RequestId add_transfer(TransferRequest request);
  void on_transfer_ended(RequestId id, std::error_code error);
  /// The target took over, or is about to: done when it is known to lead.
  void on_transfer_accepted(RequestId id);
  /// Done when a snapshot at `index` or later is the newest.
  void add_wait_snapshot(LogIndex index, SnapshotRequest request);
  void on_snapshot_published(LogId last);
  void on_snapshot_refused(std::error_code error);
  [[nodiscard]] bool has_snapshot_waits() const { return !snapshot_waits_.empty(); }

  void on_applied(LogIndex applied);
  void on_leader_known(NodeId leader, NodeId self);

  // Time and end.

  /// Ends those whose time is over. How many.
  std::size_t on_time(TimePoint now);
  [[nodiscard]] TimePoint next_deadline();
  [[nodiscard]] std::size_t size() const { return live_proposals_ + waiters_.size(); }
  /// Ends all: what may have had an effect with errc::interrupted, what certainly had none with `harmless`.
  void end_all(std::error_code harmless);

 private:
  struct Proposal {
    LogId id;
    TimePoint deadline;
    Completion<Applied> done;  // empty: ended already
  };
  struct ReadIndexWait {
    Completion<LogIndex> done;
    LogIndex index;
  };
  struct QueryWait {
    std::string query;
    Completion<Applied> done;
    LogIndex index;
  };
  struct AppliedWait {
    Completion<LogIndex> done;
    LogIndex index;
  };
  struct LeaderWait {
    Completion<NodeId> done;
  };
  struct TransferWait {
    Completion<> done;
  };
  struct SnapshotWait {
    LogIndex index;
    Completion<LogId> done;
  };
  using Wait = std::variant<ReadIndexWait, QueryWait, AppliedWait, LeaderWait, TransferWait, SnapshotWait>;
  struct Waiter {
    TimePoint deadline;
    Wait wait;
  };
  using Waiters = std::map<RequestId, Waiter>;

  struct DeadlineKey {
    bool is_proposal = false;
    std::uint64_t number = 0;  // an index or a RequestId
    friend auto operator<=>(const DeadlineKey&, const DeadlineKey&) = default;
  };

  RequestId add(TimePoint deadline, Wait wait);
  [[nodiscard]] std::optional<Wait> take(RequestId id);
  void end(Wait wait, std::error_code error);
  void end_proposal(Proposal& proposal, std::error_code error, Applied applied);
  [[nodiscard]] Proposal* find_proposal(std::uint64_t index);
  void await_applied(RequestId id, LogIndex index, LogIndex applied);
  void on_index_reached(RequestId id, LogIndex applied);
  [[nodiscard]] bool is_alive(const DeadlineKey& key, TimePoint at);

  QueryStarter& queries_;
  std::deque<Proposal> proposals_;  // contiguous in index or with gaps, ascending
  std::size_t live_proposals_ = 0;
  RequestId last_id_;
  Waiters waiters_;
  std::map<RequestId, std::vector<RequestId>> read_groups_;
  std::set<std::pair<LogIndex, RequestId>> by_index_;
  std::set<RequestId> leader_waits_;
  std::set<RequestId> accepted_transfers_;
  std::set<RequestId> snapshot_waits_;
  Deadlines<DeadlineKey> deadlines_;
};

}  // namespace libraft::node
