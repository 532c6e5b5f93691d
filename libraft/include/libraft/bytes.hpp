// Bytes: an immutable, reference-counted slice of memory.
//
// Copying one copies a pointer: the same memory goes from propose to the log, the disk, the socket and apply.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace libraft {

/// Immutable bytes. Thread-safe to share: nobody can write to them. The memory lives as long as the last slice of it.
class Bytes {
 public:
  Bytes() = default;
  /// Takes `text` over without copying its characters.
  explicit Bytes(std::string text) : owner_(std::make_shared<const std::string>(std::move(text))), view_(*owner_) {}
  /// Copies `text`.
  explicit Bytes(std::string_view text) : Bytes(std::string(text)) {}
  /// Copies `text`, up to its first NUL.
  explicit Bytes(const char* text) : Bytes(std::string(text)) {}

  /// The bytes, valid as long as this slice or a copy of it lives.
  [[nodiscard]] std::string_view view() const noexcept { return view_; }
  [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }  ///< how many bytes
  [[nodiscard]] bool empty() const noexcept { return view_.empty(); }       ///< true without bytes

  /// The `length` bytes from `offset` on (fewer at the end), sharing this memory.
  [[nodiscard]] Bytes slice(std::size_t offset, std::size_t length) const {
    Bytes part;
    part.owner_ = owner_;
    part.view_ = offset < view_.size() ? view_.substr(offset, length) : std::string_view{};
    return part;
  }

  /// Equal bytes, wherever they lie.
  friend bool operator==(const Bytes& a, const Bytes& b) noexcept { return a.view_ == b.view_; }

 private:
  std::shared_ptr<const std::string> owner_;
  std::string_view view_;
};

}  // namespace libraft
