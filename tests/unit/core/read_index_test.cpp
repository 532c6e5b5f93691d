// Linearizable reads: what confirms a round, and what only looks like it.
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

using namespace libraft;
using namespace libraft::test;

namespace {

/// Leader of a term in which it has committed, and what it sends goes nowhere.
struct Reading {
  Reading() {
    REQUIRE(cluster.elect());
    cluster.run_for(std::chrono::milliseconds(300));
    cluster.passes = [](const Message&) { return false; };
    leader = cluster.leader();
    follower = &other_than(cluster, *leader);
    term = leader->core->status().term;
    cluster.step(*leader, ReadIndexRequested{{7}});
    REQUIRE(leader->reads.empty());
    for (const Message& message : cluster.network()) {
      if (const auto* append = std::get_if<AppendEntries>(&message.body)) round = append->read_sequence;
    }
    REQUIRE(round > 0);
  }
  /// A refusal of the follower, naming `sequence`.
  void answer(std::uint64_t sequence) {
    cluster.step(*leader,
                 received(follower->id.value, leader->id.value, AppendEntriesReply{term, false, {}, {}, {}, sequence}));
  }

  CoreCluster cluster{3, {}, 1};
  CoreNode* leader = nullptr;
  CoreNode* follower = nullptr;
  Term term;
  std::uint64_t round = 0;
};

}  // namespace

TEST_CASE("a round of reads is confirmed by answers that name it") {
  Reading reading;
  reading.answer(reading.round);
  REQUIRE(reading.leader->reads.size() == 1);
  CHECK(!reading.leader->reads.front().error);
}

TEST_CASE("an answer that names an earlier round or one that never began confirms nothing") {
  Reading reading;
  reading.answer(reading.round - 1);
  reading.answer(reading.round + 1);
  CHECK(reading.leader->reads.empty());
}

// A node may lead again in a later term, and a heartbeat of the earlier one may still be on its way then. Who gets it
// answers with the later term; if it named the round, it would confirm one that has not begun.
TEST_CASE("the answer to a request of an older term names no round of reads") {
  Reading reading;
  CoreNode& follower = *reading.follower;
  reading.cluster.network().clear();
  reading.cluster.step(follower, received(reading.leader->id.value, follower.id.value,
                                          AppendEntries{{reading.term.value - 1}, {}, {}, {}, 17}));
  REQUIRE(reading.cluster.network().size() == 1);
  const auto& answer = std::get<AppendEntriesReply>(reading.cluster.network().front().body);
  CHECK(answer.term == reading.term);
  CHECK(!answer.accepted);
  CHECK(answer.read_sequence == 0);
}
