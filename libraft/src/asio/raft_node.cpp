// RaftNode: node::Node on an AsioRuntime, and the blocking forms of its requests.
#include "asio/asio_runtime.hpp"
#include "node/node.hpp"

#include <libraft/raft_node.hpp>

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

namespace libraft {
namespace {

/// A thread that waits for one request. As handlers do, it hears of the result from the queue of the protocol lane:
/// when the step that brought the result is over, and status() shows it.
template <class T>
class Waiter final : public detail::ReadyHandler {
 public:
  explicit Waiter(detail::HandlerQueue& queue) : queue_(queue) {}

  [[nodiscard]] detail::Completion<std::error_code, T> completion() {
    return detail::make_completion<std::error_code, T>([this](std::error_code error, T value) {
      result_.emplace(error ? Result<T>(error) : Result<T>(std::move(value)));
      queue_.push(*this);
    });
  }

  [[nodiscard]] Result<T> wait() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return has_come_; });
    return std::move(*result_);
  }

  void invoke() override {
    const std::lock_guard lock(mutex_);
    has_come_ = true;
    came_.notify_one();  // under the lock: the waiting thread destroys this object as soon as it has it
  }
  void destroy() noexcept override {}

 private:
  detail::HandlerQueue& queue_;
  std::optional<Result<T>> result_;
  std::mutex mutex_;
  std::condition_variable came_;
  bool has_come_ = false;
};

/// For requests that bring an error_code only.
struct Nothing {};

[[nodiscard]] detail::Completion<std::error_code> completion_of(Waiter<Nothing>& waiter) {
  return detail::make_completion<std::error_code>(
      [done = waiter.completion()](std::error_code error) mutable { done(error, Nothing{}); });
}

[[nodiscard]] std::string objection_to(const NodeOptions& options, const Components& components) {
  if (!components.transport) return "components: there is no transport.";
  if (!components.storage) return "components: there is no storage.";
  if (!components.state_machine) return "components: there is no state machine.";
  return validate(options);
}

/// Zero stands for none, so it is never drawn.
[[nodiscard]] std::uint64_t random_number(std::random_device& source) {
  const std::uint64_t high = source();
  const std::uint64_t number = high << 32 | source();
  return number != 0 ? number : 1;
}

/// The incarnation comes from the system also when a seed is given: it must differ from that of every other disk.
[[nodiscard]] node::Randomness draw(const NodeOptions& options) {
  std::random_device source;
  node::Randomness randomness;
  randomness.seed = options.random_seed ? *options.random_seed : random_number(source);
  randomness.incarnation = {random_number(source)};
  return randomness;
}

}  // namespace

class RaftNode::Impl {
 public:
  Impl(NodeOptions options, Components components, const Executors& executors)
      : runtime(executors, components.logger), node(options, std::move(components), runtime, draw(options)) {}

  void shut_down() {
    StopOptions at_once;
    at_once.transfer_timeout = Duration::zero();
    at_once.drain_timeout = Duration::zero();
    Waiter<Nothing> waiter(runtime);
    node.stop(at_once, completion_of(waiter));
    static_cast<void>(waiter.wait());
    runtime.shut_down();
  }

  /// Starts a request and waits for it, unless that would block one of the lanes that it needs.
  template <class T, class Begin>
  [[nodiscard]] Result<T> wait_for(Begin begin) {
    if (runtime.is_own_lane()) return errc::would_deadlock;
    Waiter<T> waiter(runtime);
    if constexpr (std::is_same_v<T, Nothing>) {
      begin(node, completion_of(waiter));
    } else {
      begin(node, waiter.completion());
    }
    return waiter.wait();
  }

  io::AsioRuntime runtime;  // first: the node uses it to its end
  node::Node node;
};

Result<std::unique_ptr<RaftNode>> RaftNode::create(NodeOptions options, Components components, Executors executors,
                                                   std::string* reason) {
  const std::string objection = objection_to(options, components);
  if (reason != nullptr) *reason = objection;
  if (!objection.empty()) return errc::invalid_options;
  try {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(components), executors);
    return std::unique_ptr<RaftNode>(new RaftNode(std::move(impl)));
  } catch (const std::system_error& failed) {  // no thread, or no source of randomness
    if (reason != nullptr) *reason = failed.what();
    return failed.code();
  }
}

RaftNode::RaftNode(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RaftNode::~RaftNode() {
  if (impl_->runtime.is_own_lane()) {
    std::thread([impl = std::move(impl_)] { impl->shut_down(); }).detach();
  } else {
    impl_->shut_down();
  }
}

std::error_code RaftNode::start() {
  return impl_->wait_for<Nothing>([](node::Node& node, Completion<> done) { node.start(std::move(done)); }).error();
}

std::error_code RaftNode::stop(StopOptions options) {
  return impl_->wait_for<Nothing>([&](node::Node& node, Completion<> done) { node.stop(options, std::move(done)); })
      .error();
}

Result<Applied> RaftNode::propose(Bytes command, ProposeOptions options) {
  return impl_->wait_for<Applied>(
      [&](node::Node& node, Completion<Applied> done) { node.propose(std::move(command), options, std::move(done)); });
}

Result<LogIndex> RaftNode::read_index(ReadOptions options) {
  return impl_->wait_for<LogIndex>(
      [&](node::Node& node, Completion<LogIndex> done) { node.read_index(options, std::move(done)); });
}

Result<Applied> RaftNode::query(std::string request, ReadOptions options) {
  return impl_->wait_for<Applied>(
      [&](node::Node& node, Completion<Applied> done) { node.query(std::move(request), options, std::move(done)); });
}

Result<LogIndex> RaftNode::wait_applied(LogIndex index, Duration timeout) {
  return impl_->wait_for<LogIndex>(
      [&](node::Node& node, Completion<LogIndex> done) { node.wait_applied(index, timeout, std::move(done)); });
}

Result<NodeId> RaftNode::wait_leader(Duration timeout) {
  return impl_->wait_for<NodeId>(
      [&](node::Node& node, Completion<NodeId> done) { node.wait_leader(timeout, std::move(done)); });
}

std::error_code RaftNode::transfer_leadership(std::optional<NodeId> target, Duration timeout) {
  return impl_
      ->wait_for<Nothing>(
          [&](node::Node& node, Completion<> done) { node.transfer_leadership(target, timeout, std::move(done)); })
      .error();
}

Result<LogId> RaftNode::snapshot(Duration timeout) {
  return impl_->wait_for<LogId>(
      [&](node::Node& node, Completion<LogId> done) { node.snapshot(timeout, std::move(done)); });
}

Status RaftNode::status() const {
  return impl_->node.status();
}

Metrics RaftNode::metrics() const {
  return impl_->node.metrics();
}

std::optional<NodeId> RaftNode::leader() const {
  return impl_->node.leader();
}

RaftNode::executor_type RaftNode::get_executor() const {
  return impl_->runtime.executor();
}

void RaftNode::begin_start(Completion<> done) {
  impl_->node.start(std::move(done));
}

void RaftNode::begin_stop(StopOptions options, Completion<> done) {
  impl_->node.stop(options, std::move(done));
}

void RaftNode::begin_propose(Bytes command, ProposeOptions options, Completion<Applied> done) {
  impl_->node.propose(std::move(command), options, std::move(done));
}

void RaftNode::begin_read_index(ReadOptions options, Completion<LogIndex> done) {
  impl_->node.read_index(options, std::move(done));
}

void RaftNode::begin_query(std::string request, ReadOptions options, Completion<Applied> done) {
  impl_->node.query(std::move(request), options, std::move(done));
}

void RaftNode::begin_wait_applied(LogIndex index, Duration timeout, Completion<LogIndex> done) {
  impl_->node.wait_applied(index, timeout, std::move(done));
}

void RaftNode::begin_wait_leader(Duration timeout, Completion<NodeId> done) {
  impl_->node.wait_leader(timeout, std::move(done));
}

void RaftNode::begin_transfer_leadership(std::optional<NodeId> target, Duration timeout, Completion<> done) {
  impl_->node.transfer_leadership(target, timeout, std::move(done));
}

void RaftNode::begin_snapshot(Duration timeout, Completion<LogId> done) {
  impl_->node.snapshot(timeout, std::move(done));
}

detail::HandlerQueue& RaftNode::handler_queue() {
  return impl_->runtime;
}

}  // namespace libraft
