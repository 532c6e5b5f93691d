// Runtime: the little that a node needs from the world around it. Its time, threads and timer come from here.
//
// The shipped one runs on Asio executors; the simulator brings one with virtual time. Lanes: work on one lane never
// overlaps and keeps its order; different lanes may run side by side.
#pragma once

#include <libraft/types.hpp>

namespace libraft {

/// Where user code that may block runs.
enum class Lane {
  storage,     ///< blocking writes and reads of the log
  apply,       ///< the state machine
  background,  ///< snapshots
};

/// A piece of work that is re-used. It must not be handed in again before its last part has begun to run.
struct Job {
  /// On the lane.
  virtual void run() noexcept = 0;
  /// Back on the protocol lane, after run(). Only for jobs that were submitted.
  virtual void done() noexcept {}

 protected:
  ~Job() = default;
};

/// The world around one node. See the head of this file.
struct Runtime {
  virtual ~Runtime() = default;

  /// Monotonic. Any thread.
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;
  /// Calls job.run() on the protocol lane, never inside this call. Any thread.
  virtual void post(Job& job) = 0;
  /// Calls job.run() on the lane, then job.done() on the protocol lane. From the protocol lane.
  virtual void submit(Lane lane, Job& job) = 0;
  /// Calls job.run() on the protocol lane at `deadline` or soon after. Replaces the deadline before; kNever: no call.
  /// One timer for each runtime. From the protocol lane.
  virtual void arm(TimePoint deadline, Job& job) = 0;
};

}  // namespace libraft
