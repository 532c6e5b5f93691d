// LogDriver: what the core wants written to the log and read from it, and what comes of it.
#pragma once

#include "node/event_queue.hpp"
#include "node/log_reader.hpp"
#include "node/persist_pipeline.hpp"
#include "node/reporter.hpp"
#include "node/send_pipeline.hpp"
#include "node/snapshot_driver.hpp"

#include <libraft/core.hpp>
#include <libraft/effects.hpp>
#include <libraft/options.hpp>
#include <libraft/runtime.hpp>
#include <libraft/storage.hpp>

#include <string>
#include <system_error>

namespace libraft::node {

/// Protocol lane only. What is durable is told to the sender first, then to the core.
class LogDriver final : private PersistPipeline::Listener, private LogReader::Listener {
 public:
  struct Parts {
    EventQueue& events;
    SendPipeline& sender;
    SnapshotDriver& snapshots;
    Reporter& reporter;
    const CoreStatus& status;  ///< after the last step
  };

  LogDriver(const NodeOptions& options, Storage& storage, Runtime& runtime, const Parts& parts);

  void write(PersistBatch batch);
  void read(const ReadLog& read) { reader_.submit(read); }

  void on_time(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;
  void close();
  void read(Gauges& gauges) const {
    persist_.read(gauges);
    gauges.log_reads = reader_.waiting();
  }
  void release() noexcept { persist_.release(); }

 private:
  void on_persisted(PersistId upto) override;
  void on_published(const SnapshotMeta& meta) override;
  void on_disk_full() override;
  void on_retry_set() override;
  void on_write_failed(std::error_code error, std::string detail) override;
  void on_log_read(LogRead answer) override;
  void on_read_failed(std::error_code error, std::string detail) override;
  [[nodiscard]] TimePoint stall_deadline() const;

  const Parts parts_;
  PersistPipeline persist_;
  LogReader reader_;
  bool is_disk_full_ = false;
};

}  // namespace libraft::node
