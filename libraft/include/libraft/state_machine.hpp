// StateMachine: what the cluster replicates. This is the interface that every user implements.
//
// All nodes apply the same commands in the same order (thesis §3.1), so `apply` must depend on nothing but the state
// and the command: no clock, no random numbers, no addresses, no iteration order of unordered containers.
//
//     struct Counter : libraft::StateMachine {
//       std::uint64_t value = 0;
//       void apply(libraft::ApplyBatch& batch) override {
//         for (auto& command : batch) { ++value; command.reply(std::to_string(value)); }
//       }
//       ...
//     };
//
// Threads: apply, begin_snapshot, restore and query come from the apply lane, one at a time; SnapshotTask::save runs on
// the background lane, beside them. An exception or an error puts the node into state `failed`; the process lives.
// docs/state_machine.md is the guide.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/export.hpp>
#include <libraft/result.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace libraft {

/// A committed command, and room for its reply.
class AppliedCommand {
 public:
  /// The command of the entry `id`.
  AppliedCommand(LogId id, Bytes command) : id_(id), command_(std::move(command)) {}

  /// The command's place in the log: the same on every node.
  [[nodiscard]] LogId id() const { return id_; }
  /// What was proposed, byte for byte.
  [[nodiscard]] std::string_view command() const { return command_.view(); }
  /// The command, sharing its memory: for keeping parts of it without a copy.
  [[nodiscard]] const Bytes& bytes() const { return command_; }

  /// What the proposer gets (on the node that it asked; elsewhere it is dropped).
  void reply(Bytes answer) { reply_ = std::move(answer); }
  /// What the proposer gets.
  void reply(std::string answer) { reply_ = Bytes(std::move(answer)); }

  /// For the node: moves the reply out, empty when none was given.
  [[nodiscard]] Bytes take_reply() { return std::move(reply_); }

 private:
  LogId id_;
  Bytes command_;
  Bytes reply_;
};

/// Commands to apply in order. `last()` is the last entry covered: it may lie beyond the last command, for the log also
/// holds entries of Raft's own.
class ApplyBatch {
 public:
  /// Commands in the order of the log, the last one at or below `last`.
  ApplyBatch(std::vector<AppliedCommand> commands, LogId last) : commands_(std::move(commands)), last_(last) {}

  /// The first command.
  [[nodiscard]] auto begin() { return commands_.begin(); }
  /// The end of the commands.
  [[nodiscard]] auto end() { return commands_.end(); }
  /// How many commands; may be zero.
  [[nodiscard]] std::size_t size() const { return commands_.size(); }
  /// The last entry covered: what the state stands for once the batch is applied.
  [[nodiscard]] LogId last() const { return last_; }

 private:
  std::vector<AppliedCommand> commands_;
  LogId last_;
};

/// Set when a long task should give up: ask it now and then.
class StopFlag {
 public:
  /// True once the task should give up. Any thread.
  [[nodiscard]] bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }
  /// Asks the task to give up. Any thread.
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
};

/// Where a snapshot is written to.
struct SnapshotSink {
  /// Appends to the snapshot. After an error the task gives up and returns it.
  [[nodiscard]] virtual std::error_code write(std::string_view bytes) = 0;

 protected:
  ~SnapshotSink() = default;
};

/// A captured state on its way to disk. Must not be changed by later applies.
struct SnapshotTask {
  virtual ~SnapshotTask() = default;
  /// Writes the state. errc::cancelled when `stop` was requested.
  [[nodiscard]] virtual std::error_code save(SnapshotSink& sink, const StopFlag& stop) = 0;
};

/// A snapshot of a state that fits into memory: `whole_state` is what restore() will read.
[[nodiscard]] LIBRAFT_EXPORT std::unique_ptr<SnapshotTask> snapshot_of(Bytes whole_state);
/// All of a snapshot, or errc::message_too_large beyond `bytes_max`.
[[nodiscard]] LIBRAFT_EXPORT Result<Bytes> read_all(SnapshotReader& reader, std::size_t bytes_max);

/// What the cluster replicates. See the head of this file.
struct StateMachine {
  virtual ~StateMachine() = default;

  /// Applies the commands in order and gives each its reply. A command that can't be done (a bad argument, say) is
  /// answered with a reply that says so: it must not fail on one node alone.
  virtual void apply(ApplyBatch& batch) = 0;

  /// Captures the state between two batches, cheaply: no batch is applied until it returns.
  [[nodiscard]] virtual std::unique_ptr<SnapshotTask> begin_snapshot() = 0;

  /// Replaces the whole state by the snapshot's. After an error the node fails.
  [[nodiscard]] virtual std::error_code restore(SnapshotReader& snapshot) = 0;

  /// Answers a read. Changes nothing.
  [[nodiscard]] virtual Result<Bytes> query(std::string_view request) {
    static_cast<void>(request);
    return errc::bad_query;
  }

  /// For a state machine that keeps its state durably itself: the last index whose effect survives a crash. Such a
  /// machine is given entries only once they are durable in the own log, and after a restart only those beyond this
  /// index. nullopt: the state lives in memory and comes back from snapshot and log.
  [[nodiscard]] virtual std::optional<LogIndex> durable_index() const { return std::nullopt; }
};

}  // namespace libraft
