// The log as the core knows it: the term of every entry, the entries that are not durable yet, and a cache of others.
#pragma once

#include "core/term_runs.hpp"

#include <libraft/entry.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace libraft::core {

/// Invariant: entries (cache_start, last] are in memory, and start <= cache_start <= durable <= last.
///
///     start        cache_start       durable        last
///       |  on disk only  |  disk + memory  |  memory  |
///
/// What a write proves is remembered for each PersistId that is under way, and lowered by a truncation: the completion
/// of a write whose entries were since replaced proves nothing about the new ones.
class Log {
 public:
  explicit Log(const RecoveredState& recovered);

  [[nodiscard]] LogId start() const { return runs_.start(); }
  [[nodiscard]] LogId last() const { return runs_.last(); }
  [[nodiscard]] LogIndex durable() const { return durable_; }
  /// Entries after this one are in memory.
  [[nodiscard]] LogIndex cache_start() const { return cache_start_; }
  /// What each write that is under way will prove to be durable, oldest first.
  [[nodiscard]] std::vector<LogIndex> proofs() const;
  [[nodiscard]] const TermRuns& terms() const { return runs_; }
  [[nodiscard]] TermAt term_at(LogIndex index) const { return runs_.term_at(index); }
  /// The entry id at an index that is known to be within [start, last].
  [[nodiscard]] LogId id_at(LogIndex index) const;
  [[nodiscard]] bool matches(LogId id) const { return runs_.matches(id); }

  void append(const Entry& entry);
  void truncate_from(LogIndex index);
  /// Drops the prefix up to `new_start`, which is in the log.
  void compact_to(LogId new_start);
  /// Drops everything: the log goes on after `new_start`, which an installed snapshot covers.
  void reset_to(LogId new_start);

  /// Everything up to `last()` is in the hands of write `id`.
  void handed_out(PersistId id);
  /// Write `upto` and all before it are durable.
  void persisted(PersistId upto);

  /// Entries from `first` to at most `last`, at least one, within the limits; nullopt when `first` is not in memory.
  [[nodiscard]] std::optional<Entries> slice(LogIndex first, LogIndex last, std::size_t entries_max,
                                             std::size_t bytes_max) const;
  /// One entry, valid until the next change; null when it is not in memory. For who looks on.
  [[nodiscard]] const Entry* in_memory(LogIndex index) const {
    if (index <= cache_start_ || index.value - cache_start_.value > cache_.size()) return nullptr;
    return &cache_[static_cast<std::size_t>(index.value - cache_start_.value - 1)];
  }
  [[nodiscard]] std::size_t cached_bytes() const { return cache_bytes_; }
  /// Drops durable entries from memory, oldest first, while they take more than `bytes_max`.
  void shrink_cache(std::size_t bytes_max);

  friend bool operator==(const Log&, const Log&) = default;

 private:
  struct Write {
    PersistId id;
    LogIndex proves;
    friend bool operator==(const Write&, const Write&) = default;
  };

  void drop_front();

  TermRuns runs_;
  LogIndex durable_;
  LogIndex cache_start_;
  std::deque<Entry> cache_;
  std::size_t cache_bytes_ = 0;
  std::deque<Write> writes_;
};

}  // namespace libraft::core
