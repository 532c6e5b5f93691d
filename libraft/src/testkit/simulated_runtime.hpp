// Virtual time: a heap of events, and a Runtime for each node on top of it.
#pragma once

#include <libraft/runtime.hpp>
#include <libraft/types.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

namespace libraft::testkit {

/// splitmix64, one stream for each purpose.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t draw() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Uniform in [low, high].
  [[nodiscard]] Duration between(Duration low, Duration high) {
    const auto width = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + Duration(static_cast<Duration::rep>(draw() % width));
  }
  [[nodiscard]] bool chance(std::uint32_t parts_per_million) { return draw() % 1000000 < parts_per_million; }

 private:
  std::uint64_t state_;
};

/// Events in the order of their time, then of their making.
class EventHeap {
 public:
  [[nodiscard]] TimePoint now() const { return now_; }
  void at(TimePoint time, std::function<void()> action) { heap_.push({time, ++sequence_, std::move(action)}); }
  [[nodiscard]] bool has_event_until(TimePoint time) const { return !heap_.empty() && heap_.top().time <= time; }
  /// Moves time to the next event and runs it.
  void run_next();
  void move_to(TimePoint time) { now_ = time > now_ ? time : now_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Over the times and the order of what ran.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 1099511628211u; }

 private:
  struct Event {
    TimePoint time;
    std::uint64_t sequence = 0;
    std::function<void()> action;
    friend bool operator<(const Event& a, const Event& b) {
      return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }
  };
  std::priority_queue<Event> heap_;
  TimePoint now_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 1469598103934665603u;
};

/// One life of a node. When the life ends, what was to come for it never comes.
class SimulatedRuntime final : public Runtime {
 public:
  SimulatedRuntime(EventHeap& heap, RandomStream& random, Duration work_delay_max)
      : heap_(heap), random_(random), work_delay_max_(work_delay_max), life_(std::make_shared<Life>()) {}
  ~SimulatedRuntime() override { life_->is_over = true; }

  [[nodiscard]] TimePoint now() const noexcept override { return heap_.now(); }
  void post(Job& job) override;
  void submit(Lane lane, Job& job) override;
  void arm(TimePoint deadline, Job& job) override;

  /// Nothing of this node runs before `time`.
  void pause_until(TimePoint time) { life_->paused_until = time; }
  /// Runs `action` at `time`, or when the pause ends, unless the life is over by then.
  void at(TimePoint time, std::function<void()> action);

 private:
  struct Life {
    bool is_over = false;
    TimePoint paused_until{};
  };
  static void run_alive(EventHeap& heap, const std::shared_ptr<Life>& life, const std::function<void()>& action);

  EventHeap& heap_;
  RandomStream& random_;
  Duration work_delay_max_;
  std::shared_ptr<Life> life_;
  std::array<TimePoint, 3> lane_free_{};
  std::uint64_t timer_ = 0;
};

}  // namespace libraft::testkit
