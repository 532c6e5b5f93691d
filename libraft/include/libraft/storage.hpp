// Storage: where a node keeps what it must not forget. Implement it to keep the log in your own store.
//
// The rule of Raft is persist, then promise: a node answers only after `write` returned. So `write` must mean durable.
// Prove yours with testkit/storage_conformance.hpp. Shipped: storage/memory_storage.hpp. docs/storage.md is the guide.
//
// Threads: open, format, write, publish and close come from the storage lane, one at a time. read() may run beside
// write() and asks only for entries whose write returned. create_snapshot() comes from the background lane, and
// newest_snapshot() from the background and the apply lane: both may run beside write() and publish(). Snapshot writers
// and readers are used on these lanes too, beside all else; at most one writer exists.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/entry.hpp>
#include <libraft/export.hpp>
#include <libraft/message.hpp>
#include <libraft/result.hpp>
#include <libraft/transport.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace libraft {

/// The part of a node's state that elections depend on (thesis Figure 3.1).
struct HardState {
  Term term;                   ///< the current term; never goes back
  std::optional<NodeId> vote;  ///< given in `term`

  friend bool operator==(const HardState&, const HardState&) = default;
};

/// One durable step. Its parts take effect in the order of the members, and a crash leaves a prefix of that order (of
/// the entries too), never a later part without an earlier one.
struct WriteBatch {
  std::optional<HardState> hard_state;  ///< replaces the one before
  /// Drop this entry and all after it. At most one past the end of the log; not below `start + 1`.
  std::optional<LogIndex> truncate_from;
  /// The log now starts after this entry: drop it and all before it. At or below the newest snapshot. Beyond the end of
  /// the log (an installed snapshot) the log becomes empty and continues from here.
  std::optional<LogId> new_start;
  /// Contiguous, and following the end of the log as the parts above leave it.
  std::span<const Entry> entries;
};

/// What a storage holds when it is opened. It carries no entries: those are read when needed.
struct RecoveredState {
  Identity identity;                            ///< as `format` got it
  HardState hard_state;                         ///< the newest written
  LogId start;                                  ///< the entry before the first one kept; zero: the log is whole
  LogId last;                                   ///< the last entry, or `start` when none is kept
  std::vector<LogId> term_runs;                 ///< the last entry of each term in (start, last], ascending
  std::vector<ConfigurationAt> configurations;  ///< genesis or the snapshot's, then those in the log, ascending
  std::optional<SnapshotMeta> snapshot;         ///< of the newest snapshot; `last.index` at least `start.index`

  friend bool operator==(const RecoveredState&, const RecoveredState&) = default;
};

/// Receives a snapshot's bytes in order. Destroyed without `publish`, it leaves nothing behind. When the device failed
/// (errc::io_error, or EIO, ENXIO or EROFS of the system) the node fails; any other error costs this snapshot only, and
/// another is tried later.
struct SnapshotWriter {
  virtual ~SnapshotWriter() = default;

  /// Appends to the snapshot; durable only by finish().
  [[nodiscard]] virtual std::error_code write(std::string_view bytes) = 0;
  /// All bytes are written: `meta` is final (size and digest too). Durable when it returns; the snapshot becomes the
  /// newest only by Storage::publish.
  [[nodiscard]] virtual std::error_code finish(const SnapshotMeta& meta) = 0;
};

/// Reads a snapshot. Stays valid, with the same bytes, when a newer one is published or the storage is closed.
struct SnapshotReader {
  virtual ~SnapshotReader() = default;

  /// What was given to SnapshotWriter::finish.
  [[nodiscard]] virtual const SnapshotMeta& meta() const = 0;
  /// Up to `into.size()` bytes from `offset`; fewer only at the end, where it is 0. Several threads may read.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;
};

/// Where term, vote, log and snapshots are kept. See the head of this file.
struct Storage {
  virtual ~Storage() = default;

  /// Takes the storage over (locks it) and tells what it holds; nullopt when it was never formatted. A torn tail
  /// (damage inside the last batch written) is cut. Any other damage is an error, and nothing is changed.
  [[nodiscard]] virtual Result<std::optional<RecoveredState>> open() = 0;

  /// Makes an empty storage, durably. Only after open() said nullopt. A crash leaves it formatted or not, never
  /// between.
  [[nodiscard]] virtual std::error_code format(const Identity& identity, const Configuration& genesis) = 0;

  /// Durable when it returns: one sync. errc::no_space: nothing of the batch stays, the end of the log is where it was,
  /// and the same batch may be tried again. Any other error is final: the instance is used no more but for close().
  [[nodiscard]] virtual std::error_code write(const WriteBatch& batch) = 0;

  /// Entries [first, last], as many as fit into `bytes_max` of charged_bytes, but at least one. errc::compacted at or
  /// below the start, errc::unavailable beyond the end.
  [[nodiscard]] virtual Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) = 0;

  /// Begins a snapshot. Of `meta`, only `last` and `configuration` are final. Another unpublished one is given up.
  [[nodiscard]] virtual Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta& meta) = 0;

  /// Makes a finished snapshot the newest, atomically, then does `with` as write() would. The writer is used up
  /// whatever comes of it. errc::snapshot_stale for one at or below the newest: nothing is changed, and the storage
  /// goes on. errc::no_space: nothing of `with` stays, the storage goes on, and newest_snapshot() tells the rest. When
  /// it is this one, only `with` is missing, and the node tries it again by write(). When it is not, nothing is
  /// changed, and the snapshot is lost: the node fails, for what it wrote next may rest on it.
  [[nodiscard]] virtual std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) = 0;

  /// errc::no_snapshot when there is none.
  [[nodiscard]] virtual Result<std::shared_ptr<SnapshotReader>> newest_snapshot() = 0;

  /// Releases everything. May be called at any time, and twice; open() starts anew.
  virtual void close() noexcept = 0;

  /// A sentence about the last error of this instance: which file, where in it, what. Empty when there is none.
  [[nodiscard]] virtual std::string error_detail() const { return {}; }
};

}  // namespace libraft
