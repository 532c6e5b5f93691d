// Reading a file line by line, and where in it the entries of the log are.
#pragma once

#include <libraft/file_system.hpp>
#include <libraft/result.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver::storage {

/// No line is longer; a longer one is damage. Bounds the memory that a damaged file can cost.
inline constexpr std::size_t kLineBytesMax = 64u << 20u;

/// Reads the lines of a part of a file in order.
class LineScanner {
 public:
  struct Line {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;  ///< with its end
    std::string_view text;   ///< without its end; valid until the next call
    bool whole = false;      ///< has an end, and a legal length
  };

  /// `file` outlives this. Reads from `offset` up to `end`.
  LineScanner(libraft::File& file, std::uint64_t offset, std::uint64_t end)
      : file_(&file), buffer_offset_(offset), end_(end) {}

  /// False at the end.
  [[nodiscard]] libraft::Result<bool> next(Line& line);

  /// The offset of the next line.
  [[nodiscard]] std::uint64_t offset() const { return buffer_offset_ + consumed_; }

 private:
  [[nodiscard]] libraft::Result<bool> fill();

  libraft::File* file_;
  std::string buffer_;
  std::uint64_t buffer_offset_;  ///< of buffer_[0] in the file
  std::size_t consumed_ = 0;
  std::uint64_t end_;
};

/// Finds entries in the log file: knows the offset of one entry in each stretch of 64 entries or 64 KiB, so that its
/// size hardly counts. Between two marks the entries stand in the file one behind the other; a truncation ends a
/// stretch.
class SparseIndex {
 public:
  struct Mark {
    libraft::LogIndex index;
    std::uint64_t offset = 0;
  };

  /// Entries come in ascending order.
  void add(libraft::LogIndex index, std::uint64_t offset);
  /// Forgets `from` and all after it.
  void truncate(libraft::LogIndex from);
  /// Forgets all before `first`, which is at `offset` now; what is behind it moved with it.
  void start_at(libraft::LogIndex first, std::uint64_t old_offset, std::uint64_t offset);
  void clear() { *this = SparseIndex{}; }

  /// The marks to find [first, last] with: the one at or before `first`, and those behind it up to `last`.
  [[nodiscard]] std::vector<Mark> marks_for(libraft::LogIndex first, libraft::LogIndex last) const;
  [[nodiscard]] std::size_t size() const { return marks_.size(); }

 private:
  std::vector<Mark> marks_;
  bool stretch_ended_ = true;
};

}  // namespace kvserver::storage
