#include "core/term_runs.hpp"

#include "util/assert.hpp"

#include <algorithm>

namespace libraft::core {

namespace {

/// The run that holds `index`, or the end.
auto run_of(const std::vector<LogId>& runs, LogIndex index) {
  return std::lower_bound(runs.begin(), runs.end(), index,
                          [](const LogId& run, LogIndex wanted) { return run.index < wanted; });
}

}  // namespace

TermRuns::TermRuns(LogId start, std::vector<LogId> runs) : start_(start), runs_(std::move(runs)) {
  LogId before = start_;
  for (const LogId& run : runs_) {
    RAFT_ASSERT(run.index > before.index && run.term >= before.term, "terms never fall along a log");
    before = run;
  }
}

TermAt TermRuns::term_at(LogIndex index) const {
  if (index < start_.index) return Compacted{};
  if (index == start_.index) return start_.term;
  const auto run = run_of(runs_, index);
  if (run == runs_.end()) return Unavailable{};
  return run->term;
}

LogId TermRuns::last_agreeing(LogIndex index, Term term) const {
  LogId best = start_;
  for (const LogId& run : runs_) {
    if (run.term > term) break;
    if (run.index >= index) return index > start_.index ? LogId{index, run.term} : start_;
    best = run;
  }
  return best;
}

void TermRuns::append(LogId id) {
  RAFT_ASSERT(id.index == next(last().index), "entries are contiguous");
  RAFT_ASSERT(id.term >= last().term, "terms never fall along a log");
  if (!runs_.empty() && runs_.back().term == id.term) {
    runs_.back().index = id.index;
  } else {
    runs_.push_back(id);
  }
}

void TermRuns::truncate_from(LogIndex index) {
  RAFT_ASSERT(index > start_.index && index <= next(last().index), "truncation lies within the log");
  const auto run = run_of(runs_, index);
  if (run == runs_.end()) return;
  const auto position = run - runs_.begin();
  const LogIndex run_before = position == 0 ? start_.index : runs_[static_cast<std::size_t>(position - 1)].index;
  if (previous(index) > run_before) {
    runs_[static_cast<std::size_t>(position)].index = previous(index);
    runs_.erase(runs_.begin() + position + 1, runs_.end());
  } else {
    runs_.erase(runs_.begin() + position, runs_.end());
  }
}

void TermRuns::compact_to(LogId new_start) {
  RAFT_ASSERT(new_start.index >= start_.index, "a log's start never goes back");
  start_ = new_start;
  runs_.erase(runs_.begin(),
              std::find_if(runs_.begin(), runs_.end(), [&](const LogId& run) { return run.index > new_start.index; }));
}

}  // namespace libraft::core
