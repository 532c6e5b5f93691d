// Agenda: what the run itself does at which virtual time, in the simulation's own order of events.
#pragma once

#include <libraft/testkit/simulation.hpp>
#include <libraft/types.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace libraft::testkit {

class Agenda {
 public:
  explicit Agenda(Simulation& simulation) : simulation_(simulation) {}

  [[nodiscard]] TimePoint now() const { return simulation_.now(); }
  void at(TimePoint time, std::function<void()> action) { simulation_.at(std::max(time, now()), std::move(action)); }
  void in(Duration duration, std::function<void()> action) { at(now() + duration, std::move(action)); }

  /// Lets time pass until `end`, or until interrupt().
  void run_to(TimePoint end) {
    is_interrupted_ = false;
    if (end > now()) simulation_.run_until([this] { return is_interrupted_ || (is_over && is_over()); }, end - now());
  }
  /// Asked after each event: true ends run_to as interrupt() does.
  std::function<bool()> is_over;
  /// From within an action: run_to returns before anything else happens.
  void interrupt() { is_interrupted_ = true; }

 private:
  Simulation& simulation_;
  bool is_interrupted_ = false;
};

}  // namespace libraft::testkit
