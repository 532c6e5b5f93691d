// What a storage should hold: the rules of storage.hpp as a few lines over a vector.
#pragma once

#include <libraft/storage.hpp>

#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::testkit {

/// A snapshot with its bytes.
struct SnapshotData {
  SnapshotMeta meta;
  std::string bytes;
};

/// A call that changes a storage: format, write, or (with a snapshot) create, write, finish and publish.
struct StorageCommand {
  bool is_format = false;
  std::optional<SnapshotData> snapshot;
  std::optional<HardState> hard_state;
  std::optional<LogIndex> truncate_from;
  std::optional<LogId> new_start;
  std::vector<Entry> entries;

  [[nodiscard]] WriteBatch batch() const { return {hard_state, truncate_from, new_start, entries}; }
};

/// Puts a command together, in the order in which its parts take effect.
class Do {
 public:
  Do& format();
  Do& snapshot(std::uint64_t index, std::uint64_t term, std::string bytes);
  Do& hard_state(std::uint64_t term, std::optional<NodeId> vote);
  Do& truncate(std::uint64_t from);
  Do& start(std::uint64_t index, std::uint64_t term);
  /// sample_entries
  Do& entries(std::uint64_t first, std::uint64_t last, std::uint64_t term);
  Do& entry(Entry entry);

  operator const StorageCommand&() const { return command_; }  // NOLINT(google-explicit-constructor)

 private:
  StorageCommand command_;
};

/// Does `command` to a storage.
std::error_code perform(Storage& storage, const StorageCommand& command);

/// What an observer sees of a storage that was just opened.
struct Observation {
  std::optional<RecoveredState> recovered;
  std::vector<Entry> entries;
  std::string snapshot;

  friend bool operator==(const Observation&, const Observation&) = default;
};

/// Opens `storage` and reads all of it.
Result<Observation> open_and_observe(Storage& storage);
/// The entries in (start, last], by as many reads as it takes.
Result<std::vector<Entry>> read_entries(Storage& storage, LogIndex start, LogIndex last);
Result<SnapshotData> read_snapshot(Storage& storage);
/// Where two observations differ, in words; empty when they are equal.
std::string difference(const Observation& expected, const Observation& seen);

/// The oracle. A value.
class StorageModel {
 public:
  /// Applies all of `command`.
  void apply(const StorageCommand& command);
  /// The states that a crash within `command` may leave, from nothing done to all done.
  [[nodiscard]] std::vector<StorageModel> prefixes(const StorageCommand& command) const;

  [[nodiscard]] Observation expected() const;
  [[nodiscard]] bool is_formatted() const { return formatted_; }
  [[nodiscard]] const HardState& hard_state() const { return hard_state_; }
  [[nodiscard]] const std::optional<SnapshotData>& snapshot() const { return snapshot_; }
  [[nodiscard]] LogId start() const { return start_; }
  [[nodiscard]] LogId last() const { return entries_.empty() ? start_ : entries_.back().id; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  bool formatted_ = false;
  HardState hard_state_;
  LogId start_;
  std::vector<Entry> entries_;
  std::optional<SnapshotData> snapshot_;
};

// What the checks store.

Identity sample_identity();
/// Ids beyond 2^53 and addresses with quotes, spaces and other alphabets.
Configuration sample_configuration();
Entry sample_entry(std::uint64_t index, std::uint64_t term, std::string data);
/// Entries [first, last] of one term, with contents that have tripped storages: empty, NUL, new lines, quotes, bytes
/// that are no UTF-8, no-ops.
std::vector<Entry> sample_entries(std::uint64_t first, std::uint64_t last, std::uint64_t term);
SnapshotData sample_snapshot(std::uint64_t index, std::uint64_t term, std::string bytes);

}  // namespace libraft::testkit
