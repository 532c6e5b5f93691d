// LogHistory: every entry that was ever in a log, what was committed, and what was applied, over all nodes and all
// time.
//
// Each entry has a chain: a hash of all entries up to it. Two logs are equal up to an entry exactly when they have the
// same chain there, so that comparing whole prefixes costs as much as comparing two numbers.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/entry.hpp>
#include <libraft/message.hpp>
#include <libraft/types.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace libraft::testkit {

/// Of a command or an answer.
[[nodiscard]] std::uint64_t content_hash(std::string_view bytes);

class LogHistory {
 public:
  struct Made {
    Term term;                ///< zero: none
    std::uint64_t chain = 0;  ///< of all entries up to this one
    std::uint64_t content = 0;
    EntryKind kind = EntryKind::noop;
  };
  struct Committed {
    Term term;                   ///< the entry's
    Term in;                     ///< of who committed it first
    std::uint64_t chain = 0;     ///< the entry's
    std::uint64_t commands = 0;  ///< how many commands there are up to here
  };
  struct AppliedAt {
    bool is_applied = false;
    std::uint64_t command = 0;
    std::uint64_t reply = 0;
  };

  // Entries.

  /// The entry stands in a log after `before`. False when an entry with this index and term has another chain
  /// already, or when nobody made `before`.
  [[nodiscard]] bool add(LogId before, const Entry& entry, bool& is_new);
  /// Null when nobody made it.
  [[nodiscard]] const Made* find(LogId id) const;

  // What is committed.

  [[nodiscard]] LogIndex committed() const { return {committed_.size()}; }
  /// `index` is not zero and at most committed().
  [[nodiscard]] const Committed& committed_at(LogIndex index) const { return committed_[index.value - 1]; }
  /// The entry after committed() is committed, by who leads or follows in `in`.
  void commit(const Made& made, Term in);
  /// The last entry that was committed in a term before `term`; zero: none.
  [[nodiscard]] LogIndex committed_before(Term term) const;

  // What is applied.

  /// Grows as needed.
  [[nodiscard]] AppliedAt& applied_at(LogIndex index);
  /// Null when nobody applied it.
  [[nodiscard]] const AppliedAt* find_applied(LogIndex index) const;

  /// The state at an index, as a snapshot shows it. False when another one is known.
  [[nodiscard]] bool add_snapshot(const SnapshotMeta& meta);

 private:
  struct SnapshotAt {
    LogIndex index;
    std::uint64_t size = 0;
    std::array<std::uint64_t, 2> digest{};
  };

  std::vector<Made> first_;                           // by index - 1
  std::map<std::pair<LogIndex, Term>, Made> others_;  // of another term than the first there
  std::vector<Committed> committed_;                  // by index - 1
  std::vector<AppliedAt> applied_;                    // by index - 1
  std::vector<SnapshotAt> snapshots_;                 // ascending
};

}  // namespace libraft::testkit
