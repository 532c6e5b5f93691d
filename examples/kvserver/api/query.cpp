#include "api/http_server.hpp"
#include "json/utf8.hpp"

#include <optional>

namespace kvserver {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '%') {
      text += raw[at] == '+' ? ' ' : raw[at];
      continue;
    }
    if (raw.size() - at < 3) return std::nullopt;
    const int high = hex_digit(raw[at + 1]);
    const int low = hex_digit(raw[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    text += static_cast<char>(high * 16 + low);
    at += 2;
  }
  if (!is_valid_utf8(text)) return std::nullopt;
  return text;
}

}  // namespace

libraft::Result<Query> parse_query(std::string_view raw) {
  Query query;
  while (!raw.empty()) {
    const std::string_view pair = raw.substr(0, raw.find('&'));
    raw.remove_prefix(pair.size() < raw.size() ? pair.size() + 1 : pair.size());
    if (pair.empty()) continue;
    const std::size_t split = pair.find('=');
    auto name = percent_decoded(pair.substr(0, split));
    auto value = percent_decoded(split == std::string_view::npos ? std::string_view{} : pair.substr(split + 1));
    if (!name || !value) return libraft::errc::malformed;
    if (!query.emplace(std::move(*name), std::move(*value)).second) return libraft::errc::malformed;
  }
  return query;
}

HttpReply bad_query() {
  return error_reply(400, "bad_query",
                     "The query has a broken percent escape, text that is not UTF-8, or a name twice.");
}

}  // namespace kvserver
