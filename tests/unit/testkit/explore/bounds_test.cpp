// The named bounds: their scripts lead where they say, and a violation is told in words.
#include "support/catch.hpp"

#include "testkit/explore/bounds.hpp"
#include "testkit/explore/scenario.hpp"

#include <algorithm>

using namespace libraft;
using namespace libraft::testkit::explore;

namespace {

const Start& start_of(std::string_view bound, std::string_view name) {
  const Bound* found = find_bound(bound);
  REQUIRE(found != nullptr);
  const auto start = std::find_if(found->starts.begin(), found->starts.end(),
                                  [&](const Start& candidate) { return candidate.name == name; });
  REQUIRE(start != found->starts.end());
  return *start;
}

}  // namespace

TEST_CASE("bounds are found by name") {
  CHECK(find_bound("two-terms") != nullptr);
  CHECK(find_bound("elected") != nullptr);
  CHECK(find_bound("two-terms-quick") != nullptr);
  CHECK(find_bound("elected-quick") != nullptr);
  CHECK(find_bound("three-terms") != nullptr);
  CHECK(find_bound("four-terms") == nullptr);
}

TEST_CASE("every script keeps every rule") {
  for (const Bound& bound : bounds()) {
    for (const Start& start : bound.starts) {
      INFO(bound.name << " from " << start.name);
      Catalogue catalogue(start.shape, {});
      CHECK_FALSE(scripted(catalogue, start).violation);
    }
  }
}

TEST_CASE("from a leader means that all have its first entry and nobody else campaigns") {
  const Start& start = start_of("elected-quick", "a leader, 1 crash, links keep their order");
  Catalogue catalogue(start.shape, {});
  const World world = scripted(catalogue, start).world;
  CHECK(catalogue.view(world.nodes[0]).role == Role::leader);
  for (const NodeKey key : world.nodes) {
    CHECK(catalogue.view(key).disk == PackedLog{0x10});
    CHECK(catalogue.view(key).commit == 1);
    CHECK_FALSE(catalogue.view(key).is_writing);
  }
  CHECK(world.in_flight == 0);
}

TEST_CASE("a voter and a learner are explored to the end without a crash") {
  Start start = start_of("elected", "a voter and a learner");
  start.limits.crashes = 0;
  start.limits.term_max = 1;
  Catalogue catalogue(start.shape, {});
  const SearchResult result = explore(catalogue, start, {});
  CHECK(result.is_complete);
  CHECK_FALSE(result.violation);
}

TEST_CASE("a rule that the script itself breaks is told too") {
  Start start = start_of("elected-quick", "a leader, 1 crash, links keep their order");
  start.shape.disks_lie = true;
  Catalogue catalogue(start.shape, {});
  const SearchResult result = explore(catalogue, start, {});
  CHECK_FALSE(result.is_complete);
  REQUIRE(result.violation);
  CHECK(result.violation->rule == "iD1: the term on the wire is durable");
}

TEST_CASE("a violation reads as a scenario") {
  Start start = start_of("two-terms-quick", "empty disks, 1 proposal");
  start.shape.disks_lie = true;
  Catalogue catalogue(start.shape, {});
  const SearchResult result = explore(catalogue, start, {});
  REQUIRE(result.violation);
  const std::string text = scenario(catalogue, *result.violation);
  CHECK(text.find("1.     node 1 times out\n") != std::string::npos);
  CHECK(text.find("2.     node 1's oldest write completes\n") != std::string::npos);
  CHECK(text.find("broken: iD1: the term on the wire is durable\n") != std::string::npos);
}
