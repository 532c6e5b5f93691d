#include "api/http_head.hpp"

#include "text.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace kvserver {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kBlanks = " \t";

/// Also half of a line's end: both halves are taken off before.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

bool is_named(std::string_view name, std::string_view lower_case) {
  return std::equal(name.begin(), name.end(), lower_case.begin(), lower_case.end(),
                    [](unsigned char a, char b) { return static_cast<char>(std::tolower(a)) == b; });
}

/// The part before the next space, which is taken off with it.
std::string_view next_part(std::string_view& line) {
  const std::string_view part = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(part.size() + 1, line.size()));
  return part;
}

/// A method, a target and a version with one space between (RFC 9112, 3).
std::optional<std::string> flaw_of_request_line(std::string_view line) {
  const std::string_view method = next_part(line);
  const std::string_view target = next_part(line);
  const bool is_whole = is_token(method) && !target.empty() && target.find('\t') == std::string_view::npos;
  if (!is_whole || !line.starts_with("HTTP/") || line.find_first_of(kBlanks) != std::string_view::npos) {
    return "The request line is malformed.";
  }
  // A client keeps the fragment to itself; cut off, the rest would name something else.
  if (target.find('#') != std::string_view::npos) return "The target has a '#', which must be written as %23.";
  return std::nullopt;
}

std::optional<std::string> flaw_of_name(std::string_view name) {
  if (name.empty()) return "A header line has no name.";
  if (kBlanks.find(name.front()) != std::string_view::npos) return "A header line begins with a blank.";
  if (kBlanks.find(name.back()) != std::string_view::npos) return "A header's name ends with a blank.";
  if (!is_token(name)) return "A header's name is malformed.";
  return std::nullopt;
}

/// Of header lines, one after the other.
class HeaderCheck {
 public:
  std::optional<std::string> flaw_of(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return "A header line has no colon.";
    const std::string_view name = line.substr(0, colon);
    if (auto flaw = flaw_of_name(name)) return flaw;
    return flaw_of_framing(name, trimmed(line.substr(colon + 1)));
  }

 private:
  /// Of the headers that say where the body ends and what it is.
  std::optional<std::string> flaw_of_framing(std::string_view name, std::string_view value) {
    if (is_named(name, "content-length")) {
      const bool is_number = !value.empty() && value.find_first_not_of(kDigits) == std::string_view::npos;
      if (has_length_ || !is_number) return "The Content-Length is repeated or no number.";
      has_length_ = true;
    } else if (value.empty() && (is_named(name, "transfer-encoding") || is_named(name, "content-encoding"))) {
      return "A header names an encoding, but not which.";
    }
    return std::nullopt;
  }

  bool has_length_ = false;
};

}  // namespace

bool is_token(std::string_view text) {
  constexpr std::string_view kToken = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !text.empty() && text.find_first_not_of(kToken) == std::string_view::npos;
}

std::string_view target_of_head(std::string_view head) {
  std::string_view line = head.substr(0, head.find("\r\n"));
  next_part(line);
  return next_part(line);
}

std::optional<std::string> flaw_of_head(std::string_view head) {
  HeaderCheck headers;
  for (bool is_request_line = true;; is_request_line = false) {
    const std::size_t end = head.find("\r\n");
    if (end == std::string_view::npos) return "The head does not end with an empty line.";
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty() && !is_request_line) break;
    if (std::any_of(line.begin(), line.end(), is_control)) return "The head has a control character.";
    if (auto flaw = is_request_line ? flaw_of_request_line(line) : headers.flaw_of(line)) return flaw;
  }
  if (!head.empty()) return "The head ends before its last line.";
  return std::nullopt;
}

}  // namespace kvserver
