// Events come in the order of their time, then of their making; streams of random numbers stand on their own.
#include "testkit/simulation/simulated_events.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace libraft;
using namespace std::chrono_literals;
using testkit::EventHeap;
using testkit::EventTarget;
using testkit::RandomStream;

namespace {

struct Target final : EventTarget {
  explicit Target(EventHeap& events) : heap(events) {}
  void on_event(std::uint64_t what) override {
    seen.emplace_back(heap.now(), what);
    if (what == 1000) heap.at(heap.now(), *this, 1001);  // due at once, behind what is due already
  }
  EventHeap& heap;
  std::vector<std::pair<TimePoint, std::uint64_t>> seen;
};

void run_all(EventHeap& heap) {
  while (!heap.is_empty()) heap.run_next();
}

}  // namespace

TEST_CASE("events run in the order of their time and those of one moment in the order of their making") {
  EventHeap heap;
  Target target(heap);
  RandomStream random(3);
  std::vector<std::pair<TimePoint, std::uint64_t>> expected;
  for (std::uint64_t what = 0; what < 500; ++what) {
    const TimePoint time{random.between(0ns, 50ns)};
    heap.at(time, target, what);
    expected.emplace_back(time, what);
  }
  std::stable_sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  run_all(heap);
  CHECK(target.seen == expected);
  CHECK(heap.count() == 500);
}

TEST_CASE("what is made in a moment comes after all that was made for it") {
  EventHeap heap;
  Target target(heap);
  for (const std::uint64_t what : {1000u, 2u, 3u}) heap.at(TimePoint{1s}, target, what);
  heap.at(TimePoint{2s}, target, 4);
  run_all(heap);
  const TimePoint first{1s};
  CHECK(target.seen == std::vector<std::pair<TimePoint, std::uint64_t>>{
                           {first, 1000}, {first, 2}, {first, 3}, {first, 1001}, {TimePoint{2s}, 4}});
}

TEST_CASE("an event for the past comes now") {
  EventHeap heap;
  Target target(heap);
  heap.move_to(TimePoint{5s});
  heap.at(TimePoint{1s}, target, 1);
  CHECK(heap.next_time() == TimePoint{5s});
  run_all(heap);
  CHECK(target.seen.front().first == TimePoint{5s});
}

TEST_CASE("the hash knows the times of events and what was mixed in") {
  const auto hash = [](TimePoint time, std::uint64_t mixed) {
    EventHeap heap;
    Target target(heap);
    heap.at(time, target, 1);
    run_all(heap);
    heap.mix(mixed);
    return heap.hash();
  };
  CHECK(hash(TimePoint{1s}, 1) == hash(TimePoint{1s}, 1));
  CHECK(hash(TimePoint{1s}, 1) != hash(TimePoint{2s}, 1));
  CHECK(hash(TimePoint{1s}, 1) != hash(TimePoint{1s}, 2));
}

TEST_CASE("streams of other seeds or purposes or places draw other numbers") {
  std::set<std::uint64_t> drawn;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t purpose = 0; purpose < 10; ++purpose) {
      for (std::uint64_t place = 0; place < 10; ++place) drawn.insert(RandomStream(seed, purpose, place).draw());
    }
  }
  CHECK(drawn.size() == 1000);
}

TEST_CASE("draws keep to their bounds and no chance takes no draw") {
  RandomStream random(1);
  for (int i = 0; i < 1000; ++i) {
    const Duration delay = random.between(3ns, 5ns);
    REQUIRE((delay >= 3ns && delay <= 5ns));
    REQUIRE(random.below(7) < 7);
  }
  CHECK(random.between(5ns, 3ns) == 5ns);
  CHECK(random.below(0) == 0);
  RandomStream copy = random;
  CHECK_FALSE(copy.chance(0));
  CHECK(copy.draw() == random.draw());
  CHECK(random.chance(1000000));
}
