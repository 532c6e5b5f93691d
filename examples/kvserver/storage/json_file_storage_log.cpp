#include "storage/json_file_storage_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kvserver::storage {
namespace {

using libraft::Entry;
using libraft::errc;
using libraft::File;
using libraft::LogId;
using libraft::LogIndex;
using libraft::OpenMode;
using libraft::Result;

constexpr std::size_t kCopyBytes = 1u << 20u;

/// A device that is full may be tried again only where we know that nothing stays.
std::error_code final_error(std::error_code error) {
  return error == errc::no_space ? make_error_code(errc::io_error) : error;
}

std::error_code copy_bytes(File& from, std::uint64_t offset, std::uint64_t count, File& to, std::uint64_t at) {
  std::string block;
  while (count > 0) {
    block.resize(std::min<std::uint64_t>(kCopyBytes, count));
    const auto got = from.read_at(offset, std::span<char>(block));
    if (!got) return got.error();
    if (*got != block.size()) return errc::io_error;
    if (const auto error = to.write_at(at, block)) return error;
    offset += block.size();
    at += block.size();
    count -= block.size();
  }
  return {};
}

/// The log as it counts for a state with this base. Nothing of the scan's runs stays at or below it.
std::vector<LogId> runs_behind(std::vector<LogId> runs, const LogId& base) {
  runs.erase(runs.begin(),
             std::find_if(runs.begin(), runs.end(), [&base](const LogId& run) { return run.index > base.index; }));
  return runs;
}

libraft::Term term_at(const LogScan& scan, LogIndex index) {
  if (index == scan.header.base.index) return scan.header.base.term;
  const auto run = std::find_if(scan.term_runs.begin(), scan.term_runs.end(),
                                [index](const LogId& each) { return each.index >= index; });
  return run == scan.term_runs.end() ? libraft::Term{} : run->term;
}

}  // namespace

// --- Opening -------------------------------------------------------------------------------------------------------

std::error_code LogFile::create() {
  auto file = files_->open(path(), OpenMode::create_or_truncate);
  if (!file) return file.error();
  if (const auto error = (*file)->sync()) return error;
  return files_->sync_directory(directory_);
}

std::error_code LogFile::open_files() {
  auto writing = files_->open(path(), OpenMode::write);
  if (!writing) return writing.error();
  auto reading = files_->open(path(), OpenMode::read);
  if (!reading) return reading.error();
  auto side = std::make_shared<ReadSide>();
  side->file = std::move(*reading);
  const std::lock_guard lock(mutex_);
  file_ = std::move(*writing);
  read_side_ = std::move(side);
  return {};
}

std::error_code LogFile::check(const LogScan& scan, const StateRecord& state, bool is_fresh, std::string& why) const {
  if (!scan.has_header) {
    // The header is synced before anything else is ever written, so only the very first write can be torn.
    const std::uint64_t header_bytes = header_line({state.identity, {}, 0, 0}, name_of_).size();
    if (is_fresh && scan.file_size <= header_bytes) return {};
    why = scan.file_size == 0 ? "empty, though raft_state.json is not that of a new node" : "line 1 (byte 0): damaged";
    return errc::corrupt_data;
  }
  if (scan.header.identity != state.identity) {
    why = "written by another node, or for another cluster, than raft_state.json";
    return errc::identity_mismatch;
  }
  if (scan.header.base.index > state.base.index) {
    why = fmt::format("starts after entry {}, but raft_state.json needs the entries after {}",
                      scan.header.base.index.value, state.base.index.value);
    return errc::corrupt_data;
  }
  if (state.base.index <= scan.last.index && term_at(scan, state.base.index) != state.base.term) {
    why = fmt::format("entry {} is of term {}, but raft_state.json says {}", state.base.index.value,
                      term_at(scan, state.base.index).value, state.base.term.value);
    return errc::corrupt_data;
  }
  return {};
}

Result<std::vector<LogId>> LogFile::open(const StateRecord& state, bool is_fresh, std::string& why) {
  identity_ = state.identity;
  if (const auto error = open_files()) return error;
  auto scan = scan_log(*file_, why);
  if (!scan) return scan.error();
  if (const auto error = check(*scan, state, is_fresh, why)) return error;

  end_ = scan->end;
  batch_ = scan->batch;
  {
    const std::lock_guard lock(mutex_);
    start_ = state.base.index;
    last_ = std::max(scan->last.index, start_);
    index_ = std::move(scan->index);
    readable_end_ = end_;
  }
  torn_tail_ = scan->torn_tail;
  if (torn_tail_) {
    if (const auto error = cut_file(torn_tail_->offset)) return error;
  }
  if (const auto error = scan->has_header ? write_again(scan->batch_offset) : write_first_header()) return error;
  // A compaction was interrupted, and no entry behind the base is there: what is appended next would not follow the
  // lines that are.
  if (scan->last.index < state.base.index) {
    if (const auto error = prepare_rewrite(state.base, std::nullopt, {})) return error;
    if (const auto error = commit_rewrite()) return error;
  }
  return runs_behind(std::move(scan->term_runs), state.base);
}

std::error_code LogFile::write_first_header() {
  const std::string header = header_line({identity_, {}, 0, 0}, name_of_);
  if (const auto error = file_->write_at(0, header)) return error;
  if (const auto error = file_->sync()) return error;
  end_ = header.size();
  const std::lock_guard lock(mutex_);
  readable_end_ = end_;
  return {};
}

/// When the sync of the last batch failed, its lines may be readable and yet not on the disk: the kernel forgets that
/// it has to write them, and another sync would prove nothing. Written again, they are as good as any.
std::error_code LogFile::write_again(std::uint64_t offset) {
  if (offset == end_) return {};
  if (const auto error = copy_bytes(*file_, offset, end_ - offset, *file_, offset)) return error;
  return file_->sync();
}

std::error_code LogFile::cut_file(std::uint64_t end) {
  if (const auto error = file_->truncate(end)) return final_error(error);
  const auto size = file_->size();
  if (!size) return final_error(size.error());
  if (*size != end) return errc::io_error;
  return final_error(file_->sync());
}

// --- Appending -----------------------------------------------------------------------------------------------------

Result<LogFile::Lines> LogFile::lines_of(std::uint64_t batch, std::optional<LogIndex> cut,
                                         std::span<const Entry> entries) {
  BatchPlace place{batch, 0, entries.size() + (cut ? 1 : 0)};
  Lines lines;
  if (cut) {
    ++place.part;
    lines.text = truncate_line(place, *cut);
  }
  for (const Entry& entry : entries) {
    // Escapes make a byte of text into six at most.
    if (entry.data.size() > kLineBytesMax / 6 - 1024) return errc::message_too_large;
    ++place.part;
    lines.offsets.push_back(lines.text.size());
    lines.text += entry_line(place, entry);
  }
  return lines;
}

std::error_code LogFile::append(std::optional<LogIndex> truncate_from, std::span<const Entry> entries) {
  if (!truncate_from && entries.empty()) return {};
  const auto lines = lines_of(batch_ + 1, truncate_from, entries);
  if (!lines) return lines.error();
  if (const auto error = file_->write_at(end_, lines->text)) {
    if (error != errc::no_space) return error;
    const auto failure = cut_file(end_);
    return failure ? failure : error;
  }
  // After a failed sync nothing is known, also when the device is only full.
  if (const auto error = file_->sync()) return final_error(error);

  ++batch_;
  const std::lock_guard lock(mutex_);
  if (truncate_from) {
    index_.truncate(*truncate_from);
    last_ = previous(*truncate_from);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) index_.add(entries[i].id.index, end_ + lines->offsets[i]);
  if (!entries.empty()) last_ = entries.back().id.index;
  end_ += lines->text.size();
  readable_end_ = end_;
  return {};
}

LogFile::Position LogFile::position() const {
  const std::lock_guard lock(mutex_);
  return {end_, batch_, last_, index_};
}

std::error_code LogFile::roll_back(Position to) {
  if (const auto error = cut_file(to.end)) return error;
  end_ = to.end;
  batch_ = to.batch;
  const std::lock_guard lock(mutex_);
  last_ = to.last;
  index_ = std::move(to.index);
  readable_end_ = end_;
  return {};
}

// --- Rewriting -----------------------------------------------------------------------------------------------------

std::error_code LogFile::prepare_rewrite(const LogId& base, std::optional<LogIndex> truncate_from,
                                         std::span<const Entry> entries) {
  Rewrite rewrite;
  rewrite.base = base;
  rewrite.batch = batch_ + (entries.empty() ? 0 : 1);
  rewrite.copied_last = base.index;
  const LogIndex live_last = truncate_from ? previous(*truncate_from) : last();
  if (live_last > base.index) {
    const auto from = offset_of(next(base.index));
    if (!from) return from.error();
    // The file up to an entry that counts, read from its beginning, gives the log up to the entry before.
    const auto to = live_last == last() ? Result<std::uint64_t>(end_) : offset_of(next(live_last));
    if (!to) return to.error();
    rewrite.copied_from = *from;
    rewrite.copied_bytes = *to - *from;
    rewrite.copied_last = live_last;
  }
  auto lines = lines_of(rewrite.batch, std::nullopt, entries);
  if (!lines) return lines.error();
  rewrite.lines = std::move(*lines);
  if (!entries.empty()) rewrite.first_new = entries.front().id.index;

  const LogHeader header{identity_, base, rewrite.batch, rewrite.copied_bytes + rewrite.lines.text.size()};
  const std::string line = header_line(header, name_of_);
  rewrite.header_bytes = line.size();
  if (const auto error = write_replacement(rewrite, line)) {
    abandon_rewrite();
    return error;
  }
  rewrite_ = std::move(rewrite);
  return {};
}

std::error_code LogFile::write_replacement(const Rewrite& rewrite, const std::string& header) {
  auto file = files_->open(temporary_path(), OpenMode::create_or_truncate);
  if (!file) return file.error();
  File& to = **file;
  if (const auto error = to.write_at(0, header)) return error;
  if (const auto error = copy_bytes(*file_, rewrite.copied_from, rewrite.copied_bytes, to, header.size())) return error;
  if (const auto error = to.write_at(header.size() + rewrite.copied_bytes, rewrite.lines.text)) return error;
  return to.sync();  // of a file that nothing rests on yet: when the device is full, it is removed
}

void LogFile::abandon_rewrite() {
  rewrite_.reset();
  (void)files_->remove(temporary_path());  // else open() removes it
}

std::error_code LogFile::commit_rewrite() {
  if (const auto error = files_->rename(temporary_path(), path())) return final_error(error);
  if (const auto error = files_->sync_directory(directory_)) return final_error(error);
  if (const auto error = open_files()) return final_error(error);

  const Rewrite rewrite = *std::exchange(rewrite_, std::nullopt);
  const std::uint64_t new_lines_at = rewrite.header_bytes + rewrite.copied_bytes;
  end_ = new_lines_at + rewrite.lines.text.size();
  batch_ = rewrite.batch;
  const std::lock_guard lock(mutex_);
  start_ = rewrite.base.index;
  last_ = rewrite.copied_last;
  index_.truncate(next(last_));
  if (last_ > start_) {
    index_.start_at(next(start_), rewrite.copied_from, rewrite.header_bytes);
  } else {
    index_.clear();
  }
  for (const std::size_t offset : rewrite.lines.offsets) {
    last_ = next(last_);
    index_.add(last_, new_lines_at + offset);
  }
  readable_end_ = end_;
  return {};
}

// --- Reading -------------------------------------------------------------------------------------------------------

LogIndex LogFile::start() const {
  const std::lock_guard lock(mutex_);
  return start_;
}

LogIndex LogFile::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

namespace {

/// Reads entries one after the other, jumping where the file says nothing about the next one.
class EntryReader {
 public:
  EntryReader(File& file, std::vector<SparseIndex::Mark> marks, std::uint64_t end, std::string& why)
      : file_(file),
        marks_(std::move(marks)),
        end_(end),
        why_(why),
        lines_(file, marks_.front().offset, end),
        next_(marks_.front().index) {}

  /// The index of the entry that read() gives next.
  [[nodiscard]] LogIndex next() const { return next_; }

  /// The line of the next entry, and where it is.
  Result<LineScanner::Line> read_line() {
    if (mark_ < marks_.size() && marks_[mark_].index == next_) {
      if (lines_.offset() != marks_[mark_].offset) lines_ = LineScanner(file_, marks_[mark_].offset, end_);
      ++mark_;
    }
    LineScanner::Line line;
    const auto more = lines_.next(line);
    if (!more) return more.error();
    if (!*more || !line.whole || !is_sealed_line(line.text)) return damaged(next_, line.offset, "damaged");
    next_ = libraft::next(next_);
    return line;
  }

  Result<Entry> read() {
    const LogIndex index = next_;
    const auto line = read_line();
    if (!line) return line.error();
    std::string what;
    auto content = storage::read_line(line->text, what);
    if (!content) return damaged(index, line->offset, what);
    auto* entry = std::get_if<EntryLine>(&*content);
    if (entry == nullptr || entry->entry.id.index != index)
      return damaged(index, line->offset, "not the entry that was there");
    return std::move(entry->entry);
  }

 private:
  errc damaged(LogIndex index, std::uint64_t offset, std::string_view what) {
    why_ = fmt::format("entry {} (byte {}): {}", index.value, offset, what);
    return errc::corrupt_data;
  }

  File& file_;
  std::vector<SparseIndex::Mark> marks_;
  std::uint64_t end_;
  std::string& why_;
  LineScanner lines_;
  LogIndex next_;
  std::size_t mark_ = 0;
};

}  // namespace

Result<std::uint64_t> LogFile::offset_of(LogIndex index) {
  std::string why;
  const auto marks = index_.marks_for(index, index);
  if (marks.empty()) return errc::corrupt_data;
  EntryReader reader(*file_, marks, end_, why);
  while (true) {
    const bool found = reader.next() == index;
    const auto line = reader.read_line();
    if (!line) return line.error();
    if (found) return line->offset;
  }
}

Result<std::vector<Entry>> LogFile::read(LogIndex first, LogIndex last, std::size_t bytes_max, std::string& why) {
  std::vector<SparseIndex::Mark> marks;
  std::uint64_t end = 0;
  std::shared_ptr<ReadSide> side;
  {
    const std::lock_guard lock(mutex_);
    if (first <= start_) return errc::compacted;
    if (last > last_ || first > last) return errc::unavailable;
    marks = index_.marks_for(first, last);
    end = readable_end_;
    side = read_side_;
  }
  if (marks.empty() || !side) return errc::unavailable;

  const std::lock_guard lock(side->mutex);
  EntryReader reader(*side->file, std::move(marks), end, why);
  while (reader.next() < first) {
    if (const auto skipped = reader.read_line(); !skipped) return skipped.error();
  }
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  while (reader.next() <= last) {
    auto entry = reader.read();
    if (!entry) return entry.error();
    bytes += charged_bytes(*entry);
    if (!entries.empty() && bytes > bytes_max) break;
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace kvserver::storage
