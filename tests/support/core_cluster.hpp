// A cluster of Cores without threads, files or sockets: each with a disk that may forget, and a network in which
// messages wait until they are delivered, dropped or repeated. Checks the safety rules of Raft at every move.
#pragma once

#include "core/marks.hpp"
#include "support/core_disk.hpp"

#include <libraft/core.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::test {

struct CoreNode {
  NodeId id;
  std::optional<Core> core;  ///< nullopt: crashed
  CoreDisk disk;
  std::deque<PersistBatch> writes;  ///< handed out, not durable
  PersistId persisted;
  std::vector<Outgoing> held;                        ///< messages that wait for a write
  std::deque<std::function<Event(CoreNode&)>> jobs;  ///< of the state machine and the disk, in order
  std::string state;                                 ///< of the machine: a running digest of the commands
  LogIndex applied;
  Term acknowledged_in;   ///< the term of the newest acknowledgement that left this node
  LogIndex acknowledged;  ///< and what it says is durable here
  std::string incoming;   ///< a snapshot on its way in
  std::optional<ProposalOutcome> proposal;
  std::vector<ReadOutcome> reads;
  std::vector<TransferOutcome> transfers;
  std::map<RequestId, LogIndex> asked_at;  ///< what was committed anywhere when a read was asked for
  bool holds_writes = false;               ///< settling leaves its writes where they are
  bool holds_jobs = false;                 ///< and its jobs
};

class CoreCluster {
 public:
  CoreCluster(std::size_t voters, CoreOptions options, std::uint64_t seed);

  [[nodiscard]] CoreNode& node(std::uint64_t id) { return nodes_.at(NodeId{id}); }
  [[nodiscard]] std::deque<Message>& network() { return network_; }
  [[nodiscard]] TimePoint now() const { return now_; }

  // One move each.
  void step(CoreNode& node, const Event& event);
  /// Delivers the oldest message that is under way, or drops it where its receiver is down.
  void deliver(std::size_t position);
  void drop(std::size_t position) { network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(position)); }
  void duplicate(std::size_t position) { network_.push_back(network_[position]); }
  /// The oldest write of the node becomes durable.
  void persist(CoreNode& node);
  /// The node crashes in its oldest write, of which only a beginning is on disk: so many parts, in the order hard
  /// state, truncation, entry by entry.
  void crash_in_write(CoreNode& node, std::size_t parts);
  /// The oldest job (apply, snapshot, log read) is done.
  void run_job(CoreNode& node);
  /// The oldest job fails: a snapshot or a chunk was not saved, entries were not read.
  void fail_job(CoreNode& node, std::error_code error);
  void crash(CoreNode& node);
  void restart(CoreNode& node);
  /// Moves time to the node's deadline and tells it.
  void time_out(CoreNode& node);
  /// Time passes, and nobody is told.
  void pass_time(Duration duration) { now_ += duration; }

  // Many moves.
  /// Delivers, persists and applies until nothing is left to do. Time stands still.
  void settle();
  /// Lets time pass by `duration`, settling at each deadline.
  void run_for(Duration duration);
  /// Runs until some node leads and its term's no-op is committed; false when none does in 60 s of virtual time.
  bool elect();
  [[nodiscard]] CoreNode* leader();
  [[nodiscard]] std::vector<CoreNode*> nodes();
  /// Which messages get through while settling; all by default.
  std::function<bool(const Message&)> passes;
  /// Which messages stay under way while settling; none by default.
  std::function<bool(const Message&)> holds;

  [[nodiscard]] const std::map<LogIndex, LogId>& committed() const { return committed_; }
  using MarkCounts = std::array<std::uint64_t, core::kMarkCount>;
  /// How often each mark was hit, by those that crashed too.
  [[nodiscard]] MarkCounts marks() const;

 private:
  /// What an entry's id stands for, everywhere and for ever.
  struct Appended {
    LogId previous;
    Bytes data;
  };

  void carry_out(CoreNode& node, Effects& effects);
  void queue_reads(CoreNode& node, const Effects& effects);
  void queue_machine_jobs(CoreNode& node, const Effects& effects);
  void queue_snapshot_writes(CoreNode& node, const Effects& effects);
  void release(CoreNode& node);
  void note_said(const Message& message);
  bool settle_network();
  void check_promise(CoreNode& node, const Message& message) const;
  void check_match(const CoreNode& node, const AppendEntriesReply& reply) const;
  void check_acknowledged(const CoreNode& node) const;
  void check_new_leader(const CoreNode& node) const;
  void check_repeatable(Core copy, const Event& event, const CoreNode& node, const Effects& effects) const;
  void check_matching(LogId previous, const std::vector<Entry>& entries);
  void check_commit(const CoreNode& node);
  void check_read(const CoreNode& node, const ReadOutcome& read) const;
  void apply(CoreNode& node, const Entries& entries);

  CoreOptions options_;
  Configuration configuration_;
  std::uint64_t seed_;
  MarkCounts marks_of_the_dead_{};
  TimePoint now_{};
  std::uint64_t steps_ = 0;
  std::map<NodeId, CoreNode> nodes_;
  std::deque<Message> network_;
  std::map<Term, NodeId> leaders_;                 ///< iS1: one for each term, for ever
  std::map<LogIndex, LogId> committed_;            ///< iS4: what was committed, for ever
  std::map<LogIndex, std::string> applied_;        ///< iS7: the state after each index
  std::map<LogId, Appended> appended_;             ///< iS3: what each entry is and follows
  std::map<Term, std::map<LogIndex, Term>> said_;  ///< iD3: of its log, by each term's leader
};

/// This message from one node arrives at another.
[[nodiscard]] Event received(std::uint64_t sender, std::uint64_t receiver, MessageBody body);
/// A command whose text tells its index and term.
[[nodiscard]] Entry entry(std::uint64_t index, std::uint64_t term);
/// A log of these terms, from index 1 on.
[[nodiscard]] std::vector<Entry> log_of(const std::vector<std::uint64_t>& terms);
[[nodiscard]] CoreNode& other_than(CoreCluster& cluster, const CoreNode& node);

}  // namespace libraft::test
