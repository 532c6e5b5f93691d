#include "config_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace kvserver {
namespace {

using Address = std::array<unsigned char, 16>;

// The family that `text` is an address of, and its bytes; 0 for no address.
int parse_address(std::string_view text, Address& bytes) {
  const std::string terminated(text);
  if (terminated.size() != std::char_traits<char>::length(terminated.c_str())) return 0;
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return AF_INET;
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return AF_INET6;
  return 0;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool parse_port(std::string_view digits, std::uint16_t& port) {
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return !digits.empty() && error == std::errc{} && stop == digits.data() + digits.size() && port != 0;
}

// Splits host[:port]; false for an unclosed bracket.
bool split_authority(std::string_view authority, std::string_view& host, std::optional<std::string_view>& port) {
  std::size_t colon = authority.find(':');
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t closing = authority.find(']');
    if (closing == std::string_view::npos) return false;
    host = authority.substr(1, closing - 1);
    colon = closing + 1 < authority.size() ? closing + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && authority[colon] != ':') return false;
  } else {
    host = authority.substr(0, colon);
  }
  if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  return true;
}

}  // namespace

std::string NodeUrl::text() const {
  const bool needs_brackets = host.find(':') != std::string::npos;
  return scheme + "://" + (needs_brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<NodeUrl> parse_node_url(std::string_view text, std::string& why) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    why = "is no URL";
    return std::nullopt;
  }
  NodeUrl url;
  url.scheme = in_lower_case(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") {
    why = "is no http URL";
    return std::nullopt;
  }
  std::string_view authority = text.substr(scheme_end + 3);
  if (!authority.empty() && authority.back() == '/') authority.remove_suffix(1);
  if (authority.find_first_of("/?#@") != std::string_view::npos) {
    why = "has more than host and port";
    return std::nullopt;
  }
  std::string_view host;
  std::optional<std::string_view> port;
  const bool is_split = split_authority(authority, host, port);
  url.host = in_lower_case(host);
  const bool has_brackets = !authority.empty() && authority.front() == '[';
  if (!is_split || (has_brackets ? !is_ip_address(url.host) : !is_host_name(url.host))) {
    why = "has no proper host";
    return std::nullopt;
  }
  url.port = url.scheme == "https" ? 443 : 80;
  if (port && !parse_port(*port, url.port)) {
    why = "has no proper port (1 to 65535)";
    return std::nullopt;
  }
  return url;
}

bool is_ip_address(std::string_view text) {
  Address bytes{};
  return parse_address(text, bytes) != 0;
}

bool is_wildcard_address(std::string_view text) {
  Address bytes{};
  return parse_address(text, bytes) != 0 && bytes == Address{};
}

}  // namespace kvserver
