#include "asio/lane_timer.hpp"

#include <chrono>
#include <utility>

namespace libraft::io {

TimePoint steady_now() noexcept {
  return TimePoint(std::chrono::steady_clock::now().time_since_epoch());
}

LaneTimer::LaneTimer(const asio::any_io_executor& lane) : timer_(lane) {}

void LaneTimer::arm(TimePoint deadline, Job& job) {
  job_ = &job;
  deadline_ = deadline;
  if (deadline < wait_ends_) wait();
}

void LaneTimer::close() {
  deadline_ = kNever;
  job_ = nullptr;
  timer_.cancel();
}

void LaneTimer::wait() {
  wait_ends_ = deadline_;
  timer_.expires_at(std::chrono::steady_clock::time_point(deadline_.time_since_epoch()));  // ends a wait before
  timer_.async_wait([self = shared_from_this(), wait = ++waits_](std::error_code) { self->on_wait_ended(wait); });
}

void LaneTimer::on_wait_ended(std::uint64_t wait_name) {
  if (wait_name != waits_) return;
  wait_ends_ = kNever;
  if (deadline_ == kNever) return;
  if (steady_now() < deadline_) return wait();
  deadline_ = kNever;
  job_->run();
}

}  // namespace libraft::io
