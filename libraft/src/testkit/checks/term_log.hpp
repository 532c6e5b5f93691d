// TermLog: what a log looks like from outside: where it starts, and the term of every entry.
#pragma once

#include <libraft/types.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace libraft::testkit {

/// As core/term_runs.hpp, written apart from it: what judges the core does not rest on it. Never asserts: `append` of
/// something that does not follow is refused.
class TermLog {
 public:
  TermLog() = default;
  TermLog(LogId start, std::vector<LogId> runs) : start_(start), runs_(std::move(runs)) {}

  [[nodiscard]] LogId start() const { return start_; }
  [[nodiscard]] LogId last() const { return runs_.empty() ? start_ : runs_.back(); }
  [[nodiscard]] const std::vector<LogId>& runs() const { return runs_; }

  /// Of an entry in [start, last].
  [[nodiscard]] std::optional<Term> term_at(LogIndex index) const {
    if (index == start_.index) return start_.term;
    if (index < start_.index || index > last().index) return std::nullopt;
    return run_of(index)->term;
  }
  [[nodiscard]] bool matches(LogId id) const { return term_at(id.index) == id.term; }
  /// Holds the entry, or starts behind it: what is compacted is committed.
  [[nodiscard]] bool covers(LogId id) const { return id.index < start_.index || matches(id); }

  /// False when `id` does not follow the last entry.
  [[nodiscard]] bool append(LogId id) {
    if (id.index.value != last().index.value + 1 || id.term < last().term) return false;
    if (!runs_.empty() && runs_.back().term == id.term) {
      runs_.back().index = id.index;
    } else {
      runs_.push_back(id);
    }
    return true;
  }
  void truncate_from(LogIndex index) {
    if (index > last().index || index <= start_.index) return;
    auto run = runs_.begin() + (run_of(index) - runs_.begin());
    const LogIndex before = run == runs_.begin() ? start_.index : std::prev(run)->index;
    if (previous(index) > before) {
      run->index = previous(index);
      ++run;
    }
    runs_.erase(run, runs_.end());
  }
  /// The log starts after `start`; what lies beyond it stays.
  void start_after(LogId start) {
    start_ = start;
    auto kept = runs_.begin();
    while (kept != runs_.end() && kept->index <= start.index) ++kept;
    runs_.erase(runs_.begin(), kept);
  }

  /// The last index up to which two logs agree, as far as both can tell: from the later of their starts on. That start
  /// itself when nothing beyond it agrees, or when they differ there.
  [[nodiscard]] static LogIndex agree_until(const TermLog& a, const TermLog& b) {
    const LogIndex from = std::max(a.start_.index, b.start_.index);
    const LogIndex end = std::min(a.last().index, b.last().index);
    LogIndex agreed = from;
    auto x = a.runs_.begin();
    auto y = b.runs_.begin();
    while (agreed < end) {
      while (x->index <= agreed) ++x;
      while (y->index <= agreed) ++y;
      if (x->term != y->term) break;
      agreed = std::min({x->index, y->index, end});
    }
    return agreed;
  }

  friend bool operator==(const TermLog&, const TermLog&) = default;

 private:
  [[nodiscard]] std::vector<LogId>::const_iterator run_of(LogIndex index) const {
    return std::find_if(runs_.begin(), runs_.end(), [index](const LogId& run) { return run.index >= index; });
  }

  LogId start_;
  std::vector<LogId> runs_;
};

}  // namespace libraft::testkit
