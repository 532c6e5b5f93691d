#include "support/core_disk.hpp"

#include <algorithm>
#include <stdexcept>

namespace libraft::test {

void violated(const std::string& rule) {
  throw std::runtime_error("violated: " + rule);
}
void require(bool condition, const std::string& rule) {
  if (!condition) violated(rule);
}

void CoreDisk::write(const PersistBatch& batch) {
  if (batch.hard_state) hard_state = *batch.hard_state;
  if (batch.truncate_from) {
    while (!entries.empty() && entries.back().id.index >= *batch.truncate_from) entries.pop_back();
  }
  if (batch.new_start) {
    const auto is_after = [&](const Entry& entry) { return entry.id.index > batch.new_start->index; };
    entries.erase(entries.begin(), std::find_if(entries.begin(), entries.end(), is_after));
    start = *batch.new_start;
  }
  for (const Entry& entry : batch.entries) {
    require(entry.id.index.value == last().index.value + 1, "what is written continues the log");
    entries.push_back(entry);
  }
}

LogId CoreDisk::id_at(LogIndex index) const {
  return index == start.index ? start : entries[index.value - start.index.value - 1].id;
}

std::vector<Entry> CoreDisk::read(LogIndex first, LogIndex last) const {
  std::vector<Entry> found;
  for (const Entry& entry : entries) {
    if (entry.id.index >= first && entry.id.index <= last) found.push_back(entry);
  }
  return found;
}

std::vector<LogId> CoreDisk::term_runs() const {
  std::vector<LogId> runs;
  for (const Entry& entry : entries) {
    if (!runs.empty() && runs.back().term == entry.id.term) {
      runs.back() = entry.id;
    } else {
      runs.push_back(entry.id);
    }
  }
  return runs;
}

}  // namespace libraft::test
