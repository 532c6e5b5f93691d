// raft_sim: the nodes that ship, on the kvserver's storage and state machine, in simulated clusters with faults.
// docs/simulation.md says how to read what it prints.
#include "kv_service.hpp"
#include "seed_note.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using libraft::testkit::SimulateOptions;

constexpr int kFine = 0;
constexpr int kUsage = 2;

struct Arguments {
  SimulateOptions options;
  std::optional<std::uint64_t> seed;
  bool trace = false;
  bool no_shrink = false;
  bool no_specification = false;
  std::string html;
  std::string profile = "swarm";
  std::string faults;
  std::string events;
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) {
    if (!part.empty() && part != "none") parts.push_back(part);
  }
  return parts;
}

// CLI11 takes -1 for a very large number, and cuts what does not fit.
CLI::Validator whole_number(std::uint64_t least) {
  const auto judge = [least](const std::string& text) -> std::string {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end || number < least) {
      return fmt::format("\"{}\" is no whole number from {} to {}.", text, least, ~std::uint64_t{0});
    }
    return {};
  };
  return CLI::Validator(judge, "", "whole_number");
}

void declare(CLI::App& app, Arguments& arguments) {
  SimulateOptions& options = arguments.options;
  app.add_option("--seeds", options.seeds, "how many seeds, each a run of its own")->check(whole_number(1));
  app.add_option("--first", options.first_seed, "the first of them")->check(whole_number(0));
  app.add_option("--minutes", options.minutes, "begin no run later than so long after the start");
  app.add_option("--jobs", options.jobs, "runs side by side; without it, or with 0, as many as there are cores")
      ->check(whole_number(0));
  app.add_option("--seed", arguments.seed, "this seed only")->check(whole_number(0));
  app.add_flag("--trace", arguments.trace, "with --seed: print what happens, line by line");
  app.add_option("--html", arguments.html, "with --seed: write the run's timeline as a page");
  app.add_option("--nodes", options.nodes, "so many in place of what a seed draws")->check(whole_number(1));
  app.add_option("--profile", arguments.profile, "swarm, or fixed: the yardstick")
      ->check(CLI::IsMember({"swarm", "fixed"}));
  app.add_option("--faults", arguments.faults, "exactly these, with commas; none; or list: say which there are");
  app.add_option("--events", arguments.events, "of the seed's plan only these, by their numbers, with commas");
  app.add_option("--seconds", options.seconds, "how long faults last");
  app.add_flag("--no-shrink", arguments.no_shrink, "tell violations as they were found");
  app.add_flag("--no-specification", arguments.no_specification,
               "steps are not held to the naive specification: what it notices first is left to other rules");
}

// An English sentence on what is wrong with them, or nothing.
std::string complete(const CLI::App& app, Arguments& arguments) {
  SimulateOptions& options = arguments.options;
  options.fixed_profile = arguments.profile == "fixed";
  options.shrink = !arguments.no_shrink;
  options.specification = !arguments.no_specification;
  if (arguments.seed) {
    if (options.seeds || options.minutes || app.count("--first") > 0) return "--seed stands for one run only.";
    options.first_seed = *arguments.seed;
    options.seeds = 1;
  } else if (arguments.trace || !arguments.html.empty() || !arguments.events.empty()) {
    return "--trace, --html and --events go with --seed.";
  }
  if (app.count("--faults") > 0) options.faults = split(arguments.faults);
  if (app.count("--events") > 0) {
    options.only_events.emplace();
    for (const std::string& number : split(arguments.events)) {
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
  CLI::App app(
      "Runs simulated clusters with faults, a seed each. Exit codes: 0 fine, 1 a violation, 2 usage, 3 some "
      "mark was never hit (asked from 1000 seeds on).");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kFine : kUsage;
  }
  if (arguments.faults == "list") {
    list_faults();
    return kFine;
  }
  if (const std::string reason = complete(app, arguments); !reason.empty()) {
    fmt::print(stderr, "raft_sim: {}\n", reason);
    return kUsage;
  }
  return run(arguments);
}
