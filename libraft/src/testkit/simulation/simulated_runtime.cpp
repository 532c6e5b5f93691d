#include "testkit/simulation/simulated_runtime.hpp"

#include <algorithm>
#include <chrono>

namespace libraft::testkit {
namespace {

// Purposes of random streams; those of the network are elsewhere.
constexpr std::uint64_t kWork = 1;
constexpr std::uint64_t kNews = 2;
constexpr std::uint64_t kSlow = 3;
constexpr std::uint64_t kLate = 4;

/// What a piece of work on the protocol lane takes at most, times the slowness beyond 1.
constexpr Duration kProtocolWork = std::chrono::microseconds(50);

constexpr std::uint64_t kKindBits = 2;
constexpr std::uint64_t kLaneBits = 2;

}  // namespace

SimulatedRuntime::SimulatedRuntime(EventHeap& heap, Host& host, NodeId node, std::uint64_t seed,
                                   Duration work_delay_max)
    : heap_(heap),
      host_(host),
      node_(node),
      work_delay_max_(work_delay_max),
      work_(seed, kWork, node.value),
      news_(seed, kNews, node.value),
      slow_(seed, kSlow, node.value),
      late_(seed, kLate, node.value) {}

void SimulatedRuntime::begin_life() {
  end_life();
}

void SimulatedRuntime::end_life() {
  ++life_;
  ++armed_;
  deadline_ = kNever;
  posted_.clear();
  for (LaneQueue& lane : lanes_) lane = {};
  protocol_free_ = heap_.now();
  paused_until_ = {};
}

void SimulatedRuntime::finish_posts() {
  while (!posted_.empty()) run_on_protocol_lane(Kind::post, 0);
}

void SimulatedRuntime::set_drift(std::int32_t ppm) {
  clock_.set_drift(heap_.now(), ppm);
  schedule_timer();
}

void SimulatedRuntime::jump(Duration by) {
  clock_.jump(heap_.now(), by);
  schedule_timer();
}

// Runtime.

void SimulatedRuntime::post(Job& job) {
  posted_.push_back(&job);
  schedule(protocol_time(), Kind::post, 0, life_);
}

void SimulatedRuntime::submit(Lane lane, Job& job) {
  const auto index = static_cast<std::size_t>(lane);
  LaneQueue& queue = lanes_[index];
  std::uint32_t factor = slowness_;
  if (lane != Lane::apply) factor *= disk_slowness_;
  queue.free = std::max(queue.free, heap_.now()) + work_.between(Duration(1), work_delay_max_) * factor;
  queue.waiting.push_back(&job);
  schedule(queue.free, Kind::run, index, life_);
}

void SimulatedRuntime::arm(TimePoint deadline, Job& job) {
  deadline_ = deadline;
  timer_job_ = &job;
  schedule_timer();
}

// Time.

void SimulatedRuntime::schedule(TimePoint time, Kind kind, std::size_t lane, std::uint64_t number) {
  heap_.at(time, *this, (number << kLaneBits | lane) << kKindBits | static_cast<std::uint64_t>(kind));
}

void SimulatedRuntime::schedule_timer() {
  ++armed_;  // whatever was scheduled before is void
  if (deadline_ == kNever) return;
  const Duration late =
      timer_delay_max_ > Duration::zero() ? late_.between(Duration(0), timer_delay_max_) : Duration(0);
  schedule(std::max(clock_.when(deadline_), protocol_time()) + late, Kind::timer, 0, armed_);
}

/// When the protocol lane gets to something that came in now.
TimePoint SimulatedRuntime::protocol_time() {
  if (slowness_ <= 1) return heap_.now();
  protocol_free_ = std::max(protocol_free_, heap_.now()) + slow_.between(Duration(1), kProtocolWork * slowness_);
  return protocol_free_;
}

TimePoint SimulatedRuntime::ready_at(Kind kind, std::size_t lane) const {
  const bool is_disk = kind == Kind::run && lane != static_cast<std::size_t>(Lane::apply);
  return is_disk ? std::max(paused_until_, stalled_until_) : paused_until_;
}

void SimulatedRuntime::on_event(std::uint64_t what) {
  const auto kind = static_cast<Kind>(what & ((1u << kKindBits) - 1));
  const std::size_t lane = what >> kKindBits & ((1u << kLaneBits) - 1);
  if (what >> (kKindBits + kLaneBits) != (kind == Kind::timer ? armed_ : life_)) return;
  if (const TimePoint ready = ready_at(kind, lane); ready > heap_.now()) return heap_.at(ready, *this, what);
  if (kind == Kind::run) {
    run_on(lane);
  } else {
    run_on_protocol_lane(kind, lane);
  }
}

void SimulatedRuntime::run_on_protocol_lane(Kind kind, std::size_t lane) {
  is_inside_ = true;
  if (kind == Kind::timer) {
    deadline_ = kNever;
    timer_job_->run();
  } else {
    std::deque<Job*>& queue = kind == Kind::post ? posted_ : lanes_[lane].done;
    Job* const job = queue.front();
    queue.pop_front();
    if (kind == Kind::post) {
      job->run();
    } else {
      job->done();
    }
  }
  is_inside_ = false;
  host_.on_protocol_ran(node_);
}

void SimulatedRuntime::run_on(std::size_t lane) {
  LaneQueue& queue = lanes_[lane];
  Job* const job = queue.waiting.front();
  queue.waiting.pop_front();
  is_inside_ = true;
  job->run();
  is_inside_ = false;
  const Duration on_its_way = news_.between(Duration(1), work_delay_max_) * slowness_;
  queue.done_free = std::max(queue.done_free, heap_.now() + on_its_way);
  queue.done.push_back(job);
  schedule(queue.done_free, Kind::done, lane, life_);
  host_.on_lane_ran(node_);
}

}  // namespace libraft::testkit
