// Reporter: tells the observer, the log and the counters what happened, by comparing before and after.
#pragma once

#include "node/marks.hpp"

#include <libraft/core.hpp>
#include <libraft/logger.hpp>
#include <libraft/observer.hpp>
#include <libraft/status.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace libraft::node {

/// Protocol lane only.
class Reporter {
 public:
  Reporter(std::shared_ptr<Observer> observer, std::shared_ptr<Logger> logger)
      : observer_(std::move(observer)), logger_(std::move(logger)) {}

  void on_state(NodeState state);
  void on_recovered(const CoreStatus& status, const Identity& identity);
  void on_failure(const Failure& failure);
  /// One step of the core.
  void on_step(const CoreStatus& before, const CoreStatus& after);
  void on_truncated(LogIndex from, LogId last_before);
  void on_snapshot_taken(LogId last);
  void on_snapshot_installed(LogId last);
  void on_snapshot_not_saved(std::error_code error);
  void on_chunk_not_stored(std::error_code error);  // of a snapshot from the leader
  void on_disk_full();
  void on_disk_stall();

  [[nodiscard]] Metrics& metrics() { return metrics_; }
  [[nodiscard]] Marks& marks() { return marks_; }
  [[nodiscard]] const Marks& marks() const { return marks_; }

 private:
  void tell(const NodeEvent& event);
  [[nodiscard]] bool logs(LogLevel level) const;

  const std::shared_ptr<Observer> observer_;
  const std::shared_ptr<Logger> logger_;
  Metrics metrics_;
  Marks marks_;
};

}  // namespace libraft::node
