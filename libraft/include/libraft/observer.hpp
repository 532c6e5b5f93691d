// Observer: hear of what happens in a node.
#pragma once

#include <libraft/status.hpp>
#include <libraft/types.hpp>

#include <optional>
#include <variant>

namespace libraft {

/// The role of this node changed, or a candidate began another election. A node that fails or stops has no role any
/// more, which StateChanged alone tells.
struct RoleChanged {
  Role role;  ///< the new role
  Term term;  ///< the term of it
};
/// This node, while it runs, learned who leads, or that it no longer knows.
struct LeaderChanged {
  std::optional<NodeId> leader;  ///< nullopt: not known
  Term term;                     ///< the current term
};
/// Entries from `from` on were replaced by a newer leader's.
struct LogTruncated {
  LogIndex from;  ///< the first entry replaced
};
/// A snapshot of this node's own state is durable and the newest.
struct SnapshotTaken {
  LogId last;  ///< the last entry that it covers
};
/// A snapshot came from a leader and replaced the state.
struct SnapshotInstalled {
  LogId last;  ///< the last entry that it covers
};
/// The node went on in its life: started, running, failed, stopped.
struct StateChanged {
  NodeState state;  ///< the new state
};

/// Everything that an Observer hears of.
using NodeEvent =
    std::variant<StateChanged, RoleChanged, LeaderChanged, LogTruncated, SnapshotTaken, SnapshotInstalled>;

/// Called on the node's protocol lane, in order. Must be quick and must not call blocking functions of the node.
struct Observer {
  virtual ~Observer() = default;
  /// What happened.
  virtual void on_event(const NodeEvent& event) noexcept = 0;
};

}  // namespace libraft
