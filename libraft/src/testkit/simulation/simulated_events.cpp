#include "testkit/simulation/simulated_events.hpp"

#include <algorithm>

namespace libraft::testkit {

void EventHeap::at(TimePoint time, EventTarget& target, std::uint64_t what) {
  const Event event{time, ++sequence_, &target, what};
  if (time <= now_) return soon_.push_back({now_, event.sequence, event.target, event.what});
  later_.push_back(event);
  std::push_heap(later_.begin(), later_.end(), Later{});
}

EventHeap::Event EventHeap::take_next() {
  // What was made for this moment before it came goes before what was made in it.
  const bool is_soon = !soon_.empty() && (later_.empty() || later_.front().time > now_ ||
                                          later_.front().sequence > soon_.front().sequence);
  if (is_soon) {
    const Event event = soon_.front();
    soon_.pop_front();
    return event;
  }
  std::pop_heap(later_.begin(), later_.end(), Later{});
  const Event event = later_.back();
  later_.pop_back();
  return event;
}

void EventHeap::run_next() {
  const Event event = take_next();
  move_to(event.time);
  ++count_;
  mix(static_cast<std::uint64_t>(event.time.time_since_epoch().count()));
  mix(event.sequence);
  event.target->on_event(event.what);
}

}  // namespace libraft::testkit
