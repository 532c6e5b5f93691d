#include "storage/json_file_storage_scan.hpp"

#include <fmt/format.h>

#include <optional>
#include <system_error>
#include <utility>

namespace kvserver::storage {
namespace {

using libraft::errc;
using libraft::LogId;
using libraft::LogIndex;
using libraft::Result;

class Scanner {
 public:
  Scanner(libraft::File& file, std::uint64_t size, std::string& why) : lines_(file, 0, size), why_(why) {
    found_.file_size = size;
  }

  Result<LogScan> run() {
    LineScanner::Line line;
    while (true) {
      const auto more = lines_.next(line);
      if (!more) return more.error();
      if (!*more) break;
      ++line_number_;
      if (const auto error = on_line(line)) return error;
    }
    if (found_.has_header && found_.file_size < kept_end_) {
      return corrupt(found_.file_size, fmt::format("cut off: its header counts {} bytes", kept_end_));
    }
    if (found_.end < found_.file_size) {
      found_.torn_tail = {found_.end, found_.file_size - found_.end, line_number_ - lines_taken_,
                          found_.has_header ? found_.batch + 1 : 0};
    }
    return std::move(found_);
  }

 private:
  /// A line of the batch that is not complete yet.
  struct Pending {
    bool truncates = false;
    LogId id;
    std::uint64_t offset = 0;
  };

  std::error_code corrupt(std::uint64_t offset, std::string_view what) {
    why_ = fmt::format("line {} (byte {}): {}", line_number_, offset, what);
    return errc::corrupt_data;
  }

  std::error_code on_line(const LineScanner::Line& line) {
    const bool intact = line.whole && is_sealed_line(line.text);
    if (line_number_ == 1) return on_header(line, intact);
    if (!found_.has_header) return corrupt(0, "its first line, the header, is damaged");
    if (line.offset < kept_end_) return on_kept(line, intact);
    if (intact) return on_appended(line);
    if (!damaged_) damaged_ = line_number_;
    return {};
  }

  std::error_code on_header(const LineScanner::Line& line, bool intact) {
    if (!intact) return {};  // whether it may be torn is for those to say who know the rest of the state
    std::string what;
    auto header = read_header(line.text, what);
    if (!header) {
      (void)corrupt(line.offset, what);
      return header.error();
    }
    found_.has_header = true;
    found_.header = *header;
    found_.last = header->base;
    found_.batch = header->batch;
    take_up_to(line.size);
    kept_end_ = line.size + header->kept_bytes;
    // A header with kept lines was synced before the file got its name, one without may be the last thing written.
    if (header->kept_bytes > 0) found_.batch_offset = kept_end_;
    return {};
  }

  Result<LogLine> parsed(const LineScanner::Line& line) {
    std::string what;
    auto parsed = read_line(line.text, what);
    if (!parsed) (void)corrupt(line.offset, what);
    return parsed;
  }

  /// Kept lines may begin and end inside a batch, so each counts for itself.
  std::error_code on_kept(const LineScanner::Line& line, bool intact) {
    if (!intact) return corrupt(line.offset, "damaged");
    if (line.offset + line.size > kept_end_) return corrupt(line.offset, "longer than the header says");
    const auto content = parsed(line);
    if (!content) return content.error();
    if (place_of(*content).batch > found_.header.batch) return corrupt(line.offset, "of a batch after the header's");
    if (const auto error = apply(pending_of(*content, line.offset))) return error;
    take_up_to(line.offset + line.size);
    return {};
  }

  std::error_code on_appended(const LineScanner::Line& line) {
    const auto content = parsed(line);
    if (!content) return content.error();
    const BatchPlace& place = place_of(*content);
    const std::uint64_t batch_now = found_.batch + 1;  // the one that is being read
    if (place.batch != batch_now) {
      return corrupt(line.offset,
                     damaged_ ? fmt::format("intact, of batch {}, but line {} is damaged", place.batch, *damaged_)
                              : fmt::format("of batch {} where batch {} goes on", place.batch, batch_now));
    }
    if (damaged_) return {};
    if (place.part != pending_.size() + 1 || (!pending_.empty() && place.parts != parts_)) {
      return corrupt(line.offset, fmt::format("part {} of batch {} where part {} is due", place.part, place.batch,
                                              pending_.size() + 1));
    }
    parts_ = place.parts;
    pending_.push_back(pending_of(*content, line.offset));
    return pending_.size() == parts_ ? complete_batch(line.offset + line.size) : std::error_code{};
  }

  std::error_code complete_batch(std::uint64_t end) {
    for (const Pending& line : pending_) {
      if (const auto error = apply(line)) return error;
    }
    found_.batch_offset = pending_.front().offset;
    pending_.clear();
    ++found_.batch;
    take_up_to(end);
    return {};
  }

  void take_up_to(std::uint64_t end) {
    found_.end = end;
    lines_taken_ = line_number_;
  }

  static Pending pending_of(const LogLine& line, std::uint64_t offset) {
    if (const auto* truncation = std::get_if<TruncateLine>(&line)) return {true, {truncation->from, {}}, offset};
    return {false, std::get_if<EntryLine>(&line)->entry.id, offset};
  }

  std::error_code apply(const Pending& line) { return line.truncates ? apply_truncation(line) : apply_entry(line); }

  std::error_code apply_entry(const Pending& line) {
    if (line.id.index != next(found_.last.index) || line.id.term < found_.last.term) {
      return corrupt(line.offset,
                     fmt::format("entry {} of term {} can't follow entry {} of term {}", line.id.index.value,
                                 line.id.term.value, found_.last.index.value, found_.last.term.value));
    }
    auto& runs = found_.term_runs;
    if (runs.empty() || runs.back().term != line.id.term) runs.push_back(line.id);
    runs.back() = found_.last = line.id;
    found_.index.add(line.id.index, line.offset);
    return {};
  }

  std::error_code apply_truncation(const Pending& line) {
    const LogIndex from = line.id.index;
    if (from <= found_.header.base.index || from > next(found_.last.index)) {
      return corrupt(line.offset, fmt::format("can't cut from entry {}", from.value));
    }
    auto& runs = found_.term_runs;
    while (runs.size() > 1 && runs[runs.size() - 2].index >= previous(from)) runs.pop_back();
    if (previous(from) == found_.header.base.index) runs.clear();
    if (!runs.empty() && runs.back().index >= from) runs.back().index = previous(from);
    found_.last = runs.empty() ? found_.header.base : runs.back();
    found_.index.truncate(from);
    return {};
  }

  LineScanner lines_;
  std::string& why_;
  LogScan found_;
  std::uint64_t line_number_ = 0;
  std::uint64_t lines_taken_ = 0;  ///< up to the end of what was found
  std::uint64_t kept_end_ = 0;
  std::optional<std::uint64_t> damaged_;  ///< the first damaged line behind the kept ones
  std::vector<Pending> pending_;
  std::uint64_t parts_ = 0;
};

}  // namespace

Result<LogScan> scan_log(libraft::File& file, std::string& why) {
  const auto size = file.size();
  if (!size) return size.error();
  return Scanner(file, *size, why).run();
}

}  // namespace kvserver::storage
