// raft_sim: the nodes that ship, on the kvserver's storage and state machine, in simulated clusters with faults.
// docs/simulation.md says how to read what it prints.
#include "command_line.hpp"
#include "kv_service.hpp"
#include "seed_note.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using libraft::testkit::SimulateOptions;
using libraft::tools::CommandLine;

constexpr int kFine = 0;
constexpr int kUsage = 2;

struct Arguments {
  SimulateOptions options;
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> first;
  bool trace = false;
  bool no_shrink = false;
  bool no_specification = false;
  std::string html;
  std::string profile = "swarm";
  std::optional<std::string> faults;
  std::optional<std::string> events;
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) {
    if (!part.empty() && part != "none") parts.push_back(part);
  }
  return parts;
}

void declare(CommandLine& command_line, Arguments& arguments) {
  SimulateOptions& options = arguments.options;
  command_line.whole_number("--seeds", options.seeds, "how many seeds, each a run of its own", 1);
  command_line.whole_number("--first", arguments.first, "the first of them");
  command_line.number("--minutes", options.minutes, "begin no run later than so long after the start");
  command_line.whole_number("--jobs", options.jobs,
                            "runs side by side; without it, or with 0, as many as there are cores");
  command_line.whole_number("--seed", arguments.seed, "this seed only");
  command_line.flag("--trace", arguments.trace, "with --seed: print what happens, line by line");
  command_line.text("--html", arguments.html, "with --seed: write the run's timeline as a page");
  command_line.whole_number("--nodes", options.nodes, "so many in place of what a seed draws", 1);
  command_line.choice("--profile", arguments.profile, {"swarm", "fixed"}, "swarm, or fixed: the yardstick");
  command_line.text("--faults", arguments.faults, "exactly these, with commas; none; or list: say which there are");
  command_line.text("--events", arguments.events, "of the seed's plan only these, by their numbers, with commas");
  command_line.number("--seconds", options.seconds, "how long faults last");
  command_line.flag("--no-shrink", arguments.no_shrink, "tell violations as they were found");
  command_line.flag("--no-specification", arguments.no_specification,
                    "steps are not held to the naive specification: what it notices first is left to other rules");
}

// An English sentence on what is wrong with them, or nothing.
std::string complete(Arguments& arguments) {
  SimulateOptions& options = arguments.options;
  options.fixed_profile = arguments.profile == "fixed";
  options.shrink = !arguments.no_shrink;
  options.specification = !arguments.no_specification;
  if (arguments.seed) {
    if (options.seeds || options.minutes || arguments.first) return "--seed stands for one run only.";
    options.first_seed = *arguments.seed;
    options.seeds = 1;
  } else if (arguments.trace || !arguments.html.empty() || arguments.events) {
    return "--trace, --html and --events go with --seed.";
  }
  if (arguments.first) options.first_seed = *arguments.first;
  if (arguments.faults) options.faults = split(*arguments.faults);
  if (arguments.events) {
    options.only_events.emplace();
    for (const std::string& number : split(*arguments.events)) {
      if (number.find_first_not_of("0123456789") != std::string::npos || number.size() > 9) {
        return "--events takes numbers.";
      }
      options.only_events->push_back(std::stoull(number));
    }
  }
  return validate(raft_sim::kv_service(), options);
}

void list_faults() {
  for (const auto& kind : libraft::testkit::fault_kinds()) fmt::print("{:<24} {}\n", kind.name, kind.description);
}

bool write_record(const Arguments& arguments) {
  const auto record = libraft::testkit::record(raft_sim::kv_service(), arguments.options);
  if (arguments.trace) std::fwrite(record.trace.data(), 1, record.trace.size(), stdout);
  if (arguments.html.empty()) return true;
  std::ofstream file(arguments.html, std::ios::binary);
  file << record.html;
  file.close();
  if (!file) fmt::print(stderr, "raft_sim: can't write {}\n", arguments.html);
  return static_cast<bool>(file);
}

int run(Arguments& arguments) {
  arguments.options.on_run = raft_sim::note_seed;
  raft_sim::tell_seed_on_death();
  if ((arguments.trace || !arguments.html.empty()) && !write_record(arguments)) return kUsage;
  const auto report = libraft::testkit::simulate(raft_sim::kv_service(), arguments.options);
  fmt::print("{}{}\n", to_text(report), to_json(report));
  return exit_code(report);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine command_line(
      "Runs simulated clusters with faults, a seed each. Exit codes: 0 fine, 1 a violation, 2 usage, 3 some "
      "mark was never hit (asked from 1000 seeds on).");
  Arguments arguments;
  declare(command_line, arguments);
  if (const auto end = command_line.parse(argc, argv)) return *end;
  if (arguments.faults == "list") {
    list_faults();
    return kFine;
  }
  if (const std::string reason = complete(arguments); !reason.empty()) {
    fmt::print(stderr, "raft_sim: {}\n", reason);
    return kUsage;
  }
  return run(arguments);
}
