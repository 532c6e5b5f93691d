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

enum class Role { follower, pre_candidate, candidate, leader };
[[nodiscard]] LIBRAFT_EXPORT std::string_view to_string(Role role);

enum class NodeState {
  created,   ///< not started
  starting,  ///< reading its storage
  running,
  stopping,
  stopped,
  failed,  ///< `Status::failure` says why; stop it, mend the cause, create it again
};
[[nodiscard]] LIBRAFT_EXPORT std::string_view to_string(NodeState state);

/// How a leader sends to a follower.
enum class ProgressState {
  probe,      ///< looking for the last entry that agrees, one message at a time
  replicate,  ///< sending as fast as the windows allow
  snapshot,   ///< the follower is behind the start of the log
};
[[nodiscard]] LIBRAFT_EXPORT std::string_view to_string(ProgressState state);

/// A follower, as its leader sees it.
struct PeerProgress {
  NodeId id;
  ProgressState state = ProgressState::probe;
  LogIndex match;          ///< known to be durable there
  LogIndex next;           ///< sent next
  bool is_active = false;  ///< answered within the last election timeout

  friend bool operator==(const PeerProgress&, const PeerProgress&) = default;
};

struct Failure {
  std::error_code error;
  std::string reason;  ///< a sentence
};

struct Status {
  Identity identity;
  NodeState state = NodeState::created;
  Role role = Role::follower;
  Term term;
  std::optional<NodeId> voted_for;  ///< in `term`
  std::optional<NodeId> leader;     ///< of `term`, when known
  LogIndex commit;
  LogIndex applied;
  LogId log_start;  ///< the entry before the first one kept
  LogId log_last;
  LogId snapshot;  ///< what the newest snapshot covers; zero: there is none
  Configuration configuration;
  std::vector<PeerProgress> progress;  ///< on a leader only, ascending by id
  std::optional<Failure> failure;      ///< in state `failed`
};

/// Counters since the node was created, and sizes now.
struct Metrics {
  std::uint64_t proposals = 0;
  std::uint64_t proposals_refused = 0;
  std::uint64_t entries_applied = 0;
  std::uint64_t elections_started = 0;
  std::uint64_t leader_changes = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t messages_dropped = 0;  ///< by a full inbox, or not for this node
  std::uint64_t writes = 0;            ///< durable batches
  std::uint64_t entries_written = 0;
  std::uint64_t entries_truncated = 0;
  std::uint64_t snapshots_taken = 0;
  std::uint64_t snapshots_installed = 0;  ///< received from a leader
  std::uint64_t snapshots_sent = 0;
  std::uint64_t requests_waiting = 0;
};

}  // namespace libraft
