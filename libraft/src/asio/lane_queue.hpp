// LaneQueue: work that never overlaps and keeps its order, on an executor.
//
// Many pieces share one wake-up of the executor: what is pushed while a batch waits or runs is taken with the next.
#pragma once

#include <libraft/detail/handler_operation.hpp>
#include <libraft/runtime.hpp>

#include <asio/any_io_executor.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace libraft::io {

/// What a lane does with a job or a handler.
struct Work {
  enum class Part {
    run,             ///< job->run()
    run_and_return,  ///< job->run(), then job->done() on the protocol lane
    done,            ///< job->done()
    handler,         ///< handler->invoke()
  };
  Part part = Part::run;
  Job* job = nullptr;
  detail::ReadyHandler* handler = nullptr;
};

/// Invariant: a batch is scheduled on the executor if and only if there is work, or a batch runs.
class LaneQueue : public std::enable_shared_from_this<LaneQueue> {
 public:
  /// `executor` runs one function at a time. `protocol` gets what is done here; null for the protocol lane itself.
  LaneQueue(asio::any_io_executor executor, std::shared_ptr<LaneQueue> protocol);

  /// Any thread.
  void push(Work work);
  /// Blocks until nothing waits or runs. Not on this lane.
  void wait_idle();
  /// True on the thread that runs this lane, at the moment.
  [[nodiscard]] bool is_here() const;
  [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }

 private:
  void schedule();
  void run_batch();
  void run_one(const Work& work);
  void end_batch();

  const asio::any_io_executor executor_;
  const std::shared_ptr<LaneQueue> protocol_;

  // By mutex_.
  std::mutex mutex_;
  std::condition_variable became_idle_;
  std::vector<Work> waiting_;
  bool is_scheduled_ = false;

  // By the batch that runs.
  std::vector<Work> batch_;
  std::size_t batch_next_ = 0;
};

}  // namespace libraft::io
