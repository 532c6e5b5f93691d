#include "storage/json_file_storage_lines.hpp"

#include <algorithm>
#include <span>

namespace kvserver::storage {
namespace {

constexpr std::size_t kBlockBytes = 64u << 10u;
constexpr std::uint64_t kStretchEntries = 64;
constexpr std::uint64_t kStretchBytes = 64u << 10u;

}  // namespace

libraft::Result<bool> LineScanner::fill() {
  const std::uint64_t at = buffer_offset_ + buffer_.size();
  if (at >= end_) return false;
  const std::size_t had = buffer_.size();
  // Doubling keeps a long line from being searched again and again.
  const auto wanted = std::min<std::uint64_t>(std::max(kBlockBytes, had), end_ - at);
  buffer_.resize(had + wanted);
  const auto got = file_->read_at(at, std::span<char>(buffer_).subspan(had));
  buffer_.resize(had + (got ? *got : 0));
  if (!got) return got.error();
  return *got > 0;
}

libraft::Result<bool> LineScanner::next(Line& line) {
  line = Line{offset(), 0, {}, false};
  std::size_t searched = consumed_;
  while (true) {
    const std::size_t found = buffer_.find('\n', searched);
    if (found != std::string::npos) {
      line.size += found + 1 - consumed_;
      line.text = std::string_view(buffer_).substr(consumed_, found - consumed_);
      line.whole = line.size <= kLineBytesMax;
      consumed_ = found + 1;
      return true;
    }
    // Once for each block, not for each line: what is left to move is short.
    buffer_.erase(0, consumed_);
    buffer_offset_ += consumed_;
    consumed_ = 0;
    searched = buffer_.size();
    if (searched > kLineBytesMax) {  // damage: only its end is of interest
      line.size += searched;
      buffer_offset_ += searched;
      buffer_.clear();
      searched = 0;
    }
    const auto more = fill();
    if (!more) return more.error();
    if (*more) continue;
    consumed_ = buffer_.size();
    line.size += consumed_;
    line.text = buffer_;
    return line.size > 0;
  }
}

void SparseIndex::add(libraft::LogIndex index, std::uint64_t offset) {
  const bool far = marks_.empty() || index.value - marks_.back().index.value >= kStretchEntries ||
                   offset - marks_.back().offset >= kStretchBytes;
  if (!far && !stretch_ended_) return;
  marks_.push_back({index, offset});
  stretch_ended_ = false;
}

void SparseIndex::truncate(libraft::LogIndex from) {
  while (!marks_.empty() && marks_.back().index >= from) marks_.pop_back();
  stretch_ended_ = true;
}

void SparseIndex::start_at(libraft::LogIndex first, std::uint64_t old_offset, std::uint64_t offset) {
  std::vector<Mark> kept{{first, offset}};
  for (const Mark& mark : marks_) {
    if (mark.index > first) kept.push_back({mark.index, mark.offset - old_offset + offset});
  }
  marks_ = std::move(kept);
}

std::vector<SparseIndex::Mark> SparseIndex::marks_for(libraft::LogIndex first, libraft::LogIndex last) const {
  const auto by_index = [](libraft::LogIndex index, const Mark& mark) { return index < mark.index; };
  auto begin = std::upper_bound(marks_.begin(), marks_.end(), first, by_index);
  const auto end = std::upper_bound(begin, marks_.end(), last, by_index);
  if (begin != marks_.begin()) --begin;
  return {begin, end};
}

}  // namespace kvserver::storage
