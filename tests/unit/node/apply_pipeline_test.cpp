#include "node/apply_pipeline.hpp"

#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

namespace libraft::test {
namespace {

struct Told final : node::ApplyPipeline::Listener {
  void on_applied(node::AppliedEntries& applied) override {
    events += "applied " + std::to_string(applied.last().index.value) + ";";
    for (auto& command : *applied.batch) replies.emplace_back(command.take_reply().view());
  }
  void on_restored(const SnapshotMeta& meta) override {
    events += "restored " + std::to_string(meta.last.index.value) + ";";
  }
  void on_captured(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> captured) override {
    events += "captured " + std::to_string(what.last.index.value) + ";";
    task = std::move(captured);
  }
  void on_answered(RequestId id, Result<Bytes> answer, LogId seen) override {
    events += "answered " + std::to_string(id.value) + " " + std::string(answer ? answer->view() : "error") + " at " +
              std::to_string(seen.index.value) + ";";
  }
  void on_apply_failed(std::error_code what, std::string why) override {
    events += "failed;";
    error = what;
    detail = std::move(why);
  }
  std::string events;
  std::vector<std::string> replies;
  std::unique_ptr<SnapshotTask> task;
  std::error_code error;
  std::string detail;
};

Entries commands(std::uint64_t first, std::uint64_t last) {
  std::vector<Entry> list;
  for (std::uint64_t index = first; index <= last; ++index) {
    list.push_back({{{index}, {1}}, EntryKind::command, Bytes("c" + std::to_string(index))});
  }
  return Entries(std::move(list));
}
Entries noop(std::uint64_t index) {
  return Entries({Entry{{{index}, {1}}, EntryKind::noop, Bytes()}});
}

struct ApplyFixture {
  std::shared_ptr<ListMachine::State> state = std::make_shared<ListMachine::State>();
  ListMachine machine{state};
  std::unique_ptr<Storage> storage = memory_storage();
  FakeRuntime runtime;
  Told told;
  node::ApplyPipeline pipeline{machine, *storage, runtime, {4, 1u << 20}, LogId{}, told};
};

}  // namespace

TEST_CASE_METHOD(ApplyFixture, "only commands reach the state machine, and the batch covers the others too") {
  pipeline.apply(noop(1));
  runtime.run_all();
  pipeline.apply(commands(2, 3));
  runtime.run_all();
  CHECK(state->commands == std::vector<std::string>{"c2", "c3"});
  CHECK(told.replies == std::vector<std::string>{"1", "2"});
  CHECK(told.events == "applied 1;applied 3;");
  CHECK(pipeline.applied() == LogId{{3}, {1}});
}

TEST_CASE_METHOD(ApplyFixture, "what gathers while the lane is busy is applied together, up to the limit") {
  pipeline.apply(commands(1, 1));
  pipeline.apply(commands(2, 3));
  pipeline.apply(commands(4, 5));
  pipeline.apply(commands(6, 6));
  runtime.run_all();
  CHECK(told.events == "applied 1;applied 5;applied 6;");
}

TEST_CASE_METHOD(ApplyFixture, "a query sees all that was applied before it, and nothing after") {
  pipeline.apply(commands(1, 1));
  pipeline.query({1}, "");
  pipeline.apply(commands(2, 2));
  pipeline.query({2}, "bad");
  runtime.run_all();
  CHECK(told.events == "applied 1;answered 1 c1, at 1;applied 2;answered 2 error at 2;");
}

TEST_CASE_METHOD(ApplyFixture, "a snapshot is captured between two batches, exactly where it says") {
  pipeline.apply(commands(1, 2));
  pipeline.capture({LogId{{2}, {1}}, {}});
  pipeline.apply(commands(3, 3));
  runtime.run_all();
  CHECK(told.events == "applied 2;captured 2;applied 3;");
  CHECK(told.task != nullptr);
}

TEST_CASE_METHOD(ApplyFixture, "a failure ends the pipeline, after what was done before it is told") {
  pipeline.query({1}, "");
  pipeline.restore(SnapshotMeta{{{9}, {1}}, {}, 0, {}});
  pipeline.query({2}, "");
  runtime.run_all();
  pipeline.query({3}, "");
  runtime.run_all();
  CHECK(told.events == "answered 1  at 0;failed;");
  CHECK(pipeline.is_idle());
}

TEST_CASE_METHOD(ApplyFixture, "an exception of user code is a failure with its words") {
  state->throws_on_apply = true;
  pipeline.apply(commands(1, 1));
  runtime.run_all();
  CHECK(told.error == errc::state_machine_failed);
  CHECK(told.detail == "the state machine threw: no");
}

TEST_CASE_METHOD(ApplyFixture, "a gap in what is to be applied breaks an invariant, and is not applied") {
  pipeline.apply(commands(2, 2));
  runtime.run_all();
  CHECK(told.error == errc::invariant_violated);
  CHECK(state->commands.empty());
}

TEST_CASE_METHOD(ApplyFixture, "once closed nothing more is told or begun") {
  pipeline.apply(commands(1, 1));
  pipeline.query({1}, "");
  runtime.run_one(Lane::apply);
  pipeline.close();
  pipeline.apply(commands(2, 2));
  runtime.run_all();
  CHECK(told.events.empty());
  CHECK(state->commands.size() == 1);
}

}  // namespace libraft::test
