// The Progress of every other member, on a leader.
#pragma once

#include "core/progress.hpp"
#include "core/quorum.hpp"

#include <map>

namespace libraft::core {

/// Invariant: holds each member but the leader itself.
class ProgressTracker {
 public:
  ProgressTracker() = default;
  ProgressTracker(const Configuration& configuration, NodeId self, LogIndex next, TimePoint now) {
    for (const NodeId id : members(configuration)) {
      if (id != self) peers_.emplace(id, Progress(next, now));
    }
  }

  [[nodiscard]] Progress* find(NodeId id) {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] auto begin() { return peers_.begin(); }
  [[nodiscard]] auto end() { return peers_.end(); }
  [[nodiscard]] auto begin() const { return peers_.begin(); }
  [[nodiscard]] auto end() const { return peers_.end(); }

  /// The greatest value that a quorum has reached, where `own` is this node's and `value_of(progress)` a follower's.
  template <class Value, class ValueOf>
  [[nodiscard]] Value quorum(const Configuration& configuration, NodeId self, Value own,
                             const ValueOf& value_of) const {
    return quorum_value<Value>(configuration, Value{}, [&](NodeId id) {
      if (id == self) return own;
      const auto found = peers_.find(id);
      return found == peers_.end() ? Value{} : value_of(found->second);
    });
  }

  friend bool operator==(const ProgressTracker&, const ProgressTracker&) = default;

 private:
  std::map<NodeId, Progress> peers_;
};

}  // namespace libraft::core
