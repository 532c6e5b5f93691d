// raft_linearizability: judges a history of what clients of a key-value store saw.
#include "command_line.hpp"

#include <libraft/testkit/linearizability.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

using namespace libraft::testkit;

enum ExitCode { kLinearizable = 0, kViolated = 1, kUsage = 2, kUndecided = 3 };

bool read_text(const std::string& file, std::string& text) {
  std::ifstream from_file;
  if (file != "-") from_file.open(file, std::ios::binary);
  std::istream& in = file == "-" ? std::cin : from_file;
  if (!in) return false;
  text.assign(std::istreambuf_iterator<char>(in), {});
  return !in.bad();
}

int judge(const std::string& file, const LinearizabilityOptions& options) {
  std::string text;
  if (!read_text(file, text)) {
    fmt::print(stderr, "raft_linearizability: cannot read '{}'\n", file);
    return kUsage;
  }
  std::vector<HistoryOperation> history;
  if (const std::string error = parse_history(text, history); !error.empty()) {
    fmt::print(stderr, "raft_linearizability: {}: {}\n", file, error);
    return kUsage;
  }
  const LinearizabilityReport report = check_linearizability(history, options);
  fmt::print("operations {}, keys {}, searched {}, violated {}, undecided {}\n", history.size(), report.keys,
             report.keys_searched, report.keys_violated, report.keys_undecided);
  switch (report.verdict) {
    case Linearizability::linearizable:
      fmt::print("linearizable\n");
      return kLinearizable;
    case Linearizability::violated:
      fmt::print("NOT LINEARIZABLE. {}\n", report.explanation);
      return kViolated;
    case Linearizability::undecided:
      fmt::print("undecided. {}\n", report.explanation);
      return kUndecided;
  }
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  std::string file;
  LinearizabilityOptions options;
  bool search_all = false;
  libraft::tools::CommandLine command_line(
      "Judges whether what clients of a key-value store saw is linearizable.\n"
      "Exit status: 0 it is, 1 it is not, 2 wrong usage or a line that is none, 3 the search gave up.");
  command_line.argument("history", file, "a line for each operation, or - for the standard input");
  command_line.whole_number("--steps", options.search_steps_max,
                            fmt::format("of the search, for each key; {} unless told", options.search_steps_max));
  command_line.flag("--search", search_all, "search every key, also where zones would do");
  if (const auto end = command_line.parse(argc, argv)) return *end;
  options.use_zones = !search_all;
  try {
    return judge(file, options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "raft_linearizability: {}\n", error.what());
    return kUsage;
  }
}
