#include "testkit/simulated_runtime.hpp"

#include <algorithm>
#include <utility>

namespace libraft::testkit {

void EventHeap::run_next() {
  Event event = heap_.top();
  heap_.pop();
  move_to(event.time);
  ++count_;
  mix(static_cast<std::uint64_t>(event.time.time_since_epoch().count()));
  mix(event.sequence);
  event.action();
}

void SimulatedRuntime::run_alive(EventHeap& heap, const std::shared_ptr<Life>& life,
                                 const std::function<void()>& action) {
  if (life->is_over) return;
  if (life->paused_until > heap.now()) {
    heap.at(life->paused_until, [&heap, life, action] { run_alive(heap, life, action); });
  } else {
    action();
  }
}

void SimulatedRuntime::at(TimePoint time, std::function<void()> action) {
  heap_.at(time, [&heap = heap_, life = life_, action = std::move(action)] { run_alive(heap, life, action); });
}

void SimulatedRuntime::post(Job& job) {
  at(heap_.now(), [&job] { job.run(); });
}

void SimulatedRuntime::submit(Lane lane, Job& job) {
  TimePoint& lane_free = lane_free_[static_cast<std::size_t>(lane)];
  // A crash may fall before the work, or between the work and the news of it.
  const TimePoint worked = std::max(lane_free, heap_.now()) + random_.between(Duration(1), work_delay_max_);
  lane_free = worked;
  at(worked, [&job] { job.run(); });
  at(worked + random_.between(Duration(1), work_delay_max_), [&job] { job.done(); });
}

void SimulatedRuntime::arm(TimePoint deadline, Job& job) {
  const std::uint64_t armed = ++timer_;
  if (deadline == kNever) return;
  at(std::max(deadline, heap_.now()), [this, armed, &job] {
    if (armed == timer_) job.run();
  });
}

}  // namespace libraft::testkit
