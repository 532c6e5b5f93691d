// Reads the primitives of the binary encoding (docs/formats.md) from bytes that may be anything.
//
// The first error stays: what follows it reads as zero and moves nothing, so a decoder reads a whole structure and asks
// once. Loops must stop at an error (see failed()), else a forged count would make them long.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/codec.hpp>
#include <libraft/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace libraft::codec {

class Reader {
 public:
  Reader(const Bytes& bytes, const CodecLimits& limits, std::string* reason)
      : bytes_(bytes), limits_(limits), reason_(reason) {}

  [[nodiscard]] const CodecLimits& limits() const { return limits_; }
  [[nodiscard]] bool failed() const { return error_ != errc{}; }
  [[nodiscard]] errc error() const { return error_; }

  /// Keeps the first error. `what` and the place of the byte become the reason.
  void fail(errc error, std::string_view what, std::size_t at);
  void fail(errc error, std::string_view what) { fail(error, what, at_); }

  /// The version byte and the bound on the whole.
  void header();
  /// Nothing may be left.
  void finish();

  [[nodiscard]] std::uint8_t byte(std::string_view what);
  [[nodiscard]] bool boolean(std::string_view what);
  [[nodiscard]] std::uint64_t fixed(std::string_view what);
  [[nodiscard]] std::uint64_t varint(std::string_view what);
  /// A count of things that take at least `bytes_min` bytes each: at most `count_max`, and no more than can be there.
  [[nodiscard]] std::size_t count(std::string_view what, std::size_t count_max, std::size_t bytes_min);
  /// A slice of the input.
  [[nodiscard]] Bytes bytes(std::string_view what, std::size_t length_max);

  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] bool need(std::size_t length, std::string_view what);

  const Bytes& bytes_;
  const CodecLimits& limits_;
  std::string* reason_;
  std::size_t at_ = 0;
  errc error_{};
};

}  // namespace libraft::codec
