#include "testkit/run/shrink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace libraft::testkit {
namespace {

constexpr std::size_t kTriesMax = 120;

Plan without(const Plan& plan, std::size_t begin, std::size_t end) {
  Plan rest(plan.begin(), plan.begin() + static_cast<std::ptrdiff_t>(begin));
  rest.insert(rest.end(), plan.begin() + static_cast<std::ptrdiff_t>(end), plan.end());
  return rest;
}

/// Looks for a smaller run with the same broken rule.
class Shrinker {
 public:
  Shrinker(const Service& service, const SimulateOptions& options, std::uint64_t seed, Finding finding)
      : service_(service), options_(options), seed_(seed), finding_(std::move(finding)) {
    options_.nodes = settings_of(seed, options).simulation.nodes;
  }

  void shrink() {
    shorten();
    drop_faults();
    drop_events();
    shorten();
  }

  [[nodiscard]] const SimulateOptions& options() const { return options_; }
  [[nodiscard]] const Finding& finding() const { return finding_; }

 private:
  bool fails(const SimulateOptions& options) {
    if (tries_left_ == 0) return false;
    --tries_left_;
    const Settings settings = settings_of(seed_, options);
    const TrialResult result = run_trial(service_, settings, plan_of(settings, options));
    if (!result.finding || result.finding->invariant != finding_.invariant) return false;
    finding_ = *result.finding;
    options_ = options;
    return true;
  }

  /// Nothing after the violation matters.
  void shorten() {
    const Settings settings = settings_of(seed_, options_);
    const double found_at = std::chrono::duration<double>(finding_.at - TimePoint{}).count();
    const double now = std::chrono::duration<double>(settings.under_faults).count();
    for (const double seconds : {1.0, std::ceil(now / 4), std::ceil(now / 2), std::ceil(found_at)}) {
      if (seconds >= now) continue;
      SimulateOptions shorter = options_;
      shorter.seconds = seconds;
      if (fails(shorter)) return;
    }
  }

  void drop_faults() {
    const Settings settings = settings_of(seed_, options_);
    std::vector<std::string> names;
    for (const Fault fault : settings.faults) names.emplace_back(name_of(fault));
    for (std::size_t i = names.size(); i-- > 0;) {
      SimulateOptions fewer = options_;
      std::vector<std::string> rest = names;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      fewer.faults = rest;
      if (fails(fewer)) names = std::move(rest);
    }
  }

  void drop_events() {
    const auto numbers = [](const Plan& plan) {
      std::vector<std::uint64_t> all;
      for (const FaultEvent& event : plan) all.push_back(event.number);
      return all;
    };
    const Plan whole = plan_of(settings_of(seed_, options_), options_);
    std::size_t tries = tries_left_;
    static_cast<void>(shrink_plan(
        whole,
        [&](const Plan& plan) {
          SimulateOptions fewer = options_;
          fewer.only_events = numbers(plan);
          return fails(fewer);
        },
        tries));
  }

  const Service& service_;
  SimulateOptions options_;
  std::uint64_t seed_;
  Finding finding_;
  std::size_t tries_left_ = kTriesMax;
};

std::string replay_of(const SimulateOptions& original, const SimulateOptions& options, std::uint64_t seed) {
  std::string command = fmt::format("{} --seed {}", options.replay_command, seed);
  if (options.fixed_profile) command += " --profile fixed";
  if (!options.specification) command += " --no-specification";
  if (options.nodes && (original.nodes || options.nodes != settings_of(seed, original).simulation.nodes)) {
    command += fmt::format(" --nodes {}", *options.nodes);
  }
  if (options.seconds) command += fmt::format(" --seconds {:g}", *options.seconds);
  if (options.faults) {
    const std::string names = fmt::format("{}", fmt::join(*options.faults, ","));
    command += fmt::format(" --faults {}", names.empty() ? "none" : names);
  }
  if (options.only_events) {
    const std::string events = fmt::format("{}", fmt::join(*options.only_events, ","));
    command += fmt::format(" --events {}", events.empty() ? "none" : events);
  }
  return command;
}

}  // namespace

Plan shrink_plan(Plan plan, const std::function<bool(const Plan&)>& fails, std::size_t& tries_left) {
  const auto try_it = [&](const Plan& candidate) {
    if (tries_left == 0) return false;
    --tries_left;
    return fails(candidate);
  };
  if (!plan.empty() && try_it({})) return {};
  for (std::size_t piece = (plan.size() + 1) / 2; piece > 0 && tries_left > 0;) {
    bool is_smaller = false;
    for (std::size_t begin = 0; begin < plan.size();) {
      Plan rest = without(plan, begin, std::min(begin + piece, plan.size()));
      if (!rest.empty() && try_it(rest)) {
        plan = std::move(rest);
        is_smaller = true;
      } else {
        begin += piece;
      }
    }
    if (piece == 1 && !is_smaller) break;
    piece = std::max<std::size_t>(std::min(piece / 2, plan.size()), 1);
  }
  return plan;
}

FailedRun explain(const Service& service, const SimulateOptions& options, const Settings& settings, const Plan& plan,
                  const Finding& finding) {
  Shrinker shrinker(service, options, settings.seed, finding);
  // A difference between two equal runs is seen only by running twice: there is nothing to look for in one.
  if (options.shrink && finding.invariant != "iT1") shrinker.shrink();
  FailedRun violation;
  violation.seed = settings.seed;
  violation.invariant = shrinker.finding().invariant;
  violation.sentence =
      fmt::format("at {:.6f} s: {}", static_cast<double>(shrinker.finding().at.time_since_epoch().count()) / 1e9,
                  shrinker.finding().sentence);
  violation.replay = replay_of(options, shrinker.options(), settings.seed);
  violation.plan_before = plan.size();
  const Settings small = settings_of(settings.seed, shrinker.options());
  for (const FaultEvent& event : plan_of(small, shrinker.options())) {
    violation.plan.push_back(to_string(event, small.simulation.nodes));
  }
  return violation;
}

}  // namespace libraft::testkit
