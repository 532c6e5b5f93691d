// All checks on whole clusters: silent where nothing is wrong, and not silent where something is.
#include "support/catch.hpp"
#include "testkit/checks/checks.hpp"
#include "testkit/checks/disk_view.hpp"
#include "testkit/simulation/simulated_events.hpp"
#include "unit/testkit/simulation_fixture.hpp"

#include <libraft/error.hpp>

#include <functional>
#include <map>
#include <string>
#include <utility>

using namespace libraft;
using namespace libraft::test;
using namespace std::chrono_literals;
using testkit::Checks;
using testkit::Operation;
using testkit::RandomStream;

namespace {

/// A map: "key=value" sets, a query gets.
class Map : public StateMachine {
 public:
  void apply(ApplyBatch& batch) override {
    for (AppliedCommand& command : batch) {
      const std::string text(command.command());
      const auto sign = text.find('=');
      std::string& value = values_[text.substr(0, sign)];
      command.reply("was " + value);
      value = text.substr(sign + 1);
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override {
    std::string text;
    for (const auto& [key, value] : values_) text += key + "=" + value + "\n";
    return snapshot_of(Bytes(text));
  }
  std::error_code restore(SnapshotReader& snapshot) override {
    const auto all = read_all(snapshot, 1u << 20);
    if (!all) return all.error();
    values_.clear();
    std::string text(all->view());
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
      const auto sign = text.find('=');
      values_[text.substr(0, sign)] = text.substr(sign + 1, end - sign - 1);
    }
    return {};
  }
  Result<Bytes> query(std::string_view key) override {
    const auto found = values_.find(std::string(key));
    return Bytes(found == values_.end() ? std::string() : found->second);
  }

 private:
  std::map<std::string, std::string> values_;
};

struct Trouble {
  bool crashes = true;
  bool loss = true;
  bool disk = true;
};

/// A cluster under load, watched by all checks.
class Run {
 public:
  using Machine = std::function<std::unique_ptr<StateMachine>(NodeId)>;

  Run(std::uint64_t seed, Machine machine, Flaw flaw = Flaw::none)
      : nodes_(seed % 2 == 0 ? 3 : 5),
        random_(seed),
        model_(std::make_unique<Map>()),
        view_([this](NodeId id) { return simulation_.disk(id); },
              [](FileSystem& files, NodeId) { return whole_file_storage(files); }),
        checks_({&model_, &view_, 64, 1000000}),
        simulation_(options(seed), std::move(machine), storage(flaw)) {
    simulation_.watch(checks_);
    simulation_.start_all();
    for (std::uint64_t client = 1; client <= 3; ++client) act(client);
  }

  /// The invariant that was broken first, or nothing.
  std::string go(Duration duration, const Trouble& trouble) {
    const TimePoint end = simulation_.now() + duration;
    while (simulation_.now() < end && !checks_.verdicts().has_violation()) {
      if (trouble.crashes) crash();
      if (trouble.loss) disturb();
      if (trouble.disk) spoil();
      simulation_.run_for(300ms);
    }
    is_over_ = true;
    if (!checks_.verdicts().has_violation()) checks_.finish();
    return checks_.verdicts().first()
               ? checks_.verdicts().first()->invariant + ": " + checks_.verdicts().first()->sentence
               : std::string();
  }

  Checks& checks() { return checks_; }
  Simulation& simulation() { return simulation_; }

 private:
  static SimulationOptions options(std::uint64_t seed) {
    SimulationOptions options;
    options.nodes = seed % 2 == 0 ? 3 : 5;
    options.seed = seed;
    options.core.election_timeout = 200ms;
    options.core.heartbeat_interval = 30ms;
    options.core.snapshot_after_entries = 10 + seed % 20;
    options.core.trailing_entries = seed % 7;
    options.core.trailing_entries_for_followers_max = seed % 20;
    options.core.snapshot_chunk_bytes = 8 + seed % 50;
    options.core.append_entries_max = 1 + seed % 5;
    options.core.in_flight_messages_max = 1 + seed % 8;
    options.core.apply_entries_max = 1 + seed % 4;
    options.core.entry_cache_bytes = seed % 3 == 0 ? 0 : 4096;
    return options;
  }
  static DiskStorage storage(Flaw flaw) {
    DiskStorage storage;
    storage.make = [flaw](FileSystem& files, NodeId) { return whole_file_storage(files, flaw); };
    return storage;
  }

  NodeId anybody() { return {1 + random_.draw() % nodes_}; }

  /// One operation of a client, and the next when it has ended.
  void act(std::uint64_t client) {
    if (is_over_) return;
    const NodeId leader = simulation_.leader();
    Operation operation;
    operation.client = client;
    operation.at = leader != NodeId{} && random_.draw() % 8 != 0 ? leader : anybody();
    if (!simulation_.is_up(operation.at)) return act_later(client);
    operation.id = ++operations_;
    const std::string key(1, static_cast<char>('a' + random_.draw() % 5));
    const bool is_read = random_.draw() % 2 == 0;
    operation.kind = is_read ? Operation::Kind::read : Operation::Kind::write;
    if (is_read) {
      operation.query = key;
      operation.is_linearizable = random_.draw() % 4 != 0;
    } else {
      operation.command = Bytes(key + "=" + std::to_string(operation.id));
    }
    send(operation);
  }
  void act_later(std::uint64_t client) {
    simulation_.at(simulation_.now() + 20ms, [this, client] { act(client); });
  }
  void send(const Operation& operation) {
    checks_.on_invoked(operation);
    const auto is_ended = std::make_shared<bool>(false);
    const auto end = [this, operation, is_ended](std::error_code error, const Applied& applied) {
      if (std::exchange(*is_ended, true)) return;
      checks_.on_ended(operation, {error, applied});
      act_later(operation.client);
    };
    // Its node may die and never answer.
    simulation_.at(simulation_.now() + 5s, [end] { end(errc::timeout, {}); });
    if (operation.kind == Operation::Kind::write) return simulation_.propose(operation.at, operation.command, {}, end);
    ReadOptions read;
    if (!operation.is_linearizable) read.consistency = Consistency::local;
    simulation_.query(operation.at, operation.query, read, end);
  }

  void crash() {
    const NodeId node = anybody();
    const auto what = random_.draw() % 12;
    if (what == 0) simulation_.crash(node);
    if (what == 1) simulation_.crash_at_file_call(node, 1 + random_.draw() % 12);
    if (what >= 6) simulation_.start(node);
  }
  void disturb() {
    const auto what = random_.draw() % 10;
    if (what == 0) simulation_.partition({anybody()});
    if (what == 1) simulation_.cut(anybody(), anybody(), true);
    if (what >= 6) simulation_.heal();
    if (what == 2) simulation_.pause(anybody(), 400ms);
    LinkFaults faults;
    faults.loss_ppm = 30000;
    faults.duplication_ppm = 50000;
    faults.delay_max = 30ms;
    simulation_.set_network(faults);
  }
  void spoil() {
    const NodeId node = anybody();
    const auto what = random_.draw() % 14;
    if (what == 0) simulation_.fill_disk(node, random_.draw() % 500);
    if (what == 1) simulation_.fail_file_call(node, FileCall::sync, errc::io_error, random_.draw() % 5);
    if (what == 2) simulation_.stall_disk(node, 300ms);
    if (what >= 9) simulation_.free_disk(node);
  }

  const std::uint64_t nodes_;
  RandomStream random_;
  testkit::ReplayModel model_;
  testkit::DiskView view_;
  Checks checks_;
  Simulation simulation_;
  std::uint64_t operations_ = 0;
  bool is_over_ = false;
};

}  // namespace

TEST_CASE("all checks are silent where clusters with faults do as they should") {
  std::map<std::string, std::uint64_t> marks;
  std::uint64_t done = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Run run(seed, [](NodeId) { return std::make_unique<Map>(); });
    CHECK(run.go(20s, {}) == "");
    done += run.checks().clients().writes_done();
    for (const auto& [name, count] : run.checks().marks()) marks[std::string(name)] += count;
    CHECK(run.checks().promises().disks_judged() > 10);
  }
  CHECK(done > 1000);
  std::string missed;
  std::size_t hit = 0;
  for (const auto& [name, count] : marks) {
    if (count == 0) missed += " " + name;
    hit += count == 0 ? 0 : 1;
  }
  INFO("not hit:" << missed);
  CHECK(hit > 70);
}

TEST_CASE("a storage that does not sync is seen in a cluster") {
  Run run(
      1, [](NodeId) { return std::make_unique<Map>(); }, Flaw::syncs_no_file);
  CHECK_FALSE(run.go(20s, {}).empty());
}

namespace {

/// Says something else on one node.
class Liar final : public Map {
 public:
  void apply(ApplyBatch& batch) override {
    Map::apply(batch);
    for (AppliedCommand& command : batch) {
      if (command.id().index.value % 10 == 0) command.reply(std::string("something else"));
    }
  }
};

}  // namespace

TEST_CASE("a state machine that is not the same everywhere is seen in a cluster") {
  Run run(1, [](NodeId id) -> std::unique_ptr<StateMachine> {
    if (id == NodeId{2}) return std::make_unique<Liar>();
    return std::make_unique<Map>();
  });
  const std::string verdict = run.go(20s, {});
  const bool is_seen = verdict.substr(0, 3) == "iS7" || verdict.substr(0, 3) == "iR2";
  CAPTURE(verdict);
  CHECK(is_seen);
}
