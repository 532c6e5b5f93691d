// Writes the primitives of the binary encoding (docs/formats.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace libraft::codec {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void boolean(bool value) { byte(value ? 1 : 0); }

  /// Eight bytes, lowest first: for numbers that are random (ids, digests).
  void fixed(std::uint64_t value) {
    char bytes[8];
    for (char& byte : bytes) {
      byte = static_cast<char>(value & 0xff);
      value >>= 8;
    }
    out_.append(bytes, sizeof bytes);
  }

  /// Seven bits a byte, lowest first, the top bit says that more follow: for numbers that count.
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      byte(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    byte(static_cast<std::uint8_t>(value));
  }

  void text(std::string_view value) {
    varint(value.size());
    out_.append(value);
  }

 private:
  std::string& out_;
};

}  // namespace libraft::codec
