// Promises on the wire and what is found after a crash: each broken once, beside the nearest thing that is allowed.
#include "support/catch.hpp"
#include "testkit/checks/disk_view.hpp"
#include "unit/testkit/checks_stage.hpp"
#include "unit/testkit/whole_file_storage.hpp"

#include <libraft/error.hpp>

#include "util/digest.hpp"

using namespace libraft;
using namespace libraft::test;

namespace {

SnapshotMeta snapshot_at(std::uint64_t index, std::uint64_t term) {
  SnapshotMeta meta;
  meta.last = {{index}, {term}};
  return meta;
}

/// What set_scene() leaves on a disk.
RecoveredState scene(const Stage& stage, NodeId node) {
  RecoveredState found = stage.found_nothing(node);
  found.hard_state = {{1}, kOne};
  found.last = {{2}, {1}};
  found.term_runs = {{{2}, {1}}};
  return found;
}

AppendEntriesReply accepted(std::uint64_t term, std::uint64_t match) {
  return {{term}, true, {match}, {}, {}, 0};
}

}  // namespace

TEST_CASE("iD1: a message of a term that is not durable is seen") {
  Stage stage;
  stage.set_scene();
  stage.send(kTwo, kOne, RequestVoteReply{{1}, false});
  stage.send(kTwo, kOne, PreVote{{2}, {}});
  CHECK(stage.verdict().empty());
  stage.send(kTwo, kOne, RequestVoteReply{{2}, false});
  CHECK(stage.verdict() == "iD1");
}

TEST_CASE("iD2: a vote that is not durable is seen") {
  Stage stage;
  stage.write_term(kTwo, 1, 1);
  SECTION("as given") {
    stage.send(kTwo, kOne, RequestVoteReply{{1}, true});
    CHECK(stage.verdict().empty());
  }
  SECTION("to another") {
    stage.send(kTwo, kThree, RequestVoteReply{{1}, true});
    CHECK(stage.verdict() == "iD2");
  }
  SECTION("a candidate's own") {
    stage.send(kTwo, kOne, RequestVote{{1}, {}, false});
    CHECK(stage.verdict() == "iD2");
  }
  SECTION("two votes of one term that its disk has one after the other") {
    Stage forgetful;
    forgetful.write_term(kTwo, 1, 1);
    forgetful.send(kTwo, kOne, RequestVoteReply{{1}, true});
    forgetful.ledger.disks[kTwo].hard_state.vote.reset();
    forgetful.write_term(kTwo, 1, 3);
    forgetful.send(kTwo, kThree, RequestVoteReply{{1}, true});
    CHECK(forgetful.verdict() == "iS9");
  }
}

TEST_CASE("iD3: an acknowledged entry that is not on the disk is seen") {
  Stage stage;
  stage.set_scene();
  stage.send(kTwo, kOne, accepted(1, 2));
  CHECK(stage.verdict().empty());
  SECTION("not there yet") {
    stage.append(kTwo, {Stage::entry(3, 1, "b")});
    stage.send(kTwo, kOne, accepted(1, 3));
    CHECK(stage.verdict() == "iD3");
  }
  SECTION("another one than the leader's") {
    stage.have(kOne, {Stage::entry(3, 1, "b")});
    stage.write_term(kTwo, 2, 2);
    stage.write(kTwo, {Stage::entry(3, 2)});
    stage.send(kTwo, kOne, accepted(1, 3));
    CHECK(stage.verdict() == "iD3");
  }
  SECTION("the leader's after it lost its leadership") {
    stage.have(kOne, {Stage::entry(3, 1, "b")});
    stage.set_term(kOne, 2, 0);
    stage.have(kTwo, {Stage::entry(3, 1, "b")});
    stage.send(kTwo, kOne, accepted(1, 3));
    CHECK(stage.verdict().empty());
  }
}

TEST_CASE("iD4: a snapshot reported installed is on the disk or its entries are") {
  Stage stage;
  stage.set_scene();
  const auto installed = [&](std::uint64_t index, std::uint64_t term) {
    stage.send(kTwo, kOne, InstallSnapshotReply{{1}, {{index}, {term}}, true, 0});
  };
  SECTION("a log that covers it") {
    installed(2, 1);
    CHECK(stage.verdict().empty());
  }
  SECTION("the snapshot itself") {
    WriteBatch with;
    with.new_start = LogId{{5}, {1}};
    stage.disks.on_published(kTwo, snapshot_at(5, 1), with, {});
    installed(5, 1);
    CHECK(stage.verdict().empty());
  }
  SECTION("neither") {
    installed(5, 1);
    CHECK(stage.verdict() == "iD4");
  }
}

TEST_CASE("iD6: a log is compacted only behind a durable snapshot") {
  Stage stage;
  stage.set_scene();
  WriteBatch batch;
  batch.new_start = LogId{{1}, {1}};
  SECTION("behind one") {
    stage.disks.on_published(kTwo, snapshot_at(1, 1), batch, {});
    CHECK(stage.verdict().empty());
  }
  SECTION("behind one that may have been published on a full disk") {
    stage.disks.on_published(kTwo, snapshot_at(1, 1), {}, make_error_code(errc::no_space));
    stage.disks.on_written(kTwo, batch, {});
    CHECK(stage.verdict().empty());
  }
  SECTION("without") {
    stage.disks.on_written(kTwo, batch, {});
    CHECK(stage.verdict() == "iD6");
  }
  SECTION("found after a crash without") {
    RecoveredState found = scene(stage, kTwo);
    found.start = {{1}, {1}};
    stage.disks.on_recovered(kTwo, found);
    CHECK(stage.verdict() == "iD6");
  }
}

TEST_CASE("iS9: what was durable is found after a crash") {
  Stage stage;
  stage.set_scene();
  RecoveredState found = scene(stage, kTwo);
  SECTION("all of it") {}
  SECTION("and what was under way too") {
    stage.append(kTwo, {Stage::entry(3, 1, "b")});
    found.last = {{3}, {1}};
    found.term_runs = {found.last};
    stage.crash(kTwo);
    stage.start(kTwo, found);
    CHECK(stage.verdict().empty());
    CHECK(stage.ledger.marks.count(testkit::CheckMark::crash_kept_write) == 1);
    return;
  }
  SECTION("less what a write under way had cut") {
    stage.set_term(kTwo, 2, 0);
    stage.memory(kTwo).log.truncate_from({2});
    stage.append(kTwo, {Stage::entry(2, 2)});
    found.hard_state = {{2}, {}};
    found.last = {{1}, {1}};
    found.term_runs = {found.last};
  }
  SECTION("less all of it where a snapshot was to take its place") {
    for (const NodeId id : {kOne, kThree}) stage.have(id, {Stage::entry(3, 1, "b"), Stage::entry(4, 1, "c")});
    stage.commit(kOne, 4);
    stage.memory(kTwo).log.reset_to({{4}, {1}});
    stage.commit(kTwo, 4);
    found.last = {};
    found.term_runs = {};
  }
  stage.crash(kTwo);
  stage.start(kTwo, found);
  CHECK(stage.verdict().empty());
}

TEST_CASE("iS9: what is missing after a crash is seen") {
  Stage stage;
  stage.set_scene();
  RecoveredState found = scene(stage, kTwo);
  SECTION("an entry") {
    found.last = {{1}, {1}};
    found.term_runs = {found.last};
  }
  SECTION("the vote") {
    found.hard_state.vote.reset();
  }
  SECTION("the term") {
    found.hard_state = {};
  }
  SECTION("a snapshot") {
    stage.disks.on_published(kTwo, snapshot_at(1, 1), {}, {});
  }
  stage.disks.on_recovered(kTwo, found);
  CHECK(stage.verdict() == "iS9");
}

TEST_CASE("iR3: reads are confirmed by a quorum that answered their round") {
  Stage stage;
  stage.set_scene();
  auto& leader = std::get<core::Leader>(stage.memory(kOne).role);
  stage.memory(kOne).applying.commit = {2};
  leader.read_sequence = 1;
  leader.reads.push_back({{7}, 1, {2}});
  stage.step(kOne);
  stage.send(kOne, kTwo, AppendEntries{{1}, {}, {}, {}, 1});
  CHECK(stage.verdict().empty());
  SECTION("answered") {
    stage.send(kTwo, kOne, AppendEntriesReply{{1}, false, {}, {}, {}, 1});
    leader.reads.clear();
    stage.step(kOne);
    CHECK(stage.verdict().empty());
  }
  SECTION("not answered") {
    leader.reads.clear();
    stage.step(kOne);
    CHECK(stage.verdict() == "iR3");
  }
  SECTION("answered before it was asked") {
    stage.send(kTwo, kOne, AppendEntriesReply{{1}, false, {}, {}, {}, 2});
    CHECK(stage.verdict() == "iR3");
  }
}

TEST_CASE("iR3: a round of reads before a commit in the own term is seen") {
  Stage stage;
  stage.set_scene();
  std::get<core::Leader>(stage.memory(kOne).role).read_sequence = 1;
  stage.step(kOne);
  CHECK(stage.verdict() == "iR3");
}

// The disk itself.

namespace {

/// A disk with a storage on it, told of each write as a simulation does.
struct DiskBench {
  testkit::FaultFileSystem disk;
  testkit::DiskView view{[this](NodeId) { return &disk; },
                         [](FileSystem& files, NodeId) { return whole_file_storage(files); }};
  Stage stage{3, &view, 1};
  Flaw written = Flaw::none;

  /// `command` is what the disk gets; "a" is reported.
  void write_scene(const std::string& command = "a") {
    const auto storage = whole_file_storage(disk, written);
    REQUIRE(storage->open());
    REQUIRE(!storage->format({{1}, {}, kTwo, {9}}, stage.configuration));
    const std::vector<Entry> reported{Stage::entry(1, 1), Stage::entry(2, 1, "a")};
    const std::vector<Entry> entries{Stage::entry(1, 1), Stage::entry(2, 1, command)};
    WriteBatch batch;
    batch.hard_state = HardState{{1}, kOne};
    batch.entries = entries;
    REQUIRE(!storage->write(batch));
    batch.entries = reported;
    stage.disks.on_written(kTwo, batch, {});
    storage->close();
  }
  /// A message that promises nothing: the disk is looked at, nothing else.
  void look() { stage.send(kTwo, kOne, TimeoutNowReply{{1}}); }
};

}  // namespace

TEST_CASE("a power cut would leave what was reported durable") {
  DiskBench bench;
  bench.write_scene();
  bench.look();
  CHECK(bench.stage.verdict().empty());
  CHECK(bench.stage.promises.disks_judged() == 1);
}

TEST_CASE("a storage that does not sync is seen at the first look at its disk") {
  DiskBench bench;
  bench.written = Flaw::syncs_no_file;
  bench.write_scene();
  bench.look();
  CHECK_FALSE(bench.stage.verdict().empty());
}

TEST_CASE("an entry that the disk has with other bytes than reported is seen") {
  DiskBench bench;
  bench.write_scene("b");
  bench.look();
  CHECK(bench.stage.verdict() == "iD3");
}

TEST_CASE("a disk that could not be opened after a power cut is seen") {
  DiskBench bench;
  bench.write_scene();
  bench.disk.overwrite("data/state", 20, "xyz");
  bench.look();
  CHECK(bench.stage.verdict() == "iD1");
}

TEST_CASE("an entry that the disk lacks is seen though the storage reported it") {
  DiskBench bench;
  bench.write_scene();
  bench.stage.write(kTwo, {Stage::entry(3, 1, "b")});
  bench.look();
  CHECK(bench.stage.verdict() == "iD3");
}

TEST_CASE("a vote that the disk lacks is seen though the storage reported it") {
  DiskBench bench;
  bench.write_scene();
  bench.stage.write_term(kTwo, 2, 3);
  bench.look();
  CHECK(bench.stage.verdict() == "iD1");
}

TEST_CASE("iD4: a published snapshot that is damaged on the disk is seen") {
  const std::string state = "the state";
  const bool is_damaged = GENERATE(false, true);
  DiskBench bench;
  bench.write_scene();
  const auto storage = whole_file_storage(bench.disk);
  REQUIRE(storage->open());
  SnapshotMeta meta = snapshot_at(2, 1);
  meta.configuration.value = bench.stage.configuration;
  meta.size = state.size();
  meta.digest = util::digest128(state);
  auto writer = storage->create_snapshot(meta);
  REQUIRE(writer);
  REQUIRE(!(*writer)->write(is_damaged ? "the stale" : state));
  REQUIRE(!(*writer)->finish(meta));
  REQUIRE(!storage->publish(*std::move(writer), {}));
  storage->close();
  bench.stage.disks.on_published(kTwo, meta, {}, {});
  bench.look();
  CHECK(bench.stage.verdict() == (is_damaged ? "iD4" : ""));
}

namespace {

/// Finds a later term each time that it is opened.
class FickleStorage final : public Storage {
 public:
  FickleStorage(std::unique_ptr<Storage> storage, std::uint64_t step) : storage_(std::move(storage)), step_(step) {}

  Result<std::optional<RecoveredState>> open() override {
    auto found = storage_->open();
    if (found && *found) (*found)->hard_state.term.value += step_ * opened_++;
    return found;
  }
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
  std::unique_ptr<Storage> storage_;
  const std::uint64_t step_;
  std::uint64_t opened_ = 0;
};

}  // namespace

TEST_CASE("iD7: a storage that finds something else the second time is seen") {
  const std::uint64_t step = GENERATE(0u, 1u);
  DiskBench bench;
  bench.write_scene();
  testkit::DiskView view(
      [&](NodeId) { return &bench.disk; },
      [&](FileSystem& files, NodeId) { return std::make_unique<FickleStorage>(whole_file_storage(files), step); });
  testkit::PromiseCheck promises(bench.stage.ledger, &view, 1);
  Message message;
  message.route.from = kTwo;
  message.body = TimeoutNowReply{{1}};
  promises.on_sent(message);
  CHECK(promises.disks_judged() == 1);
  CHECK(bench.stage.verdict() == (step == 0 ? "" : "iD7"));
}

TEST_CASE("one message in so many is held to the disk and the first after a recovery") {
  DiskBench bench;
  bench.write_scene();
  testkit::PromiseCheck promises(bench.stage.ledger, &bench.view, 10);
  const auto send = [&](int count) {
    Message message;
    message.route.from = kTwo;
    message.body = TimeoutNowReply{{1}};
    for (int i = 0; i < count; ++i) promises.on_sent(message);
  };
  send(10);
  CHECK(promises.disks_judged() == 1);
  send(1);
  CHECK(promises.disks_judged() == 2);
  promises.on_recovered(kTwo, std::nullopt);
  send(1);
  CHECK(promises.disks_judged() == 3);
  CHECK(bench.stage.verdict().empty());
}
