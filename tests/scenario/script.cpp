#include "script.hpp"

#include "messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace libraft::test {

namespace {

std::vector<std::string> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool is_placeholder(const std::string& word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// Whether the word can stand there; what a number or a time may be is said when it is read.
bool fits(const std::string& placeholder, const std::string& word) {
  if (placeholder == "NODE")
    return word == "*" || (word.size() > 1 && word[0] == 'n' && word[1] >= '1' && word[1] <= '9');
  if (placeholder == "KIND") return is_kind(word);
  if (placeholder == "TIME" || placeholder == "COUNT") return word[0] >= '0' && word[0] <= '9';
  return true;
}

bool take_rest(const std::string& placeholder, const std::vector<std::string>& words, std::size_t from,
               Statement& statement) {
  for (std::size_t i = from; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    if (placeholder == "WORDS") {
      statement.arguments.push_back(words[i]);
    } else if (equals == std::string::npos || equals == 0) {
      return false;
    } else {
      statement.fields.emplace_back(words[i].substr(0, equals), words[i].substr(equals + 1));
    }
  }
  return true;
}

bool match(std::string_view pattern, const std::vector<std::string>& words, Statement& statement) {
  statement.arguments.clear();
  statement.fields.clear();
  const std::vector<std::string> wanted = words_of(pattern);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "FIELDS" || wanted[i] == "WORDS") return take_rest(wanted[i], words, i, statement);
    if (i >= words.size()) return false;
    if (!is_placeholder(wanted[i])) {
      if (words[i] != wanted[i]) return false;
      continue;
    }
    if (!fits(wanted[i], words[i])) return false;
    statement.arguments.push_back(words[i]);
  }
  return words.size() == wanted.size();
}

}  // namespace

void Statement::fail(const std::string& reason) const {
  throw ScenarioError(file + ":" + std::to_string(line) + ": " + reason + "\n    " + text);
}

std::vector<Statement> parse_scenario(const std::string& file, std::string_view text,
                                      const std::vector<std::string_view>& patterns) {
  std::vector<Statement> statements;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string> words = words_of(text.substr(0, end));
    Statement statement;
    statement.file = file;
    statement.line = line;
    for (const std::string& word : words) statement.text += (statement.text.empty() ? "" : " ") + word;
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    const auto found = std::find_if(patterns.begin(), patterns.end(),
                                    [&](std::string_view pattern) { return match(pattern, words, statement); });
    if (found == patterns.end()) statement.fail("this is no statement (docs/scenarios.md lists them)");
    statement.pattern = static_cast<std::size_t>(found - patterns.begin());
    statements.push_back(std::move(statement));
  }
  return statements;
}

std::uint64_t number_of(const Statement& statement, std::string_view word) {
  std::uint64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, number);
  if (result.ec != std::errc{} || result.ptr != end) statement.fail("'" + std::string(word) + "' is not a number");
  return number;
}

bool yes_or_no(const Statement& statement, std::string_view word) {
  if (word != "yes" && word != "no") statement.fail("'" + std::string(word) + "' is neither yes nor no");
  return word == "yes";
}

std::uint64_t node_of(const Statement& statement, std::string_view word) {
  if (word == "*") return 0;
  if (word.empty() || word[0] != 'n') statement.fail("'" + std::string(word) + "' is not a node");
  return number_of(statement, word.substr(1));
}

std::int64_t nanoseconds_of(const Statement& statement, std::string_view word) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"s", 1000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  for (const Unit& unit : kUnits) {
    if (!word.ends_with(unit.name)) continue;
    const std::uint64_t count = number_of(statement, word.substr(0, word.size() - unit.name.size()));
    return static_cast<std::int64_t>(count) * unit.milliseconds * 1'000'000;
  }
  statement.fail("'" + std::string(word) + "' is not a time");
}

std::vector<std::uint64_t> numbers_of(const Statement& statement, std::string_view list) {
  std::vector<std::uint64_t> numbers;
  if (list == "-") return numbers;
  while (true) {
    const std::size_t comma = std::min(list.find(','), list.size());
    numbers.push_back(number_of(statement, list.substr(0, comma)));
    if (comma == list.size()) return numbers;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace libraft::test
