// AsioRuntime: the Runtime that ships. Lanes on Asio executors, the node's own threads or the caller's.
#pragma once

#include "asio/lane_queue.hpp"
#include "asio/lane_thread.hpp"
#include "asio/lane_timer.hpp"

#include <libraft/logger.hpp>
#include <libraft/raft_node.hpp>
#include <libraft/runtime.hpp>

#include <memory>
#include <vector>

namespace libraft::io {

class AsioRuntime final : public Runtime, public detail::HandlerQueue {
 public:
  /// Throws std::system_error when a thread can't be made.
  AsioRuntime(const Executors& executors, const std::shared_ptr<Logger>& logger);
  ~AsioRuntime() override;
  AsioRuntime(const AsioRuntime&) = delete;
  AsioRuntime& operator=(const AsioRuntime&) = delete;

  // Runtime.
  [[nodiscard]] TimePoint now() const noexcept override { return steady_now(); }
  void post(Job& job) override;
  void submit(Lane lane, Job& job) override;
  void arm(TimePoint deadline, Job& job) override;

  // detail::HandlerQueue.
  void push(detail::ReadyHandler& handler) override;
  [[nodiscard]] asio::any_io_executor executor() const override { return protocol_->executor(); }

  /// True on any of the lanes.
  [[nodiscard]] bool is_own_lane() const;
  /// Waits until all that was handed in is done, and the own threads ended: nothing runs after it. Whoever handed work
  /// in has stopped doing so. Not on a lane.
  void shut_down();

 private:
  [[nodiscard]] asio::any_io_executor executor_for(const asio::any_io_executor& given, const char* thread_name,
                                                   const std::shared_ptr<Logger>& logger);
  [[nodiscard]] LaneQueue& lane_of(Lane name) const;

  std::vector<std::unique_ptr<LaneThread>> threads_;  // first: lanes and timer use their contexts to the end
  const std::shared_ptr<LaneQueue> protocol_;
  const std::shared_ptr<LaneQueue> storage_;
  const std::shared_ptr<LaneQueue> apply_;
  const std::shared_ptr<LaneQueue> background_;
  const std::shared_ptr<LaneTimer> timer_;
  bool is_shut_down_ = false;
};

}  // namespace libraft::io
