// Runs of the simulator by seeds: they find what is wrong, find nothing where nothing is, and say the same again.
#include "support/catch.hpp"
#include "testkit/run/shrink.hpp"
#include "testkit/run/trial.hpp"

#include <libraft/error.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/simulate.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace libraft;
using namespace libraft::testkit;

namespace {

/// Counts by key, and answers the new count. With `is_broken`, nodes do not agree on a state.
class Tally final : public StateMachine {
 public:
  explicit Tally(bool is_broken) : is_broken_(is_broken) {}

  void apply(ApplyBatch& batch) override {
    for (AppliedCommand& command : batch) {
      // Batches are cut differently on each node: what depends on their size is not the same everywhere.
      counts_[std::string(command.command().substr(0, 2))] += is_broken_ ? batch.size() : 1;
      command.reply(std::string("counted"));
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override {
    std::string text;
    for (const auto& [key, count] : counts_) text += key + std::to_string(count) + "\n";
    return snapshot_of(Bytes(std::move(text)));
  }
  std::error_code restore(SnapshotReader& snapshot) override {
    const auto text = read_all(snapshot, 1u << 20);
    if (!text) return text.error();
    counts_.clear();
    std::string_view rest = text->view();
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      counts_[std::string(rest.substr(0, 2))] = std::stoull(std::string(rest.substr(2, end - 2)));
      rest.remove_prefix(end + 1);
    }
    return {};
  }
  Result<Bytes> query(std::string_view key) override {
    const auto found = counts_.find(std::string(key));
    return Bytes(std::to_string(found == counts_.end() ? 0 : found->second));
  }

 private:
  bool is_broken_;
  std::map<std::string, std::uint64_t> counts_;
};

Service tally_service(bool is_broken = false) {
  Service service;
  service.machine = [is_broken] { return std::make_unique<Tally>(is_broken); };
  service.command = [](Random& random, std::uint64_t number) {
    return Bytes("k" + std::to_string(random.below(5)) + " " + std::to_string(number));
  };
  service.memory = memory_storages;
  service.query = [](Random& random) { return "k" + std::to_string(random.below(5)); };
  return service;
}

SimulateOptions some_seeds(std::uint64_t first, std::uint64_t count) {
  SimulateOptions options;
  options.first_seed = first;
  options.seeds = count;
  options.jobs = 1;
  options.seconds = 20;
  return options;
}

Plan numbers(std::size_t count) {
  Plan plan(count);
  for (std::size_t i = 0; i < count; ++i) plan[i].number = i;
  return plan;
}

bool has(const Plan& plan, std::uint64_t number) {
  return std::any_of(plan.begin(), plan.end(), [&](const FaultEvent& event) { return event.number == number; });
}

}  // namespace

TEST_CASE("a service without bugs shows no violation in some seeds") {
  const SimulateReport report = simulate(tally_service(), some_seeds(1, 12));
  INFO(to_text(report));
  CHECK(report.violations.empty());
  CHECK(report.seeds == 12);
  CHECK(report.requests > 12 * 50);
  CHECK(report.crashes > 0);
  CHECK(report.events > 0);
}

TEST_CASE("the fixed profile shows no violation and holds its rate") {
  SimulateOptions options = some_seeds(1, 1);
  options.fixed_profile = true;
  options.seconds.reset();
  const SimulateReport report = simulate(tally_service(), options);
  INFO(to_text(report));
  CHECK(report.violations.empty());
  CHECK(static_cast<double>(report.requests) >= 50 * 3600 * report.simulated_hours);
}

namespace {

/// How often each operation was given up and ended, and what the writes were.
struct Diary final : Watcher {
  std::map<std::uint64_t, int> given_up;
  std::map<std::uint64_t, int> ended;
  std::map<Operation::Kind, std::size_t> done;
  std::map<std::string, int, std::less<>> commands;
  std::size_t late = 0;

  void on_invoked(const Operation& operation) override {
    ended[operation.id];
    if (operation.kind == Operation::Kind::write) ++commands[std::string(operation.command.view())];
  }
  void on_given_up(const Operation& operation) override { ++given_up[operation.id]; }
  void on_ended(const Operation& operation, const Outcome& outcome) override {
    ++ended[operation.id];
    if (outcome.error) return;
    ++done[operation.kind];
    if (given_up.contains(operation.id)) ++late;
  }
};

}  // namespace

TEST_CASE("clients that give up are answered all the same, and some send the same command again") {
  const Service service = tally_service();
  SimulateOptions options = some_seeds(1, 1);
  options.faults.emplace();
  Settings settings = settings_of(1, options);
  settings.clients.patience = latency_of(settings) / 4;
  settings.clients.again_ppm = 1000000;
  settings.clients.index_ppm = 200000;
  Cluster cluster(service, settings);
  Agenda agenda(cluster.simulation());
  Diary diary;
  Clients clients(service, cluster, agenda, settings, {&diary});
  std::string told;
  clients.on_broken = [&](const std::string& sentence) { told = sentence; };
  for (const NodeId id : cluster.ids()) cluster.start(id);
  clients.begin();
  agenda.run_to(TimePoint(std::chrono::seconds(30)));
  clients.stop();
  agenda.run_to(agenda.now() + 2 * settings.clients.timeout);

  CHECK(told.empty());
  CHECK(clients.requests_open() == 0);
  CHECK(clients.oldest_at({cluster.ids().begin(), cluster.ids().end()}) == kNever);
  const auto is_once = [](const auto& entry) { return entry.second == 1; };
  CHECK(std::all_of(diary.ended.begin(), diary.ended.end(), is_once));
  CHECK(std::all_of(diary.given_up.begin(), diary.given_up.end(), is_once));
  CHECK(diary.late > 0);
  CHECK(diary.done.size() == 3);  // of each kind
  CHECK_FALSE(std::all_of(diary.commands.begin(), diary.commands.end(), is_once));
}

TEST_CASE("a cluster of one node comes up among the seeds") {
  SimulateOptions options;
  std::size_t alone = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) alone += settings_of(seed, options).simulation.nodes == 1 ? 1u : 0u;
  CHECK(alone > 0);
  options = some_seeds(1, 3);
  options.nodes = 1;
  const SimulateReport report = simulate(tally_service(), options);
  INFO(to_text(report));
  CHECK(report.violations.empty());
  CHECK(report.requests > 0);
}

TEST_CASE("one of fifty seeds runs twice and gives the same run") {
  const SimulateReport report = simulate(tally_service(), some_seeds(50, 1));
  INFO(to_text(report));
  CHECK(report.twice == 1);
  CHECK(report.violations.empty());
}

TEST_CASE("faults of a whole run count once and strikes by their own name") {
  SimulateOptions options = some_seeds(5, 3);
  options.faults = {"clock.drift",       "network.loss",     "disk.lost_writes",
                    "network.partition", "network.flapping", "process.crash"};
  std::map<std::string, std::uint64_t> planned;
  for (std::uint64_t seed = 5; seed < 8; ++seed) {
    for (const FaultEvent& event : plan_of(settings_of(seed, options), options)) {
      ++planned[std::string(name_of(event.fault))];
    }
  }
  const SimulateReport report = simulate(tally_service(), options);
  INFO(to_text(report));
  REQUIRE(report.violations.empty());
  std::set<std::string> kinds;
  for (const auto& [name, count] : report.faults) kinds.insert(name);
  // There are no disks that could lose a write.
  CHECK(kinds ==
        std::set<std::string>{"clock.drift", "network.loss", "network.partition", "network.flapping", "process.crash"});
  CHECK(report.faults.at("clock.drift") == 3);
  CHECK(report.faults.at("network.loss") == 3);
  CHECK(report.faults.at("network.partition") == planned["network.partition"]);
  CHECK(report.faults.at("network.flapping") == planned["network.flapping"]);
  CHECK(report.faults.at("process.crash") <= planned["process.crash"]);  // who is down already is not struck

  CHECK(report.effects.at("network.loss") > report.faults.at("network.loss"));
  CHECK(report.effects.at("network.cut") > report.faults.at("network.partition"));
  CHECK(report.effects.at("network.flap") >= 2 * report.faults.at("network.flapping"));
  for (const char* back : {"network.mend", "network.steady", "clock.usual_rate", "network.partition"}) {
    CAPTURE(back);
    CHECK_FALSE(report.effects.contains(back));
  }
}

TEST_CASE("nodes that stop in good order lose nothing and no request is left open") {
  SimulateOptions options = some_seeds(11, 10);
  options.faults = {"process.stop"};
  const SimulateReport report = simulate(tally_service(), options);
  INFO(to_text(report));
  CHECK(report.violations.empty());
  CHECK(report.faults.at("process.stop") > 10);
  CHECK(report.effects.at("process.stop") == report.faults.at("process.stop"));
  CHECK(report.requests > 10 * 50);
}

TEST_CASE("the number of jobs makes no difference") {
  SimulateOptions options = some_seeds(5, 4);
  const SimulateReport one = simulate(tally_service(), options);
  options.jobs = 3;
  const SimulateReport three = simulate(tally_service(), options);
  CHECK(one.events == three.events);
  CHECK(one.requests == three.requests);
  CHECK(one.faults == three.faults);
  CHECK(one.effects == three.effects);
}

TEST_CASE("a state machine that is not deterministic is found and the run made smaller") {
  SimulateOptions options = some_seeds(1, 20);
  options.violations_max = 1;
  const SimulateReport report = simulate(tally_service(true), options);
  INFO(to_text(report));
  REQUIRE(report.violations.size() == 1);
  const FailedRun& violation = report.violations.front();
  CHECK((violation.invariant == "iS7" || violation.invariant == "iR2"));
  CHECK(violation.plan.size() * 4 <= violation.plan_before);
  CHECK(violation.replay.starts_with("raft_sim --seed " + std::to_string(violation.seed)));
}

TEST_CASE("every seed draws options that are valid") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    const Settings settings = settings_of(seed, {});
    CAPTURE(seed, to_string(settings));
    REQUIRE(validate(settings.simulation.core) == "");
    REQUIRE(settings.clients.interval > Duration::zero());
  }
}

TEST_CASE("a part of a plan has the events of the whole") {
  SimulateOptions options;
  options.first_seed = 7;
  const Settings settings = settings_of(7, options);
  const Plan whole = plan_of(settings, options);
  REQUIRE(whole.size() > 5);
  CHECK(plan_of(settings, options) == whole);

  options.only_events = {whole[1].number, whole[3].number};
  CHECK(plan_of(settings, options) == Plan{whole[1], whole[3]});

  options.only_events.reset();
  options.faults = {std::string(name_of(whole[0].fault))};
  for (const FaultEvent& event : plan_of(settings_of(7, options), options)) {
    CHECK(std::find(whole.begin(), whole.end(), event) != whole.end());
  }
}

TEST_CASE("delta debugging leaves only the events that matter") {
  std::size_t tries = 1000;
  const Plan small = shrink_plan(
      numbers(64), [](const Plan& plan) { return has(plan, 5) && has(plan, 40); }, tries);
  REQUIRE(small.size() == 2);
  CHECK(small[0].number == 5);
  CHECK(small[1].number == 40);

  CHECK(shrink_plan(
            numbers(10), [](const Plan&) { return true; }, tries)
            .empty());
  const auto needs_all = [](const Plan& plan) { return plan.size() == 10; };
  CHECK(shrink_plan(numbers(10), needs_all, tries).size() == 10);
}

TEST_CASE("delta debugging keeps to its number of tries") {
  std::size_t tries = 3;
  std::size_t calls = 0;
  const auto fails = [&](const Plan& plan) {
    ++calls;
    return has(plan, 5);
  };
  CHECK(has(shrink_plan(numbers(64), fails, tries), 5));
  CHECK(calls == 3);
}

TEST_CASE("log-uniform numbers stay in their range and reach all of it") {
  Random random(1, 2);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 2000; ++i) seen.insert(random.log_between(3, 9));
  CHECK(seen == std::set<std::uint64_t>{3, 4, 5, 6, 7, 8, 9});
  std::size_t small = 0;
  for (int i = 0; i < 2000; ++i) small += random.log_between(1, 1u << 20) < 1024 ? 1u : 0u;
  CHECK(small > 700);
  CHECK(small < 1300);
  CHECK(random.log_between(5, 5) == 5);
}

TEST_CASE("options that can't be done are refused with a sentence") {
  SimulateOptions options;
  CHECK(validate(tally_service(), options) == "");
  CHECK(validate(Service{}, options) != "");
  options.nodes = 10;
  CHECK(validate(tally_service(), options) == "A cluster has 1 to 9 nodes.");
  options.nodes.reset();
  options.seeds = 0;
  CHECK(validate(tally_service(), options) == "No seeds are no runs.");
  options.seeds = 1;
  options.jobs = 1025;
  CHECK(validate(tally_service(), options) == "At most 1024 jobs run side by side.");
  options.jobs = 1024;
  CHECK(validate(tally_service(), options) == "");
  options.faults = {"network.gremlins"};
  CHECK(validate(tally_service(), options) == "There is no fault named \"network.gremlins\".");
  CHECK_THROWS(simulate(tally_service(), options));
}

TEST_CASE("a report is one line of JSON") {
  SimulateReport report;
  report.seeds = 2;
  report.marks = {{"a", 1}, {"b", 0}};
  CHECK(to_json(report) ==
        "{\"seeds\":2,\"first_seed\":0,\"simulated_hours\":0.0000,\"real_seconds\":0.000,\"jobs\":0,\"events\":0,"
        "\"violations\":0,\"marks_hit\":1,\"marks_total\":2,\"requests\":0,\"crashes\":0}");
}

TEST_CASE("a program ends as its report says") {
  SimulateReport report;
  report.seeds = 999;
  report.marks = {{"a", 1}, {"b", 0}};
  CHECK(exit_code(report) == 0);
  report.seeds = 1000;
  CHECK(exit_code(report) == 3);
  report.marks["b"] = 1;
  CHECK(exit_code(report) == 0);
  report.violations.emplace_back();
  CHECK(exit_code(report) == 1);
}

TEST_CASE("a recorded run has a trace and a timeline") {
  const RunRecord record = testkit::record(tally_service(), some_seeds(3, 1));
  CHECK_FALSE(record.violation);
  CHECK(record.html.starts_with("<!DOCTYPE html>"));
  CHECK(record.html.find("\"leader\"") != std::string::npos);
  CHECK(record.html.find("@data@") == std::string::npos);
  CHECK(record.trace.find("client 1 asks") != std::string::npos);
  CHECK(record.trace.find("is answered") != std::string::npos);
}
