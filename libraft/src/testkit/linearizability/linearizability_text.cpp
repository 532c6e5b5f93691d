// The text form of a history: a line of seven words for each operation.
//
//     CLIENT put|get|delete KEY VALUE ok|failed|unknown INVOKED RESPONDED
#include <libraft/testkit/linearizability.hpp>

#include <algorithm>
#include <charconv>

namespace libraft::testkit {

namespace {

using Kind = HistoryOperation::Kind;
using Outcome = HistoryOperation::Outcome;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

/// %20 is a space, %25 a percent sign, and so on.
bool decode(std::string_view word, std::string& text) {
  text.clear();
  while (!word.empty()) {
    if (word[0] != '%') {
      text += word[0];
      word.remove_prefix(1);
      continue;
    }
    unsigned int code = 0;
    if (word.size() < 3) return false;
    const auto [end, error] = std::from_chars(word.data() + 1, word.data() + 3, code, 16);
    if (error != std::errc{} || end != word.data() + 3) return false;
    text += static_cast<char>(static_cast<unsigned char>(code));
    word.remove_prefix(3);
  }
  return true;
}

bool read_time(std::string_view word, std::int64_t& time) {
  const char* const end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, time);
  // The ends of the range stand for "before all" and "never".
  return result.ec == std::errc{} && result.ptr == end && time > INT64_MIN && time < INT64_MAX;
}

std::string read_kind(std::string_view word, Kind& kind) {
  if (word == "put") {
    kind = Kind::put;
  } else if (word == "get") {
    kind = Kind::get;
  } else if (word == "delete") {
    kind = Kind::erase;
  } else {
    return "the second word is put, get or delete";
  }
  return {};
}

std::string read_outcome(std::string_view word, Outcome& outcome) {
  if (word == "ok") {
    outcome = Outcome::ok;
  } else if (word == "failed") {
    outcome = Outcome::failed;
  } else if (word == "unknown") {
    outcome = Outcome::unknown;
  } else {
    return "the fifth word is ok, failed or unknown";
  }
  return {};
}

std::string read_times(std::string_view from, std::string_view to, HistoryOperation& operation) {
  if (!read_time(from, operation.invoked)) return "the sixth word is a whole number, the time of the invocation";
  if (operation.outcome == Outcome::unknown && to == "-") return {};
  if (!read_time(to, operation.responded)) return "the seventh word is a whole number, the time of the response";
  if (operation.responded < operation.invoked) return "an operation ends after it began";
  return {};
}

std::string read_operation(const std::vector<std::string_view>& words, HistoryOperation& operation) {
  if (words.size() != 7) return "an operation has seven words";
  operation.client = words[0];
  if (std::string error = read_kind(words[1], operation.kind); !error.empty()) return error;
  if (!decode(words[2], operation.key)) return "after a percent sign come two hexadecimal digits";
  if (words[3] != "-") {
    std::string value;
    if (!decode(words[3], value)) return "after a percent sign come two hexadecimal digits";
    operation.value = std::move(value);
  }
  if (operation.kind == Kind::put && !operation.value) return "a put has a value";
  if (operation.kind == Kind::erase && operation.value) return "a delete has no value but -";
  if (std::string error = read_outcome(words[4], operation.outcome); !error.empty()) return error;
  return read_times(words[5], words[6], operation);
}

}  // namespace

std::string parse_history(std::string_view text, std::vector<HistoryOperation>& history) {
  for (std::uint64_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    HistoryOperation operation;
    operation.id = line;
    if (const std::string error = read_operation(words, operation); !error.empty()) {
      return "Line " + std::to_string(line) + ": " + error + ".";
    }
    history.push_back(std::move(operation));
  }
  return {};
}

}  // namespace libraft::testkit
