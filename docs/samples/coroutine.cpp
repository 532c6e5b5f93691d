// The coroutine of docs/embedding.md.
#include <libraft/libraft.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/transport/local_transport.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <cstdlib>
#include <memory>

using namespace std::chrono_literals;

namespace {

/// Counts commands, and keeps nothing else.
struct Count final : libraft::StateMachine {
  std::size_t value = 0;
  void apply(libraft::ApplyBatch& batch) override { value += batch.size(); }
  std::unique_ptr<libraft::SnapshotTask> begin_snapshot() override {
    return libraft::snapshot_of(libraft::Bytes(std::to_string(value)));
  }
  std::error_code restore(libraft::SnapshotReader& snapshot) override {
    const auto state = libraft::read_all(snapshot, 100);
    if (state) value = std::stoul(std::string(state->view()));
    return state.error();
  }
  libraft::Result<libraft::Bytes> query(std::string_view) override { return libraft::Bytes(std::to_string(value)); }
};

// sample: coroutine
asio::awaitable<std::string> write_and_read(libraft::RaftNode& node) {
  co_await node.async_start(asio::use_awaitable);
  co_await node.async_wait_leader(10s, asio::use_awaitable);
  for (int i = 0; i < 3; ++i) co_await node.async_propose(libraft::Bytes("again"), asio::use_awaitable);
  const libraft::Applied answer = co_await node.async_query("", asio::use_awaitable);
  co_await node.async_stop(asio::use_awaitable);
  co_return std::string(answer.reply.view());
}
// end of sample

}  // namespace

int main() {
  const libraft::LocalNetwork network;
  libraft::NodeOptions options;
  options.id = {1};
  options.bootstrap.emplace().voters = {{{1}, ""}};
  libraft::Components components;
  components.transport = network.endpoint(options.id);
  components.storage = libraft::memory_storage();
  components.state_machine = std::make_unique<Count>();
  const auto node = libraft::RaftNode::create(std::move(options), std::move(components)).value();

  // sample: spawn
  asio::io_context context;
  auto count = asio::co_spawn(context, write_and_read(*node), asio::use_future);
  context.run();
  // end of sample
  return count.get() == "3" ? EXIT_SUCCESS : EXIT_FAILURE;
}
