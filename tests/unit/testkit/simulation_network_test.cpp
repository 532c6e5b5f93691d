// Each fault of the network happens, is told to the watcher, and is drawn from the seed.
#include <algorithm>
#include <functional>
#include <set>

#include "simulation_fixture.hpp"
#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::test;

namespace {

struct Seen {
  std::map<std::string, int> faults;
  std::map<std::string, int> counts;
  std::uint64_t hash = 0;
};

/// Ten seconds of a cluster of three with these links.
Seen run_with(const LinkFaults& faults) {
  Cluster cluster;
  cluster.simulation.set_network(faults);
  cluster.simulation.start_all();
  cluster.elect();
  cluster.simulation.run_for(10s);
  return {cluster.recorder.faults, cluster.recorder.counts, cluster.simulation.trace_hash()};
}

void require_fault(const LinkFaults& faults, const std::string& name) {
  Seen first = run_with(faults);
  CHECK(first.faults[name] > 0);
  CHECK(run_with(faults).hash == first.hash);
  CHECK(run_with({}).faults[name] == 0);
}

}  // namespace

TEST_CASE("links lose messages") {
  LinkFaults faults;
  faults.loss_ppm = 100000;
  require_fault(faults, "network.loss");
}

TEST_CASE("links lose messages in bursts") {
  LinkFaults faults;
  faults.burst_ppm = 20000;
  faults.burst_end_ppm = 200000;
  require_fault(faults, "network.burst_loss");
}

TEST_CASE("links repeat messages") {
  LinkFaults faults;
  faults.duplication_ppm = 100000;
  require_fault(faults, "network.duplication");
  const Seen seen = run_with(faults);
  CHECK(seen.counts.at("delivered") > seen.counts.at("sent"));
}

TEST_CASE("links delay messages with a heavy tail") {
  LinkFaults faults;
  faults.tail_ppm = 200000;
  require_fault(faults, "network.delay");
}

TEST_CASE("frames that were damaged on their way are refused") {
  LinkFaults faults;
  faults.corruption_ppm = 100000;
  faults.truncation_ppm = 50000;
  require_fault(faults, "network.corruption");
  Seen seen = run_with(faults);
  CHECK(seen.faults["network.truncation"] > 0);
  // Bits flip in values that decode all the same: without a checksum a node would have believed them.
  CHECK(seen.faults["network.refused_by_checksum"] > 0);
  CHECK(seen.faults["network.refused_by_codec"] > 0);
}

TEST_CASE("a damaged frame is never delivered") {
  Cluster cluster;
  LinkFaults faults;
  faults.corruption_ppm = 1000000;
  cluster.simulation.set_network(faults);
  cluster.simulation.start_all();
  cluster.simulation.run_for(10s);
  CHECK(cluster.recorder.counts["sent"] > 0);
  CHECK(cluster.recorder.counts["delivered"] == 0);
}

TEST_CASE("a fault on one link leaves the draws of the others as they were") {
  // Until the first message is lost, nothing differs; after it, only what follows from it.
  const auto sent_by_second = [](std::uint32_t loss) {
    Cluster cluster;
    cluster.simulation.cut({1}, {3}, true);  // nobody listens to anybody: each draws for itself
    cluster.simulation.cut({3}, {1}, true);
    cluster.simulation.cut({1}, {2}, true);
    cluster.simulation.cut({2}, {1}, true);
    LinkFaults lossy;
    lossy.loss_ppm = loss;
    cluster.simulation.set_link({1}, {2}, lossy);
    cluster.simulation.start_all();
    cluster.simulation.run_for(10s);
    std::vector<std::pair<TimePoint, Message>> heard;
    for (const auto& [time, message] : cluster.recorder.delivered) {
      if (message.route.from != NodeId{1} && message.route.to != NodeId{1}) heard.emplace_back(time, message);
    }
    return heard;
  };
  const auto without = sent_by_second(0);
  CHECK(without.size() > 50);
  CHECK(without == sent_by_second(500000));
}

TEST_CASE("a cut link passes nothing one way and all the other way") {
  Cluster cluster;
  cluster.simulation.start_all();
  cluster.elect();
  cluster.simulation.run_for(1s);
  cluster.recorder.delivered.clear();
  cluster.simulation.cut({1}, {2}, true);
  CHECK(cluster.recorder.faults["network.cut"] == 1);
  cluster.simulation.run_for(20s);
  std::set<std::pair<NodeId, NodeId>> links;
  const TimePoint cut_at{cluster.simulation.now() - 19s};
  for (const auto& [time, message] : cluster.recorder.delivered) {
    if (time > cut_at) links.insert({message.route.from, message.route.to});
  }
  CHECK_FALSE(links.contains({NodeId{1}, NodeId{2}}));
  CHECK(links.contains({NodeId{2}, NodeId{1}}));
}

TEST_CASE("a partition leaves the sides to themselves until it is healed") {
  SimulationOptions options;
  options.nodes = 5;
  Cluster cluster(options);
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  cluster.simulation.partition({leader, NodeId{leader.value % 5 + 1}});
  CHECK(cluster.recorder.faults["network.cut"] == 12);
  cluster.simulation.run_for(10s);
  const NodeId other = cluster.simulation.leader();
  CHECK(other != leader);
  CHECK(cluster.write("x"));
  CHECK(cluster.read(leader) == "");
  cluster.simulation.heal();
  CHECK(cluster.recorder.faults["network.mend"] == 12);
  cluster.simulation.run_for(5s);
  CHECK(cluster.read(leader) == "x");
}

TEST_CASE("in a ring each node hears its neighbours only") {
  SimulationOptions options;
  options.nodes = 5;
  Cluster cluster(options);
  cluster.simulation.cut_to_ring();
  cluster.simulation.start_all();
  cluster.simulation.run_for(20s);
  CHECK(cluster.recorder.delivered.size() > 100);
  for (const auto& [time, message] : cluster.recorder.delivered) {
    const std::uint64_t distance = (message.route.to.value + 5 - message.route.from.value) % 5;
    REQUIRE((distance == 1 || distance == 4));
  }
}

TEST_CASE("a flapping link passes messages in its good times only") {
  Cluster cluster;
  cluster.simulation.start_all();
  cluster.elect();
  cluster.simulation.run_for(1s);
  const TimePoint since = cluster.simulation.now();
  for (std::uint64_t from = 1; from <= 3; ++from) {
    for (std::uint64_t to = 1; to <= 3; ++to) cluster.simulation.flap({from}, {to}, 300ms, 200ms);
  }
  cluster.recorder.delivered.clear();
  cluster.simulation.run_for(10s);
  CHECK(cluster.recorder.delivered.size() > 50);
  for (const auto& [time, message] : cluster.recorder.delivered) {
    if (time > since + 200ms) REQUIRE((time - since) % 500ms < 300ms + 2ms);  // what left in time may arrive late
  }
}

TEST_CASE("a clogged link holds messages and later lets the old ones go") {
  Cluster cluster;
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  cluster.simulation.run_for(1s);
  const NodeId follower{leader.value % 3 + 1};
  cluster.simulation.clog(leader, follower);
  const auto from_leader = [&](const std::pair<TimePoint, Message>& item) {
    return item.second.route.from == leader && item.second.route.to == follower;
  };
  auto& delivered = cluster.recorder.delivered;
  cluster.simulation.run_for(100ms);
  delivered.clear();
  cluster.simulation.run_for(700ms);
  CHECK(std::count_if(delivered.begin(), delivered.end(), from_leader) == 0);
  cluster.simulation.release(leader, follower);
  CHECK(cluster.recorder.faults["network.release"] == 1);
  cluster.simulation.run_for(5ms);
  CHECK(std::count_if(delivered.begin(), delivered.end(), from_leader) >= 6);
}

TEST_CASE("one slow link does not slow the others") {
  Cluster cluster;
  LinkFaults slow;
  slow.delay_min = 200ms;
  slow.delay_max = 200ms;
  cluster.simulation.set_link({1}, {2}, slow);
  cluster.simulation.start_all();
  CHECK(cluster.write("x"));
  CHECK(cluster.recorder.faults["network.link"] == 1);
}
