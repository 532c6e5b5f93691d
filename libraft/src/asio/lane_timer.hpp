// LaneTimer: one deadline on a lane.
//
// A node moves its deadline with nearly every message, mostly to later. So a wait that ends too early is left as it is
// and extended when it ends: moving the deadline costs an assignment.
#pragma once

#include <libraft/runtime.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <cstdint>
#include <memory>

namespace libraft::io {

/// std::chrono::steady_clock as the library's time.
[[nodiscard]] TimePoint steady_now() noexcept;

/// All calls on the lane.
class LaneTimer : public std::enable_shared_from_this<LaneTimer> {
 public:
  explicit LaneTimer(const asio::any_io_executor& lane);

  /// Runs `job` once, at `deadline` or soon after; replaces the deadline before. kNever: not at all.
  void arm(TimePoint deadline, Job& job);
  /// No job runs after this.
  void close();

 private:
  void wait();
  void on_wait_ended(std::uint64_t wait);

  asio::steady_timer timer_;
  Job* job_ = nullptr;
  TimePoint deadline_ = kNever;
  TimePoint wait_ends_ = kNever;  ///< kNever: no wait is under way
  std::uint64_t waits_ = 0;       ///< names the newest wait: an older one that ends late is ignored
};

}  // namespace libraft::io
