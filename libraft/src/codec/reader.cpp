#include "codec/reader.hpp"

namespace libraft::codec {

void Reader::fail(errc error, std::string_view what, std::size_t at) {
  if (failed()) return;
  error_ = error;
  if (reason_ != nullptr) *reason_ = std::string(what) + " at byte " + std::to_string(at);
}

void Reader::header() {
  if (bytes_.size() > limits_.bytes_max) return fail(errc::message_too_large, "more bytes than the limit");
  const std::uint8_t version = byte("format version");
  if (failed() || version == kCodecVersion) return;
  const std::string what = "format version " + std::to_string(version);
  fail(version == 0 ? errc::malformed : errc::unsupported_version, what, 0);
}

void Reader::finish() {
  if (left() != 0) fail(errc::malformed, "bytes left over");
}

bool Reader::need(std::size_t length, std::string_view what) {
  if (failed()) return false;
  if (length <= left()) return true;
  fail(errc::malformed, std::string(what) + " cut off");
  return false;
}

std::uint8_t Reader::byte(std::string_view what) {
  if (!need(1, what)) return 0;
  return static_cast<std::uint8_t>(bytes_.view()[at_++]);
}

bool Reader::boolean(std::string_view what) {
  const std::uint8_t value = byte(what);
  if (value > 1) fail(errc::malformed, "neither true nor false", at_ - 1);
  return value == 1;
}

std::uint64_t Reader::fixed(std::string_view what) {
  if (!need(8, what)) return 0;
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 8) {
    value |= std::uint64_t{static_cast<std::uint8_t>(bytes_.view()[at_++])} << shift;
  }
  return value;
}

std::uint64_t Reader::varint(std::string_view what) {
  const std::size_t start = at_;
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t part = byte(what);
    if (failed()) return 0;
    // The tenth byte holds the 64th bit and nothing else.
    if (shift == 63 && part > 1) break;
    value |= std::uint64_t{part & 0x7fu} << shift;
    if (part < 0x80) {
      // A last byte of zero adds nothing: a shorter encoding of the same number exists.
      if (part == 0 && shift > 0) break;
      return value;
    }
  }
  fail(errc::malformed, "a number that is too long", start);
  return 0;
}

std::size_t Reader::count(std::string_view what, std::size_t count_max, std::size_t bytes_min) {
  const std::size_t start = at_;
  const std::uint64_t value = varint(what);
  if (value > left() / bytes_min) {
    fail(errc::malformed, "a count of more than is there", start);
  } else if (value > count_max) {
    fail(errc::message_too_large, "a count above the limit", start);
  }
  return failed() ? 0 : static_cast<std::size_t>(value);
}

Bytes Reader::bytes(std::string_view what, std::size_t length_max) {
  const std::size_t start = at_;
  const std::uint64_t length = varint(what);
  if (length > left()) {
    fail(errc::malformed, "a length of more than is there", start);
  } else if (length > length_max) {
    fail(errc::message_too_large, "a length above the limit", start);
  }
  if (failed()) return {};
  const auto size = static_cast<std::size_t>(length);
  at_ += size;
  return bytes_.slice(at_ - size, size);
}

}  // namespace libraft::codec
