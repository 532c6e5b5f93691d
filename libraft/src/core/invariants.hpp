// Rules that hold after every step (thesis Figure 3.2; the checks that one node alone can make).
#pragma once

#include "core/state.hpp"

namespace libraft::core {

/// What a step may only move one way.
struct Milestones {
  explicit Milestones(const Core::State& state);

  Term term;
  std::optional<NodeId> vote;
  LogIndex commit;
  LogIndex applied;
  LogId start;
  bool was_leader = false;
  LogId last;
};

/// Of the state as it is.
void check_state(const Core::State& state);
/// Of the step from `before` to the state now.
void check_step(const Milestones& before, const Core::State& state);

}  // namespace libraft::core
