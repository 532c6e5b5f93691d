// raft_explore: all states that a small cluster of the real Cores can come to. docs/explorer.md says what a bound means
// and how to read what is printed.
#include "command_line.hpp"
#include "testkit/explore/bounds.hpp"
#include "testkit/explore/scenario.hpp"
#include "testkit/explore/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace {

using namespace libraft::testkit::explore;

constexpr int kFine = 0;
constexpr int kViolation = 1;
constexpr int kUsage = 2;

struct Arguments {
  std::string bound = "two-terms";
  double minutes = 60;
  std::size_t memory_mib = 8192;
  bool list = false;
};

/// Of all starts of a bound.
struct Total {
  std::size_t states = 0;
  std::size_t depth = 0;
  std::size_t violations = 0;
  bool complete = true;
};

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

void list_bounds() {
  for (const Bound& bound : bounds()) {
    fmt::print("{:15} {}\n", bound.name, bound.about);
    for (const Start& start : bound.starts) fmt::print("{:15}   from {}\n", "", start.name);
  }
}

void explore_start(const Start& start, const SearchLimits& limits, Total& total) {
  const Stopwatch stopwatch;
  Catalogue catalogue(start.shape, {});
  const SearchResult result = explore(catalogue, start, limits);
  fmt::print("from {}: {} states, depth {}, {} transitions, {} states of nodes, {} messages, {:.1f} s, {}\n",
             start.name, result.states, result.depth, result.transitions, catalogue.nodes(), catalogue.messages(),
             stopwatch.seconds(), result.is_complete ? "complete" : "not complete");
  if (result.violation) {
    ++total.violations;
    fmt::print("\nviolation: {}\n{}\n", result.violation->rule, scenario(catalogue, *result.violation));
  }
  total.states += result.states;
  total.depth = std::max(total.depth, result.depth);
  total.complete = total.complete && result.is_complete;
}

int run(const Arguments& arguments) {
  const Bound* bound = find_bound(arguments.bound);
  if (bound == nullptr) {
    fmt::print(stderr, "there is no bound {}; see --list\n", arguments.bound);
    return kUsage;
  }
  fmt::print("bound {}: {}\n", bound->name, bound->about);
  const Stopwatch stopwatch;
  SearchLimits limits;
  limits.memory_bytes = arguments.memory_mib << 20;
  limits.is_time_up = [&] { return stopwatch.seconds() > 60 * arguments.minutes; };
  Total total;
  for (const Start& start : bound->starts) {
    explore_start(start, limits, total);
    std::fflush(stdout);
    if (total.violations != 0) break;
  }
  total.complete = total.complete && total.violations == 0;
  fmt::print("{} distinct states, depth {}, {:.1f} s\n", total.states, total.depth, stopwatch.seconds());
  fmt::print("{{\"bound\":\"{}\",\"states\":{},\"depth\":{},\"complete\":{},\"violations\":{}}}\n", bound->name,
             total.states, total.depth, total.complete, total.violations);
  return total.violations == 0 ? kFine : kViolation;
}

}  // namespace

int main(int argc, char** argv) {
  libraft::tools::CommandLine command_line(
      "Visits all states that a small cluster of real Cores can come to within a bound, and checks each.");
  Arguments arguments;
  command_line.text("--bound", arguments.bound, "which bound; see --list");
  command_line.number("--minutes", arguments.minutes, "stop after so long", 0.001);
  command_line.whole_number("--memory", arguments.memory_mib, "stop when about so many MiB are used", 1);
  command_line.flag("--list", arguments.list, "say which bounds there are");
  if (const auto end = command_line.parse(argc, argv)) return *end;
  if (arguments.list) {
    list_bounds();
    return kFine;
  }
  return run(arguments);
}
