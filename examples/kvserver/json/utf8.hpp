// UTF-8: is it?
#pragma once

#include <string_view>

namespace kvserver {

/// True when `bytes` are valid UTF-8 (Unicode table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] bool is_valid_utf8(std::string_view bytes);

}  // namespace kvserver
