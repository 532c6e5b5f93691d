// Handlers that are coroutines. In a file of its own: coroutines compile slowly.
#include "asio/asio_runtime.hpp"
#include "support/catch.hpp"
#include "unit/asio/async_answer.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <asio/version.hpp>
#if ASIO_VERSION >= 102400
#include <asio/deferred.hpp>
#else
#include <asio/experimental/deferred.hpp>
#endif

#include <string>

namespace libraft::io {
namespace {

#if ASIO_VERSION >= 102400
using asio::deferred;
#else
using asio::experimental::deferred;
#endif

asio::awaitable<std::string> ask_thrice(AsioRuntime& runtime) {
  std::string all;
  for (int i = 0; i < 3; ++i) all += co_await async_answer(runtime, {}, "yes ", asio::use_awaitable);
  auto later = async_answer(runtime, {}, "deferred", deferred);
  all += co_await std::move(later)(asio::use_awaitable);
  try {
    co_await async_answer(runtime, errc::timeout, "", asio::use_awaitable);
  } catch (const std::system_error& thrown) {
    if (thrown.code() == errc::timeout) all += " and an error";
  }
  co_return all;
}

TEST_CASE("a coroutine on the node's executor") {
  AsioRuntime runtime({}, nullptr);
  auto result = asio::co_spawn(runtime.executor(), ask_thrice(runtime), asio::use_future);
  CHECK(result.get() == "yes yes yes deferred and an error");
}

TEST_CASE("a coroutine on an executor of its own") {
  AsioRuntime runtime({}, nullptr);
  asio::io_context context;
  auto result = asio::co_spawn(context, ask_thrice(runtime), asio::use_future);
  context.run();
  CHECK(result.get() == "yes yes yes deferred and an error");
}

}  // namespace
}  // namespace libraft::io
