// Every bound and interval, with its unit, its default and the reason for it. `validate` refuses what can't work.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/export.hpp>
#include <libraft/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace libraft {

/// What the protocol needs to know.
struct CoreOptions {
  /// A follower campaigns after a time without a leader drawn uniformly from [1x, 2x) of this (thesis §3.4). 1 s: ten
  /// heartbeats may be lost, and a disk that stalls for half a second does not cost the leadership.
  Duration election_timeout = std::chrono::milliseconds(1000);
  /// A leader speaks at least this often to each follower.
  Duration heartbeat_interval = std::chrono::milliseconds(100);
  /// Ask before campaigning (§9.6): a node that comes back from a partition disturbs nobody.
  bool pre_vote = true;
  /// A leader that does not hear from a quorum for an election timeout steps down (§6.2).
  bool check_quorum = true;

  /// One AppendEntries carries at most this much, but always at least one entry. 1 MiB: two thirds of a millisecond on
  /// a disk.
  std::size_t append_bytes_max = 1u << 20;
  std::size_t append_entries_max = 4096;  ///< as `append_bytes_max`: what one message costs to check stays bounded
  /// On the way to one follower. 64 x 1 MiB would be too much for a slow one, so bytes count too.
  std::size_t in_flight_bytes_max = 16u << 20;
  std::size_t in_flight_messages_max = 64;  ///< messages with entries; keeps the window small where entries are

  /// A longer command is refused. It must fit into one message with the transport's overhead.
  std::size_t command_bytes_max = 1u << 20;
  /// Proposed on a leader and not yet applied, or not yet on its own disk; beyond it proposals are `overloaded`.
  std::size_t uncommitted_bytes_max = 64u << 20;
  /// Durable entries kept in memory for followers and apply; older ones are read from storage.
  std::size_t entry_cache_bytes = 16u << 20;
  /// One batch for the state machine.
  std::size_t apply_entries_max = 1024;
  std::size_t apply_bytes_max = 4u << 20;  ///< of charged_bytes in one batch, but at least one command
  /// Reads that wait for their confirmation; beyond it they are `overloaded`.
  std::size_t reads_waiting_max = 65536;

  /// Take a snapshot once the log holds this many entries since the last one; zero: never by count.
  std::uint64_t snapshot_after_entries = 0;
  /// Take a snapshot once the log holds this many bytes since the last one and `snapshot_growth_factor` times the last
  /// snapshot's size: writing snapshots then costs a fixed share of all writing. Zero: never by bytes.
  std::uint64_t snapshot_after_bytes = 64u << 20;
  std::uint64_t snapshot_growth_factor = 4;  ///< see `snapshot_after_bytes`
  /// Entries kept behind a snapshot for followers that are a little late: cheaper than sending them a snapshot.
  std::uint64_t trailing_entries = 10000;
  /// A follower that answers holds back compaction of what it still needs, up to this many entries.
  std::uint64_t trailing_entries_for_followers_max = 100000;
  /// One InstallSnapshot carries at most this much.
  std::size_t snapshot_chunk_bytes = 256u << 10;

  friend bool operator==(const CoreOptions&, const CoreOptions&) = default;
};

/// A node: who it is, its cluster, and what lies around the protocol.
struct NodeOptions {
  NodeOptions() {}  // user-provided: g++ 12 destroys aggregate temporaries in co_await expressions twice

  ClusterId cluster;  ///< messages and data of another cluster are refused
  GroupId group;      ///< tells groups that share a transport apart; zero for the only one
  NodeId id;          ///< this node; not zero, and never that of another member
  /// The first members of a new cluster, the same on each of them. Used once, when the storage is empty. Without it an
  /// empty storage makes a node that waits for others to add it: it receives and never votes.
  std::optional<Configuration> bootstrap;

  CoreOptions core;  ///< the protocol's own

  /// One sync writes at most this much: what comes later waits for the next, so that a sync never takes long.
  std::size_t write_bytes_max = 4u << 20;
  /// Messages and requests that wait for the protocol lane; beyond it messages are dropped and requests `overloaded`.
  /// As many requests may be unfinished; beyond it they are `overloaded`, too.
  std::size_t inbox_messages_max = 65536;
  std::size_t inbox_bytes_max = 64u << 20;  ///< of the messages and requests in the inbox
  /// A leader whose disk completed no write for this long steps down.
  Duration disk_stall_max = std::chrono::seconds(10);
  /// A full disk is tried again this often.
  Duration no_space_retry_interval = std::chrono::milliseconds(500);
  /// A node whose disk has had no room for this long fails with errc::no_space; with room it can be started again.
  /// Duration::max(): it waits for ever.
  Duration no_space_max = std::chrono::seconds(10);
  /// For timeouts drawn at random. nullopt: drawn from the system (the default outside of tests).
  std::optional<std::uint64_t> random_seed;
};

/// One English sentence on the first thing that can't work, or an empty string.
[[nodiscard]] LIBRAFT_EXPORT std::string validate(const CoreOptions& options);
/// The same for a node; checks its CoreOptions too.
[[nodiscard]] LIBRAFT_EXPORT std::string validate(const NodeOptions& options);

/// Of one proposal.
class ProposeOptions {
 public:
  ProposeOptions() {}

  /// After this the outcome is `errc::timeout`: unknown.
  Duration timeout = std::chrono::seconds(3);
  /// Append only in this term; otherwise `errc::wrong_term`, certainly not done.
  std::optional<Term> only_in_term;
};

/// What a read must see.
enum class Consistency {
  linearizable,  ///< sees every write that was acknowledged before the read began (thesis §6.4); the leader only, for
                 ///< now
  local,         ///< what this node has applied: may be stale
};

/// Of one read.
class ReadOptions {
 public:
  ReadOptions() {}

  Consistency consistency = Consistency::linearizable;  ///< what the read must see
  Duration timeout = std::chrono::seconds(3);           ///< after this, `errc::not_caught_up`; nothing was changed
};

/// Of stopping a node.
class StopOptions {
 public:
  StopOptions() {}

  /// A leader first hands leadership to its most advanced follower, waiting at most this long. Zero: at once.
  Duration transfer_timeout = std::chrono::milliseconds(1000);
  /// Then requests in flight have this long to complete before they end as `interrupted`.
  Duration drain_timeout = std::chrono::milliseconds(1000);
};

}  // namespace libraft
