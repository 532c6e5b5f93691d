// FakeRuntime: virtual time, and lanes that run only when the test says so.
#pragma once

#include <libraft/runtime.hpp>

#include <algorithm>
#include <array>
#include <deque>

namespace libraft::test {

class FakeRuntime final : public Runtime {
 public:
  [[nodiscard]] TimePoint now() const noexcept override { return now_; }
  void post(Job& job) override {
    note(job);
    protocol_.push_back({&job, false});
  }
  void submit(Lane lane, Job& job) override {
    note(job);
    lanes_.at(index(lane)).push_back(&job);
  }
  void arm(TimePoint deadline, Job& job) override {
    deadline_ = deadline;
    timer_ = &job;
  }

  /// Runs the next job of a lane; its done() waits on the protocol lane. False when there is none.
  bool run_one(Lane lane) {
    auto& jobs = lanes_.at(index(lane));
    if (jobs.empty()) return false;
    Job* const job = jobs.front();
    jobs.pop_front();
    job->run();
    protocol_.push_back({job, true});
    return true;
  }
  bool run_one_on_protocol_lane() {
    if (protocol_.empty()) return false;
    const Posted posted = protocol_.front();
    protocol_.pop_front();
    if (posted.is_done) {
      posted.job->done();
    } else {
      posted.job->run();
    }
    return true;
  }
  void run_protocol_lane() {
    while (run_one_on_protocol_lane()) {
    }
  }
  /// All lanes, until nothing is left to do now. A lane that is blocked keeps its jobs.
  bool run_all() {
    bool did_something = false;
    for (bool again = true; again;) {
      again = run_one_on_protocol_lane();
      for (const Lane lane : {Lane::storage, Lane::apply, Lane::background}) {
        if (!is_blocked_.at(index(lane))) again = run_one(lane) || again;
      }
      did_something = did_something || again;
    }
    return did_something;
  }
  void block(Lane lane, bool is_blocked = true) { is_blocked_.at(index(lane)) = is_blocked; }
  [[nodiscard]] std::size_t waiting(Lane lane) const { return lanes_.at(index(lane)).size(); }
  /// How often a job was handed in again before its last part had begun to run.
  [[nodiscard]] int handed_in_early() const { return handed_in_early_; }
  [[nodiscard]] bool is_protocol_lane_idle() const { return protocol_.empty(); }

  [[nodiscard]] TimePoint deadline() const { return deadline_; }
  /// Sets the clock, and calls the timer if it is due.
  void advance_to(TimePoint time) {
    now_ = time;
    if (timer_ == nullptr || deadline_ > now_) return;
    deadline_ = kNever;
    timer_->run();
  }

 private:
  struct Posted {
    Job* job;
    bool is_done;
  };
  void note(const Job& job) {
    bool is_waiting = std::any_of(protocol_.begin(), protocol_.end(), [&](const Posted& p) { return p.job == &job; });
    for (const auto& lane : lanes_) is_waiting = is_waiting || std::find(lane.begin(), lane.end(), &job) != lane.end();
    if (is_waiting) ++handed_in_early_;
  }
  static std::size_t index(Lane lane) { return static_cast<std::size_t>(lane); }

  TimePoint now_{std::chrono::seconds(1)};
  std::deque<Posted> protocol_;
  std::array<std::deque<Job*>, 3> lanes_;
  std::array<bool, 3> is_blocked_{};
  TimePoint deadline_ = kNever;
  Job* timer_ = nullptr;
  int handed_in_early_ = 0;
};

}  // namespace libraft::test
