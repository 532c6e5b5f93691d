// The head of an HTTP request as it came: what cpp-httplib makes of it leaves out what it does not understand.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kvserver {

/// A word as HTTP has them for methods and names of headers (RFC 9110, 5.6.2).
[[nodiscard]] bool is_token(std::string_view text);

/// The target in the request line that `head` begins with, as it was sent; empty where there is none.
[[nodiscard]] std::string_view target_of_head(std::string_view head);

/// Why the head of a request must not be trusted, as a sentence; nullopt when it may be. `head` is all of it, from the
/// request line to the empty line.
///
/// cpp-httplib takes more than one space around the target and drops what follows a '#' in it, skips header lines that
/// are malformed, has no header without a value, and decodes percent escapes in values. Where a length is lost so, a
/// body would be served as the next request: whoever reads a head otherwise than the proxy before it lets requests be
/// smuggled through (RFC 9112, 11.2). What the values say is for others to judge, but for the length, which must be one
/// number.
[[nodiscard]] std::optional<std::string> flaw_of_head(std::string_view head);

}  // namespace kvserver
