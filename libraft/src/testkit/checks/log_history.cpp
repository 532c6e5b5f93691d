#include "testkit/checks/log_history.hpp"

#include "util/digest.hpp"

#include <algorithm>

namespace libraft::testkit {

namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

}  // namespace

std::uint64_t content_hash(std::string_view bytes) {
  return util::digest64(bytes);
}

bool LogHistory::add(LogId before, const Entry& entry, bool& is_new) {
  is_new = false;
  if (entry.id.index.value != before.index.value + 1) return false;
  std::uint64_t chain = 0x243f6a8885a308d3u;
  if (before.index != LogIndex{}) {
    const Made* made = find(before);
    if (made == nullptr) return false;
    chain = made->chain;
  }
  Made made;
  made.term = entry.id.term;
  made.kind = entry.kind;
  made.content = content_hash(entry.data.view());
  made.chain = mix(mix(mix(chain, made.term.value), static_cast<std::uint64_t>(made.kind)), made.content);
  const std::size_t position = entry.id.index.value - 1;
  if (first_.size() <= position) first_.resize(position + 1);
  Made& first = first_[position];
  if (first.term == Term{}) {
    first = made;
    is_new = true;
    return true;
  }
  if (first.term == made.term) return first.chain == made.chain;
  const auto [other, is_added] = others_.try_emplace({entry.id.index, made.term}, made);
  is_new = is_added;
  return other->second.chain == made.chain;
}

const LogHistory::Made* LogHistory::find(LogId id) const {
  if (id.index == LogIndex{} || id.index.value > first_.size()) return nullptr;
  const Made& first = first_[id.index.value - 1];
  if (first.term == id.term) return &first;
  const auto other = others_.find({id.index, id.term});
  return other == others_.end() ? nullptr : &other->second;
}

void LogHistory::commit(const Made& made, Term in) {
  const std::uint64_t commands = committed_.empty() ? 0 : committed_.back().commands;
  committed_.push_back({made.term, in, made.chain, commands + (made.kind == EntryKind::command ? 1 : 0)});
}

LogIndex LogHistory::committed_before(Term term) const {
  const auto end = std::partition_point(committed_.begin(), committed_.end(),
                                        [term](const Committed& committed) { return committed.in < term; });
  return {static_cast<std::uint64_t>(end - committed_.begin())};
}

LogHistory::AppliedAt& LogHistory::applied_at(LogIndex index) {
  if (applied_.size() < index.value) applied_.resize(index.value);
  return applied_[index.value - 1];
}

const LogHistory::AppliedAt* LogHistory::find_applied(LogIndex index) const {
  if (index == LogIndex{} || index.value > applied_.size()) return nullptr;
  const AppliedAt& applied = applied_[index.value - 1];
  return applied.is_applied ? &applied : nullptr;
}

bool LogHistory::add_snapshot(const SnapshotMeta& meta) {
  const auto place = std::lower_bound(snapshots_.begin(), snapshots_.end(), meta.last.index,
                                      [](const SnapshotAt& at, LogIndex index) { return at.index < index; });
  if (place != snapshots_.end() && place->index == meta.last.index) {
    return place->size == meta.size && place->digest == meta.digest;
  }
  snapshots_.insert(place, {meta.last.index, meta.size, meta.digest});
  return true;
}

}  // namespace libraft::testkit
