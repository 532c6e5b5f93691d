// SimulatedClock: a machine's monotonic clock. It has its own zero and its own rate, and may jump forward.
#pragma once

#include <libraft/types.hpp>

#include <cstdint>

namespace libraft::testkit {

/// Local time as a function of true time: straight pieces that only rise.
class SimulatedClock {
 public:
  [[nodiscard]] TimePoint local(TimePoint now) const { return local_base_ + scaled(now - base_); }
  /// The first true moment at which `deadline` is reached, as long as the rate stays.
  [[nodiscard]] TimePoint when(TimePoint deadline) const;

  /// Runs `ppm` parts per million too fast (or too slow, below zero) from `now` on. Above -1000000.
  void set_drift(TimePoint now, std::int32_t ppm);
  /// Goes forward by `by` at once.
  void jump(TimePoint now, Duration by);

 private:
  static constexpr std::int64_t kMillion = 1000000;

  /// `span` at the clock's rate, rounded down. In two parts, so that a century does not overflow.
  [[nodiscard]] Duration scaled(Duration span) const {
    const std::int64_t rest = span.count() % kMillion * drift_ppm_;
    const std::int64_t rounded = (rest - (rest < 0 ? kMillion - 1 : 0)) / kMillion;
    return Duration(span.count() + span.count() / kMillion * drift_ppm_ + rounded);
  }

  TimePoint base_{};        // true
  TimePoint local_base_{};  // what the clock showed then
  std::int64_t drift_ppm_ = 0;
};

}  // namespace libraft::testkit
