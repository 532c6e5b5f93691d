#include "command_line.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <utility>

namespace libraft::tools {
namespace {

constexpr int kUsage = 2;

// CLI11 itself takes -1 for a very large number, cuts what does not fit, and lets "nan" pass.
template <class Number>
std::optional<Number> parsed(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

CLI::Validator whole_number_from(std::uint64_t least) {
  const auto judge = [least](const std::string& text) -> std::string {
    const auto number = parsed<std::uint64_t>(text);
    if (number && *number >= least) return {};
    return fmt::format("\"{}\" is no whole number from {} to {}.", text, least, ~std::uint64_t{0});
  };
  return CLI::Validator(judge, "", "whole_number");
}

CLI::Validator number_from(double least) {
  const auto judge = [least](const std::string& text) -> std::string {
    const auto number = parsed<double>(text);
    if (number && *number >= least && std::isfinite(*number)) return {};
    return fmt::format("\"{}\" is no number from {} on.", text, least);
  };
  return CLI::Validator(judge, "", "number");
}

}  // namespace

struct CommandLine::App : CLI::App {
  using CLI::App::App;
};

CommandLine::CommandLine(const std::string& about) : app_(std::make_unique<App>(about)) {}
CommandLine::~CommandLine() = default;

void CommandLine::flag(const char* name, bool& is_set, const std::string& help) {
  app_->add_flag(name, is_set, help);
}

void CommandLine::choice(const char* name, std::string& value, const std::vector<std::string>& choices,
                         const std::string& help) {
  app_->add_option(name, value, help)->check(CLI::IsMember(choices));
}

void CommandLine::argument(const char* name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help)->required();
}

void CommandLine::take_text(const char* name, const std::string& help, std::function<void(const std::string&)> take) {
  app_->add_option_function<std::string>(name, std::move(take), help);
}

void CommandLine::take_whole_number(const char* name, const std::string& help, std::uint64_t least,
                                    std::function<void(std::uint64_t)> take) {
  const auto take_text = [take = std::move(take)](const std::string& text) { take(*parsed<std::uint64_t>(text)); };
  app_->add_option_function<std::string>(name, take_text, help)->check(whole_number_from(least))->type_name("UINT");
}

void CommandLine::take_number(const char* name, const std::string& help, double least,
                              std::function<void(double)> take) {
  const auto take_text = [take = std::move(take)](const std::string& text) { take(*parsed<double>(text)); };
  app_->add_option_function<std::string>(name, take_text, help)->check(number_from(least))->type_name("FLOAT");
}

std::optional<int> CommandLine::parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : kUsage;
  }
  return std::nullopt;
}

}  // namespace libraft::tools
