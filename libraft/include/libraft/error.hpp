// Errors, and what they mean for the caller.
//
// A request ends exactly once, in one of three ways: done; certainly not done; outcome unknown. An `errc` says what
// happened; a `condition` says what to do about it:
//
//     if (ec == libraft::condition::redirect) ...           // ask the leader instead
//     else if (ec == libraft::condition::retry_safe) ...    // certainly not done: send it again
//     else if (ec == libraft::condition::outcome_unknown) ...  // may or may not happen; read before repeating
#pragma once

#include <libraft/export.hpp>

#include <stdexcept>
#include <system_error>

namespace libraft {

/// What went wrong. Values are stable.
enum class errc {
  // Requests that were certainly not done.
  not_leader = 1,            ///< this node does not lead; `RaftNode::leader()` may know who does
  overloaded = 2,            ///< a queue is at its bound; nothing was appended
  command_too_large = 3,     ///< the command exceeds `command_bytes_max`, or what the transport can carry
  proposal_dropped = 4,      ///< another leader's entry took the command's place in the log: it will never be applied
  stopped = 5,               ///< the node is not running (not started, stopping or stopped); nothing was appended
  node_failed = 6,           ///< the node is in state `failed`; nothing was appended
  transfer_in_progress = 7,  ///< leadership is being handed over; nothing was appended
  would_deadlock = 8,        ///< a blocking call on one of the node's own lanes; nothing was done
  invalid_argument = 9,      ///< the request itself makes no sense
  cancelled = 10,            ///< given up before it took effect
  wrong_term = 11,           ///< `ProposeOptions::only_in_term` named another term than the current one
  transfer_failed = 12,      ///< the target did not take over in time; this node goes on leading if it can
  not_caught_up = 13,        ///< waited for an index that was not applied in time; nothing was changed
  // Requests whose outcome is unknown.
  timeout = 20,          ///< appended, and not known to be committed within the time given
  leadership_lost = 21,  ///< appended; this node then stopped leading before it knew the outcome
  interrupted = 22,      ///< appended; the node then stopped or failed before it knew the outcome
  // Storage.
  no_space = 40,             ///< the device is full; nothing of the write stays, and it may be tried again
  io_error = 41,             ///< the device failed; final for this storage instance
  corrupt_data = 42,         ///< what was read is damaged, and not as a torn tail
  locked = 43,               ///< another process uses the same data
  not_formatted = 44,        ///< used before `format`
  already_formatted = 45,    ///< `format` on data that is there
  identity_mismatch = 46,    ///< the data belong to another node, group or cluster
  compacted = 47,            ///< the entries asked for are covered by a snapshot and gone
  unavailable = 48,          ///< the entries asked for are not there (yet)
  snapshot_stale = 49,       ///< a snapshot at or below the newest one
  no_snapshot = 50,          ///< there is no snapshot
  unsupported_version = 51,  ///< made by a newer release
  // State machine.
  state_machine_failed = 60,  ///< apply, restore or a snapshot failed, or user code threw
  state_machine_ahead = 61,   ///< the state machine's durable index is beyond the log
  bad_query = 62,             ///< the state machine does not answer such queries
  // Messages and options.
  malformed = 80,           ///< bytes that are no message, entry or snapshot of ours
  unknown_kind = 81,        ///< a kind of message or entry that this release does not know
  message_too_large = 82,   ///< beyond a stated bound
  invalid_options = 83,     ///< `validate` says why
  invariant_violated = 84,  ///< a bug in libraft, or bytes changed under it: the node fails rather than go on
};

/// What an error means for the one who asked. Compare an error_code with these.
enum class condition {
  retry_safe = 1,       ///< certainly not done, and may succeed later or elsewhere: sending it again can't do it twice
  redirect = 2,         ///< ask the leader
  outcome_unknown = 3,  ///< may have been done, may still be done, or never
  node_failed = 4,      ///< this node needs an operator: `Status::failure` says why
};

/// The category of errc: "libraft".
[[nodiscard]] LIBRAFT_EXPORT const std::error_category& raft_category() noexcept;
/// The category of condition.
[[nodiscard]] LIBRAFT_EXPORT const std::error_category& condition_category() noexcept;
/// So that an errc converts to std::error_code.
[[nodiscard]] LIBRAFT_EXPORT std::error_code make_error_code(errc) noexcept;
/// So that a condition compares with std::error_code.
[[nodiscard]] LIBRAFT_EXPORT std::error_condition make_error_condition(condition) noexcept;

/// Thrown by Core::step when a rule that must always hold does not: a bug, or memory that changed. `what()` names the
/// rule and the place. A node catches it and fails; it never crosses the node's own edge.
class LIBRAFT_EXPORT InvariantViolation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace libraft

template <>
struct std::is_error_code_enum<libraft::errc> : std::true_type {};
template <>
struct std::is_error_condition_enum<libraft::condition> : std::true_type {};
