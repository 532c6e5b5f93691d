#include "node/log_reader.hpp"

#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

namespace libraft::test {
namespace {

struct ReadListener final : node::LogReader::Listener {
  void on_log_read(LogRead answer) override { answers.push_back(std::move(answer)); }
  void on_read_failed(std::error_code what, std::string why) override {
    error = what;
    detail = std::move(why);
  }
  std::vector<LogRead> answers;
  std::error_code error;
  std::string detail;
};

/// Throws what is no exception.
struct ThrowingStorage final : Storage {
  Result<std::optional<RecoveredState>> open() override { return std::optional<RecoveredState>(); }
  std::error_code format(const Identity&, const Configuration&) override { return {}; }
  std::error_code write(const WriteBatch&) override { return {}; }
  Result<std::vector<Entry>> read(LogIndex, LogIndex, std::size_t) override { throw 1; }
  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta&) override { return errc::io_error; }
  std::error_code publish(std::unique_ptr<SnapshotWriter>, const WriteBatch&) override { return errc::io_error; }
  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override { return errc::no_snapshot; }
  void close() noexcept override {}
};

struct ReaderFixture {
  ReaderFixture() {
    REQUIRE(storage->open());
    REQUIRE(!storage->format({ClusterId{1}, {}, NodeId{1}, Incarnation{1}}, {}));
    REQUIRE(storage->open());
    std::vector<Entry> log;
    for (std::uint64_t index = 1; index <= 9; ++index) log.push_back({{{index}, {1}}, EntryKind::noop, Bytes()});
    WriteBatch batch;
    batch.entries = log;
    REQUIRE(!storage->write(batch));
  }

  std::unique_ptr<Storage> storage = memory_storage();
  FakeRuntime runtime;
  ReadListener told;
  node::LogReader reader{*storage, runtime, told};
};

}  // namespace

TEST_CASE_METHOD(ReaderFixture, "reads are answered in order, by one job at a time") {
  reader.submit({{1}, {2}, {3}, 1000});
  reader.submit({{2}, {8}, {9}, 1});
  CHECK(runtime.waiting(Lane::storage) == 1);
  runtime.run_all();
  REQUIRE(told.answers.size() == 2);
  CHECK(told.answers[0].id == RequestId{1});
  CHECK(told.answers[0].entries.size() == 2);
  CHECK(told.answers[0].entries.front().id.index == LogIndex{2});
  CHECK(told.answers[1].id == RequestId{2});
  CHECK(told.answers[1].entries.size() == 1);
  CHECK(reader.is_idle());
}

TEST_CASE_METHOD(ReaderFixture, "entries that are not there are an answer, a broken storage is a failure") {
  reader.submit({{1}, {10}, {11}, 1000});
  runtime.run_all();
  REQUIRE(told.answers.size() == 1);
  CHECK(told.answers[0].error == errc::unavailable);
  storage->close();
  reader.submit({{2}, {1}, {2}, 1000});
  runtime.run_all();
  CHECK(told.answers.size() == 1);
  CHECK(told.error);
}

TEST_CASE_METHOD(ReaderFixture, "after a failure nothing more is read, and its detail is told") {
  storage->close();
  reader.submit({{1}, {1}, {2}, 1000});
  reader.submit({{2}, {1}, {2}, 1000});
  REQUIRE(runtime.run_one(Lane::storage));
  runtime.run_protocol_lane();
  CHECK(runtime.waiting(Lane::storage) == 0);
  CHECK(reader.is_idle());
  CHECK(told.error);
  CHECK(told.detail == storage->error_detail());
  CHECK(!told.detail.empty());
}

TEST_CASE("a storage that throws anything at all is a failure, not the end of the process") {
  ThrowingStorage storage;
  FakeRuntime runtime;
  ReadListener told;
  node::LogReader reader(storage, runtime, told);
  reader.submit({{1}, {1}, {2}, 1000});
  runtime.run_all();
  CHECK(told.error == errc::io_error);
}

}  // namespace libraft::test
