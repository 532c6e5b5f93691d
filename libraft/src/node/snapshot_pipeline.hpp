// SnapshotPipeline: snapshots being made, received and sent, on the background lane.
#pragma once

#include "node/gauges.hpp"
#include "util/digest.hpp"

#include <libraft/effects.hpp>
#include <libraft/event.hpp>
#include <libraft/runtime.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/storage.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

namespace libraft::node {

/// Invariant: one job is at the background lane at most, and at most one snapshot is being written, finished or
/// published: nothing begins a new one while another waits to be published.
class SnapshotPipeline final : private Job {
 public:
  /// All on the protocol lane. What is finished is at hand only while on_snapshot_saved or on_chunk_stored tells of it:
  /// it is taken there (`take_finished`), or given up.
  struct Listener {
    virtual void on_snapshot_saved(SnapshotSaved saved) = 0;
    virtual void on_chunk_stored(SnapshotChunkStored stored) = 0;
    virtual void on_chunk_read(const SendSnapshotChunk& send, Bytes data) = 0;
    virtual void on_chunk_not_read(SnapshotSendFailed failed) = 0;
    /// User code failed or threw: final.
    virtual void on_snapshot_failed(std::error_code error, std::string detail) = 0;

   protected:
    ~Listener() = default;
  };

  SnapshotPipeline(Storage& storage, Runtime& runtime, Listener& listener)
      : storage_(storage), runtime_(runtime), listener_(listener) {}

  /// Writes what the state machine captured.
  void save(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task);
  /// Writes a chunk from the leader; the first one gives up all other snapshots in the making.
  void store(StoreSnapshotChunk chunk);
  /// Reads a chunk, before any save that waits. One that is asked for again while it waits is read once.
  void send(const SendSnapshotChunk& chunk);

  /// The finished snapshot `meta`, for Storage::publish; null when it is not at hand. Until `on_published`, no other
  /// snapshot is begun.
  [[nodiscard]] std::unique_ptr<SnapshotWriter> take_finished(const SnapshotMeta& meta);
  void on_published();

  /// Closes readers that nobody asked for in a while.
  void on_time(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const { return readers_close_at_; }

  [[nodiscard]] bool is_idle() const { return !is_running_; }
  /// What waits for the background lane.
  void read(Gauges& gauges) const;
  /// Starts nothing more, and asks what is under way to give up. Nobody is told.
  void close();
  /// After close, while idle, on the storage lane: lets go of writers and readers.
  void release() noexcept;

 private:
  struct Finished {
    SnapshotMeta meta;
    std::unique_ptr<SnapshotWriter> writer;
  };
  struct Save {
    TakeSnapshot what;
    std::unique_ptr<SnapshotTask> task;
    std::shared_ptr<StopFlag> stop;
    std::error_code error;
    Finished finished;
  };
  struct Store {
    InstallSnapshot chunk;
    SnapshotChunkStored stored;
    Finished finished;
  };
  struct Send {
    SendSnapshotChunk chunk;
    std::optional<Bytes> data;
  };
  struct CloseReaders {};
  /// Nobody took it: its file goes.
  struct GiveUp {
    std::unique_ptr<SnapshotWriter> writer;
  };
  using Task = std::variant<Save, Store, Send, CloseReaders, GiveUp>;

  /// A snapshot that comes in chunk by chunk.
  struct Incoming {
    SnapshotMeta meta;
    std::unique_ptr<SnapshotWriter> writer;
    std::uint64_t size;
    util::Digest digest;
  };

  void add(Task task);
  /// The same chunk to the same follower, where it waits; else null.
  [[nodiscard]] SendSnapshotChunk* queued(const SendSnapshotChunk& chunk);
  void start_next();
  void cancel_saves();
  void run() noexcept override;
  void done() noexcept override;

  // On the background lane.
  void carry_out(Save& task);
  void carry_out(Store& task);
  void carry_out(Send& task);
  void carry_out(CloseReaders& task);
  void carry_out(GiveUp& task);
  /// What the storage said of a snapshot that is written. A device that fails is no more to be relied on for the log:
  /// the node fails. Anything else, as no space, costs this snapshot only.
  std::error_code judged(std::error_code error);
  [[nodiscard]] std::error_code write_snapshot(Save& task);
  [[nodiscard]] std::error_code store_chunk(Store& task);
  [[nodiscard]] std::error_code begin_incoming(const SnapshotMeta& meta);
  [[nodiscard]] std::error_code finish_incoming(Store& task);
  [[nodiscard]] SnapshotReader* reader_of(const SnapshotMeta& meta);
  [[nodiscard]] std::optional<Bytes> read_chunk(const SendSnapshotChunk& chunk);

  // On the protocol lane.
  void report(Save& task);
  void report(Store& task);
  void report(Send& task);
  void report(CloseReaders& task);
  void report(GiveUp& task);
  void give_up_finished();

  Storage& storage_;
  Runtime& runtime_;
  Listener& listener_;

  std::deque<Task> queue_;
  std::shared_ptr<StopFlag> running_save_;
  Finished finished_;  // while it is reported
  bool is_publishing_ = false;
  bool is_running_ = false;
  bool is_closed_ = false;
  TimePoint readers_close_at_ = kNever;

  // The background lane's while is_running_.
  std::optional<Task> task_;
  std::optional<Incoming> incoming_;
  std::vector<std::shared_ptr<SnapshotReader>> readers_;
  std::error_code fatal_;
  std::string detail_;
};

}  // namespace libraft::node
