// The search: it visits all there is, counts each state once, and finds what is planted by a shortest path.
#include "support/catch.hpp"

#include "testkit/explore/search.hpp"

#include <algorithm>

using namespace libraft;
using namespace libraft::testkit::explore;

namespace {

struct Exploration {
  Catalogue catalogue;
  Cluster cluster;
  SearchResult result;

  Exploration(const Shape& shape, const Limits& limits, Catalogue::Options options, const SearchLimits& search_limits)
      : catalogue(shape, options), cluster(catalogue, limits), result(search(cluster, cluster.boot(), search_limits)) {}
};

Limits tiny() {
  Limits limits;
  limits.term_max = 1;
  limits.proposals = 1;
  limits.crashes = 0;
  return limits;
}

Shape without_pre_vote() {
  Shape shape;
  shape.pre_vote = false;
  return shape;
}

}  // namespace

TEST_CASE("a tiny bound is explored to its end, and has this many states with every compiler") {
  const Exploration tried({}, tiny(), {}, {});
  CHECK_FALSE(tried.result.violation);
  CHECK(tried.result.is_complete);
  CHECK(tried.result.states == 60145);
  CHECK(tried.result.depth == 36);
}

TEST_CASE("states that differ only in who is who are visited once") {
  Catalogue::Options options;
  options.uses_symmetry = false;
  Limits limits = tiny();
  limits.proposals = 0;
  const Exploration all({}, limits, options, {});
  const Exploration folded({}, limits, {}, {});
  REQUIRE(all.result.is_complete);
  REQUIRE(folded.result.is_complete);
  CHECK(all.result.depth == folded.result.depth);
  CHECK(all.result.states > 5 * folded.result.states);
  CHECK(all.result.states <= 6 * folded.result.states);
}

TEST_CASE("states of a node that are taken for the same go the same way") {
  Catalogue::Options options;
  options.checks_digests = true;
  Limits limits = tiny();
  limits.term_max = 2;
  limits.reads = 1;
  limits.crashes = 1;
  limits.quorum_loss = true;
  SearchLimits search_limits;
  search_limits.depth_max = 14;
  const Exploration tried({}, limits, options, search_limits);
  CHECK(tried.catalogue.mismatches().empty());
  CHECK(tried.catalogue.nodes() > 500);
}

TEST_CASE("a disk that reports writes which it has not done is found by a shortest path") {
  Shape shape = without_pre_vote();
  shape.disks_lie = true;
  const Exploration tried(shape, tiny(), {}, {});
  REQUIRE(tried.result.violation);
  CHECK(tried.result.violation->rule == "iD1: the term on the wire is durable");
  const std::vector<PathStep>& path = tried.result.violation->path;
  REQUIRE(path.size() == 2);
  CHECK(path[0].move.what == Happening::election_timeout);
  CHECK(path[1].move.what == Happening::write_completes);
  CHECK_FALSE(tried.result.is_complete);
}

TEST_CASE("a path can be gone again from its start") {
  Shape shape;
  shape.disks_lie = true;
  const Exploration tried(shape, tiny(), {}, {});
  REQUIRE(tried.result.violation);
  const Violation& violation = *tried.result.violation;
  Catalogue catalogue(shape, {});
  const Cluster cluster(catalogue, tiny());
  World world = violation.start;
  std::vector<Successor> successors;
  for (const PathStep& step : violation.path) {
    Cluster(tried.cluster).successors(world, successors);
    const auto found = std::find_if(successors.begin(), successors.end(),
                                    [&](const Successor& next) { return next.world == step.after; });
    REQUIRE(found != successors.end());
    const bool is_last = &step == &violation.path.back();
    CHECK((found->violation != nullptr) == is_last);
    if (is_last) CHECK(found->violation == violation.rule);
    world = found->world;
  }
}

TEST_CASE("a search ends where it is told to") {
  SearchLimits by_depth;
  by_depth.depth_max = 3;
  const Exploration shallow({}, tiny(), {}, by_depth);
  CHECK(shallow.result.depth == 3);
  CHECK_FALSE(shallow.result.is_complete);
  SearchLimits by_time;
  by_time.is_time_up = [] { return true; };
  CHECK_FALSE(Exploration({}, tiny(), {}, by_time).result.is_complete);
  SearchLimits by_memory;
  by_memory.memory_bytes = 1;
  CHECK_FALSE(Exploration({}, tiny(), {}, by_memory).result.is_complete);
}
