#include "api/thread_pool.hpp"

#include <chrono>
#include <system_error>
#include <utility>

namespace kvserver {
namespace {

// Long enough that a busy server keeps its threads, short enough that a crowd's threads are soon given back.
constexpr std::chrono::seconds kIdleThreadKept{10};

thread_local bool t_shedding = false;

}  // namespace

void ThreadPool::enqueue(std::function<void()> job) {
  join_ended();
  {
    const std::lock_guard lock(mutex_);
    const bool worker_is_free = idle_ > queue_.size();
    const bool can_wait = running_ + queue_.size() < limits_.jobs_max && !stopping_;
    if (worker_is_free || (can_wait && (start_worker() || !threads_.empty()))) {
      queue_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  t_shedding = true;
  job();
  t_shedding = false;
}

// Under the lock. False when the bound is reached or the system has no thread to give.
bool ThreadPool::start_worker() {
  if (threads_.size() >= limits_.threads_max) return false;
  try {
    const auto self = threads_.emplace(threads_.end());
    try {
      *self = std::thread([this, self] { work(self); });
    } catch (...) {
      threads_.erase(self);
      throw;
    }
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void ThreadPool::work(Threads::iterator self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait_for(lock, kIdleThreadKept, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) break;
    const std::function<void()> job = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    job();
    lock.lock();
    --running_;
  }
  ended_.splice(ended_.end(), threads_, self);
  wake_.notify_all();  // shutdown() may wait for this
}

void ThreadPool::join_ended() {
  Threads ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
  }
  for (std::thread& thread : ended) thread.join();
}

void ThreadPool::shutdown() {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    wake_.wait(lock, [this] { return threads_.empty(); });
  }
  join_ended();
}

bool ThreadPool::is_crowded() const {
  const std::lock_guard lock(mutex_);
  return running_ > limits_.threads_max / 2;
}

bool ThreadPool::is_shedding() noexcept {
  return t_shedding;
}

}  // namespace kvserver
