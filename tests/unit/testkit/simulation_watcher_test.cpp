// A watcher hears of all that happens, in order; and a run is the same with and without one.
#include <algorithm>

#include "simulation_fixture.hpp"
#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::test;

TEST_CASE("a watcher hears of a cluster's life") {
  SimulationOptions options;
  options.core.snapshot_after_entries = 3;
  options.core.trailing_entries = 0;
  Cluster cluster(options);
  cluster.simulation.start_all();
  for (const char* command : {"a", "b", "c", "d"}) REQUIRE(cluster.write(command));
  cluster.simulation.run_for(1s);
  Recorder& heard = cluster.recorder;
  CHECK(heard.counts["started"] == 3);
  CHECK(heard.counts["found empty"] == 3);
  CHECK(heard.counts["recovered"] == 3);
  CHECK(heard.counts["stepped"] > 20);
  CHECK(heard.counts["written"] >= 12);
  CHECK(heard.counts["applied"] == 12);
  CHECK(heard.counts["published"] >= 3);
  CHECK(heard.counts["sent"] > 20);
  CHECK(heard.counts["delivered"] > 20);
  CHECK(heard.counts["delivered"] <= heard.counts["sent"]);
  CHECK(heard.applied == std::vector<std::string>{"a -> to a", "b -> to b", "c -> to c", "d -> to d"});
  CHECK(heard.written[NodeId{1}].value >= 5);
  CHECK(heard.faults.empty());

  cluster.simulation.crash({1});
  CHECK(heard.counts["crashed"] == 1);
  CHECK(heard.faults["process.crash"] == 1);
  cluster.simulation.start({1});
  cluster.simulation.run_for(1s);
  CHECK(heard.counts["recovered"] == 4);
  CHECK(heard.counts["restored"] == 1);
  cluster.simulation.stop({1});
  CHECK(heard.counts["stopped"] == 1);
  CHECK(std::is_sorted(heard.times.begin(), heard.times.end()));
  CHECK(heard.times.front() == TimePoint{});
  CHECK(heard.times.back() == cluster.simulation.now());
}

TEST_CASE("a watcher changes nothing") {
  const auto run = [](bool is_watched) {
    SimulationOptions options;
    options.loss_ppm = 50000;
    options.duplication_ppm = 50000;
    Cluster cluster(options, is_watched);
    cluster.simulation.start_all();
    for (const char* command : {"a", "b", "c", "d"}) CHECK(cluster.write(command));
    cluster.simulation.crash({2});
    cluster.simulation.run_for(5s);
    return std::pair(cluster.simulation.trace_hash(), cluster.simulation.events());
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("a callback may crash the node that calls it") {
  Cluster cluster;
  cluster.simulation.start_all();
  const NodeId leader = cluster.elect();
  REQUIRE(leader != NodeId{});
  bool is_told = false;
  cluster.simulation.propose(leader, Bytes("x"), {}, [&](std::error_code error, const Applied&) {
    CHECK_FALSE(error);
    is_told = true;
    cluster.simulation.crash(leader);
    CHECK_FALSE(cluster.simulation.is_up(leader));
  });
  cluster.simulation.run_for(1s);
  CHECK(is_told);
  CHECK(cluster.recorder.counts["crashed"] == 1);
  cluster.simulation.start(leader);
  cluster.simulation.run_for(5s);
  CHECK(cluster.read(leader) == "x");
}

TEST_CASE("an action runs when its time has come, and may set the next one") {
  Cluster cluster;
  std::vector<TimePoint> times;
  cluster.simulation.at(TimePoint{2s}, [&] {
    times.push_back(cluster.simulation.now());
    cluster.simulation.at(TimePoint{3s}, [&] { times.push_back(cluster.simulation.now()); });
  });
  cluster.simulation.at(TimePoint{1s}, [&] { times.push_back(cluster.simulation.now()); });
  cluster.simulation.run_for(10s);
  CHECK(times == std::vector<TimePoint>{TimePoint{1s}, TimePoint{2s}, TimePoint{3s}});
  CHECK(cluster.simulation.now() == TimePoint{10s});
}
