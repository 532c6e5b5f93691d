// What options must satisfy.
#include <libraft/options.hpp>

#include <set>

namespace libraft {
namespace {

/// More entries than that never lie in one batch; beyond it, sums of indexes could wrap.
constexpr std::size_t kEntriesMax = std::size_t{1} << 32;

std::string validate_configuration(const Configuration& configuration, NodeId self) {
  std::set<NodeId> seen;
  for (const auto* group : {&configuration.voters, &configuration.learners}) {
    for (const Peer& peer : *group) {
      if (peer.id == NodeId{}) return "bootstrap: a member has the id 0, which stands for nobody.";
      if (!seen.insert(peer.id).second) {
        return "bootstrap: the id " + std::to_string(peer.id.value) + " is there twice.";
      }
    }
  }
  if (configuration.voters.empty()) return "bootstrap: there is no voter.";
  if (!configuration.outgoing_voters.empty()) return "bootstrap: a new cluster has no outgoing voters.";
  if (!seen.contains(self)) return "bootstrap: this node is not a member.";
  return {};
}

}  // namespace

std::string validate(const CoreOptions& options) {
  if (options.heartbeat_interval <= Duration::zero()) return "heartbeat_interval must be positive.";
  if (options.election_timeout / 2 < options.heartbeat_interval) {
    return "election_timeout must be at least twice heartbeat_interval: one lost heartbeat would cost the leadership.";
  }
  if (options.election_timeout > std::chrono::hours(24)) return "election_timeout must be at most a day.";
  if (options.append_bytes_max == 0) return "append_bytes_max must be positive.";
  if (options.append_entries_max == 0) return "append_entries_max must be positive.";
  if (options.in_flight_messages_max == 0) return "in_flight_messages_max must be positive.";
  if (options.in_flight_bytes_max < options.append_bytes_max) {
    return "in_flight_bytes_max must be at least append_bytes_max: no full message could be sent.";
  }
  if (options.command_bytes_max == 0) return "command_bytes_max must be positive.";
  if (options.uncommitted_bytes_max < options.command_bytes_max) {
    return "uncommitted_bytes_max must be at least command_bytes_max: the longest command could never be proposed.";
  }
  if (options.apply_entries_max == 0) return "apply_entries_max must be positive.";
  if (options.append_entries_max > kEntriesMax) return "append_entries_max must be at most 2^32.";
  if (options.apply_entries_max > kEntriesMax) return "apply_entries_max must be at most 2^32.";
  if (options.snapshot_growth_factor == 0) return "snapshot_growth_factor must be positive; 1 is the least.";
  if (options.apply_bytes_max == 0) return "apply_bytes_max must be positive.";
  if (options.reads_waiting_max == 0) return "reads_waiting_max must be positive.";
  if (options.snapshot_chunk_bytes == 0) return "snapshot_chunk_bytes must be positive.";
  return {};
}

std::string validate(const NodeOptions& options) {
  if (options.id == NodeId{}) return "id must not be 0, which stands for nobody.";
  if (options.write_bytes_max == 0) return "write_bytes_max must be positive.";
  if (options.inbox_messages_max == 0) return "inbox_messages_max must be positive.";
  if (options.inbox_bytes_max < options.core.command_bytes_max) {
    return "inbox_bytes_max must be at least command_bytes_max: the longest command could never be proposed.";
  }
  if (options.no_space_retry_interval <= Duration::zero()) return "no_space_retry_interval must be positive.";
  if (options.no_space_max <= Duration::zero()) return "no_space_max must be positive.";
  if (options.disk_stall_max <= Duration::zero()) return "disk_stall_max must be positive.";
  if (options.bootstrap) {
    if (auto reason = validate_configuration(*options.bootstrap, options.id); !reason.empty()) return reason;
  }
  return validate(options.core);
}

}  // namespace libraft
