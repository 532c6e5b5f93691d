// Base64 of RFC 4648 §4: the standard alphabet, padded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kvserver {

[[nodiscard]] std::string base64_encode(std::string_view bytes);

/// Strict: exactly what base64_encode gives for some bytes (no spaces, no missing padding, no stray bits), else
/// nullopt.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace kvserver
