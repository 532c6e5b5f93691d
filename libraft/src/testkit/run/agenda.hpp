// Agenda: what the run itself does at which virtual time, beside what goes on in the simulation.
#pragma once

#include <libraft/testkit/simulation.hpp>
#include <libraft/types.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace libraft::testkit {

class Agenda {
 public:
  explicit Agenda(Simulation& simulation) : simulation_(simulation) {}

  [[nodiscard]] TimePoint now() const { return simulation_.now(); }
  /// Also from within the simulation's callbacks, and from within an action.
  void at(TimePoint time, std::function<void()> action) {
    actions_.emplace(std::pair(std::max(time, now()), ++sequence_), std::move(action));
  }
  void in(Duration duration, std::function<void()> action) { at(now() + duration, std::move(action)); }

  /// Until `condition` holds, at most until `end`. Whether it holds.
  bool run_until(const std::function<bool()>& condition, TimePoint end) {
    while (!condition() && now() < end) {
      const TimePoint next = actions_.empty() ? end : std::min(end, actions_.begin()->first.first);
      const auto is_over = [&] { return condition() || (!actions_.empty() && actions_.begin()->first.first < next); };
      if (next > now()) simulation_.run_until(is_over, next - now());
      run_due();
    }
    return condition();
  }

 private:
  void run_due() {
    while (!actions_.empty() && actions_.begin()->first.first <= now()) {
      const std::function<void()> action = std::move(actions_.begin()->second);
      actions_.erase(actions_.begin());
      action();
    }
  }

  Simulation& simulation_;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> actions_;
  std::uint64_t sequence_ = 0;
};

}  // namespace libraft::testkit
