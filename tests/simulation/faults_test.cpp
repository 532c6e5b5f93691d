// The nodes that ship, in virtual time, under loss, repetition, partitions, pauses and crashes, with clients that write
// unique values and read. What was acknowledged stays; what was refused for certain never happened; reads are never
// stale; after healing all nodes are equal and every request has ended.
#include "support/catch.hpp"

#include <libraft/error.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/simulation.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace libraft;
using libraft::testkit::Simulation;
using libraft::testkit::SimulationOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Keeps every command that it was given: the history itself is the state.
class History final : public StateMachine {
 public:
  void apply(ApplyBatch& batch) override {
    for (AppliedCommand& command : batch) {
      commands.emplace_back(command.command());
      command.reply(std::to_string(commands.size()));
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override {
    std::string all;
    for (const std::string& command : commands) all += command + "\n";
    return snapshot_of(Bytes(std::move(all)));
  }
  std::error_code restore(SnapshotReader& snapshot) override {
    const auto all = read_all(snapshot, 1u << 24);
    if (!all) return all.error();
    commands.clear();
    std::string_view rest = all->view();
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      commands.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    return {};
  }
  Result<Bytes> query(std::string_view) override { return Bytes(std::to_string(commands.size())); }

  std::vector<std::string> commands;
};

struct Draw {
  std::uint64_t state;
  std::uint64_t operator()(std::uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  }
};

SimulationOptions swarm(std::uint64_t seed) {
  Draw draw{seed};
  SimulationOptions options;
  options.seed = seed;
  options.nodes = draw(4) == 0 ? 5 : 3;
  options.loss_ppm = draw(2) == 0 ? 0 : static_cast<std::uint32_t>(draw(200000));
  options.duplication_ppm = draw(2) == 0 ? 0 : static_cast<std::uint32_t>(draw(300000));
  options.message_delay_max = milliseconds(1 + draw(100));
  options.work_delay_max = milliseconds(1 + draw(20));
  options.core.snapshot_after_entries = draw(2) == 0 ? 0 : 3 + draw(30);
  options.core.trailing_entries = draw(2) == 0 ? 0 : draw(20);
  options.core.snapshot_chunk_bytes = 1 + draw(200);
  options.core.entry_cache_bytes = draw(2) == 0 ? 0 : 1u << 20;
  options.core.append_entries_max = 1 + draw(20);
  options.core.in_flight_messages_max = 1 + draw(10);
  options.core.apply_entries_max = 1 + draw(10);
  options.core.pre_vote = draw(5) != 0;
  return options;
}

class FaultRun {
 public:
  explicit FaultRun(std::uint64_t seed)
      : options_(swarm(seed)),
        draw_{seed ^ 0xabcdef},
        cluster_(
            options_, [this](NodeId id) { return make_machine(id); }, memory_storages()) {}

  void run() {
    cluster_.start_all();
    for (int round = 0; round < 200; ++round) {
      disturb();
      write(any_node());
      if (draw_(3) == 0) read(any_node());
      cluster_.run_for(milliseconds(1 + draw_(300)));
    }
    converge();
    check();
  }

  [[nodiscard]] std::uint64_t trace_hash() const { return cluster_.trace_hash(); }
  std::size_t acknowledged = 0;

 private:
  struct Write {
    int ends = 0;
    bool lost_with_its_node = false;
    std::error_code error;
    LogIndex index;
  };

  std::unique_ptr<StateMachine> make_machine(NodeId id) {
    auto machine = std::make_unique<History>();
    machines_[id] = machine.get();
    return machine;
  }

  NodeId any_node() { return {1 + draw_(options_.nodes)}; }

  void disturb() {
    const NodeId node = any_node();
    const NodeId other = any_node();
    switch (draw_(12)) {
      case 0:
        crash(node);
        break;
      case 1:
      case 2:
        cluster_.start(node);
        break;
      case 3:
        cluster_.cut(node, other, true);
        break;
      case 4:
        cluster_.heal();
        break;
      case 5:
        cluster_.pause(node, milliseconds(draw_(3000)));
        break;
      default:
        break;
    }
  }

  void crash(NodeId node) {
    cluster_.crash(node);
    for (const std::string& command : under_way_[node]) writes_[command].lost_with_its_node = true;
    under_way_.erase(node);
  }

  void write(NodeId at) {
    if (!cluster_.is_up(at)) return;
    const std::string command = "c" + std::to_string(writes_.size());
    writes_[command];
    under_way_[at].insert(command);
    cluster_.propose(at, Bytes(command), {}, [this, at, command](std::error_code error, const Applied& applied) {
      Write& write = writes_[command];
      ++write.ends;
      write.error = error;
      write.index = applied.index;
      under_way_[at].erase(command);
      if (!error) {
        ++acknowledged;
        acknowledged_size_ =
            std::max<std::uint64_t>(acknowledged_size_, std::stoull(std::string(applied.reply.view())));
      }
    });
  }

  /// A linearizable read sees at least what was acknowledged before it began.
  void read(NodeId at) {
    cluster_.query(at, "", {}, [this, floor = acknowledged_size_](std::error_code error, const Applied& applied) {
      if (!error && std::stoull(std::string(applied.reply.view())) < floor) ++stale_reads_;
    });
  }

  void converge() {
    cluster_.heal();
    cluster_.set_network(0, 0);
    cluster_.start_all();
    cluster_.run_for(seconds(15));
    REQUIRE(cluster_.leader() != NodeId{});
    write(cluster_.leader());
    const auto is_even = [&] {
      for (const auto& [node, commands] : under_way_) {
        if (!commands.empty()) return false;
      }
      for (std::uint64_t id = 1; id <= options_.nodes; ++id) {
        const Status status = cluster_.status({id});
        if (status.applied != status.commit || status.commit != cluster_.status(cluster_.leader()).log_last.index)
          return false;
      }
      return true;
    };
    REQUIRE(cluster_.run_until(is_even, seconds(30)));
  }

  void check() {
    const std::vector<std::string>& history = machines_[{1}]->commands;
    for (std::uint64_t id = 2; id <= options_.nodes; ++id) CHECK(machines_[{id}]->commands == history);
    const std::set<std::string> present(history.begin(), history.end());
    CHECK(present.size() == history.size());
    for (const auto& [command, write] : writes_) {
      CAPTURE(command, write.error.message());
      CHECK((write.ends == 1 || (write.ends == 0 && write.lost_with_its_node)));
      if (write.ends == 1 && !write.error) CHECK(present.contains(command));
      if (write.error == condition::retry_safe) CHECK_FALSE(present.contains(command));
    }
    CHECK(stale_reads_ == 0);
  }

  SimulationOptions options_;
  Draw draw_;
  std::map<NodeId, History*> machines_;
  Simulation cluster_;
  std::map<std::string, Write> writes_;
  std::map<NodeId, std::set<std::string>> under_way_;
  std::uint64_t acknowledged_size_ = 0;
  int stale_reads_ = 0;
};

}  // namespace

TEST_CASE("nothing acknowledged is lost and no read is stale, whatever fails") {
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    FaultRun trial(seed);
    trial.run();
    acknowledged += trial.acknowledged;
  }
  CHECK(acknowledged > 60 * 10);
}

TEST_CASE("the same seed gives the same run") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    FaultRun first(seed);
    first.run();
    FaultRun second(seed);
    second.run();
    CHECK(first.trace_hash() == second.trace_hash());
  }
}
