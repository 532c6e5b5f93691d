// Virtual time: what is due when, in order; and streams of random numbers.
#pragma once

#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace libraft::testkit {

/// splitmix64. A stream for each purpose, place and member: what one draws changes nothing for the others, so that
/// turning a fault off leaves all other draws as they were.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : state_(seed) {}
  /// The stream for `purpose` (any number of its own) at `place`, in the run of that seed.
  RandomStream(std::uint64_t seed, std::uint64_t purpose, std::uint64_t place)
      : state_(mixed(mixed(mixed(seed) + purpose) + place)) {}

  [[nodiscard]] std::uint64_t draw() { return mixed(state_ += kStep); }
  /// In [0, bound); zero for zero.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : draw() % bound; }
  /// Uniform in [low, high]; `low` when `high` is not above it.
  [[nodiscard]] Duration between(Duration low, Duration high) {
    if (high <= low) return low;
    const auto width = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + Duration(static_cast<Duration::rep>(draw() % width));
  }
  /// Draws only where there is a chance at all.
  [[nodiscard]] bool chance(std::uint32_t parts_per_million) {
    return parts_per_million != 0 && draw() % 1000000 < parts_per_million;
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

/// Whom an event is for. `what` means something to the target only.
struct EventTarget {
  virtual void on_event(std::uint64_t what) = 0;

 protected:
  ~EventTarget() = default;
};

/// Events in the order of their time, then of their making. An event is four words and never allocates.
class EventHeap {
 public:
  [[nodiscard]] TimePoint now() const { return now_; }
  /// Calls target.on_event(what) at `time`, or now if that is past. The target outlives the heap's runs.
  void at(TimePoint time, EventTarget& target, std::uint64_t what);

  [[nodiscard]] bool is_empty() const { return soon_.empty() && later_.empty(); }
  /// Of the next event; there must be one.
  [[nodiscard]] TimePoint next_time() const { return soon_.empty() ? later_.front().time : now_; }
  /// Moves time to the next event and runs it.
  void run_next();
  void move_to(TimePoint time) { now_ = time > now_ ? time : now_; }

  /// Of all that ran.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Over the times and the order of what ran, and over all that was mixed in.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  void mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9fb21c651e98df25u;
    hash_ ^= hash_ >> 32;
  }

 private:
  struct Event {
    TimePoint time;
    std::uint64_t sequence = 0;
    EventTarget* target = nullptr;
    std::uint64_t what = 0;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }
  };
  [[nodiscard]] Event take_next();

  std::deque<Event> soon_;    // due now, in the order of their making: no need to sift them
  std::vector<Event> later_;  // a heap
  TimePoint now_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 1469598103934665603u;
};

}  // namespace libraft::testkit
