// Faults of processes and clocks: each happens, is told to the watcher, and is drawn from the seed.
#include <libraft/observer.hpp>

#include <algorithm>

#include "simulation_fixture.hpp"
#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::test;

namespace {

int appends_to(const Recorder& recorder, NodeId from, TimePoint since) {
  return static_cast<int>(std::count_if(recorder.delivered.begin(), recorder.delivered.end(), [&](const auto& item) {
    return item.first >= since && item.second.route.from == from &&
           std::holds_alternative<AppendEntries>(item.second.body);
  }));
}

}  // namespace

TEST_CASE("a paused machine does nothing and then all that waited") {
  Cluster cluster;
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  cluster.simulation.run_for(1s);
  cluster.simulation.pause(leader, 5s);
  CHECK(cluster.recorder.faults["process.pause"] == 1);
  cluster.simulation.run_for(10ms);
  const TimePoint since = cluster.simulation.now();
  cluster.simulation.run_for(4900ms);
  CHECK(appends_to(cluster.recorder, leader, since) == 0);
  const NodeId other = cluster.simulation.leader();
  CHECK(other != leader);
  cluster.simulation.run_for(2s);
  CHECK(cluster.simulation.status(leader).leader == other);
}

TEST_CASE("a pause ends with the process") {
  Cluster cluster;
  cluster.simulation.start_all();
  cluster.elect();
  cluster.simulation.pause({1}, 1h);
  cluster.simulation.crash({1});
  cluster.simulation.start({1});
  cluster.simulation.run_for(5s);
  CHECK(cluster.simulation.status({1}).state == NodeState::running);
}

TEST_CASE("a slow machine takes longer for everything") {
  const auto time_of_write = [](std::uint32_t factor) {
    SimulationOptions options;
    options.nodes = 1;
    Cluster cluster(options);
    cluster.simulation.slow_down({1}, factor);
    cluster.simulation.start_all();
    cluster.elect();
    const TimePoint begin = cluster.simulation.now();
    CHECK(cluster.write("x"));
    return cluster.simulation.now() - begin;
  };
  CHECK(time_of_write(100) > 10 * time_of_write(1));
}

TEST_CASE("a crash ends what is under way, and requests of the node never end") {
  Cluster cluster;
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  bool is_ended = false;
  cluster.simulation.propose(leader, Bytes("x"), {}, [&](std::error_code, const Applied&) { is_ended = true; });
  cluster.simulation.crash(leader);
  CHECK_FALSE(cluster.simulation.is_up(leader));
  cluster.simulation.run_for(10s);
  CHECK_FALSE(is_ended);
}

TEST_CASE("a node may crash again and again while it starts") {
  Cluster cluster({}, file_storages());
  cluster.simulation.start_all();
  REQUIRE(cluster.write("x"));
  cluster.simulation.crash({1});
  for (std::uint64_t call = 1; call <= 6; ++call) {
    cluster.simulation.start({1});
    cluster.simulation.crash_at_file_call({1}, call);
    cluster.simulation.run_for(100ms);
    CHECK_FALSE(cluster.simulation.is_up({1}));
  }
  cluster.simulation.start({1});
  cluster.simulation.run_for(5s);
  CHECK(cluster.recorder.counts["crashed"] == 7);
  CHECK(cluster.read({1}) == "x");
}

TEST_CASE("a node that was paused for too long is ended by force when it is stopped") {
  Cluster cluster;
  cluster.simulation.start_all();
  cluster.elect();
  cluster.simulation.pause({1}, 1h);
  cluster.simulation.stop({1});
  CHECK_FALSE(cluster.simulation.is_up({1}));
  CHECK(cluster.recorder.counts["stopped"] == 0);
  CHECK(cluster.recorder.counts["crashed"] == 1);
}

TEST_CASE("a fast clock campaigns early and a slow one late") {
  const auto time_of_first_message = [](std::int32_t ppm) {
    SimulationOptions options;
    Cluster cluster(options);
    cluster.simulation.set_clock_drift({1}, ppm);
    cluster.simulation.start({1});
    cluster.simulation.run_until([&] { return cluster.recorder.counts["sent"] > 0; }, 60s);
    return cluster.simulation.now() - TimePoint{};
  };
  const Duration usual = time_of_first_message(0);
  const Duration early = time_of_first_message(200000);
  const Duration late = time_of_first_message(-200000);
  CHECK(early < usual * 9 / 10);
  CHECK(early > usual * 8 / 10);
  CHECK(late > usual * 12 / 10);
  CHECK(late < usual * 13 / 10);
}

TEST_CASE("a clock that jumps makes what waited for it due") {
  Cluster cluster;
  cluster.simulation.start({1});
  cluster.simulation.run_for(100ms);
  CHECK(cluster.recorder.counts["sent"] == 0);
  cluster.simulation.jump_clock({1}, 1h);
  CHECK(cluster.recorder.faults["clock.jump"] == 1);
  cluster.simulation.run_for(100ms);
  CHECK(cluster.recorder.counts["sent"] > 0);
}

TEST_CASE("clocks with other zeros and rates do not keep a cluster from working") {
  Cluster cluster;
  cluster.simulation.jump_clock({1}, 100h);
  cluster.simulation.jump_clock({2}, 1h);
  cluster.simulation.set_clock_drift({2}, 100000);
  cluster.simulation.set_clock_drift({3}, -100000);
  CHECK(cluster.recorder.faults["clock.drift"] == 2);
  cluster.simulation.start_all();
  for (int i = 0; i < 20; ++i) REQUIRE(cluster.write("x"));
}

TEST_CASE("timers may come late") {
  const auto time_of_first_message = [](Duration late) {
    Cluster cluster;
    cluster.simulation.set_timer_delay({1}, late);
    cluster.simulation.start({1});
    cluster.simulation.run_until([&] { return cluster.recorder.counts["sent"] > 0; }, 60s);
    return cluster.simulation.now();
  };
  const TimePoint usual = time_of_first_message(0s);
  const TimePoint late = time_of_first_message(10s);
  CHECK(late > usual);
  CHECK(late < usual + 11s);
}

TEST_CASE("options of one node can be its own") {
  SimulationOptions options;
  options.adjust = [](NodeId id, NodeOptions& node) {
    if (id == NodeId{2}) node.core.election_timeout = 100s;
    if (id == NodeId{3}) node.core.election_timeout = 100s;
  };
  Cluster cluster(options);
  cluster.simulation.start_all();
  CHECK(cluster.elect() == NodeId{1});
}

TEST_CASE("a node that is told to stop is up until it has, and a write that it took is not lost") {
  Cluster cluster;
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  std::vector<std::error_code> ends;
  cluster.simulation.propose(leader, Bytes("x"), {},
                             [&](std::error_code error, const Applied&) { ends.push_back(error); });
  cluster.simulation.begin_stop(leader);
  CHECK(cluster.simulation.is_up(leader));
  CHECK(cluster.recorder.faults["process.stop"] == 1);
  REQUIRE(cluster.simulation.run_until([&] { return !cluster.simulation.is_up(leader); }, 30s));
  CHECK(ends == std::vector<std::error_code>{std::error_code()});
  CHECK(cluster.recorder.counts["crashed"] == 0);

  cluster.simulation.begin_stop(leader);  // nobody there
  CHECK(cluster.recorder.faults["process.stop"] == 1);
  cluster.simulation.start(leader);
  cluster.simulation.run_for(5s);
  CHECK(cluster.simulation.status(leader).state == NodeState::running);
}

TEST_CASE("who asks a node in the moment in which it stops is answered too") {
  Cluster cluster;
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  cluster.simulation.slow_down(leader, 20);  // what is asked waits for a while
  std::size_t asked = 0;
  std::size_t ended = 0;
  cluster.simulation.begin_stop(leader);
  const auto is_down = [&] { return !cluster.simulation.is_up(leader); };
  do {
    ++asked;
    cluster.simulation.propose(leader, Bytes("x"), {}, [&](std::error_code, const Applied&) { ++ended; });
  } while (!cluster.simulation.run_until(is_down, std::chrono::microseconds(20)) && asked < 100000);
  CHECK(is_down());
  CHECK(asked > 10);
  CHECK(ended == asked);
}

TEST_CASE("a node that crashes while it stops is gone at once and what it had begun disturbs no later life") {
  Cluster cluster;
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  cluster.simulation.begin_stop(leader);
  cluster.simulation.crash(leader);
  CHECK_FALSE(cluster.simulation.is_up(leader));
  cluster.simulation.start(leader);
  cluster.simulation.run_for(60s);
  CHECK(cluster.simulation.is_up(leader));
  CHECK(cluster.simulation.status(leader).state == NodeState::running);
}
