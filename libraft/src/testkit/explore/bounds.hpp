// What is explored: named bounds, each of one or more starts.
#pragma once

#include "testkit/explore/search.hpp"
#include "testkit/explore/world.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace libraft::testkit::explore {

/// A move of a script. Messages are delivered in the order in which they were sent.
struct ScriptLine {
  enum class Action { happen, settle, lose_all };
  Action action = Action::happen;
  Happening what = Happening::election_timeout;
  std::uint8_t node = 0;
  std::uint8_t other =
      0;  ///< of `settle`: messages between the two arrive and their writes complete, until none is left
};

/// A cluster, what led to where the search starts, and how far it goes from there.
struct Start {
  std::string_view name;
  Shape shape;
  std::vector<ScriptLine> script;
  Limits limits;
};

struct Bound {
  std::string_view name;
  std::string_view about;
  std::vector<Start> starts;
};

[[nodiscard]] const std::vector<Bound>& bounds();
/// Null when there is none of this name.
[[nodiscard]] const Bound* find_bound(std::string_view name);

/// The state that the script leads to, or the rule that it breaks on the way. What it does counts against no limit.
struct Scripted {
  World world;
  std::optional<Violation> violation;
};
[[nodiscard]] Scripted scripted(Catalogue& catalogue, const Start& start);

/// Runs the script and searches from where it leads.
[[nodiscard]] SearchResult explore(Catalogue& catalogue, const Start& start, const SearchLimits& limits);

}  // namespace libraft::testkit::explore
