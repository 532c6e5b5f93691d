// Log entries, and slices of the log that are shared without copying.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace libraft {

/// What an entry is for. The numbers stand on disk and on the wire; a number that is not listed is an error that names
/// it, never skipped. More kinds come with later features.
enum class EntryKind : std::uint8_t {
  noop = 1,     ///< the first entry of each leader's term (thesis §6.4, §3.6.2)
  command = 2,  ///< bytes for the state machine
};

/// One entry of the log.
struct Entry {
  LogId id;                          ///< its place
  EntryKind kind = EntryKind::noop;  ///< what it is for
  Bytes data;                        ///< a command's bytes; else empty

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// What an entry counts against limits in bytes: its payload and a flat charge for its header.
inline constexpr std::size_t kEntryOverheadBytes = 32;
/// What `entry` counts.
inline std::size_t charged_bytes(const Entry& entry) {
  return entry.data.size() + kEntryOverheadBytes;
}

/// A contiguous run of entries in a shared, immutable block. Copying one copies a pointer.
class Entries {
 public:
  Entries() = default;
  /// Takes the entries over. They must be contiguous.
  explicit Entries(std::vector<Entry> entries)
      : count_(entries.size()), block_(std::make_shared<const std::vector<Entry>>(std::move(entries))) {}

  /// The entries, valid as long as this slice or a copy of it lives.
  [[nodiscard]] std::span<const Entry> view() const {
    return block_ ? std::span<const Entry>(*block_).subspan(first_, count_) : std::span<const Entry>{};
  }
  /// The first entry's place in view().
  [[nodiscard]] auto begin() const { return view().begin(); }
  /// The end of view().
  [[nodiscard]] auto end() const { return view().end(); }
  [[nodiscard]] std::size_t size() const { return count_; }            ///< how many entries
  [[nodiscard]] bool empty() const { return count_ == 0; }             ///< true without entries
  [[nodiscard]] const Entry& front() const { return view().front(); }  ///< the first entry; there must be one
  [[nodiscard]] const Entry& back() const { return view().back(); }    ///< the last entry; there must be one

  /// `count` entries from the `offset`-th on (fewer at the end), in the same block.
  [[nodiscard]] Entries slice(std::size_t offset, std::size_t count) const {
    Entries part = *this;
    const std::size_t skipped = offset < count_ ? offset : count_;
    part.first_ = first_ + skipped;
    part.count_ = count < count_ - skipped ? count : count_ - skipped;
    return part;
  }

  /// Equal entries, whichever blocks they lie in.
  friend bool operator==(const Entries& a, const Entries& b) {
    return a.count_ == b.count_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::shared_ptr<const std::vector<Entry>> block_;
};

/// What all of `entries` count.
inline std::size_t charged_bytes(const Entries& entries) {
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes += charged_bytes(entry);
  return bytes;
}

}  // namespace libraft
