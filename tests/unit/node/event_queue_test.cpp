#include "node/event_queue.hpp"

#include "support/catch.hpp"

#include <libraft/error.hpp>

#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace libraft::test {
namespace {

struct QueueFixture : node::EventQueue::Handler {
  virtual ~QueueFixture() = default;
  void handle_round() override {
    ++rounds;
    ++depth;
    CHECK(depth == 1);
    while (!queue.is_empty()) {
      const Event event = queue.take();
      taken.push_back(std::get<Persisted>(event).upto.value);
      if (on_event) on_event(taken.back());
    }
    --depth;
    if (after_events) std::exchange(after_events, nullptr)();
  }
  void on_settled() override { ++settled; }
  void on_failed(Failure failure) override {
    queue.close();
    failures.push_back(std::move(failure));
  }
  void deliver(std::uint64_t number) { queue.deliver(Persisted{{number}}); }

  node::EventQueue queue{*this};
  std::function<void(std::uint64_t)> on_event;
  std::function<void()> after_events;
  std::vector<std::uint64_t> taken;
  std::vector<Failure> failures;
  int rounds = 0;
  int depth = 0;
  int settled = 0;
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE_METHOD(QueueFixture, "an event is handled at once when nothing else is") {
  deliver(1);
  CHECK(taken == Numbers{1});
  CHECK(rounds == 1);
  CHECK(settled == 1);
}

TEST_CASE_METHOD(QueueFixture, "what comes while an event is handled is handled after it and in the same round") {
  on_event = [this](std::uint64_t number) {
    if (number == 1) deliver(2);
    CHECK(depth == 1);
  };
  deliver(1);
  CHECK(taken == Numbers{1, 2});
  CHECK(rounds == 1);
  CHECK(settled == 1);
}

TEST_CASE_METHOD(QueueFixture, "what comes at the end of a round brings another one before things are settled") {
  after_events = [this] { deliver(2); };
  deliver(1);
  CHECK(taken == Numbers{1, 2});
  CHECK(rounds == 2);
  CHECK(settled == 1);
}

TEST_CASE_METHOD(QueueFixture, "between begin_round and end_round events gather") {
  queue.begin_round();
  deliver(1);
  queue.push(Persisted{{2}});
  queue.wake();
  queue.settle();
  CHECK(rounds == 0);
  CHECK(settled == 0);
  queue.end_round();
  CHECK(taken == Numbers{1, 2});
  CHECK(rounds == 1);
  CHECK(settled == 1);
}

TEST_CASE_METHOD(QueueFixture, "an event that is pushed waits until somebody wakes the handler") {
  queue.push(Persisted{{1}});
  CHECK(rounds == 0);
  queue.wake();
  CHECK(taken == Numbers{1});
}

TEST_CASE_METHOD(QueueFixture, "a settled queue looks at deadlines without a round") {
  queue.settle();
  CHECK(settled == 1);
  CHECK(rounds == 0);
}

TEST_CASE_METHOD(QueueFixture, "what a round throws is a failure and the events behind it are dropped") {
  on_event = [](std::uint64_t) { throw std::runtime_error("odd"); };
  queue.begin_round();
  deliver(1);
  deliver(2);
  queue.end_round();
  CHECK(taken == Numbers{1});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].error == errc::invariant_violated);
  CHECK(failures[0].reason == "an exception nobody expected: odd");
  CHECK(settled == 1);
}

TEST_CASE_METHOD(QueueFixture, "what is thrown and no exception is a failure too") {
  on_event = [](std::uint64_t) { throw 1; };
  deliver(1);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].error == errc::invariant_violated);
  CHECK(failures[0].reason == "something was thrown that is no exception");
}

TEST_CASE_METHOD(QueueFixture, "a broken invariant is told in its own words") {
  on_event = [](std::uint64_t) { throw InvariantViolation("x == y"); };
  deliver(1);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].reason == "x == y");
}

TEST_CASE_METHOD(QueueFixture, "a closed queue takes nothing and fails no more") {
  queue.push(Persisted{{1}});
  queue.close();
  CHECK(queue.is_empty());
  deliver(2);
  queue.push(Persisted{{3}});
  queue.fail(errc::invariant_violated, "late");
  CHECK(queue.is_empty());
  CHECK(rounds == 0);
  CHECK(failures.empty());
}

}  // namespace libraft::test
