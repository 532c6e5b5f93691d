// Completion handlers of every kind, waiting in the runtime's queue.
#include "asio/asio_runtime.hpp"
#include "support/catch.hpp"
#include "unit/asio/async_answer.hpp"

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace libraft::io {
namespace {

TEST_CASE("a callback is called on the protocol lane, once") {
  AsioRuntime runtime({}, nullptr);
  std::promise<std::pair<bool, std::string>> called;
  async_answer(runtime, {}, "yes", [&](std::error_code error, std::string text) {
    called.set_value({runtime.is_own_lane() && !error, std::move(text)});
  });
  CHECK(called.get_future().get() == std::pair(true, std::string("yes")));
}

TEST_CASE("a handler may be move-only") {
  AsioRuntime runtime({}, nullptr);
  std::promise<std::string> called;
  async_answer(runtime, {}, "answer",
               [&, owned = std::make_unique<std::string>("the ")](std::error_code, std::string text) {
                 called.set_value(*owned + text);
               });
  CHECK(called.get_future().get() == "the answer");
}

TEST_CASE("a future gets the value or throws the error") {
  AsioRuntime runtime({}, nullptr);
  CHECK(async_answer(runtime, {}, "yes", asio::use_future).get() == "yes");
  auto failing = async_answer(runtime, errc::not_leader, "", asio::use_future);
  try {
    static_cast<void>(failing.get());
    FAIL("no exception");
  } catch (const std::system_error& thrown) {
    CHECK(thrown.code() == errc::not_leader);
  }
}

TEST_CASE("a handler bound to a strand is called on it") {
  AsioRuntime runtime({}, nullptr);
  asio::thread_pool pool(2);
  auto strand = asio::make_strand(pool.get_executor());
  std::promise<bool> called;
  async_answer(runtime, {}, "", asio::bind_executor(strand, [&](std::error_code, const std::string&) {
                 called.set_value(strand.running_in_this_thread() && !runtime.is_own_lane());
               }));
  CHECK(called.get_future().get());
}

TEST_CASE("a waiting handler is work for its executor") {
  asio::io_context context;
  AsioRuntime runtime({}, nullptr);
  detail::Completion<std::error_code> waiting;
  bool called = false;
  const auto handler = asio::bind_executor(context.get_executor(), [&](std::error_code) { called = true; });
  using Operation = detail::HandlerOperation<std::remove_const_t<decltype(handler)>, std::error_code>;
  waiting = Operation::create(handler, runtime);
  std::thread completer([&] { waiting(std::error_code{}); });
  context.run();  // without the work it would return before the handler came
  CHECK(called);
  completer.join();
}

TEST_CASE("a completion that is given up frees its handler uncalled") {
  AsioRuntime runtime({}, nullptr);
  const auto owned = std::make_shared<int>(1);
  bool called = false;
  {
    auto handler = [&called, owned](std::error_code) { called = true; };
    using Operation = detail::HandlerOperation<decltype(handler), std::error_code>;
    const auto waiting = Operation::create(handler, runtime);
    CHECK(owned.use_count() == 3);
  }
  CHECK(owned.use_count() == 1);
  CHECK_FALSE(called);
}

/// Counts what is allocated and not yet freed.
template <class T>
struct CountingAllocator {
  using value_type = T;
  explicit CountingAllocator(std::atomic<int>& c) : count(&c) {}
  template <class U>
  CountingAllocator(const CountingAllocator<U>& other) : count(other.count) {}  // NOLINT(google-explicit-constructor)
  T* allocate(std::size_t n) {
    ++*count;
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* memory, std::size_t n) {
    --*count;
    std::allocator<T>().deallocate(memory, n);
  }
  friend bool operator==(const CountingAllocator&, const CountingAllocator&) = default;
  std::atomic<int>* count;
};

struct AllocatingHandler {
  using allocator_type = CountingAllocator<int>;
  [[nodiscard]] allocator_type get_allocator() const { return CountingAllocator<int>(*allocated); }
  void operator()(std::error_code, const std::string&) { called->set_value(allocated->load()); }
  std::atomic<int>* allocated;
  std::promise<int>* called;
};

TEST_CASE("an operation lives in its handler's memory and is freed before the call") {
  AsioRuntime runtime({}, nullptr);
  std::atomic<int> allocated = 0;
  std::promise<int> called;
  auto result = called.get_future();
  using Operation = detail::HandlerOperation<AllocatingHandler, std::error_code, std::string>;
  auto waiting = Operation::create(AllocatingHandler{&allocated, &called}, runtime);
  CHECK(allocated == 1);
  waiting(std::error_code{}, std::string("x"));
  CHECK(result.get() == 0);
}

struct CollectingLogger final : Logger {
  [[nodiscard]] bool is_enabled(LogLevel) const noexcept override { return true; }
  void log(LogLevel, std::string_view line) noexcept override { lines.emplace_back(line); }
  std::vector<std::string> lines;  // one thread writes; read after the runtime ended
};

TEST_CASE("on own threads a handler that throws is logged, and the others are called") {
  const auto logger = std::make_shared<CollectingLogger>();
  {
    AsioRuntime runtime({}, logger);
    std::promise<void> second;
    async_answer(runtime, {}, "", [](std::error_code, const std::string&) { throw std::runtime_error("my bad"); });
    async_answer(runtime, {}, "", [&](std::error_code, const std::string&) { second.set_value(); });
    second.get_future().wait();
  }
  REQUIRE(logger->lines.size() == 1);
  CHECK(logger->lines[0] == "a completion handler threw: my bad");
}

TEST_CASE("on the caller's executor what a handler throws reaches its run(), and the others are called") {
  asio::io_context context;
  asio::thread_pool pool(1);
  AsioRuntime runtime(Executors{.protocol = context.get_executor(),
                                .storage = pool.get_executor(),
                                .apply = pool.get_executor(),
                                .background = pool.get_executor()},
                      nullptr);
  bool second = false;
  async_answer(runtime, {}, "", [](std::error_code, const std::string&) { throw std::runtime_error("my bad"); });
  async_answer(runtime, {}, "", [&](std::error_code, const std::string&) { second = true; });
  CHECK_THROWS_AS(context.run(), std::runtime_error);
  context.run();
  CHECK(second);
  std::thread runner([&] {
    const auto work = asio::make_work_guard(context);
    context.restart();
    context.run();
  });
  runtime.shut_down();
  context.stop();
  runner.join();
}

}  // namespace
}  // namespace libraft::io
