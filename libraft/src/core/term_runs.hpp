// The term of every index of the log, without the entries.
#pragma once

#include <libraft/types.hpp>

#include <variant>
#include <vector>

namespace libraft::core {

struct Compacted {
  friend bool operator==(const Compacted&, const Compacted&) = default;
};
struct Unavailable {
  friend bool operator==(const Unavailable&, const Unavailable&) = default;
};
/// Never a term of zero that stands for "don't know".
using TermAt = std::variant<Term, Compacted, Unavailable>;

/// Terms never fall along a log, so it is a row of runs:
///
///     start (4,t2)   runs (6,t2) (9,t5)      index  4   5 6   7 8 9   10
///                                            term   t2  t2    t5      unavailable
///
/// Invariant: runs ascend in index and in term, all beyond `start`; the first run's term is at least start's.
class TermRuns {
 public:
  TermRuns(LogId start, std::vector<LogId> runs);

  [[nodiscard]] LogId start() const { return start_; }
  [[nodiscard]] LogId last() const { return runs_.empty() ? start_ : runs_.back(); }
  [[nodiscard]] TermAt term_at(LogIndex index) const;
  [[nodiscard]] bool matches(LogId id) const { return term_at(id.index) == TermAt(id.term); }
  /// The last entry at or below `index` whose term is at most `term`; `start` when there is none beyond it. Where two
  /// logs differ, none of the skipped entries can agree (§3.5).
  [[nodiscard]] LogId last_agreeing(LogIndex index, Term term) const;

  void append(LogId id);
  void truncate_from(LogIndex index);
  void compact_to(LogId new_start);

  [[nodiscard]] const std::vector<LogId>& runs() const { return runs_; }
  friend bool operator==(const TermRuns&, const TermRuns&) = default;

 private:
  LogId start_;
  std::vector<LogId> runs_;
};

}  // namespace libraft::core
