#include "node/persist_pipeline.hpp"

#include "fake_runtime.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

namespace libraft::test {
namespace {

using namespace std::chrono_literals;

/// A WriteBatch that outlives its write.
struct Written {
  std::optional<HardState> hard_state;
  std::optional<LogIndex> truncate_from;
  std::optional<LogId> new_start;
  std::vector<Entry> entries;
  bool is_publish = false;
};

/// Answers writes as scripted, else with success.
struct ScriptedStorage final : Storage {
  Result<std::optional<RecoveredState>> open() override { return std::optional<RecoveredState>(); }
  std::error_code format(const Identity&, const Configuration&) override { return {}; }
  std::error_code write(const WriteBatch& batch) override { return take(batch, false); }
  Result<std::vector<Entry>> read(LogIndex, LogIndex, std::size_t) override { return errc::unavailable; }
  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta&) override { return errc::io_error; }
  std::error_code publish(std::unique_ptr<SnapshotWriter>, const WriteBatch& with) override { return take(with, true); }
  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override {
    if (newest == nullptr) return errc::no_snapshot;
    return newest;
  }
  void close() noexcept override {}
  [[nodiscard]] std::string error_detail() const override { return "the scripted disk is broken"; }

  std::error_code take(const WriteBatch& batch, bool is_publish) {
    if (throws) throw std::runtime_error("thrown");
    const std::error_code answer = answers.empty() ? std::error_code{} : answers.front();
    if (!answers.empty()) answers.pop_front();
    tries += 1;
    if (answer) return answer;
    writes.push_back({batch.hard_state, batch.truncate_from, batch.new_start,
                      std::vector<Entry>(batch.entries.begin(), batch.entries.end()), is_publish});
    return {};
  }

  std::deque<std::error_code> answers;
  std::vector<Written> writes;
  int tries = 0;
  bool throws = false;
  std::shared_ptr<SnapshotReader> newest;
};

struct NoWriter final : SnapshotWriter {
  std::error_code write(std::string_view) override { return {}; }
  std::error_code finish(const SnapshotMeta&) override { return {}; }
};
struct MetaReader final : SnapshotReader {
  explicit MetaReader(SnapshotMeta what) : held(std::move(what)) {}
  [[nodiscard]] const SnapshotMeta& meta() const override { return held; }
  Result<std::size_t> read_at(std::uint64_t, std::span<char>) override { return std::size_t{0}; }
  SnapshotMeta held;
};

struct PersistListener final : node::PersistPipeline::Listener {
  void on_persisted(PersistId upto) override { persisted.push_back(upto.value); }
  void on_published(const SnapshotMeta& meta) override { published.push_back(meta.last.index.value); }
  void on_disk_full() override { ++disk_full; }
  void on_retry_set() override { ++retries_set; }
  void on_write_failed(std::error_code what, std::string why) override {
    ++failures;
    error = what;
    detail = std::move(why);
  }
  std::vector<std::uint64_t> persisted;
  std::vector<std::uint64_t> published;
  int disk_full = 0;
  int retries_set = 0;
  int failures = 0;
  std::error_code error;
  std::string detail;
};

Entries entries(std::uint64_t first, std::uint64_t last, std::uint64_t term = 1, std::size_t bytes = 1) {
  std::vector<Entry> list;
  for (std::uint64_t index = first; index <= last; ++index) {
    list.push_back({{{index}, {term}}, EntryKind::command, Bytes(std::string(bytes, 'x'))});
  }
  return Entries(std::move(list));
}

std::vector<std::uint64_t> indexes(const Written& written) {
  std::vector<std::uint64_t> list;
  for (const Entry& entry : written.entries) list.push_back(entry.id.index.value);
  return list;
}
using Indexes = std::vector<std::uint64_t>;

struct PersistFixture {
  PersistBatch batch(Entries list) {
    PersistBatch result;
    result.id = {++last_id};
    result.entries = std::move(list);
    return result;
  }
  PersistBatch batch(HardState hard_state) {
    PersistBatch result = batch(Entries());
    result.hard_state = hard_state;
    return result;
  }
  PersistBatch truncation(std::uint64_t from, Entries list = {}) {
    PersistBatch result = batch(std::move(list));
    result.truncate_from = LogIndex{from};
    return result;
  }
  void submit(PersistBatch what) { pipeline.submit(std::move(what), nullptr); }
  void publish(std::uint64_t index) {
    PersistBatch what = batch(Entries());
    what.publish = SnapshotMeta{{{index}, {1}}, {}, 0, {}};
    pipeline.submit(what, std::make_unique<NoWriter>());
  }
  /// Keeps the storage busy, so that what follows gathers.
  void start_a_write() { submit(batch(HardState{{1}, {}})); }

  ScriptedStorage storage;
  FakeRuntime runtime;
  PersistListener told;
  Metrics metrics;
  std::uint64_t last_id = 0;
  node::PersistPipeline pipeline{storage, runtime, {1000, 500ms, 2s, 10s}, told, metrics};
};

}  // namespace

TEST_CASE_METHOD(PersistFixture, "one write is at the storage, what comes meanwhile is merged into the next") {
  submit(batch(entries(1, 1)));
  submit(batch(entries(2, 3)));
  submit(batch(HardState{{2}, NodeId{1}}));
  submit(batch(entries(4, 4, 2)));
  CHECK(runtime.waiting(Lane::storage) == 1);
  runtime.run_all();
  REQUIRE(storage.writes.size() == 2);
  CHECK(indexes(storage.writes[0]) == Indexes{1});
  CHECK(indexes(storage.writes[1]) == Indexes{2, 3, 4});
  CHECK(storage.writes[1].hard_state == HardState{{2}, NodeId{1}});
  CHECK(told.persisted == Indexes{1, 4});
  CHECK(metrics.writes == 2);
  CHECK(metrics.entries_written == 4);
  CHECK(pipeline.is_idle());
}

TEST_CASE_METHOD(PersistFixture, "of merged hard states the last one is written") {
  start_a_write();
  submit(batch(HardState{{2}, NodeId{1}}));
  submit(batch(HardState{{3}, {}}));
  runtime.run_all();
  REQUIRE(storage.writes.size() == 2);
  CHECK(storage.writes[1].hard_state == HardState{{3}, {}});
}

TEST_CASE_METHOD(PersistFixture, "a truncation within what is not written yet cuts it there and touches no disk") {
  start_a_write();
  submit(batch(entries(5, 9)));
  submit(truncation(7, entries(7, 7, 2)));
  runtime.run_all();
  REQUIRE(storage.writes.size() == 2);
  CHECK(indexes(storage.writes[1]) == Indexes{5, 6, 7});
  CHECK(storage.writes[1].entries.back().id.term == Term{2});
  CHECK(!storage.writes[1].truncate_from);
}

TEST_CASE_METHOD(PersistFixture, "a truncation below what is not written yet drops all of it and is written itself") {
  start_a_write();
  submit(truncation(8, entries(8, 9)));
  submit(truncation(4, entries(4, 4, 2)));
  runtime.run_all();
  REQUIRE(storage.writes.size() == 2);
  CHECK(indexes(storage.writes[1]) == Indexes{4});
  CHECK(storage.writes[1].truncate_from == LogIndex{4});
}

TEST_CASE_METHOD(PersistFixture, "of two truncations the lower one counts") {
  start_a_write();
  submit(truncation(4));
  submit(truncation(8));
  runtime.run_all();
  REQUIRE(storage.writes.size() == 2);
  CHECK(storage.writes[1].truncate_from == LogIndex{4});
}

TEST_CASE_METHOD(PersistFixture, "a new start beyond entries that are not written yet waits for them") {
  start_a_write();
  submit(batch(entries(5, 9)));
  PersistBatch compaction = batch(Entries());
  compaction.new_start = LogId{{7}, {1}};
  submit(compaction);
  runtime.run_all();
  REQUIRE(storage.writes.size() == 3);
  CHECK(!storage.writes[1].new_start);
  CHECK(storage.writes[2].new_start == LogId{{7}, {1}});
}

TEST_CASE_METHOD(PersistFixture, "a new start below what is not written yet is merged") {
  start_a_write();
  submit(batch(entries(5, 9)));
  PersistBatch compaction = batch(Entries());
  compaction.new_start = LogId{{4}, {1}};
  submit(compaction);
  runtime.run_all();
  REQUIRE(storage.writes.size() == 2);
  CHECK(storage.writes[1].new_start == LogId{{4}, {1}});
}

TEST_CASE_METHOD(PersistFixture, "a sync writes at most write_bytes_max, but at least one entry") {
  // An entry here counts 432 bytes: two fit into 1000, and one of 2032 does not.
  submit(batch(entries(1, 5, 1, 400)));
  submit(batch(entries(6, 6, 1, 2000)));
  runtime.run_all();
  REQUIRE(storage.writes.size() == 4);
  CHECK(indexes(storage.writes[0]) == Indexes{1, 2});
  CHECK(indexes(storage.writes[1]) == Indexes{3, 4});
  CHECK(indexes(storage.writes[2]) == Indexes{5});
  CHECK(indexes(storage.writes[3]) == Indexes{6});
  // A batch is proved only by its last entry.
  CHECK(told.persisted == Indexes{1, 2});
}

TEST_CASE_METHOD(PersistFixture, "publishing a snapshot is a write of its own, in its place") {
  start_a_write();
  submit(batch(entries(1, 1)));
  publish(1);
  submit(batch(entries(2, 2)));
  CHECK(pipeline.is_publishing());
  runtime.run_all();
  REQUIRE(storage.writes.size() == 4);
  CHECK(storage.writes[2].is_publish);
  CHECK(indexes(storage.writes[3]) == Indexes{2});
  CHECK(told.published == Indexes{1});
  CHECK(told.persisted == Indexes{1, 2, 3, 4});
  CHECK(!pipeline.is_publishing());
}

TEST_CASE_METHOD(PersistFixture, "a stale snapshot is no error: what goes with it is written") {
  storage.answers = {errc::snapshot_stale};
  publish(1);
  runtime.run_all();
  CHECK(storage.tries == 2);
  CHECK(told.persisted == Indexes{1});
  CHECK(told.failures == 0);
}

TEST_CASE_METHOD(
    PersistFixture,
    "without space the same write is tried again: the full disk is told once, each retry that is set is told") {
  storage.answers = {errc::no_space, errc::no_space};
  submit(batch(entries(1, 1)));
  runtime.run_all();
  CHECK(told.disk_full == 1);
  CHECK(pipeline.next_deadline() == runtime.now() + 500ms);
  submit(batch(entries(2, 2)));
  runtime.run_all();
  CHECK(storage.tries == 1);

  runtime.advance_to(runtime.now() + 500ms);
  pipeline.on_time(runtime.now());
  runtime.run_all();
  CHECK(storage.tries == 2);
  CHECK(told.disk_full == 1);
  CHECK(told.retries_set == 2);
  CHECK(pipeline.next_deadline() == runtime.now() + 500ms);
  CHECK(told.persisted.empty());

  runtime.advance_to(runtime.now() + 500ms);
  pipeline.on_time(runtime.now());
  runtime.run_all();
  REQUIRE(storage.writes.size() == 2);
  CHECK(indexes(storage.writes[0]) == Indexes{1});
  CHECK(told.persisted == Indexes{1, 2});
  CHECK(pipeline.next_deadline() == kNever);
}

TEST_CASE_METHOD(PersistFixture, "a disk that stays full fails the write in the end, with the reason") {
  storage.answers.assign(100, errc::no_space);
  submit(batch(entries(1, 1)));
  runtime.run_all();
  for (; told.failures == 0 && storage.tries < 100; runtime.run_all()) {
    runtime.advance_to(pipeline.next_deadline());
    pipeline.on_time(runtime.now());
  }
  CHECK(storage.tries == 5);  // at 0, 0.5, 1, 1.5 and 2 s
  CHECK(told.error == errc::no_space);
  CHECK(told.detail.starts_with("the disk stayed full: "));
  CHECK(pipeline.next_deadline() == kNever);
  CHECK(told.persisted.empty());
}

TEST_CASE_METHOD(PersistFixture, "each write that finds no space is waited for anew") {
  for (std::uint64_t index = 1; index <= 3; ++index) {
    storage.answers = {errc::no_space, errc::no_space, errc::no_space};
    submit(batch(entries(index, index)));
    runtime.run_all();
    while (pipeline.next_deadline() != kNever) {
      runtime.advance_to(pipeline.next_deadline());
      pipeline.on_time(runtime.now());
      runtime.run_all();
    }
  }
  CHECK(told.failures == 0);
  CHECK(told.disk_full == 3);
  CHECK(told.persisted == Indexes{1, 2, 3});
}

TEST_CASE_METHOD(PersistFixture,
                 "without space to publish a snapshot the write fails, for the snapshot is given away") {
  storage.answers = {errc::no_space};
  publish(1);
  runtime.run_all();
  CHECK(told.failures == 1);
  CHECK(told.error == errc::io_error);
}

TEST_CASE_METHOD(PersistFixture, "without space for what goes with a published snapshot only that is tried again") {
  storage.answers = {errc::no_space};
  storage.newest = std::make_shared<MetaReader>(SnapshotMeta{{{1}, {1}}, {}, 0, {}});
  publish(1);
  runtime.run_all();
  CHECK(told.failures == 0);
  runtime.advance_to(runtime.now() + 500ms);
  pipeline.on_time(runtime.now());
  runtime.run_all();
  REQUIRE(storage.writes.size() == 1);
  CHECK(!storage.writes[0].is_publish);
  CHECK(told.published == Indexes{1});
}

TEST_CASE_METHOD(PersistFixture, "any other error is final: nothing is written after it") {
  storage.answers = {errc::io_error};
  submit(batch(entries(1, 1)));
  submit(batch(entries(2, 2)));
  runtime.run_all();
  submit(batch(entries(3, 3)));
  runtime.run_all();
  CHECK(storage.tries == 1);
  CHECK(told.failures == 1);
  CHECK(told.error == errc::io_error);
  CHECK(told.detail == "the scripted disk is broken");
  CHECK(told.persisted.empty());
}

TEST_CASE_METHOD(PersistFixture, "a storage that throws fails the write, not the process") {
  storage.throws = true;
  submit(batch(entries(1, 1)));
  runtime.run_all();
  CHECK(told.failures == 1);
  CHECK(told.detail == "thrown");
}

TEST_CASE_METHOD(PersistFixture, "a write that takes longer than disk_stall_max has a deadline") {
  submit(batch(entries(1, 1)));
  CHECK(pipeline.stall_deadline() == runtime.now() + 10s);
  pipeline.acknowledge_stall();
  CHECK(pipeline.stall_deadline() == kNever);
  runtime.run_all();
  submit(batch(entries(2, 2)));
  CHECK(pipeline.stall_deadline() == runtime.now() + 10s);
  runtime.run_all();
  CHECK(pipeline.stall_deadline() == kNever);
}

TEST_CASE_METHOD(PersistFixture, "once closed nobody is told of the write under way, and no other starts") {
  submit(batch(entries(1, 1)));
  submit(batch(entries(2, 2)));
  pipeline.close();
  CHECK(!pipeline.is_idle());
  runtime.run_all();
  CHECK(pipeline.is_idle());
  CHECK(storage.writes.size() == 1);
  CHECK(told.persisted.empty());
}

namespace {

/// The log as Storage would have it, to compare merged writes with single ones.
struct ModelLog {
  void write(const WriteBatch& batch) {
    if (batch.truncate_from) {
      while (!log.empty() && log.back().id.index >= *batch.truncate_from) log.pop_back();
    }
    if (batch.new_start) {
      std::erase_if(log, [&](const Entry& entry) { return entry.id.index <= batch.new_start->index; });
      start = *batch.new_start;
    }
    log.insert(log.end(), batch.entries.begin(), batch.entries.end());
    if (batch.hard_state) hard_state = *batch.hard_state;
  }
  friend bool operator==(const ModelLog&, const ModelLog&) = default;

  std::vector<Entry> log;
  LogId start;
  HardState hard_state;
};

}  // namespace

TEST_CASE("merged writes give the same log as single ones, whatever they are") {
  std::uint64_t state = 42;
  const auto random = [&](std::uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  for (int round = 0; round < 300; ++round) {
    ModelLog one_by_one;
    ModelLog merged;
    node::MergedWrite write;
    std::uint64_t last = 0;
    std::uint64_t durable = 0;
    std::uint64_t start = 0;
    for (std::uint64_t id = 1; id <= 12; ++id) {
      PersistBatch batch;
      batch.id = {id};
      if (random(3) == 0) batch.hard_state = HardState{{id}, {}};
      if (random(3) == 0 && last > start) {
        last = start + random(last - start);
        batch.truncate_from = LogIndex{last + 1};
        durable = std::min(durable, last);
      }
      if (random(4) == 0 && durable > start) {
        start += 1 + random(durable - start);
        batch.new_start = LogId{{start}, {1}};
      }
      if (const std::uint64_t count = random(4); count != 0) {
        batch.entries = entries(last + 1, last + count, id);
        last += count;
      }
      WriteBatch single;
      single.hard_state = batch.hard_state;
      single.truncate_from = batch.truncate_from;
      single.new_start = batch.new_start;
      single.entries = batch.entries.view();
      one_by_one.write(single);
      if (!write.can_take(batch) || random(5) == 0) {
        merged.write(write.view());
        write.clear();
        durable = last - batch.entries.size();
      }
      write.take(batch, batch.entries.size());
      CHECK(write.proves() == PersistId{id});
    }
    merged.write(write.view());
    REQUIRE(merged == one_by_one);
  }
}

}  // namespace libraft::test
