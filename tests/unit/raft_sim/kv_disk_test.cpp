// The kvserver's storage on simulated disks: wherever a bit flips, the next start notices, and the cluster loses
// nothing.
#include "kv_disk.hpp"

#include <libraft/error.hpp>
#include <libraft/testkit/simulation.hpp>

#include <optional>
#include <string>

#include "kv/command.hpp"
#include "kv/map_state_machine.hpp"
#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::testkit;
using namespace std::chrono_literals;

namespace {

SimulationOptions with_snapshots(std::uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.core.snapshot_after_entries = 8;
  options.core.trailing_entries = 3;
  return options;
}

struct KvCluster {
  explicit KvCluster(std::uint64_t seed)
      : simulation(
            with_snapshots(seed), [](NodeId) { return std::make_unique<kvserver::MapStateMachine>(); },
            raft_sim::kv_disk_storage()) {
    simulation.start_all();
  }

  void set(const std::string& key, const std::string& value) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      simulation.run_until([&] { return simulation.leader() != NodeId{}; }, 60s);
      std::optional<std::error_code> ended;
      simulation.propose(simulation.leader(), Bytes(kvserver::encode(kvserver::SetCommand{key, value})), {},
                         [&](std::error_code error, const Applied&) { ended = error; });
      simulation.run_until([&] { return ended.has_value(); }, 10s);
      if (ended && !*ended) return;
    }
    FAIL("nobody takes a write");
  }

  Simulation simulation;
};

void require_noticed(DiskPart part) {
  int damaged = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    KvCluster cluster(seed);
    for (std::uint64_t i = 0; i < 6 + seed % 13; ++i) cluster.set("k" + std::to_string(i % 5), std::to_string(i));
    cluster.simulation.run_for(1s);
    cluster.simulation.crash({2});
    if (!cluster.simulation.damage({2}, part)) continue;
    ++damaged;
    cluster.set("more", "x");
    cluster.simulation.start({2});
    cluster.simulation.run_for(2s);
    const Status status = cluster.simulation.status({2});
    CHECK(status.state == NodeState::failed);
    REQUIRE(status.failure);
    CHECK(status.failure->reason.find(raft_sim::kv_directory({2})) != std::string::npos);
    cluster.simulation.mend({2});
    cluster.simulation.start({2});
    cluster.simulation.run_for(5s);
    CHECK(cluster.simulation.status({2}).applied == cluster.simulation.status({1}).applied);
  }
  CHECK(damaged > 20);
}

}  // namespace

TEST_CASE("a flipped bit in term or vote is noticed") {
  require_noticed(DiskPart::hard_state);
}

TEST_CASE("a flipped bit in the middle of the log is noticed") {
  require_noticed(DiskPart::log_middle);
}

TEST_CASE("a flipped bit before the last batch of the log is noticed") {
  require_noticed(DiskPart::log_tail);
}

TEST_CASE("a flipped bit in the snapshot is noticed") {
  require_noticed(DiskPart::snapshot);
}

TEST_CASE("a flipped bit under a running node is noticed or written over") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    KvCluster cluster(seed);
    for (std::uint64_t i = 0; i < 12; ++i) cluster.set("k" + std::to_string(i % 5), std::to_string(i));
    const auto part = static_cast<DiskPart>(seed % 4);
    if (!cluster.simulation.damage({2}, part)) continue;
    for (std::uint64_t i = 0; i < seed % 20; ++i) cluster.set("k" + std::to_string(i % 5), std::to_string(i));
    cluster.simulation.crash({2});
    cluster.simulation.start({2});
    cluster.simulation.run_for(5s);
    if (cluster.simulation.status({2}).state == NodeState::failed) {
      cluster.simulation.mend({2});
      cluster.simulation.start({2});
      cluster.simulation.run_for(5s);
    }
    CHECK(cluster.simulation.status({2}).state == NodeState::running);
    CHECK_FALSE(cluster.simulation.is_damaged({2}));
    CHECK(cluster.simulation.status({2}).applied == cluster.simulation.status({1}).applied);
  }
}

TEST_CASE("there is nothing to damage where nothing was written") {
  FaultFileSystem empty;
  for (const DiskPart part : {DiskPart::hard_state, DiskPart::log_middle, DiskPart::log_tail, DiskPart::snapshot}) {
    CHECK_FALSE(raft_sim::find_on_kv_disk(empty, {1}, part).has_value());
  }
}
