// The texts and the meaning of each error.
#include <libraft/error.hpp>

#include <string>

namespace libraft {
namespace {

const char* text_of(errc code) {
  switch (code) {
    case errc::not_leader:
      return "this node is not the leader";
    case errc::overloaded:
      return "a queue is full";
    case errc::command_too_large:
      return "the command is too large";
    case errc::proposal_dropped:
      return "another leader's entry took the command's place";
    case errc::stopped:
      return "the node is not running";
    case errc::node_failed:
      return "the node has failed";
    case errc::transfer_in_progress:
      return "leadership is being handed over";
    case errc::would_deadlock:
      return "a blocking call on one of the node's own lanes";
    case errc::invalid_argument:
      return "invalid argument";
    case errc::cancelled:
      return "cancelled";
    case errc::wrong_term:
      return "the term is another one";
    case errc::transfer_failed:
      return "leadership could not be handed over in time";
    case errc::not_caught_up:
      return "the index was not applied in time";
    case errc::timeout:
      return "timed out; the outcome is unknown";
    case errc::leadership_lost:
      return "leadership was lost; the outcome is unknown";
    case errc::interrupted:
      return "the node stopped; the outcome is unknown";
    case errc::no_space:
      return "no space left on the device";
    case errc::io_error:
      return "input/output error";
    case errc::corrupt_data:
      return "stored data is damaged";
    case errc::locked:
      return "the data is in use by another process";
    case errc::not_formatted:
      return "the storage is not formatted";
    case errc::already_formatted:
      return "the storage is formatted already";
    case errc::identity_mismatch:
      return "the data belongs to another node or cluster";
    case errc::compacted:
      return "the entries are compacted";
    case errc::unavailable:
      return "the entries are not available";
    case errc::snapshot_stale:
      return "the snapshot is not newer than the newest one";
    case errc::no_snapshot:
      return "there is no snapshot";
    case errc::unsupported_version:
      return "the data has a newer format version";
    case errc::state_machine_failed:
      return "the state machine failed";
    case errc::state_machine_ahead:
      return "the state machine is ahead of the log";
    case errc::bad_query:
      return "the state machine does not answer this query";
    case errc::malformed:
      return "malformed data";
    case errc::unknown_kind:
      return "unknown kind of message or entry";
    case errc::message_too_large:
      return "the message is too large";
    case errc::invalid_options:
      return "invalid options";
    case errc::invariant_violated:
      return "an invariant is violated";
  }
  return "unknown error";
}

bool is_retry_safe(errc code) {
  switch (code) {
    case errc::not_leader:
    case errc::overloaded:
    case errc::proposal_dropped:
    case errc::stopped:
    case errc::node_failed:
    case errc::transfer_in_progress:
    case errc::cancelled:
    case errc::wrong_term:
    case errc::transfer_failed:
    case errc::not_caught_up:
      return true;
    default:
      return false;
  }
}

bool is_unknown_outcome(errc code) {
  return code == errc::timeout || code == errc::leadership_lost || code == errc::interrupted;
}

class RaftCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "libraft"; }
  [[nodiscard]] std::string message(int value) const override { return text_of(static_cast<errc>(value)); }
};

class ConditionCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "libraft.condition"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<condition>(value)) {
      case condition::retry_safe:
        return "certainly not done";
      case condition::redirect:
        return "ask the leader";
      case condition::outcome_unknown:
        return "the outcome is unknown";
      case condition::node_failed:
        return "the node has failed";
    }
    return "unknown condition";
  }

  [[nodiscard]] bool equivalent(const std::error_code& error, int value) const noexcept override {
    if (error.category() != raft_category()) return false;
    const auto code = static_cast<errc>(error.value());
    switch (static_cast<condition>(value)) {
      case condition::retry_safe:
        return is_retry_safe(code);
      case condition::redirect:
        return code == errc::not_leader;
      case condition::outcome_unknown:
        return is_unknown_outcome(code);
      case condition::node_failed:
        return code == errc::node_failed;
    }
    return false;
  }
};

}  // namespace

const std::error_category& raft_category() noexcept {
  static const RaftCategory category;
  return category;
}

const std::error_category& condition_category() noexcept {
  static const ConditionCategory category;
  return category;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), raft_category()};
}

std::error_condition make_error_condition(condition value) noexcept {
  return {static_cast<int>(value), condition_category()};
}

}  // namespace libraft
