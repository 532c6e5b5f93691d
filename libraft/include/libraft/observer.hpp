// Observer: hear of what happens in a node.
#pragma once

#include <libraft/status.hpp>
#include <libraft/types.hpp>

#include <optional>
#include <variant>

namespace libraft {

struct RoleChanged {
  Role role;
  Term term;
};
struct LeaderChanged {
  std::optional<NodeId> leader;
  Term term;
};
/// Entries from `from` on were replaced by a newer leader's.
struct LogTruncated {
  LogIndex from;
};
struct SnapshotTaken {
  LogId last;
};
/// A snapshot came from a leader and replaced the state.
struct SnapshotInstalled {
  LogId last;
};
struct StateChanged {
  NodeState state;
};

using NodeEvent =
    std::variant<StateChanged, RoleChanged, LeaderChanged, LogTruncated, SnapshotTaken, SnapshotInstalled>;

/// Called on the node's protocol lane, in order. Must be quick and must not call blocking functions of the node.
struct Observer {
  virtual ~Observer() = default;
  virtual void on_event(const NodeEvent& event) noexcept = 0;
};

}  // namespace libraft
