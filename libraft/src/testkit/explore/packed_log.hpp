// A short log in one number, so that prefixes are compared at once.
#pragma once

#include <libraft/entry.hpp>
#include <libraft/types.hpp>

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

namespace libraft::testkit::explore {

/// Invariant: the entry at index i is byte i - 1: its term in the upper four bits, which are not zero, and the number
/// of its command in the lower ones; zero is the no-op. Bytes beyond the last entry are zero.
struct PackedLog {
  static constexpr std::size_t kEntriesMax = 8;
  static constexpr std::uint64_t kTermMax = 15;

  std::uint64_t bits = 0;

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(64 - std::countl_zero(bits) + 7) / 8; }
  /// Zero beyond the end.
  [[nodiscard]] std::uint8_t at(std::size_t index) const {
    return static_cast<std::uint8_t>(bits >> (8 * (index - 1)) & 0xff);
  }
  [[nodiscard]] std::uint64_t term_at(std::size_t index) const { return index == 0 ? 0 : at(index) >> 4; }
  [[nodiscard]] PackedLog prefix(std::size_t entries) const {
    return entries >= kEntriesMax ? *this : PackedLog{bits & ((std::uint64_t{1} << (8 * entries)) - 1)};
  }
  void append(std::uint8_t entry) { bits |= std::uint64_t{entry} << (8 * size()); }

  friend bool operator==(const PackedLog&, const PackedLog&) = default;
};

/// Log Matching (thesis §3.5): where both have an entry of one term at an index, they are the same up to there.
[[nodiscard]] inline bool logs_match(PackedLog a, PackedLog b) {
  std::size_t index = a.size() < b.size() ? a.size() : b.size();
  if (a.prefix(index) == b.prefix(index)) return true;
  while (index > 0 && a.term_at(index) != b.term_at(index)) --index;
  return a.prefix(index) == b.prefix(index);
}

[[nodiscard]] inline Bytes command_bytes(std::uint64_t number) {
  return Bytes(std::to_string(number));
}

/// An entry as a byte of a PackedLog. Commands are numbers.
[[nodiscard]] inline std::uint8_t packed(const Entry& entry) {
  std::uint8_t command = 0;
  const std::string_view text = entry.data.view();
  std::from_chars(text.data(), text.data() + text.size(), command);
  return static_cast<std::uint8_t>(entry.id.term.value << 4 | command);
}

/// And back.
[[nodiscard]] inline Entry unpacked(PackedLog log, std::size_t index) {
  Entry entry;
  entry.id = {{index}, {log.term_at(index)}};
  if (const std::uint64_t command = log.at(index) & 0xf; command != 0) {
    entry.kind = EntryKind::command;
    entry.data = command_bytes(command);
  }
  return entry;
}

}  // namespace libraft::testkit::explore
