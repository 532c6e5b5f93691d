// kvserver: a node of a replicated key-value store. All settings come from environment variables.
#include "config.hpp"
#include "server.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <variant>

namespace {

std::string variable_table() {
  std::string text = "Environment variables (an empty one counts as not set, but for NODE_ID):\n";
  for (const kvserver::Variable& variable : kvserver::variables()) {
    text +=
        fmt::format("  {:<24} {}\n  {:<24} default: {}\n", variable.name, variable.meaning, "", variable.default_value);
  }
  return text + "\nExit codes: 0 stopped as asked, 2 a variable is wrong, 3 the data can't be used.\n";
}

int run(int argc, char** argv) {
  CLI::App app("A node of a replicated key-value store.", "kvserver");
  app.set_version_flag("--version", "kvserver " KVSERVER_VERSION);
  app.footer(variable_table());
  bool is_check = false;
  app.add_flag("--check-config", is_check, "Check the environment variables, say what they mean, and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    const int code = app.exit(stop);
    return code == 0 ? 0 : kvserver::kExitConfig;
  }
  const auto loaded = kvserver::load_config(kvserver::process_environment);
  if (const auto* wrong = std::get_if<kvserver::ConfigError>(&loaded)) {
    fmt::print(stderr, "kvserver: {}\n", wrong->sentence);
    return kvserver::kExitConfig;
  }
  const auto& config = std::get<kvserver::Config>(loaded);
  return is_check ? kvserver::check_config(config) : kvserver::serve(config);
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
