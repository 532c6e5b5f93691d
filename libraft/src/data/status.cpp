// Names of states, for people.
#include <libraft/status.hpp>

namespace libraft {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::follower:
      return "follower";
    case Role::pre_candidate:
      return "pre-candidate";
    case Role::candidate:
      return "candidate";
    case Role::leader:
      return "leader";
  }
  return "unknown";
}

std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::created:
      return "created";
    case NodeState::starting:
      return "starting";
    case NodeState::running:
      return "running";
    case NodeState::stopping:
      return "stopping";
    case NodeState::stopped:
      return "stopped";
    case NodeState::failed:
      return "failed";
  }
  return "unknown";
}

std::string_view to_string(ProgressState state) {
  switch (state) {
    case ProgressState::probe:
      return "probe";
    case ProgressState::replicate:
      return "replicate";
    case ProgressState::snapshot:
      return "snapshot";
  }
  return "unknown";
}

}  // namespace libraft
