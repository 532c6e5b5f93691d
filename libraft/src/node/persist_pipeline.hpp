// PersistPipeline: carries the core's writes to storage, one at a time; what comes meanwhile shares the next sync.
#pragma once

#include "node/gauges.hpp"

#include <libraft/effects.hpp>
#include <libraft/runtime.hpp>
#include <libraft/status.hpp>
#include <libraft/storage.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::node {

/// Several batches as one write: what Storage is given.
class MergedWrite {
 public:
  /// True when taking `batch` in gives the same log as writing it afterwards.
  [[nodiscard]] bool can_take(const PersistBatch& batch) const;
  /// Takes the batch in, with the first `entries` of its entries. It then proves `batch.id` only when that is all.
  void take(const PersistBatch& batch, std::size_t entries);

  [[nodiscard]] bool is_empty() const { return is_empty_; }
  [[nodiscard]] bool has_entries() const { return !runs_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// What is durable once this is written; zero: nothing whole.
  [[nodiscard]] PersistId proves() const { return proves_; }
  [[nodiscard]] const std::optional<SnapshotMeta>& publish() const { return publish_; }
  [[nodiscard]] std::size_t entry_count() const;

  /// For Storage. Valid until the next call of take or clear.
  [[nodiscard]] WriteBatch view();
  void clear();

 private:
  void truncate(LogIndex from);

  bool is_empty_ = true;
  PersistId proves_;
  std::optional<SnapshotMeta> publish_;
  std::optional<HardState> hard_state_;
  std::optional<LogIndex> truncate_from_;
  std::optional<LogId> new_start_;
  std::vector<Entries> runs_;     // contiguous, none of them empty
  std::vector<Entry> flattened_;  // memory for view()
  std::size_t bytes_ = 0;
};

/// Invariant: at most one write is at the storage; batches are written in the order of their ids.
class PersistPipeline final : private Job {
 public:
  /// All on the protocol lane.
  struct Listener {
    virtual void on_persisted(PersistId upto) = 0;
    virtual void on_published(const SnapshotMeta& meta) = 0;
    /// The disk is full: the write waits and is tried again, until no_space_max is over and it fails with
    /// errc::no_space. Called once for each write.
    virtual void on_disk_full() = 0;
    /// After each try that found no space: `next_deadline` is set, and somebody must call `on_time` then.
    virtual void on_retry_set() = 0;
    virtual void on_write_failed(std::error_code error, std::string detail) = 0;

   protected:
    ~Listener() = default;
  };
  struct Limits {
    std::size_t write_bytes_max = 0;
    Duration no_space_retry_interval{};
    Duration no_space_max{};
    Duration disk_stall_max{};
  };

  PersistPipeline(Storage& storage, Runtime& runtime, Limits limits, Listener& listener, Metrics& metrics)
      : storage_(storage), runtime_(runtime), limits_(limits), listener_(listener), metrics_(metrics) {}

  /// `snapshot` is the finished writer of what `batch.publish` names, if it names one.
  void submit(PersistBatch batch, std::unique_ptr<SnapshotWriter> snapshot);

  /// Tries again what found no space, when it is time.
  void on_time(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const { return retry_at_; }
  /// When the write that is under way has taken too long; kNever when there is none, or it was told.
  [[nodiscard]] TimePoint stall_deadline() const { return stall_at_; }
  /// The stall was noticed: it is told once for each write.
  void acknowledge_stall() { stall_at_ = kNever; }

  /// Nothing is at the storage.
  [[nodiscard]] bool is_idle() const { return !is_writing_; }
  [[nodiscard]] bool is_publishing() const { return publishing_ != 0; }
  /// Entries of the write that is under way, and of those that wait for it.
  void read(Gauges& gauges) const;
  /// Starts no further write. The one under way ends, and nobody is told.
  void close();
  /// After close, while idle, on the storage lane: gives up snapshots that will not be published.
  void release() noexcept;

 private:
  struct Queued {
    PersistBatch batch;
    std::unique_ptr<SnapshotWriter> snapshot;
  };

  void start_write();
  void gather();
  void submit_job();
  void run() noexcept override;
  void done() noexcept override;
  void write_or_publish();
  void publish();
  void wait_for_space();
  void conclude() noexcept;
  void finish_write();

  Storage& storage_;
  Runtime& runtime_;
  const Limits limits_;
  Listener& listener_;
  Metrics& metrics_;

  std::deque<Queued> queue_;
  std::size_t publishing_ = 0;  // snapshots in queue_ and write_
  bool is_writing_ = false;
  bool is_closed_ = false;
  std::optional<TimePoint> space_deadline_;  // while the disk is full: when it is waited for no longer
  TimePoint retry_at_ = kNever;
  TimePoint stall_at_ = kNever;

  // The storage lane's while is_writing_.
  MergedWrite write_;
  std::unique_ptr<SnapshotWriter> snapshot_;
  std::error_code error_;
  std::string detail_;
};

}  // namespace libraft::node
