// A simulated clock never goes back, and tells when it will show what.
#include "testkit/simulation/simulated_clock.hpp"

#include <chrono>

#include "support/catch.hpp"
#include "testkit/simulation/simulated_events.hpp"

using namespace libraft;
using namespace std::chrono_literals;
using testkit::RandomStream;
using testkit::SimulatedClock;

TEST_CASE("a clock without faults shows true time") {
  const SimulatedClock clock;
  for (const Duration time : {0ns, 1ns, 5ns + 3h, Duration(24h * 365 * 100)}) {
    CHECK(clock.local(TimePoint{time}) == TimePoint{time});
    CHECK(clock.when(TimePoint{time}) == TimePoint{time});
  }
}

TEST_CASE("a clock with a drift is off by its rate") {
  SimulatedClock clock;
  clock.set_drift(TimePoint{10s}, 100000);
  CHECK(clock.local(TimePoint{10s}) == TimePoint{10s});
  CHECK(clock.local(TimePoint{20s}) == TimePoint{21s});
  clock.set_drift(TimePoint{20s}, -500000);
  CHECK(clock.local(TimePoint{20s}) == TimePoint{21s});
  CHECK(clock.local(TimePoint{30s}) == TimePoint{26s});
}

TEST_CASE("a clock that jumped goes on from there") {
  SimulatedClock clock;
  clock.set_drift(TimePoint{}, 100000);
  clock.jump(TimePoint{10s}, 1h);
  CHECK(clock.local(TimePoint{10s}) == TimePoint{11s + 1h});
  CHECK(clock.local(TimePoint{20s}) == TimePoint{22s + 1h});
}

TEST_CASE("a clock never goes back and reaches each deadline at the moment that it tells") {
  RandomStream random(7);
  for (int trial = 0; trial < 200; ++trial) {
    SimulatedClock clock;
    TimePoint now{};
    TimePoint shown = clock.local(now);
    for (int step = 0; step < 20; ++step) {
      now += random.between(Duration(0), 100s);
      REQUIRE(clock.local(now) >= shown);
      shown = clock.local(now);
      if (random.chance(500000)) {
        clock.set_drift(now, static_cast<std::int32_t>(random.below(1999998)) - 999999);
      } else {
        clock.jump(now, random.between(Duration(0), 1h));
      }
      REQUIRE(clock.local(now) >= shown);
      shown = clock.local(now);
      const TimePoint deadline = shown + random.between(Duration(1), 10s);
      const TimePoint when = clock.when(deadline);
      REQUIRE(when > now);
      REQUIRE(clock.local(when) >= deadline);
      REQUIRE(clock.local(when - Duration(1)) < deadline);
    }
  }
}
