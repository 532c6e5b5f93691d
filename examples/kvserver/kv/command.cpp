#include "kv/command.hpp"

#include <charconv>
#include <utility>

namespace kvserver {
namespace {

constexpr std::string_view kVersion = "1";

std::optional<Command> decode_set(FieldReader fields) {
  const auto key_bytes = fields.number(' ');
  const auto value_bytes = fields.number(' ');
  if (!key_bytes || !value_bytes) return std::nullopt;
  const auto key = fields.bytes(*key_bytes);
  if (!key || !fields.skip(' ')) return std::nullopt;
  const auto value = fields.bytes(*value_bytes);
  if (!value || !fields.at_end()) return std::nullopt;
  return SetCommand{*key, *value};
}

std::optional<Command> decode_delete(FieldReader fields) {
  const auto key_bytes = fields.number(' ');
  if (!key_bytes) return std::nullopt;
  const auto key = fields.bytes(*key_bytes);
  if (!key || !fields.at_end()) return std::nullopt;
  return DeleteCommand{*key};
}

}  // namespace

std::string encode(const Command& command) {
  std::string text(kVersion);
  if (const auto* set = std::get_if<SetCommand>(&command)) {
    text.reserve(set->key.size() + set->value.size() + 64);
    text.append(" set ").append(std::to_string(set->key.size()));
    text.append(" ").append(std::to_string(set->value.size()));
    text.append(" ").append(set->key).append(" ").append(set->value);
  } else {
    const std::string_view key = std::get<DeleteCommand>(command).key;
    text.append(" delete ").append(std::to_string(key.size())).append(" ").append(key);
  }
  return text;
}

std::optional<Command> decode(std::string_view bytes) {
  FieldReader fields(bytes);
  if (fields.word(' ') != kVersion) return std::nullopt;
  const auto operation = fields.word(' ');
  if (operation == "set") return decode_set(fields);
  if (operation == "delete") return decode_delete(fields);
  return std::nullopt;
}

std::optional<std::string_view> FieldReader::word(char end) {
  const std::size_t length = rest_.find(end);
  if (length == std::string_view::npos) return std::nullopt;
  const std::string_view taken = rest_.substr(0, length);
  rest_.remove_prefix(length + 1);
  return taken;
}

std::optional<std::size_t> FieldReader::number(char end) {
  const auto digits = word(end);
  if (!digits || digits->empty() || (digits->size() > 1 && digits->front() == '0')) return std::nullopt;
  std::size_t value = 0;
  const auto [stop, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  if (error != std::errc{} || stop != digits->data() + digits->size()) return std::nullopt;
  return value;
}

std::optional<std::string_view> FieldReader::bytes(std::size_t count) {
  if (count > rest_.size()) return std::nullopt;
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

bool FieldReader::skip(char expected) {
  if (rest_.empty() || rest_.front() != expected) return false;
  rest_.remove_prefix(1);
  return true;
}

}  // namespace kvserver
