#include "core/log.hpp"

#include "util/assert.hpp"

#include <algorithm>

namespace libraft::core {

Log::Log(const RecoveredState& recovered)
    : runs_(recovered.start, recovered.term_runs), durable_(recovered.last.index), cache_start_(recovered.last.index) {
  RAFT_ASSERT(runs_.last() == recovered.last, "the term runs end where the log ends");
}

LogId Log::id_at(LogIndex index) const {
  const TermAt term = term_at(index);
  RAFT_ASSERT(std::holds_alternative<Term>(term), "the index lies within the log");
  return {index, std::get<Term>(term)};
}

void Log::append(const Entry& entry) {
  runs_.append(entry.id);
  cache_.push_back(entry);
  cache_bytes_ += charged_bytes(entry);
}

void Log::truncate_from(LogIndex index) {
  runs_.truncate_from(index);
  const LogIndex kept = previous(index);
  while (!cache_.empty() && cache_.back().id.index >= index) {
    cache_bytes_ -= charged_bytes(cache_.back());
    cache_.pop_back();
  }
  cache_start_ = std::min(cache_start_, kept);
  durable_ = std::min(durable_, kept);
  for (Write& write : writes_) write.proves = std::min(write.proves, kept);
}

void Log::compact_to(LogId new_start) {
  RAFT_ASSERT(matches(new_start), "compaction keeps to the log");
  RAFT_ASSERT(new_start.index <= durable_, "only durable entries are compacted");
  runs_.compact_to(new_start);
  while (!cache_.empty() && cache_.front().id.index <= new_start.index) drop_front();
  cache_start_ = std::max(cache_start_, new_start.index);
}

void Log::reset_to(LogId new_start) {
  runs_ = TermRuns(new_start, {});
  cache_.clear();
  cache_bytes_ = 0;
  cache_start_ = new_start.index;
  // The entries are gone, and what the log covers now is durable only with the snapshot's write, handed out next.
  durable_ = new_start.index;
  writes_.clear();
}

std::vector<LogIndex> Log::proofs() const {
  std::vector<LogIndex> proofs;
  for (const Write& write : writes_) proofs.push_back(write.proves);
  return proofs;
}

void Log::handed_out(PersistId id) {
  writes_.push_back({id, last().index});
}

void Log::persisted(PersistId upto) {
  while (!writes_.empty() && writes_.front().id <= upto) {
    durable_ = std::max(durable_, writes_.front().proves);
    writes_.pop_front();
  }
  RAFT_ASSERT(durable_ <= last().index, "nothing beyond the end of the log is durable");
}

std::optional<Entries> Log::slice(LogIndex first, LogIndex last, std::size_t entries_max, std::size_t bytes_max) const {
  RAFT_ASSERT(first <= last && last <= this->last().index, "a slice lies within the log");
  if (first <= cache_start_) return std::nullopt;
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  const auto offset = static_cast<std::size_t>(first.value - cache_start_.value - 1);
  const auto count = std::min(entries_max, static_cast<std::size_t>(last.value - first.value + 1));
  entries.reserve(std::min<std::size_t>(count, 64));
  for (std::size_t i = 0; i < count; ++i) {
    const Entry& entry = cache_[offset + i];
    bytes += charged_bytes(entry);
    if (!entries.empty() && bytes > bytes_max) break;
    entries.push_back(entry);
  }
  return Entries(std::move(entries));
}

void Log::shrink_cache(std::size_t bytes_max) {
  while (cache_bytes_ > bytes_max && !cache_.empty() && cache_.front().id.index <= durable_) {
    cache_start_ = cache_.front().id.index;
    drop_front();
  }
}

void Log::drop_front() {
  cache_bytes_ -= charged_bytes(cache_.front());
  cache_.pop_front();
}

}  // namespace libraft::core
