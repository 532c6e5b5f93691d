// How a RaftNode ends: stopped, destroyed with work in flight, failed. And the calls that would wait for themselves.
#include <libraft/raft_node.hpp>

#include "node_fixture.hpp"
#include "support/catch.hpp"

#include <asio/use_future.hpp>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace libraft::test {
namespace {

TEST_CASE("a blocking call from the state machine would wait for itself") {
  Single parts;
  RaftNode* self = nullptr;
  std::promise<std::error_code> seen;
  std::once_flag once;
  parts.journal().on_apply = [&] {
    if (self != nullptr) std::call_once(once, [&] { seen.set_value(self->propose(Bytes("more")).error()); });
  };
  const auto node = parts.create();
  self = node.get();
  REQUIRE_FALSE(node->start());
  REQUIRE(node->wait_leader(kLong));
  CHECK(node->propose(Bytes("x")));
  CHECK(seen.get_future().get() == errc::would_deadlock);
}

struct AskingObserver final : Observer {
  void on_event(const NodeEvent& event) noexcept override {
    if (std::holds_alternative<LeaderChanged>(event) && ask) std::exchange(ask, nullptr)();
  }
  std::function<void()> ask;
};

TEST_CASE("a blocking call from the observer would wait for itself") {
  Single parts;
  const auto observer = std::make_shared<AskingObserver>();
  parts.components.observer = observer;
  const auto node = parts.create();
  std::promise<std::error_code> seen;
  observer->ask = [&] { seen.set_value(node->stop()); };
  REQUIRE_FALSE(node->start());
  CHECK(seen.get_future().get() == errc::would_deadlock);
}

TEST_CASE("stopping twice, at once, and before the start") {
  Single parts;
  const auto node = parts.lead();
  auto first = node->async_stop(asio::use_future);
  auto second = node->async_stop(asio::use_future);
  CHECK_FALSE(node->stop());
  first.get();
  second.get();
  CHECK_FALSE(node->stop());

  Single never_started;
  const auto other = never_started.create();
  CHECK_FALSE(other->stop());
}

/// The errors of requests, each counted once.
struct Outcomes {
  auto handler() {
    ++asked;
    return [this](std::error_code error, const auto&...) {
      const std::lock_guard lock(mutex);
      errors.push_back(error);
    };
  }
  std::mutex mutex;
  std::vector<std::error_code> errors;
  std::size_t asked = 0;
};

TEST_CASE("the destructor completes each request in flight exactly once") {
  Single parts;
  std::latch applying(1);
  std::latch may_go_on(1);
  std::atomic<bool> is_armed = false;
  parts.journal().on_apply = [&] {
    if (!is_armed.exchange(false)) return;
    applying.count_down();
    may_go_on.wait();
  };
  auto node = parts.lead();
  is_armed = true;
  Outcomes outcomes;
  node->async_propose(Bytes("first"), outcomes.handler());
  applying.wait();
  for (int i = 0; i < 50; ++i) {
    node->async_propose(Bytes("x"), outcomes.handler());
    node->async_query("", outcomes.handler());
  }
  node->async_wait_applied({1'000'000}, std::chrono::hours(1), outcomes.handler());
  std::thread destroyer([&] { node.reset(); });
  may_go_on.count_down();
  destroyer.join();

  REQUIRE(outcomes.errors.size() == outcomes.asked);
  for (const std::error_code& error : outcomes.errors) {
    INFO(error.message());
    CHECK((!error || error == errc::interrupted || error == errc::stopped || error == errc::cancelled));
  }
}

TEST_CASE("nodes that are destroyed as they start") {
  for (int i = 0; i < 30; ++i) {
    Single parts;
    Outcomes outcomes;  // outlives the node, whose destructor completes the request
    auto node = parts.create();
    node->async_start([](std::error_code) {});
    node->async_propose(Bytes("x"), outcomes.handler());
    node.reset();
    REQUIRE(outcomes.errors.size() == 1);
    CHECK(outcomes.errors.front());
  }
}

/// What a node lets go of last.
struct LastBreath final : Logger {
  explicit LastBreath(std::promise<void>& e) : ended(e) {}
  ~LastBreath() override { ended.set_value(); }
  [[nodiscard]] bool is_enabled(LogLevel) const noexcept override { return false; }
  void log(LogLevel, std::string_view) noexcept override {}
  std::promise<void>& ended;
};

TEST_CASE("a handler may let go of the node") {
  std::promise<void> ended;
  Single parts;
  parts.components.logger = std::make_shared<LastBreath>(ended);
  std::shared_ptr<RaftNode> node = parts.lead();
  RaftNode& used = *node;
  used.async_propose(Bytes("x"), [owner = std::move(node)](std::error_code, const Applied&) mutable { owner.reset(); });
  REQUIRE(ended.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
}

/// Works until told to fail.
struct FailingStorage final : Storage {
  explicit FailingStorage(std::shared_ptr<std::atomic<bool>> f) : fails(std::move(f)) {}
  Result<std::optional<RecoveredState>> open() override { return inner->open(); }
  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    return inner->format(identity, genesis);
  }
  std::error_code write(const WriteBatch& batch) override {
    return *fails ? make_error_code(errc::io_error) : inner->write(batch);
  }
  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override {
    return inner->read(first, last, bytes_max);
  }
  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta& meta) override {
    return inner->create_snapshot(meta);
  }
  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    return inner->publish(std::move(snapshot), with);
  }
  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override { return inner->newest_snapshot(); }
  void close() noexcept override { inner->close(); }

  std::unique_ptr<Storage> inner = memory_storage();
  std::shared_ptr<std::atomic<bool>> fails;
};

TEST_CASE("a storage that fails puts the node in state failed, and the process lives") {
  Single parts;
  const auto fails = std::make_shared<std::atomic<bool>>(false);
  parts.components.storage = std::make_unique<FailingStorage>(fails);
  const auto node = parts.lead();
  CHECK(node->propose(Bytes("x")));
  *fails = true;
  const std::error_code outcome = node->propose(Bytes("y")).error();
  CHECK((outcome == condition::outcome_unknown || outcome == errc::node_failed));
  const Status status = node->status();
  CHECK(status.state == NodeState::failed);
  REQUIRE(status.failure);
  CHECK(status.failure->error == errc::io_error);
  CHECK_FALSE(status.failure->reason.empty());
  CHECK(node->propose(Bytes("z")).error() == errc::node_failed);
  CHECK_FALSE(node->stop());
}

TEST_CASE("a state machine that throws puts the node in state failed, and the process lives") {
  Single parts;
  std::atomic<bool> throws = false;
  parts.journal().on_apply = [&] {
    if (throws) throw std::runtime_error("no more");
  };
  const auto node = parts.lead();
  throws = true;
  const std::error_code outcome = node->propose(Bytes("x")).error();
  CHECK((outcome == condition::outcome_unknown || outcome == errc::node_failed));
  const Status status = node->status();
  CHECK(status.state == NodeState::failed);
  REQUIRE(status.failure);
  CHECK(status.failure->error == errc::state_machine_failed);
  CHECK(node->query("").error() == errc::node_failed);
  CHECK_FALSE(node->stop());
}

}  // namespace
}  // namespace libraft::test
