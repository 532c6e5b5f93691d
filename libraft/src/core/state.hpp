// All that a Core is: plain data, grouped by who owns it. Role, term and vote change in role_transition.cpp only.
#pragma once

#include "core/log.hpp"
#include "core/marks.hpp"
#include "core/progress_tracker.hpp"
#include "core/vote_tally.hpp"

#include <libraft/core.hpp>
#include <libraft/options.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>

namespace libraft::core {

/// Bytes of entries that are not applied yet: what bounds are decided by.
class UnappliedBytes {
 public:
  /// Entries up to `last`, beyond those added before.
  void add(LogIndex last, std::size_t bytes) {
    runs_.push_back({last, bytes});
    bytes_ += bytes;
  }
  /// Everything up to `applied` is applied.
  void release(LogIndex applied) {
    while (!runs_.empty() && runs_.front().last <= applied) {
      bytes_ -= runs_.front().bytes;
      runs_.pop_front();
    }
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t count() const { return runs_.size(); }

  friend bool operator==(const UnappliedBytes&, const UnappliedBytes&) = default;

 private:
  struct Run {
    LogIndex last;
    std::size_t bytes = 0;
    friend bool operator==(const Run&, const Run&) = default;
  };
  std::deque<Run> runs_;
  std::size_t bytes_ = 0;
};

/// Follows whoever leads the term, if known.
struct Follower {
  std::optional<NodeId> leader;
  friend bool operator==(const Follower&, const Follower&) = default;
};

/// Asks whether an election could be won (thesis §9.6); the term is untouched.
struct PreCandidate {
  VoteTally tally;
  friend bool operator==(const PreCandidate&, const PreCandidate&) = default;
};

/// Campaigns. Its own vote counts once `vote_write` is durable.
struct Candidate {
  VoteTally tally;
  PersistId vote_write;
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// A linearizable read that waits for its confirmation (§6.4).
struct WaitingRead {
  RequestId id;
  std::uint64_t sequence = 0;  ///< the round that confirms it; zero: no round yet
  LogIndex index;              ///< the commit index when the round began
  friend bool operator==(const WaitingRead&, const WaitingRead&) = default;
};

/// Leadership on its way to `target` (§3.10).
struct Transfer {
  RequestId id;
  NodeId target;
  TimePoint deadline;
  bool is_asked = false;  ///< TimeoutNow was sent
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

struct Leader {
  ProgressTracker followers;
  LogIndex term_start;  ///< the no-op that began this term
  std::deque<WaitingRead> reads;
  std::uint64_t read_sequence = 0;  ///< of the newest round; never used twice in a term
  std::optional<Transfer> transfer;
  UnappliedBytes proposals;  ///< not applied, or not on the own disk: what admission is decided by
  friend bool operator==(const Leader&, const Leader&) = default;
};

using RoleState = std::variant<Follower, PreCandidate, Candidate, Leader>;

/// When something is due.
struct Timers {
  TimePoint now;                 ///< of the step
  TimePoint election = kNever;   ///< not on a leader
  TimePoint heartbeat = kNever;  ///< on a leader
  TimePoint quorum = kNever;     ///< on a leader: when a quorum must have been heard again
  TimePoint leader_heard;        ///< last word of the term's leader
  bool has_heard_leader = false;
  TimePoint snapshot_retry;  ///< after a failed snapshot: not before
  friend bool operator==(const Timers&, const Timers&) = default;
};

struct RandomState {
  std::uint64_t state = 0;
  friend bool operator==(const RandomState&, const RandomState&) = default;
};

struct Counters {
  PersistId last_write;
  PersistId persisted;  ///< the newest write known to be durable
  RequestId last_request;
  friend bool operator==(const Counters&, const Counters&) = default;
};

/// A snapshot that is coming in from the leader.
struct IncomingSnapshot {
  SnapshotMeta meta;
  std::uint64_t next_offset = 0;
  std::optional<Routing> storing;  ///< the request whose chunk is being written, to be answered after
  friend bool operator==(const IncomingSnapshot&, const IncomingSnapshot&) = default;
};

/// A snapshot on its way to becoming the newest.
struct PendingPublish {
  PersistId write;
  SnapshotMeta meta;
  std::optional<LogId> compact_to;  ///< a local one: drop the log up to here then
  bool is_install = false;          ///< from a leader: the state machine must be restored then
  friend bool operator==(const PendingPublish&, const PendingPublish&) = default;
};

struct Snapshots {
  std::optional<SnapshotMeta> newest;  ///< durable
  std::optional<PendingPublish> publishing;
  std::optional<IncomingSnapshot> incoming;
  bool is_taking = false;         ///< a TakeSnapshot is under way
  bool is_wanted = false;         ///< asked for by the user
  std::uint64_t bytes_since = 0;  ///< applied since the newest one

  /// One from the leader waits for its write: the state machine gets it before anything else.
  [[nodiscard]] bool is_installing() const { return publishing && publishing->is_install; }
  friend bool operator==(const Snapshots&, const Snapshots&) = default;
};

/// Where commit and apply stand. applied <= handed_out <= commit.
struct Applying {
  LogIndex commit;
  LogIndex handed_out;  ///< given to the state machine
  LogIndex applied;     ///< done by it
  bool durable_only = false;
  RequestId log_read;        ///< entries for it are being read (zero: none)
  UnappliedBytes unapplied;  ///< handed out and not applied
  friend bool operator==(const Applying&, const Applying&) = default;
};

}  // namespace libraft::core

namespace libraft {

struct Core::State {
  State(const CoreOptions& options, const CoreStart& start);

  CoreOptions options;
  NodeId self;
  Incarnation incarnation;
  Configuration configuration;
  LogId configuration_at;

  Term term;
  std::optional<NodeId> vote;
  PersistId term_write;  ///< the newest write that changed term or vote
  core::RoleState role;

  core::Log log;
  core::Applying applying;
  core::Snapshots snapshots;
  core::Timers timers;
  core::RandomState random;
  core::Counters counters;
  core::Marks marks;

  friend bool operator==(const State&, const State&) = default;
};

}  // namespace libraft
