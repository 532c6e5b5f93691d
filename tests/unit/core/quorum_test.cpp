// core/quorum, core/vote_tally: against counting by brute force.
#include "core/quorum.hpp"

#include "core/vote_tally.hpp"
#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::core;

namespace {

std::vector<Peer> peers(std::initializer_list<std::uint64_t> ids) {
  std::vector<Peer> result;
  for (const auto id : ids) result.push_back({{id}, ""});
  return result;
}

/// The greatest value that more than half of `voters` have reached, by counting.
std::uint64_t counted(const std::vector<Peer>& voters, const std::vector<std::uint64_t>& values) {
  std::uint64_t best = 0;
  for (const std::uint64_t candidate : values) {
    std::size_t reached = 0;
    for (const Peer& peer : voters) reached += values[peer.id.value] >= candidate ? 1u : 0u;
    if (2 * reached > voters.size()) best = std::max(best, candidate);
  }
  return best;
}

}  // namespace

TEST_CASE("a majority is more than half") {
  CHECK(majority(1) == 1);
  CHECK(majority(2) == 2);
  CHECK(majority(3) == 2);
  CHECK(majority(4) == 3);
  CHECK(majority(5) == 3);
}

TEST_CASE("the quorum value is what a majority of each voter set has reached") {
  const std::vector<std::vector<Peer>> sets{
      peers({1}),          peers({1, 2}),    peers({1, 2, 3}),      peers({2, 3, 4}),
      peers({1, 2, 3, 4}), peers({3, 4, 5}), peers({1, 2, 3, 4, 5})};
  std::uint64_t random = 1;
  for (const auto& voters : sets) {
    for (const auto& outgoing : sets) {
      for (int round = 0; round < 200; ++round) {
        std::vector<std::uint64_t> values(6);
        for (auto& value : values) value = (random = random * 6364136223846793005u + 1442695040888963407u) >> 61;
        const auto value_of = [&](NodeId id) { return values[id.value]; };
        CHECK(quorum_value<std::uint64_t>({voters, {}, {}}, 0, value_of) == counted(voters, values));
        CHECK(quorum_value<std::uint64_t>({voters, outgoing, {}}, 0, value_of) ==
              std::min(counted(voters, values), counted(outgoing, values)));
      }
    }
  }
}

TEST_CASE("without voters nothing is ever decided") {
  CHECK(quorum_value<std::uint64_t>({{}, {}, peers({1})}, 0, [](NodeId) { return std::uint64_t{9}; }) == 0);
  VoteTally tally;
  tally.record({1}, true);
  CHECK(tally.outcome({{}, {}, peers({1})}) == ElectionOutcome::undecided);
}

TEST_CASE("learners are never counted") {
  VoteTally tally;
  tally.record({1}, true);
  for (const std::uint64_t learner : {7u, 8u, 9u}) tally.record({learner}, true);
  CHECK(tally.outcome({peers({1, 2, 3}), {}, peers({9})}) == ElectionOutcome::undecided);
  CHECK(tally.outcome({peers({1, 2, 3}), {}, peers({7, 8, 9})}) == ElectionOutcome::undecided);
}

TEST_CASE("a repeated answer counts once, and the first one stands") {
  const Configuration three{peers({1, 2, 3}), {}, {}};
  VoteTally tally;
  tally.record({2}, true);
  tally.record({2}, true);
  CHECK(tally.outcome(three) == ElectionOutcome::undecided);
  tally.record({3}, false);
  tally.record({3}, true);
  CHECK(tally.outcome(three) == ElectionOutcome::undecided);
  tally.record({1}, true);
  CHECK(tally.outcome(three) == ElectionOutcome::won);
}

TEST_CASE("an election is lost when a majority refuses") {
  VoteTally tally;
  tally.record({2}, false);
  CHECK(tally.outcome({peers({1, 2, 3}), {}, {}}) == ElectionOutcome::undecided);
  tally.record({3}, false);
  CHECK(tally.outcome({peers({1, 2, 3}), {}, {}}) == ElectionOutcome::lost);
}

TEST_CASE("a joint configuration needs both majorities (thesis §4.3)") {
  const Configuration joint{peers({1, 2, 3}), peers({4, 5, 6}), {}};
  VoteTally tally;
  tally.record({1}, true);
  tally.record({2}, true);
  tally.record({3}, true);
  CHECK(tally.outcome(joint) == ElectionOutcome::undecided);
  tally.record({4}, true);
  tally.record({5}, true);
  CHECK(tally.outcome(joint) == ElectionOutcome::won);
}
