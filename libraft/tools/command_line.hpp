#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace libraft::tools {

/// What a tool is told on its command line: first say what there is, then parse(). Nothing but this class sees CLI11,
/// which takes long to compile. A value that is not told stays as it was. What is passed must outlive parse().
class CommandLine {
 public:
  /// `about` comes first in what --help prints; --help itself is there without being asked for.
  explicit CommandLine(const std::string& about);
  ~CommandLine();

  /// True when the flag is there.
  void flag(const char* name, bool& is_set, const std::string& help);

  /// Any text; `Text` is a std::string or an optional one.
  template <class Text>
  void text(const char* name, Text& value, const std::string& help) {
    take_text(name, help, [&value](const std::string& told) { value = told; });
  }

  /// One of `choices`.
  void choice(const char* name, std::string& value, const std::vector<std::string>& choices, const std::string& help);

  /// Decimal digits, from `least` on; `Number` is an unsigned integer or an optional one.
  template <class Number>
  void whole_number(const char* name, Number& value, const std::string& help, std::uint64_t least = 0) {
    take_whole_number(name, help, least, [&value](std::uint64_t told) { value = told; });
  }

  /// A decimal number, from `least` on; `Number` is a double or an optional one.
  template <class Number>
  void number(const char* name, Number& value, const std::string& help, double least = 0) {
    take_number(name, help, least, [&value](double told) { value = told; });
  }

  /// What stands without a name before it, and must be there.
  void argument(const char* name, std::string& value, const std::string& help);

  /// Fills the values in. A result is what the program must exit with now, having printed all there is to say: 0 when
  /// help was asked for, 2 for wrong usage.
  [[nodiscard]] std::optional<int> parse(int argc, const char* const* argv);

 private:
  void take_text(const char* name, const std::string& help, std::function<void(const std::string&)> take);
  void take_whole_number(const char* name, const std::string& help, std::uint64_t least,
                         std::function<void(std::uint64_t)> take);
  void take_number(const char* name, const std::string& help, double least, std::function<void(double)> take);

  struct App;
  std::unique_ptr<App> app_;
};

}  // namespace libraft::tools
