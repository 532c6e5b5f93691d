// What the simulator must flag: a disk that lies, two nodes with one id, a state machine of which each node has its own
// idea. A simulator that is silent about these proves nothing when it is silent.
#include "support/catch.hpp"
#include "testkit/run/trial.hpp"
#include "unit/testkit/whole_file_storage.hpp"

#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/simulate.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

using namespace libraft;
using namespace libraft::test;
using namespace libraft::testkit;

namespace {

/// A file that says that all is on the disk and does nothing.
class LyingFile final : public File {
 public:
  explicit LyingFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  std::error_code write_at(std::uint64_t offset, std::string_view bytes) override {
    return file_->write_at(offset, bytes);
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    return file_->read_at(offset, into);
  }
  Result<std::uint64_t> size() override { return file_->size(); }
  std::error_code truncate(std::uint64_t size) override { return file_->truncate(size); }
  std::error_code sync() override { return {}; }

 private:
  std::unique_ptr<File> file_;
};

class LyingFiles final : public FileSystem {
 public:
  explicit LyingFiles(FileSystem& files) : files_(files) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = files_.open(path, mode);
    if (!file) return file.error();
    return std::unique_ptr<File>(std::make_unique<LyingFile>(*std::move(file)));
  }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  std::error_code rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  std::error_code remove(const std::string& path) override { return files_.remove(path); }
  std::error_code create_directories(const std::string& path) override { return files_.create_directories(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return files_.list(path); }
  std::error_code sync_directory(const std::string& path) override { return files_.sync_directory(path); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return files_.lock(path); }

 private:
  FileSystem& files_;
};

/// A storage on files of its own.
class OnLyingFiles final : public Storage {
 public:
  explicit OnLyingFiles(FileSystem& files) : files_(files), storage_(whole_file_storage(files_)) {}
  Result<std::optional<RecoveredState>> open() override { return storage_->open(); }
  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    return storage_->format(identity, genesis);
  }
  std::error_code write(const WriteBatch& batch) override { return storage_->write(batch); }
  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override {
    return storage_->read(first, last, bytes_max);
  }
  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta& meta) override {
    return storage_->create_snapshot(meta);
  }
  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    return storage_->publish(std::move(snapshot), with);
  }
  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override { return storage_->newest_snapshot(); }
  void close() noexcept override { storage_->close(); }

 private:
  LyingFiles files_;
  std::unique_ptr<Storage> storage_;
};

/// Appends commands to a text, and answers its length. With `own`, something that is another one in each instance.
class Text final : public StateMachine {
 public:
  explicit Text(std::string own) : own_(std::move(own)) {}
  void apply(ApplyBatch& batch) override {
    for (AppliedCommand& command : batch) {
      text_ += std::string(command.command()) + own_ + "\n";
      command.reply(std::to_string(text_.size()));
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override { return snapshot_of(Bytes(text_)); }
  std::error_code restore(SnapshotReader& snapshot) override {
    const auto text = read_all(snapshot, 1u << 24);
    if (!text) return text.error();
    text_ = text->view();
    return {};
  }
  Result<Bytes> query(std::string_view) override { return Bytes(std::to_string(text_.size())); }

 private:
  std::string own_;
  std::string text_;
};

Service text_service() {
  Service service;
  service.machine = [] { return std::make_unique<Text>(""); };
  service.command = [](Random&, std::uint64_t number) { return Bytes(std::to_string(number)); };
  service.query = [](Random&) { return std::string(); };
  service.storage.make = [](FileSystem& files, NodeId) { return whole_file_storage(files); };
  return service;
}

SimulateOptions short_runs() {
  SimulateOptions options;
  options.seeds = 20;
  options.jobs = 1;
  options.seconds = 10;
  options.shrink = false;
  options.violations_max = 1;
  return options;
}

std::set<std::string> broken_rules(const SimulateReport& report) {
  std::set<std::string> rules;
  for (const FailedRun& run : report.violations) rules.insert(run.invariant);
  return rules;
}

}  // namespace

TEST_CASE("the service of the negative controls is right without their flaws") {
  SimulateOptions options = short_runs();
  options.seeds = 5;
  const SimulateReport report = simulate(text_service(), options);
  INFO(to_text(report));
  CHECK(report.violations.empty());
}

TEST_CASE("a file system that skips syncs is flagged") {
  Service service = text_service();
  service.storage.make = [](FileSystem& files, NodeId) { return std::make_unique<OnLyingFiles>(files); };
  const SimulateReport report = simulate(service, short_runs());
  INFO(to_text(report));
  REQUIRE(report.violations.size() == 1);
  // A promise without a disk behind it, or, later, what was promised and is gone.
  const std::set<std::string> expected{"iD1", "iD2", "iD3", "iD4", "iD7", "iS9"};
  CHECK(expected.contains(*broken_rules(report).begin()));
}

TEST_CASE("a state machine that is another one on each node is flagged") {
  Service service = text_service();
  auto instances = std::make_shared<std::uint64_t>(0);
  service.machine = [instances] { return std::make_unique<Text>(std::string(++*instances % 3, '!')); };
  const SimulateReport report = simulate(service, short_runs());
  INFO(to_text(report));
  REQUIRE(report.violations.size() == 1);
  const std::set<std::string> expected{"iS7", "iR2"};
  CHECK(expected.contains(*broken_rules(report).begin()));
}

TEST_CASE("two nodes with one id are flagged") {
  const Service service = text_service();
  SimulateOptions options = short_runs();
  options.nodes = 3;
  options.faults.emplace();
  // What speaks under another one's id says what that one's disk does not hold.
  const std::set<std::string> expected{"iD1", "iD2", "iS1", "iS9"};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Settings settings = settings_of(seed, options);
    settings.simulation.adjust = [](NodeId id, NodeOptions& node) {
      if (id == NodeId{3}) node.id = {2};
      // No answer reaches the second node 2: with pre-vote it asks in vain, without it campaigns.
      node.core.pre_vote = false;
    };
    const TrialResult result = Trial(service, settings, {}).run();
    REQUIRE(result.finding);
    CAPTURE(result.finding->invariant, result.finding->sentence);
    CHECK(expected.contains(result.finding->invariant));
  }
}

namespace {

/// Throws where it is told to.
class Thrower final : public StateMachine {
 public:
  enum class Where { apply, begin_snapshot };
  explicit Thrower(Where where) : where_(where) {}
  void apply(ApplyBatch& batch) override {
    if (where_ == Where::apply) throw std::runtime_error("out of ideas");
    text_.apply(batch);
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override {
    if (where_ == Where::begin_snapshot) throw std::runtime_error("out of paper");
    return text_.begin_snapshot();
  }
  std::error_code restore(SnapshotReader& snapshot) override { return text_.restore(snapshot); }
  Result<Bytes> query(std::string_view query) override { return text_.query(query); }

 private:
  Where where_;
  Text text_{""};
};

/// The first violation; an empty one without any.
FailedRun first_violation(const Service& service, const SimulateOptions& options) {
  const SimulateReport report = simulate(service, options);
  INFO(to_text(report));
  return report.violations.empty() ? FailedRun{} : report.violations.front();
}

}  // namespace

TEST_CASE("a state machine that throws in a node breaks the rule core") {
  Service service = text_service();
  service.machine = [] { return std::make_unique<Thrower>(Thrower::Where::apply); };
  service.model = [] { return std::make_unique<Text>(""); };
  const FailedRun run = first_violation(service, short_runs());
  CHECK(run.invariant == "core");
  CHECK(run.sentence.find("out of ideas") != std::string::npos);
}

TEST_CASE("what a service throws outside of a node is a violation with its seed") {
  Service service = text_service();
  SimulateOptions options = short_runs();
  options.first_seed = 3;
  options.jobs = 2;
  SECTION("a machine whose state is looked at in the end") {
    service.machine = [] { return std::make_unique<Thrower>(Thrower::Where::begin_snapshot); };
    service.model = [] { return std::make_unique<Text>(""); };
    options.faults.emplace();
    const auto takes_snapshots = [](const CoreOptions& core) {
      return core.snapshot_after_entries != 0 || core.snapshot_after_bytes != 0;
    };
    while (takes_snapshots(settings_of(options.first_seed, options).simulation.core)) ++options.first_seed;
    options.seeds = 1;
  }
  SECTION("the making of a machine") {
    service.machine = []() -> std::unique_ptr<StateMachine> { throw std::runtime_error("out of paper"); };
    service.model = [] { return std::make_unique<Text>(""); };
  }
  SECTION("the making of the model") {
    service.model = []() -> std::unique_ptr<StateMachine> { throw std::runtime_error("out of paper"); };
  }
  SECTION("a command") {
    service.command = [](Random&, std::uint64_t) -> Bytes { throw std::runtime_error("out of paper"); };
  }
  const FailedRun run = first_violation(service, options);
  CHECK(run.invariant == "threw");
  CHECK(run.sentence.ends_with("the service threw: out of paper"));
  CHECK(run.seed >= 3);
  CHECK(run.replay.starts_with("raft_sim --seed " + std::to_string(run.seed)));

  options.first_seed = run.seed;
  const RunRecord record = testkit::record(service, options);
  REQUIRE(record.violation);
  CHECK(record.violation->invariant == "threw");
}

TEST_CASE("what is thrown need not be an exception of the standard library") {
  Service service = text_service();
  service.query = [](Random&) -> std::string { throw 42; };
  CHECK(first_violation(service, short_runs()).invariant == "threw");
}

TEST_CASE("who runs is told of each seed before its run") {
  SimulateOptions options = short_runs();
  std::set<std::uint64_t> begun;
  options.seeds = 3;
  options.first_seed = 7;
  options.on_run = [&](std::uint64_t seed) { begun.insert(seed); };
  static_cast<void>(simulate(text_service(), options));
  CHECK(begun == std::set<std::uint64_t>{7, 8, 9});
}

TEST_CASE("iT1: a run that is another one when it is repeated is flagged") {
  Service service = text_service();
  SimulateOptions options = short_runs();
  options.first_seed = 50;
  options.seeds = 1;
  SECTION("what another run left reaches a message") {
    auto commands = std::make_shared<std::uint64_t>(0);
    service.command = [commands](Random&, std::uint64_t) { return Bytes(std::to_string(++*commands)); };
  }
  SECTION("what another run left reaches the states and no message") {
    // All nodes of a run agree, and so does the model.
    auto runs = std::make_shared<std::uint64_t>(0);
    service.memory = [runs] {
      ++*runs;
      return memory_storages();
    };
    service.storage = {};
    service.machine = [runs] { return std::make_unique<Text>(*runs > 1 ? "!" : ""); };
    service.model = [runs] { return std::make_unique<Text>(*runs > 0 ? "!" : ""); };  // made before the run's storage
    options.fixed_profile = true;                                                     // no snapshots in so short a run
    options.faults.emplace();
  }
  const FailedRun run = first_violation(service, options);
  CHECK(run.invariant == "iT1");
  CHECK(run.replay.starts_with("raft_sim --seed 50"));
}

TEST_CASE("iL8: clients that never get anything done are flagged") {
  class Refuser final : public StateMachine {
   public:
    void apply(ApplyBatch&) override {}
    std::unique_ptr<SnapshotTask> begin_snapshot() override { return snapshot_of(Bytes()); }
    std::error_code restore(SnapshotReader&) override { return {}; }
    Result<Bytes> query(std::string_view) override { return errc::overloaded; }
  };
  Service service = text_service();
  service.machine = [] { return std::make_unique<Refuser>(); };
  SimulateOptions options = short_runs();
  options.seconds = 1;
  options.faults.emplace();
  Settings settings = settings_of(1, options);
  settings.clients.reads_ppm = 1000000;
  const TrialResult result = Trial(service, settings, {}).run();
  REQUIRE(result.finding);
  CHECK(result.finding->invariant == "iL8");
}

TEST_CASE("iL2: a request that a healed node has not answered is seen, also when its client gave up") {
  const Service service = text_service();
  SimulateOptions options = short_runs();
  options.nodes = 3;
  options.faults.emplace();
  Settings settings = settings_of(1, options);
  settings.clients.count = 1;
  settings.clients.patience = std::chrono::milliseconds(10);
  Cluster cluster(service, settings);
  Agenda agenda(cluster.simulation());
  Clients clients(service, cluster, agenda, settings, {});
  clients.prefer({{1}});
  cluster.start({1});
  cluster.simulation().pause({1}, std::chrono::seconds(1000));  // it does nothing
  clients.begin();
  agenda.run_to(TimePoint(std::chrono::seconds(60)));
  CHECK(clients.requests_open() > 0);
  CHECK(clients.oldest_at({{1}}) < TimePoint(std::chrono::seconds(60)));
  CHECK(clients.oldest_at({{2}, {3}}) == kNever);
}

TEST_CASE("iX1: an answer that nobody waits for is flagged") {
  const Service service = text_service();
  const Settings settings = settings_of(1, short_runs());
  Cluster cluster(service, settings);
  Agenda agenda(cluster.simulation());
  Clients clients(service, cluster, agenda, settings, {});
  std::vector<std::string> told;
  clients.on_broken = [&](std::string sentence) { told.push_back(std::move(sentence)); };
  clients.begin();
  for (const NodeId id : cluster.ids()) cluster.start(id);
  agenda.run_to(TimePoint(std::chrono::seconds(5)));
  CHECK(clients.completed() > 0);
  CHECK(told.empty());
  clients.on_answer(1, {}, {});
  CHECK(told == std::vector<std::string>{"operation 1 ended twice, or after its node had died"});
}
