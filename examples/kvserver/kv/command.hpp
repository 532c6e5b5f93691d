// Commands: what the kvserver replicates, as bytes.
//
// The encoding is text wherever key and value are text, so that log and messages (both JSON) stay readable, and its
// length is that of key and value plus a few bytes, whatever they hold: lengths instead of escapes.
//
//     1 set <bytes of key> <bytes of value> <key> <value>        1 set 4 5 name luffy
//     1 delete <bytes of key> <key>                              1 delete 4 name
//
// The number in front is the version of the format; lengths are decimal without leading zeros; the fields are separated
// by one space each.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace kvserver {

inline constexpr std::size_t kKeyBytesMax = 1024;
inline constexpr std::size_t kValueBytesMax = 1u << 20;
/// Longer than the encoding of the longest key with the longest value.
inline constexpr std::size_t kCommandBytesMax = kKeyBytesMax + kValueBytesMax + 64;

/// Gives `key` the value `value`. The views belong to whoever made the command.
struct SetCommand {
  std::string_view key;
  std::string_view value;

  friend bool operator==(const SetCommand&, const SetCommand&) = default;
};

/// Removes `key`; no difference when it is not there.
struct DeleteCommand {
  std::string_view key;

  friend bool operator==(const DeleteCommand&, const DeleteCommand&) = default;
};

using Command = std::variant<SetCommand, DeleteCommand>;

[[nodiscard]] std::string encode(const Command& command);
/// nullopt for anything that encode can't have made. The command's views point into `bytes`.
[[nodiscard]] std::optional<Command> decode(std::string_view bytes);

/// Takes fields off the front of a text made of decimal lengths, words and counted bytes.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  /// The word up to the next `end`, which is taken off too; nullopt when there is none.
  [[nodiscard]] std::optional<std::string_view> word(char end);
  /// A decimal number without leading zeros, up to `end`.
  [[nodiscard]] std::optional<std::size_t> number(char end);
  /// The next `count` bytes; nullopt when there are fewer.
  [[nodiscard]] std::optional<std::string_view> bytes(std::size_t count);
  /// True, and it is taken off, when `expected` comes next.
  [[nodiscard]] bool skip(char expected);
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace kvserver
