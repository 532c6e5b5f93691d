// SimulatedRuntime: the threads, the timer and the clock of one machine, in virtual time.
//
// Work on a lane takes a while, and so does the news of it: a crash may fall before the work, or between the two. The
// protocol lane takes no time, unless the machine is slow. A machine that pauses does nothing, while time and messages
// go on around it.
#pragma once

#include "testkit/simulation/simulated_clock.hpp"
#include "testkit/simulation/simulated_events.hpp"

#include <libraft/runtime.hpp>
#include <libraft/types.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace libraft::testkit {

/// Lives as long as the simulation; a node has it for one life after the other. When a life ends, what was to come in
/// it never comes.
class SimulatedRuntime final : public Runtime, private EventTarget {
 public:
  /// Hears of each piece of work when it is over, and may end the life then.
  struct Host {
    virtual void on_protocol_ran(NodeId node) = 0;
    virtual void on_lane_ran(NodeId node) = 0;

   protected:
    ~Host() = default;
  };

  SimulatedRuntime(EventHeap& heap, Host& host, NodeId node, std::uint64_t seed, Duration work_delay_max);
  ~SimulatedRuntime() override = default;

  void begin_life();
  void end_life();
  /// Runs at once what waits for the protocol lane, as a runtime does that ends in good order.
  void finish_posts();
  /// While code of the node runs: the node can't be destroyed under its feet.
  [[nodiscard]] bool is_inside() const { return is_inside_; }

  /// Ends with the life at the latest.
  void pause_until(TimePoint time) { paused_until_ = time > paused_until_ ? time : paused_until_; }

  // Faults that outlast a life.

  /// The lanes that write and read the disk stand still.
  void stall_until(TimePoint time) { stalled_until_ = time > stalled_until_ ? time : stalled_until_; }
  /// Work takes `factor` times as long; beyond 1 the protocol lane takes time too.
  void slow_down(std::uint32_t factor) { slowness_ = factor > 0 ? factor : 1; }
  void slow_disk(std::uint32_t factor) { disk_slowness_ = factor > 0 ? factor : 1; }
  void set_timer_delay(Duration max) { timer_delay_max_ = max; }
  void set_drift(std::int32_t ppm);
  void jump(Duration by);

  // Runtime
  [[nodiscard]] TimePoint now() const noexcept override { return clock_.local(heap_.now()); }
  void post(Job& job) override;
  void submit(Lane lane, Job& job) override;
  void arm(TimePoint deadline, Job& job) override;

 private:
  enum class Kind : std::uint64_t { post, timer, run, done };
  /// Jobs of a lane keep their order, whatever delays them.
  struct LaneQueue {
    std::deque<Job*> waiting;
    std::deque<Job*> done;  // on their way back to the protocol lane
    TimePoint free{};       // no further job ends before
    TimePoint done_free{};  // no further news comes before
  };

  void on_event(std::uint64_t what) override;
  [[nodiscard]] TimePoint ready_at(Kind kind, std::size_t lane) const;
  void schedule(TimePoint time, Kind kind, std::size_t lane, std::uint64_t number);
  void schedule_timer();
  void run_on_protocol_lane(Kind kind, std::size_t lane);
  void run_on(std::size_t lane);
  [[nodiscard]] TimePoint protocol_time();

  EventHeap& heap_;
  Host& host_;
  const NodeId node_;
  const Duration work_delay_max_;

  // Of a life.
  std::uint64_t life_ = 0;
  std::array<LaneQueue, 3> lanes_;
  std::deque<Job*> posted_;
  TimePoint protocol_free_{};
  std::uint64_t armed_ = 0;  // counts over all lives
  TimePoint deadline_ = kNever;
  Job* timer_job_ = nullptr;
  TimePoint paused_until_{};
  bool is_inside_ = false;

  SimulatedClock clock_;
  TimePoint stalled_until_{};
  std::uint32_t slowness_ = 1;
  std::uint32_t disk_slowness_ = 1;
  Duration timer_delay_max_{};

  RandomStream work_;
  RandomStream news_;
  RandomStream slow_;
  RandomStream late_;
};

}  // namespace libraft::testkit
