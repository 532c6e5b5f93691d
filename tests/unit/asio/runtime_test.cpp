// The runtime alone: lanes, the timer, and the end of it all.
#include "asio/asio_runtime.hpp"
#include "support/catch.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <thread>
#include <vector>

namespace libraft::io {
namespace {

using namespace std::chrono_literals;

struct FunctionJob final : Job {
  FunctionJob() = default;
  explicit FunctionJob(std::function<void()> r, std::function<void()> d = {})
      : on_run(std::move(r)), on_done(std::move(d)) {}
  void run() noexcept override { on_run(); }
  void done() noexcept override {
    if (on_done) on_done();
  }
  std::function<void()> on_run;
  std::function<void()> on_done;
};

/// Runs `work` on the protocol lane and waits for it.
void on_protocol_lane(Runtime& runtime, std::function<void()> work) {
  std::promise<void> finished;
  FunctionJob job([&] {
    work();
    finished.set_value();
  });
  runtime.post(job);
  finished.get_future().wait();
}

/// The same test on the node's own threads and on a pool of the caller's.
struct Bench {
  explicit Bench(bool on_pool)
      : pool(4), runtime(on_pool ? Executors::all_on(pool.get_executor()) : Executors{}, nullptr) {}
  asio::thread_pool pool;
  AsioRuntime runtime;
};

TEST_CASE("jobs of a lane run one at a time and in order") {
  Bench bench(GENERATE(false, true));
  constexpr int kJobs = 1000;
  std::vector<int> order;  // unguarded: the lane is its guard
  std::latch all(kJobs);
  std::vector<FunctionJob> jobs(kJobs);
  for (int i = 0; i < kJobs; ++i) {
    jobs[static_cast<std::size_t>(i)].on_run = [&, i] {
      order.push_back(i);
      all.count_down();
    };
    bench.runtime.post(jobs[static_cast<std::size_t>(i)]);
  }
  all.wait();
  REQUIRE(order.size() == kJobs);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a job is never run inside the call that hands it in") {
  asio::io_context context;
  AsioRuntime runtime(Executors{.protocol = context.get_executor()}, nullptr);
  bool was_run = false;
  FunctionJob job([&] { was_run = true; });
  asio::post(context, [&] {
    runtime.post(job);
    CHECK_FALSE(was_run);
  });
  context.run();
  CHECK(was_run);
  std::thread runner([&] {
    const auto work = asio::make_work_guard(context);
    context.restart();
    context.run();
  });
  runtime.shut_down();
  context.stop();
  runner.join();
}

TEST_CASE("jobs that come while a batch waits share its wake-up") {
  asio::io_context context;
  AsioRuntime runtime(Executors{.protocol = context.get_executor()}, nullptr);
  int runs = 0;
  std::vector<FunctionJob> jobs(100, FunctionJob([&] { ++runs; }));
  for (FunctionJob& job : jobs) runtime.post(job);
  CHECK(context.poll() == 1);
  CHECK(runs == 100);
  std::thread runner([&] {
    const auto work = asio::make_work_guard(context);
    context.restart();
    context.run();
  });
  runtime.shut_down();
  context.stop();
  runner.join();
}

TEST_CASE("a submitted job runs on its lane and returns to the protocol lane") {
  Bench bench(GENERATE(false, true));
  const auto lane = GENERATE(Lane::storage, Lane::apply, Lane::background);
  std::promise<bool> done;
  bool run_on_a_lane = false;
  bool blocked_the_protocol = true;
  std::promise<void> other_lane_went_on;
  FunctionJob meanwhile([&] { other_lane_went_on.set_value(); });
  FunctionJob job(
      [&] {
        run_on_a_lane = bench.runtime.is_own_lane();
        bench.runtime.post(meanwhile);
        other_lane_went_on.get_future().wait();
        blocked_the_protocol = false;
      },
      [&] { done.set_value(bench.runtime.is_own_lane()); });
  on_protocol_lane(bench.runtime, [&] { bench.runtime.submit(lane, job); });
  CHECK(done.get_future().get());
  CHECK(run_on_a_lane);
  CHECK_FALSE(blocked_the_protocol);
  CHECK_FALSE(bench.runtime.is_own_lane());
}

TEST_CASE("a job may be handed in again from its own last part") {
  Bench bench(GENERATE(false, true));
  int rounds = 0;
  std::promise<void> finished;
  FunctionJob job;
  job.on_run = [&] { ++rounds; };
  job.on_done = [&] {
    if (rounds < 100) return bench.runtime.submit(Lane::storage, job);
    finished.set_value();
  };
  on_protocol_lane(bench.runtime, [&] { bench.runtime.submit(Lane::storage, job); });
  finished.get_future().wait();
  CHECK(rounds == 100);
}

TEST_CASE("the timer runs its job once, not before the deadline") {
  Bench bench(GENERATE(false, true));
  std::promise<TimePoint> fired;  // a second run would throw
  FunctionJob job([&] { fired.set_value(bench.runtime.now()); });
  TimePoint deadline;
  on_protocol_lane(bench.runtime, [&] {
    deadline = bench.runtime.now() + 5ms;
    bench.runtime.arm(deadline, job);
  });
  CHECK(fired.get_future().get() >= deadline);
}

TEST_CASE("a new deadline replaces the one before, earlier or later") {
  Bench bench(GENERATE(false, true));
  std::promise<TimePoint> fired;
  FunctionJob job([&] { fired.set_value(bench.runtime.now()); });
  TimePoint later;
  on_protocol_lane(bench.runtime, [&] {
    const TimePoint now = bench.runtime.now();
    later = now + 20ms;
    bench.runtime.arm(now + 1h, job);
    bench.runtime.arm(now + 5ms, job);
    bench.runtime.arm(now + 10ms, job);
    bench.runtime.arm(later, job);
  });
  CHECK(fired.get_future().get() >= later);
}

TEST_CASE("a deadline in the past is due at once, and never means never") {
  Bench bench(GENERATE(false, true));
  std::promise<void> fired;
  bool never_fired = true;
  FunctionJob never([&] { never_fired = false; });
  FunctionJob job([&] { fired.set_value(); });
  on_protocol_lane(bench.runtime, [&] {
    bench.runtime.arm(bench.runtime.now() + 1ms, never);
    bench.runtime.arm(kNever, never);
  });
  on_protocol_lane(bench.runtime, [&] { bench.runtime.arm(bench.runtime.now() - 1h, job); });
  fired.get_future().wait();
  CHECK(never_fired);
}

TEST_CASE("the timer may be armed again from its own job") {
  Bench bench(GENERATE(false, true));
  int rounds = 0;
  std::promise<void> finished;
  FunctionJob job;
  job.on_run = [&] {
    if (++rounds == 20) return finished.set_value();
    bench.runtime.arm(bench.runtime.now() + 100us, job);
  };
  on_protocol_lane(bench.runtime, [&] { bench.runtime.arm(bench.runtime.now(), job); });
  finished.get_future().wait();
  CHECK(rounds == 20);
}

TEST_CASE("after shut_down everything handed in has run and nothing runs") {
  Bench bench(GENERATE(false, true));
  std::atomic<int> parts = 0;
  std::atomic<bool> ended = false;
  std::atomic<bool> ran_after_the_end = false;
  const auto part = [&] {
    ++parts;
    if (ended) ran_after_the_end = true;
  };
  std::vector<FunctionJob> jobs(300, FunctionJob(part, part));
  FunctionJob alarm(part);
  on_protocol_lane(bench.runtime, [&] {
    for (std::size_t i = 0; i < jobs.size(); ++i) bench.runtime.submit(static_cast<Lane>(i % 3), jobs[i]);
    bench.runtime.arm(bench.runtime.now() + 1h, alarm);
  });
  bench.runtime.shut_down();
  ended = true;
  CHECK(parts == 600);
  CHECK_FALSE(ran_after_the_end);
}

TEST_CASE("some lanes may be on the caller's executor and the others on own threads") {
  asio::thread_pool pool(1);
  AsioRuntime runtime(Executors{.apply = pool.get_executor()}, nullptr);
  std::thread::id pool_thread;
  std::promise<void> known;
  asio::post(pool, [&] {
    pool_thread = std::this_thread::get_id();
    known.set_value();
  });
  known.get_future().wait();

  std::thread::id apply_thread;
  std::thread::id storage_thread;
  std::latch both(2);
  FunctionJob apply([&] { apply_thread = std::this_thread::get_id(); }, [&] { both.count_down(); });
  FunctionJob storage([&] { storage_thread = std::this_thread::get_id(); }, [&] { both.count_down(); });
  on_protocol_lane(runtime, [&] {
    runtime.submit(Lane::apply, apply);
    runtime.submit(Lane::storage, storage);
  });
  both.wait();
  CHECK(apply_thread == pool_thread);
  CHECK(storage_thread != pool_thread);
}

}  // namespace
}  // namespace libraft::io
