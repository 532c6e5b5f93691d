// iL5: a day without faults. One election, and nothing is ever done twice.
#include "support/catch.hpp"
#include "testkit/checks/checks.hpp"

#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/simulation.hpp>

#include <cstdint>
#include <memory>
#include <set>
#include <string>

using namespace libraft;
using namespace libraft::testkit;
using namespace std::chrono_literals;

namespace {

/// Counts its commands.
class Counter final : public StateMachine {
 public:
  void apply(ApplyBatch& batch) override {
    for (AppliedCommand& command : batch) command.reply(std::to_string(++count_));
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override { return snapshot_of(Bytes(std::to_string(count_))); }
  std::error_code restore(SnapshotReader& snapshot) override {
    const auto text = read_all(snapshot, 100);
    if (!text) return text.error();
    count_ = std::stoull(std::string(text->view()));
    return {};
  }
  Result<Bytes> query(std::string_view) override { return Bytes(std::to_string(count_)); }

 private:
  std::uint64_t count_ = 0;
};

}  // namespace

TEST_CASE("iL5: a day without faults has one election and no retry") {
  SimulationOptions options;
  options.core.heartbeat_interval = 500ms;
  options.core.election_timeout = 5s;
  options.core.snapshot_after_entries = 100;
  options.core.trailing_entries = 20;
  Simulation cluster(
      options, [](NodeId) { return std::make_unique<Counter>(); }, memory_storages());
  Checks checks({});
  cluster.watch(checks);
  cluster.start_all();
  REQUIRE(cluster.run_until([&] { return cluster.leader() != NodeId{}; }, 60s));
  const NodeId leader = cluster.leader();

  constexpr std::uint64_t kMinutes = 24 * 60;
  std::uint64_t done = 0;
  for (std::uint64_t minute = 1; minute <= kMinutes; ++minute) {
    const auto count = [&done, expected = std::to_string(minute)](std::error_code error, const Applied& applied) {
      if (!error && applied.reply.view() == expected) ++done;
    };
    cluster.propose(leader, Bytes("x"), {}, count);
    cluster.run_for(30s);
    cluster.query(leader, "", {}, count);
    cluster.run_for(30s);
  }
  CHECK(done == 2 * kMinutes);

  checks.finish();
  CHECK(!checks.verdicts().has_violation());
  // No refusal, no retry, nothing that is rare.
  std::set<std::string> hit;
  for (const auto& [name, times] : checks.marks()) {
    if (times != 0) hit.emplace(name);
  }
  CHECK(hit == std::set<std::string>{"commit_announced"});
  std::uint64_t elections = 0;
  for (std::uint64_t id = 1; id <= options.nodes; ++id) {
    const Metrics metrics = cluster.metrics({id});
    elections += metrics.elections_started;
    CHECK(metrics.entries_truncated == 0);
    CHECK(metrics.snapshots_sent == 0);
    CHECK(metrics.snapshots_installed == 0);
    CHECK(metrics.messages_dropped == 0);
    CHECK(metrics.proposals_refused == 0);
    CHECK(metrics.snapshots_taken >= kMinutes / 100);
    CHECK(cluster.status({id}).term == Term{1});
  }
  CHECK(elections == 1);
}
