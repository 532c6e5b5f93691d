// The text of a scenario, line by line: which statement it is, and with what arguments. docs/scenarios.md has the
// language.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace libraft::test {

/// Named values, "term=3 vote=n1", in the order of the line.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// A scenario that is not one, or that did not go as it says. The text names file and line.
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One line. A pattern is a row of words; those in capitals stand for arguments:
///
///     NODE   n1, n2, ... or * for any          KIND  a kind of message, or "any"
///     TIME   500ms, 3s, 2h, 25d                COUNT a number
///     NAME   any word                          FIELDS, WORDS: at the end, as many as there are
struct Statement {
  std::string file;
  std::size_t line = 0;
  std::string text;
  std::size_t pattern = 0;             ///< its position in the list of patterns
  std::vector<std::string> arguments;  ///< for the words in capitals, in their order
  Fields fields;

  [[noreturn]] void fail(const std::string& reason) const;
};

/// Throws ScenarioError at the first line that fits no pattern.
[[nodiscard]] std::vector<Statement> parse_scenario(const std::string& file, std::string_view text,
                                                    const std::vector<std::string_view>& patterns);

// What arguments and fields stand for. `statement` is for the error.
[[nodiscard]] std::uint64_t number_of(const Statement& statement, std::string_view word);
[[nodiscard]] bool yes_or_no(const Statement& statement, std::string_view word);
[[nodiscard]] std::uint64_t node_of(const Statement& statement, std::string_view word);  ///< zero: any
[[nodiscard]] std::int64_t nanoseconds_of(const Statement& statement, std::string_view word);
/// "1,1,4"; "-" has none.
[[nodiscard]] std::vector<std::uint64_t> numbers_of(const Statement& statement, std::string_view list);

}  // namespace libraft::test
