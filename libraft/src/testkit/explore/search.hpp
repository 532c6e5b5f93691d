// Breadth first through all states of a cluster, so that the first violation found has a shortest path.
#pragma once

#include "testkit/explore/world.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace libraft::testkit::explore {

/// One step of a path, with what it led to.
struct PathStep {
  Move move;
  World after;
};

/// A broken rule, and the shortest way there.
struct Violation {
  std::string rule;
  World start;
  std::vector<PathStep> path;
};

struct SearchLimits {
  std::size_t memory_bytes = std::size_t{2} << 30;
  std::size_t depth_max = ~std::size_t{0};
  std::function<bool()> is_time_up;  ///< asked now and then; empty: never
};

struct SearchResult {
  std::size_t states = 0;  ///< distinct
  std::size_t depth = 0;   ///< all states within so many moves of the start were visited
  std::size_t transitions = 0;
  bool is_complete = false;  ///< nothing is left to visit
  std::optional<Violation> violation;
};

/// All that can be reached from `start` within the cluster's limits. Stops at the first violation, when time is up or
/// when memory is used up.
[[nodiscard]] SearchResult search(const Cluster& cluster, const World& start, const SearchLimits& limits);

}  // namespace libraft::testkit::explore
