#include "asio/lane_queue.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>

#include <utility>

namespace libraft::io {

LaneQueue::LaneQueue(asio::any_io_executor executor, std::shared_ptr<LaneQueue> protocol)
    : executor_(std::move(executor)), protocol_(std::move(protocol)) {}

void LaneQueue::push(Work work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(work);
    if (is_scheduled_) return;
    is_scheduled_ = true;
  }
  schedule();
}

void LaneQueue::wait_idle() {
  std::unique_lock lock(mutex_);
  became_idle_.wait(lock, [this] { return !is_scheduled_; });
}

bool LaneQueue::is_here() const {
  if (const auto* own = executor_.target<asio::io_context::executor_type>()) return own->running_in_this_thread();
  const auto* strand = executor_.target<asio::strand<asio::any_io_executor>>();
  return strand != nullptr && strand->running_in_this_thread();
}

// The function keeps the lane alive: an executor of the user's may drop it later than the node's end.
void LaneQueue::schedule() {
  asio::post(executor_, [self = shared_from_this()] { self->run_batch(); });
}

// One batch for each turn, so that others who share the executor get theirs.
void LaneQueue::run_batch() {
  if (batch_next_ == batch_.size()) {
    batch_.clear();
    batch_next_ = 0;
    const std::lock_guard lock(mutex_);
    batch_.swap(waiting_);
  }
  try {
    while (batch_next_ < batch_.size()) run_one(batch_[batch_next_++]);
  } catch (...) {  // a user's handler threw: whoever runs the executor hears of it, and the rest comes next
    end_batch();
    throw;
  }
  end_batch();
}

void LaneQueue::run_one(const Work& work) {
  switch (work.part) {
    case Work::Part::run:
      return work.job->run();
    case Work::Part::run_and_return:
      work.job->run();
      return protocol_->push({Work::Part::done, work.job, nullptr});
    case Work::Part::done:
      return work.job->done();
    case Work::Part::handler:
      return work.handler->invoke();
  }
}

void LaneQueue::end_batch() {
  {
    const std::lock_guard lock(mutex_);
    if (batch_next_ == batch_.size() && waiting_.empty()) {
      is_scheduled_ = false;
      became_idle_.notify_all();
      return;
    }
  }
  schedule();
}

}  // namespace libraft::io
