// Marks count rare paths where they are taken, and make no difference to what a Core is.
#include "core/marks.hpp"
#include "core/digest.hpp"
#include "core/state.hpp"
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

#include <set>
#include <string>

using namespace libraft;
using libraft::core::Mark;
using libraft::core::Marks;

namespace {

std::uint32_t count(const libraft::test::CoreNode& node, Mark mark) {
  return node.core->state().marks.count(mark);
}

}  // namespace

TEST_CASE("every mark has a name of its own") {
  std::set<std::string> names;
  for (std::size_t i = 0; i < core::kMarkCount; ++i) {
    const std::string name(core::name_of(static_cast<Mark>(i)));
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    CHECK(!name.empty());
    names.insert(name);
  }
  CHECK(names.size() == core::kMarkCount);
  CHECK(core::name_of(Mark::pre_vote_lost) == "pre_vote_lost");
  CHECK(core::name_of(Mark::append_beyond_log) == "append_beyond_log");
  CHECK(core::name_of(Mark::restart_with_log) == "restart_with_log");
}

TEST_CASE("a mark is counted where its path is taken and nowhere else") {
  test::CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  test::CoreNode& leader = *cluster.leader();
  test::CoreNode& follower = test::other_than(cluster, leader);
  const auto before = follower.core->state().marks;
  const Term term = leader.core->status().term;
  const LogIndex last = follower.core->status().log_last.index;
  cluster.step(follower, test::received(leader.id.value, follower.id.value,
                                        AppendEntries{term, {{last.value + 5}, term}, {}, {}, 0}));
  CHECK(count(follower, Mark::append_beyond_log) == before.count(Mark::append_beyond_log) + 1);
  CHECK(follower.core->state().marks.total() == before.total() + 1);
}

TEST_CASE("marks make no difference to equality and to the protocol digest") {
  test::CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  const Core::State& before = cluster.leader()->core->state();
  Core::State counted = before;
  counted.marks.hit(Mark::pre_vote_lost);
  CHECK(counted.marks.total() == before.marks.total() + 1);
  CHECK(counted == before);
  CHECK(core::protocol_digest(counted, {}) == core::protocol_digest(before, {}));
  counted.term.value += 1;
  CHECK_FALSE(counted == before);
}
