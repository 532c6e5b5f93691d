// RaftNode in coroutines. In a file of its own: coroutines compile slowly.
#include <libraft/raft_node.hpp>

#include "node_fixture.hpp"
#include "support/catch.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <memory>
#include <string>

namespace libraft::test {
namespace {

asio::awaitable<std::string> life_of(RaftNode& node) {
  co_await node.async_start(asio::use_awaitable);
  co_await node.async_wait_leader(kLong, asio::use_awaitable);
  for (int i = 0; i < 3; ++i) co_await node.async_propose(Bytes("x"), asio::use_awaitable);
  ProposeOptions another_term;
  another_term.only_in_term = Term{1'000'000};
  std::string outcome;
  try {
    co_await node.async_propose(Bytes("y"), another_term, asio::use_awaitable);
  } catch (const std::system_error& refused) {
    outcome = refused.code() == errc::wrong_term ? "refused, " : "another error, ";
  }
  const Applied read = co_await node.async_query("", asio::use_awaitable);
  outcome += read.reply.view();
  co_await node.async_stop(asio::use_awaitable);
  co_return outcome;
}

TEST_CASE("a coroutine on the node's own lane") {
  Single parts;
  const auto node = parts.create();
  CHECK(asio::co_spawn(node->get_executor(), life_of(*node), asio::use_future).get() == "refused, xxx");
}

TEST_CASE("a coroutine and the whole node on one thread") {
  asio::io_context context;
  Single parts;
  auto node = parts.create(Executors::all_on(context.get_executor()));
  auto outcome = asio::co_spawn(context, life_of(*node), asio::use_future);
  while (outcome.wait_for(std::chrono::seconds(0)) != std::future_status::ready) context.run_one();
  CHECK(outcome.get() == "refused, xxx");
  auto destroyed = std::async(std::launch::async, [&] { node.reset(); });
  while (destroyed.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    context.restart();
    context.poll();
  }
}

}  // namespace
}  // namespace libraft::test
