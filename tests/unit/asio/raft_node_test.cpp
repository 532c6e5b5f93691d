// RaftNode: its requests in every form, and whole clusters in one process.
#include <libraft/raft_node.hpp>

#include "node_fixture.hpp"
#include "support/catch.hpp"

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace libraft::test {
namespace {

TEST_CASE("options that can't work and missing components are refused in a sentence") {
  const auto refusal = [](auto change) {
    NodeOptions options = options_of(1, 1);
    Single parts;
    parts.components.transport = parts.network.endpoint({1});
    parts.components.storage = memory_storage();
    change(options, parts.components);
    std::string reason;
    const auto node = RaftNode::create(options, std::move(parts.components), {}, &reason);
    CHECK(node.error() == (reason.empty() ? std::error_code() : make_error_code(errc::invalid_options)));
    return reason;
  };
  CHECK(refusal([](NodeOptions&, Components&) {}).empty());
  CHECK(refusal([](NodeOptions&, Components& c) { c.transport.reset(); }) == "components: there is no transport.");
  CHECK(refusal([](NodeOptions&, Components& c) { c.storage.reset(); }) == "components: there is no storage.");
  CHECK(refusal([](NodeOptions&, Components& c) { c.state_machine.reset(); }) ==
        "components: there is no state machine.");
  NodeOptions nobody = options_of(1, 1);
  nobody.id = {};
  CHECK(refusal([](NodeOptions& o, Components&) { o.id = {}; }) == validate(nobody));
}

TEST_CASE("what a request brought is in the status when it ends") {
  for (int i = 0; i < 20; ++i) {
    Single parts;
    const auto node = parts.lead();
    REQUIRE(node->leader() == NodeId{1});
    REQUIRE(node->status().role == Role::leader);
    const LogIndex index = node->propose(Bytes("x")).value().index;
    REQUIRE(node->status().applied >= index);
  }
}

TEST_CASE("a node alone elects itself, applies, answers and takes snapshots") {
  Single parts;
  const auto node = parts.lead();
  CHECK(node->leader() == NodeId{1});
  CHECK(node->status().role == Role::leader);

  const Applied first = node->propose(Bytes("a")).value();
  const Applied second = node->propose(Bytes("b")).value();
  CHECK(first.reply.view() == "a");
  CHECK(second.reply.view() == "ab");
  CHECK(second.index == next(first.index));
  CHECK(second.term == first.term);

  const Applied read = node->query("").value();
  CHECK(read.reply.view() == "ab");
  CHECK(read.index >= second.index);
  CHECK(node->read_index().value() >= second.index);
  CHECK(node->wait_applied(second.index, kLong).value() >= second.index);
  CHECK(node->snapshot(kLong).value().index >= second.index);
  CHECK(node->metrics().proposals == 2);
  CHECK_FALSE(node->stop());
  CHECK(node->status().state == NodeState::stopped);
}

TEST_CASE("a node that does not run refuses requests") {
  Single parts;
  const auto node = parts.create();
  CHECK(node->status().state == NodeState::created);
  CHECK(node->propose(Bytes("x")).error() == errc::stopped);
  REQUIRE_FALSE(node->start());
  REQUIRE_FALSE(node->stop());
  CHECK(node->propose(Bytes("x")).error() == errc::stopped);
  CHECK(node->query("").error() == errc::stopped);
  CHECK(node->wait_leader(kLong).error() == errc::stopped);
}

TEST_CASE("a callback gets its result on the protocol lane, where blocking calls refuse") {
  Single parts;
  const auto node = parts.lead();
  std::promise<std::pair<std::string, std::error_code>> called;
  node->async_propose(Bytes("x"), [&](std::error_code error, const Applied& applied) {
    if (!error) called.set_value({std::string(applied.reply.view()), node->propose(Bytes("y")).error()});
  });
  const auto [reply, nested] = called.get_future().get();
  CHECK(reply == "x");
  CHECK(nested == errc::would_deadlock);
  CHECK(node->query("").value().reply.view() == "x");
}

TEST_CASE("every request takes a completion token") {
  Single parts;
  const auto node = parts.create();
  using asio::use_future;
  node->async_start(use_future).get();
  CHECK(node->async_wait_leader(kLong, use_future).get() == NodeId{1});
  const Applied applied = node->async_propose(Bytes("x"), use_future).get();
  CHECK(applied.reply.view() == "x");
  ProposeOptions this_term;
  this_term.only_in_term = applied.term;
  CHECK(node->async_propose(Bytes("y"), this_term, use_future).get().reply.view() == "xy");
  CHECK(node->async_read_index(use_future).get() > applied.index);
  CHECK(node->async_read_index(ReadOptions(), use_future).get() > applied.index);
  CHECK(node->async_query("", use_future).get().reply.view() == "xy");
  CHECK(node->async_query("", ReadOptions(), use_future).get().reply.view() == "xy");
  CHECK(node->async_wait_applied(applied.index, kLong, use_future).get() >= applied.index);
  CHECK(node->async_snapshot(kLong, use_future).get().index > applied.index);
  CHECK_THROWS_AS(node->async_transfer_leadership(NodeId{9}, std::chrono::milliseconds(1), use_future).get(),
                  std::system_error);
  node->async_stop(use_future).get();
  node->async_stop(StopOptions(), use_future).get();
}

TEST_CASE("a handler that owns a move-only value") {
  Single parts;
  const auto node = parts.lead();
  std::promise<std::string> called;
  node->async_propose(Bytes("x"),
                      [&, owned = std::make_unique<std::string>("got ")](std::error_code, const Applied& applied) {
                        called.set_value(*owned + std::string(applied.reply.view()));
                      });
  CHECK(called.get_future().get() == "got x");
}

TEST_CASE("a handler on its own strand may block on the node") {
  Single parts;
  const auto node = parts.lead();
  asio::thread_pool pool(1);
  const auto strand = asio::make_strand(pool.get_executor());
  std::promise<std::pair<bool, std::string>> called;
  node->async_propose(Bytes("x"), asio::bind_executor(strand, [&](std::error_code, const Applied&) {
                        const bool on_strand = strand.running_in_this_thread();
                        called.set_value({on_strand, std::string(node->propose(Bytes("y")).value().reply.view())});
                      }));
  CHECK(called.get_future().get() == std::pair(true, std::string("xy")));
}

TEST_CASE("a node on a pool of the caller's") {
  asio::thread_pool pool(3);
  Single parts;
  const auto node = parts.lead(Executors::all_on(pool.get_executor()));
  for (int i = 0; i < 100; ++i)
    CHECK(node->propose(Bytes("x")).value().reply.size() == static_cast<std::size_t>(i) + 1);
}

TEST_CASE("many nodes on one thread of the caller's") {
  asio::io_context context;
  auto work = asio::make_work_guard(context);
  std::thread thread([&] { context.run(); });
  {
    std::vector<std::unique_ptr<RaftNode>> nodes;
    for (int i = 0; i < 8; ++i) {
      Single parts;
      nodes.push_back(parts.lead(Executors::all_on(context.get_executor())));
    }
    std::vector<std::future<Applied>> answers;
    for (int round = 0; round < 10; ++round) {
      for (const auto& node : nodes) answers.push_back(node->async_propose(Bytes("x"), asio::use_future));
    }
    for (auto& answer : answers) CHECK(answer.get().reply.size() > 0);
  }
  work.reset();
  thread.join();
}

TEST_CASE("three nodes in one process agree") {
  LocalNetwork network;
  std::vector<std::unique_ptr<RaftNode>> nodes;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    Components components;
    components.transport = network.endpoint({id});
    components.storage = memory_storage();
    components.state_machine = std::make_unique<Journal>();
    nodes.push_back(RaftNode::create(options_of(id, 3), std::move(components)).value());
    REQUIRE_FALSE(nodes.back()->start());
  }
  std::string expected;
  Applied last;
  for (char c = 'a'; c <= 'z'; ++c) {
    expected += c;
    last = propose_on_leader(nodes, std::string(1, c));
  }
  CHECK(without_repeats(last.reply.view()) == expected);
  ReadOptions local;
  local.consistency = Consistency::local;
  for (const auto& node : nodes) {
    CHECK(node->wait_applied(last.index, kLong).value() >= last.index);
    CHECK(without_repeats(node->query("", local).value().reply.view()) == expected);
  }
}

}  // namespace
}  // namespace libraft::test
