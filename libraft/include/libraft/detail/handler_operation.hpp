// How a completion handler of any kind waits for a result: its type is erased, its executors are kept busy, and it is
// called from the queue of the protocol lane.
#pragma once

#include <libraft/detail/completion.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/associated_allocator.hpp>
#include <asio/associated_executor.hpp>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>

#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <utility>

namespace libraft::detail {

/// A handler that has its result. Exactly one of the two is called, once.
struct ReadyHandler {
  /// Frees the operation, then calls the handler on its executor. Lets through what the handler throws.
  virtual void invoke() = 0;
  virtual void destroy() noexcept = 0;

 protected:
  ~ReadyHandler() = default;
};

/// Where handlers wait for their turn: the protocol lane, which calls a batch of them for each wake-up.
struct HandlerQueue {
  /// `handler.invoke()` on the lane, never inside this call.
  virtual void push(ReadyHandler& handler) = 0;
  /// The lane, for handlers without an executor of their own.
  [[nodiscard]] virtual asio::any_io_executor executor() const = 0;

 protected:
  ~HandlerQueue() = default;
};

/// A handler with the arguments that it is called with.
template <class Handler, class... Args>
struct BoundHandler {
  using allocator_type = asio::associated_allocator_t<Handler>;
  [[nodiscard]] allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(handler); }

  void operator()() {
    std::apply([this](Args&... values) { std::move(handler)(std::move(values)...); }, arguments);
  }

  Handler handler;
  std::tuple<Args...> arguments;
};

/// Lives in memory of the handler's allocator, and is gone before the handler is called, so that a handler that starts
/// the next operation finds its memory free. While it waits, neither the lane's executor nor the handler's runs out of
/// work.
template <class Handler, class... Args>
class HandlerOperation final : public CompletionOperation<Args...>, public ReadyHandler {
  using Executor = asio::associated_executor_t<Handler, asio::any_io_executor>;
  using Allocator =
      typename std::allocator_traits<asio::associated_allocator_t<Handler>>::template rebind_alloc<HandlerOperation>;
  using Traits = std::allocator_traits<Allocator>;

 public:
  HandlerOperation(Handler handler, HandlerQueue& queue, const asio::any_io_executor& lane)
      : handler_(std::move(handler)),
        queue_(queue),
        executor_(asio::get_associated_executor(handler_, lane)),
        lane_work_(lane),
        handler_work_(executor_) {}

  [[nodiscard]] static Completion<Args...> create(Handler handler, HandlerQueue& queue) {
    Allocator allocator(asio::get_associated_allocator(handler));
    const auto memory = Traits::allocate(allocator, 1);
    try {
      return Completion<Args...>(::new (std::to_address(memory))
                                     HandlerOperation(std::move(handler), queue, queue.executor()));
    } catch (...) {
      Traits::deallocate(allocator, memory, 1);
      throw;
    }
  }

  void complete(Args... args) override {
    arguments_.emplace(std::move(args)...);
    queue_.push(*this);
  }

  void invoke() override {
    BoundHandler<Handler, Args...> bound{std::move(handler_), std::move(*arguments_)};
    const Executor executor = std::move(executor_);
    const auto lane_work = std::move(lane_work_);
    const auto handler_work = std::move(handler_work_);
    free_self(Allocator(bound.get_allocator()));
    asio::dispatch(executor, std::move(bound));
  }

  void destroy() noexcept override { free_self(Allocator(asio::get_associated_allocator(handler_))); }

 private:
  void free_self(Allocator allocator) noexcept {
    this->~HandlerOperation();
    Traits::deallocate(allocator, std::pointer_traits<typename Traits::pointer>::pointer_to(*this), 1);
  }

  Handler handler_;
  std::optional<std::tuple<Args...>> arguments_;
  HandlerQueue& queue_;
  Executor executor_;
  asio::executor_work_guard<asio::any_io_executor> lane_work_;
  asio::executor_work_guard<Executor> handler_work_;
};

}  // namespace libraft::detail
