#include "node/log_reader.hpp"

#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

namespace libraft::test {
namespace {

struct Told final : node::LogReader::Listener {
  void on_log_read(LogRead answer) override { answers.push_back(std::move(answer)); }
  void on_read_failed(std::error_code what, std::string) override { error = what; }
  std::vector<LogRead> answers;
  std::error_code error;
};

struct Fixture {
  Fixture() {
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
  Told told;
  node::LogReader reader{*storage, runtime, told};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "reads are answered in order, by one job at a time") {
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

TEST_CASE_METHOD(Fixture, "entries that are not there are an answer, a broken storage is a failure") {
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

}  // namespace libraft::test
