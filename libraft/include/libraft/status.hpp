// Status and Metrics: what a node knows about itself, as values. Reading them never waits for the protocol.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/export.hpp>
#include <libraft/transport.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace libraft {

/// What a node is in its term (thesis §3.3, §9.6).
enum class Role { follower, pre_candidate, candidate, leader };
/// In words: "follower", "pre-candidate".
[[nodiscard]] LIBRAFT_EXPORT std::string_view to_string(Role role);

/// Where a node is in its life.
enum class NodeState {
  created,   ///< not started
  starting,  ///< reading its storage
  running,
  stopping,
  stopped,
  failed,  ///< `Status::failure` says why; stop it, mend the cause, create it again
};
/// In words: "running".
[[nodiscard]] LIBRAFT_EXPORT std::string_view to_string(NodeState state);

/// How a leader sends to a follower.
enum class ProgressState {
  probe,      ///< looking for the last entry that agrees, one message at a time
  replicate,  ///< sending as fast as the windows allow
  snapshot,   ///< the follower is behind the start of the log
};
/// In words: "replicate".
[[nodiscard]] LIBRAFT_EXPORT std::string_view to_string(ProgressState state);

/// A follower, as its leader sees it.
struct PeerProgress {
  NodeId id;                                   ///< the follower
  ProgressState state = ProgressState::probe;  ///< how it is sent to
  LogIndex match;                              ///< known to be durable there
  LogIndex next;                               ///< sent next
  bool is_active = false;                      ///< answered within the last election timeout

  friend bool operator==(const PeerProgress&, const PeerProgress&) = default;
};

/// Why a node failed.
struct Failure {
  std::error_code error;  ///< what the failed step returned
  std::string reason;     ///< a sentence
};

/// A node at one moment: its parts belong together.
struct Status {
  Identity identity;                     ///< of this node; once it runs, as the storage has it
  NodeState state = NodeState::created;  ///< where it is in its life
  Role role = Role::follower;            ///< in `term`
  Term term;                             ///< the current term
  std::optional<NodeId> voted_for;       ///< in `term`
  std::optional<NodeId> leader;          ///< of `term`, when known
  LogIndex commit;                       ///< known to be committed
  LogIndex applied;                      ///< applied by the state machine
  LogId log_start;                       ///< the entry before the first one kept
  LogId log_last;                        ///< the last entry of the log
  LogId snapshot;                        ///< what the newest snapshot covers; zero: there is none
  Configuration configuration;           ///< in force
  std::vector<PeerProgress> progress;    ///< on a leader only, ascending by id
  std::optional<Failure> failure;        ///< in state `failed`
};

/// Counters since the node was created, and sizes now.
struct Metrics {
  std::uint64_t proposals = 0;            ///< commands appended
  std::uint64_t proposals_refused = 0;    ///< commands refused: certainly not done
  std::uint64_t entries_applied = 0;      ///< entries of all kinds
  std::uint64_t elections_started = 0;    ///< by this node; pre-votes are not counted
  std::uint64_t leader_changes = 0;       ///< times that a leader became known
  std::uint64_t messages_sent = 0;        ///< handed to the transport
  std::uint64_t messages_received = 0;    ///< that came in, refused ones too
  std::uint64_t messages_dropped = 0;     ///< by a full inbox, or not for this node
  std::uint64_t writes = 0;               ///< durable batches
  std::uint64_t entries_written = 0;      ///< in those batches
  std::uint64_t entries_truncated = 0;    ///< cut off for a newer leader's
  std::uint64_t snapshots_taken = 0;      ///< of the own state
  std::uint64_t snapshots_installed = 0;  ///< received from a leader
  std::uint64_t snapshots_sent = 0;       ///< to followers, up to the last chunk
  std::uint64_t requests_waiting = 0;     ///< now
};

}  // namespace libraft
