#include "testkit/simulation/simulated_clock.hpp"

namespace libraft::testkit {

TimePoint SimulatedClock::when(TimePoint deadline) const {
  if (deadline <= local_base_) return base_;
  const std::int64_t wanted = (deadline - local_base_).count();
  const std::int64_t rate = kMillion + drift_ppm_;
  return base_ + Duration(wanted / rate * kMillion + (wanted % rate * kMillion + rate - 1) / rate);
}

void SimulatedClock::set_drift(TimePoint now, std::int32_t ppm) {
  local_base_ = local(now);
  base_ = now;
  drift_ppm_ = ppm;
}

void SimulatedClock::jump(TimePoint now, Duration by) {
  local_base_ = local(now) + by;
  base_ = now;
}

}  // namespace libraft::testkit
