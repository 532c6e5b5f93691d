#include "asio/asio_runtime.hpp"

#include <asio/strand.hpp>

namespace libraft::io {
namespace {

/// Ends the timer, on the lane that it belongs to.
struct CloseTimer final : Job {
  explicit CloseTimer(LaneTimer& t) : timer(t) {}
  void run() noexcept override { timer.close(); }
  LaneTimer& timer;
};

}  // namespace

AsioRuntime::AsioRuntime(const Executors& executors, const std::shared_ptr<Logger>& logger)
    : protocol_(std::make_shared<LaneQueue>(executor_for(executors.protocol, "raft-protocol", logger), nullptr)),
      storage_(std::make_shared<LaneQueue>(executor_for(executors.storage, "raft-storage", logger), protocol_)),
      apply_(std::make_shared<LaneQueue>(executor_for(executors.apply, "raft-apply", logger), protocol_)),
      background_(
          std::make_shared<LaneQueue>(executor_for(executors.background, "raft-background", logger), protocol_)),
      timer_(std::make_shared<LaneTimer>(protocol_->executor())) {}

AsioRuntime::~AsioRuntime() {
  shut_down();
}

asio::any_io_executor AsioRuntime::executor_for(const asio::any_io_executor& given, const char* thread_name,
                                                const std::shared_ptr<Logger>& logger) {
  if (given) return asio::make_strand(given);
  threads_.push_back(std::make_unique<LaneThread>(thread_name, logger));
  return threads_.back()->executor();
}

void AsioRuntime::post(Job& job) {
  protocol_->push({Work::Part::run, &job, nullptr});
}

void AsioRuntime::submit(Lane lane, Job& job) {
  lane_of(lane).push({Work::Part::run_and_return, &job, nullptr});
}

void AsioRuntime::arm(TimePoint deadline, Job& job) {
  timer_->arm(deadline, job);
}

void AsioRuntime::push(detail::ReadyHandler& handler) {
  protocol_->push({Work::Part::handler, nullptr, &handler});
}

bool AsioRuntime::is_own_lane() const {
  return protocol_->is_here() || storage_->is_here() || apply_->is_here() || background_->is_here();
}

// The protocol lane last: the others hand their results back to it.
void AsioRuntime::shut_down() {
  if (is_shut_down_) return;
  is_shut_down_ = true;
  CloseTimer close(*timer_);
  post(close);
  storage_->wait_idle();
  apply_->wait_idle();
  background_->wait_idle();
  protocol_->wait_idle();
  for (const auto& thread : threads_) thread->join();
}

LaneQueue& AsioRuntime::lane_of(Lane name) const {
  switch (name) {
    case Lane::storage:
      return *storage_;
    case Lane::apply:
      return *apply_;
    case Lane::background:
      return *background_;
  }
  return *background_;
}

}  // namespace libraft::io
