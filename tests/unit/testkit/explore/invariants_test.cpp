// Rules over the whole explored cluster, each broken by a step that no Core makes.
#include "support/catch.hpp"

#include "testkit/explore/bounds.hpp"

using namespace libraft;
using namespace libraft::testkit::explore;

namespace {

/// Node 1 leads term 1; all have its first entry.
struct Led {
  Catalogue catalogue;
  Cluster cluster;
  World world;

  explicit Led(const Start& start)
      : catalogue(start.shape, {}), cluster(catalogue, start.limits), world(scripted(catalogue, start).world) {}

  /// What follows when node 1 was asked for a read, and the messages that it sends for that.
  std::vector<MessageKey> ask() {
    std::vector<MessageKey> sent;
    world = cluster.after(world, {Happening::read, 1, 0}, sent).world;
    return sent;
  }
  /// What the rules say when node 1 confirms its read, as of `index`.
  const char* confirm(std::uint64_t index) {
    KnownStep step;
    step.node = world.nodes[0];
    step.reads = {{{}, {}, {index}}};
    return check(catalogue, world, world.nodes[0], 0, step);
  }
};

Start leader_that_reads() {
  for (const Start& start : find_bound("elected")->starts) {
    if (start.limits.reads != 0) return start;
  }
  throw std::runtime_error("no bound has reads");
}

}  // namespace

TEST_CASE("explorer: a leader whose log lost an entry is told") {
  Led led(leader_that_reads());
  std::vector<MessageKey> sent;
  const World longer = led.cluster.after(led.world, {Happening::propose, 1, 1}, sent).world;
  REQUIRE(led.catalogue.view(longer.nodes[0]).log.size() == 2);
  World kept = longer;
  CHECK(check(led.catalogue, kept, led.world.nodes[0], 0, {}) == nullptr);
  World lost = led.world;
  CHECK(std::string(check(led.catalogue, lost, longer.nodes[0], 0, {})) == "iS2: a leader takes nothing from its log");
  // Who stepped down may lose what it had.
  World follower = led.world;
  follower.nodes[0] = led.catalogue.step(longer.nodes[0], Happening::crash, 0).node;
  REQUIRE(led.catalogue.view(follower.nodes[0]).log.size() == 1);
  CHECK(check(led.catalogue, follower, longer.nodes[0], 0, {}) == nullptr);
}

TEST_CASE("explorer: a read that nobody answered is told") {
  Led led(leader_that_reads());
  const std::vector<MessageKey> asked = led.ask();
  REQUIRE(led.world.reader == 1);
  REQUIRE(asked.size() == 2);
  World before = led.world;
  CHECK(std::string(led.confirm(1)) == "iR3: a read is confirmed by a quorum that answered after it was asked for");
  // With one answer, of two other voters, it may be.
  led.world = before;
  std::vector<MessageKey> answer;
  const std::uint8_t other = led.catalogue.message(asked.front()).to;
  led.world = led.cluster.after(led.world, {Happening::deliver, other, asked.front()}, answer).world;
  REQUIRE(answer.size() == 1);
  CHECK(led.world.has_answered_read(other));
  CHECK(led.confirm(1) == nullptr);
}

TEST_CASE("explorer: a read of too old a state is told") {
  Led led(leader_that_reads());
  led.ask();
  led.world.answered = 6;
  CHECK(std::string(led.confirm(0)) == "iR1: a read sees what was committed before it");
}

TEST_CASE("explorer: a read that is confirmed by who leads no more is told") {
  Led led(leader_that_reads());
  led.ask();
  led.world.answered = 6;
  led.world.nodes[0] = led.catalogue.step(led.world.nodes[0], Happening::quorum_lost, 0).node;
  REQUIRE(led.catalogue.view(led.world.nodes[0]).role != Role::leader);
  CHECK(std::string(led.confirm(1)) == "iR3: a read is confirmed by a leader that has committed in its term");
}

TEST_CASE("explorer: states that differ in who has answered a read are two") {
  Led led(leader_that_reads());
  led.ask();
  World answered = led.world;
  answered.answer_read(2);
  CHECK(led.cluster.hash(answered) != led.cluster.hash(led.world));
}
