// The threads of an HttpServer: one for each open connection, started when needed, ended when idle.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace kvserver {

/// A pool that grows to a bound, because a blocking server needs a thread for each connection of a crowd and almost
/// none in quiet times. Jobs beyond the bound wait in a queue of the same length; a job beyond that runs at once on the
/// thread that brings it, where is_shedding() tells it to do no more than refuse.
///
/// Invariant: idle_ workers wait for a job, running_ have one; running_ and the queue together have at most
/// limits_.jobs_max jobs.
class ThreadPool {
 public:
  struct Limits {
    std::size_t threads_max = 1;
    std::size_t jobs_max = 1;  ///< running and waiting
  };

  explicit ThreadPool(Limits limits) : limits_(limits) {}
  ~ThreadPool() { shutdown(); }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void enqueue(std::function<void()> job);
  /// Runs what is queued and ends all threads.
  void shutdown();

  /// More than half of the threads are taken: who only waits should not wait for long.
  [[nodiscard]] bool is_crowded() const;
  /// True inside a job for which there is no thread.
  [[nodiscard]] static bool is_shedding() noexcept;

 private:
  using Threads = std::list<std::thread>;

  bool start_worker();
  void work(Threads::iterator self);
  void join_ended();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_:
  std::deque<std::function<void()>> queue_;
  Threads threads_;
  Threads ended_;
  std::size_t idle_ = 0;
  std::size_t running_ = 0;  // jobs
  bool stopping_ = false;
};

}  // namespace kvserver
