// URLs of nodes: http://host[:port], taken apart strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvserver {

struct NodeUrl {
  std::string scheme;  ///< http or https
  std::string host;    ///< in lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;

  /// scheme://host:port, with brackets around an IPv6 address.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const NodeUrl&, const NodeUrl&) = default;
};

/// nullopt, and `why` a phrase like "has no port", for anything but scheme://host[:port][/]. Without a port it is the
/// scheme's own (80, 443).
[[nodiscard]] std::optional<NodeUrl> parse_node_url(std::string_view text, std::string& why);

/// True for IPv4 and IPv6 addresses written as such.
[[nodiscard]] bool is_ip_address(std::string_view text);
/// True for 0.0.0.0 and ::, which stand for all of a machine's addresses.
[[nodiscard]] bool is_wildcard_address(std::string_view text);

}  // namespace kvserver
