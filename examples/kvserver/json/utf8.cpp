#include "json/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kvserver {
namespace {

constexpr bool is_between(unsigned char byte, unsigned char low, unsigned char high) {
  return byte >= low && byte <= high;
}

/// The length of the character of more than one byte that starts at `at`, or 0 when there is none.
std::size_t multi_byte_length(const unsigned char* at, std::size_t left) {
  const unsigned char first = at[0];
  if (is_between(first, 0xC2, 0xDF)) return left >= 2 && is_between(at[1], 0x80, 0xBF) ? 2 : 0;
  if (is_between(first, 0xE0, 0xEF)) {
    const unsigned char low = first == 0xE0 ? 0xA0 : 0x80;   // below: overlong
    const unsigned char high = first == 0xED ? 0x9F : 0xBF;  // above: surrogates
    return left >= 3 && is_between(at[1], low, high) && is_between(at[2], 0x80, 0xBF) ? 3 : 0;
  }
  if (is_between(first, 0xF0, 0xF4)) {
    const unsigned char low = first == 0xF0 ? 0x90 : 0x80;   // below: overlong
    const unsigned char high = first == 0xF4 ? 0x8F : 0xBF;  // above: beyond U+10FFFF
    return left >= 4 && is_between(at[1], low, high) && is_between(at[2], 0x80, 0xBF) && is_between(at[3], 0x80, 0xBF)
               ? 4
               : 0;
  }
  return 0;
}

/// True when the eight bytes at `at` are ASCII.
bool is_ascii_word(const unsigned char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  while (left > 0) {
    std::size_t length = 1;
    if (left >= 8 && is_ascii_word(at)) {
      length = 8;
    } else if (*at >= 0x80) {
      length = multi_byte_length(at, left);
      if (length == 0) return false;
    }
    at += length;
    left -= length;
  }
  return true;
}

}  // namespace kvserver
