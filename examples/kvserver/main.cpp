// kvserver: a node of a replicated key-value store. All settings come from environment variables.
#include "config.hpp"
#include "server.hpp"

#include <fmt/format.h>
#include <getopt.h>

#include <array>
#include <cstdio>
#include <exception>
#include <variant>

namespace {

enum class Command { serve, check_config, print_version, print_help, none };

Command command_of(int argc, char** argv) {
  const std::array<option, 4> options{{{"help", no_argument, nullptr, 'h'},
                                       {"version", no_argument, nullptr, 'v'},
                                       {"check-config", no_argument, nullptr, 'c'},
                                       {}}};
  Command command = Command::serve;
  for (int told = 0; (told = getopt_long(argc, argv, "h", options.data(), nullptr)) != -1;) {
    switch (told) {
      case 'h':
        return Command::print_help;
      case 'v':
        return Command::print_version;
      case 'c':
        command = Command::check_config;
        break;
      default:
        return Command::none;  // getopt_long has said what it does not know
    }
  }
  if (optind == argc) return command;
  fmt::print(stderr, "kvserver: unexpected argument '{}'\n", argv[optind]);
  return Command::none;
}

void print_help() {
  fmt::print(
      "A node of a replicated key-value store.\n"
      "Usage: kvserver [OPTION]\n\n"
      "  -h, --help      print this and exit\n"
      "  --version       print the version and exit\n"
      "  --check-config  check the environment variables, say what they mean, and exit\n\n"
      "Environment variables (an empty one counts as not set, but for NODE_ID):\n");
  for (const kvserver::Variable& variable : kvserver::variables()) {
    fmt::print("  {:<24} {}\n  {:<24} default: {}\n", variable.name, variable.meaning, "", variable.default_value);
  }
  fmt::print("\nExit codes: 0 stopped as asked, 2 a variable or an option is wrong, 3 the data can't be used.\n");
}

int run(int argc, char** argv) {
  const Command command = command_of(argc, argv);
  if (command == Command::none) {
    fmt::print(stderr, "Run with --help for more information.\n");
    return kvserver::kExitConfig;
  }
  if (command == Command::print_help) {
    print_help();
    return 0;
  }
  if (command == Command::print_version) {
    fmt::print("kvserver {}\n", KVSERVER_VERSION);
    return 0;
  }
  const auto loaded = kvserver::load_config(kvserver::process_environment);
  if (const auto* wrong = std::get_if<kvserver::ConfigError>(&loaded)) {
    fmt::print(stderr, "kvserver: {}\n", wrong->sentence);
    return kvserver::kExitConfig;
  }
  const auto& config = std::get<kvserver::Config>(loaded);
  return command == Command::check_config ? kvserver::check_config(config) : kvserver::serve(config);
}

}  // namespace

int main(int argc, char** argv) {
  kvserver::hold_stop_signals();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "kvserver: {}\n", error.what());
    return 1;
  }
}
