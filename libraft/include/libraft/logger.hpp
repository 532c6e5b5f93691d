// Logger: where a node's log lines go. The library itself prints nothing.
#pragma once

#include <string_view>

namespace libraft {

/// How much a line matters. Errors: the node failed.
enum class LogLevel { debug, info, warning, error };

/// Called from the node's lanes, possibly several at a time; must not block for long and must not throw.
struct Logger {
  virtual ~Logger() = default;
  /// False for lines that would be thrown away: they are not even made.
  [[nodiscard]] virtual bool is_enabled(LogLevel level) const noexcept = 0;
  /// One event, one line, no line feed.
  virtual void log(LogLevel level, std::string_view line) noexcept = 0;
};

}  // namespace libraft
