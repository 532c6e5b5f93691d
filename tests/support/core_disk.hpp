// The disk of a Core under test: what of its writes is durable.
#pragma once

#include <libraft/core.hpp>

#include <optional>
#include <string>
#include <vector>

namespace libraft::test {

/// Throws std::runtime_error, with the name of the rule that does not hold.
[[noreturn]] void violated(const std::string& rule);
void require(bool condition, const std::string& rule);

/// What survives a crash of one node.
struct CoreDisk {
  HardState hard_state;
  LogId start;
  std::vector<Entry> entries;  ///< after `start`
  std::optional<SnapshotMeta> snapshot;
  std::string snapshot_state;

  /// All of the batch but what it publishes.
  void write(const PersistBatch& batch);

  [[nodiscard]] LogId last() const { return entries.empty() ? start : entries.back().id; }
  /// Or had it, and compacted it since.
  [[nodiscard]] bool has(LogIndex index) const { return index <= last().index; }
  /// Of an entry that is there and not compacted.
  [[nodiscard]] LogId id_at(LogIndex index) const;
  /// Those of [first, last] that are there.
  [[nodiscard]] std::vector<Entry> read(LogIndex first, LogIndex last) const;
  /// The last entry of each run of entries of one term.
  [[nodiscard]] std::vector<LogId> term_runs() const;
};

}  // namespace libraft::test
