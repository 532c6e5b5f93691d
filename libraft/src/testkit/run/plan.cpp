#include "testkit/run/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <tuple>

namespace libraft::testkit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Plans are made for this long, so that a shorter run has the same events under the same numbers.
constexpr Duration kHorizon = seconds(200);

/// How often a kind strikes, and for how long: the mean of a seed is drawn from the first range.
struct Rhythm {
  Duration every_min;
  Duration every_max;
  Duration lasts_min;
  Duration lasts_max;
};

Rhythm rhythm_of(Fault fault, bool fixed_profile) {
  if (fixed_profile) return {seconds(10), seconds(10), milliseconds(500), seconds(3)};
  switch (fault) {
    case Fault::crash:
    case Fault::crash_in_write:
      return {seconds(2), seconds(30), milliseconds(1), seconds(10)};
    case Fault::crash_loop:
    case Fault::power_cut:
      return {seconds(8), seconds(60), milliseconds(10), seconds(5)};
    case Fault::pause:
      return {seconds(3), seconds(30), milliseconds(10), seconds(8)};
    case Fault::transfer:
    case Fault::snapshot:
      return {seconds(2), seconds(20), milliseconds(50), seconds(2)};
    case Fault::sync_error:
    case Fault::write_error:
    case Fault::no_space:
    case Fault::flip:
      return {seconds(8), seconds(60), milliseconds(10), seconds(5)};
    default:
      return {seconds(3), seconds(40), milliseconds(50), seconds(10)};
  }
}

void add_events(Plan& plan, std::uint64_t seed, Fault fault, bool fixed_profile) {
  Random random = stream(seed, Purpose::plan, static_cast<std::uint64_t>(fault) + (fixed_profile ? 64 : 0));
  const Rhythm rhythm = rhythm_of(fault, fixed_profile);
  const Duration every = random.log_between(rhythm.every_min, rhythm.every_max);
  for (Duration at = random.between(Duration(1), every); at < kHorizon;) {
    FaultEvent event;
    event.at = at;
    event.fault = fault;
    event.lasts = random.log_between(rhythm.lasts_min, rhythm.lasts_max);
    event.draw = random.draw();
    plan.push_back(event);
    at += random.between(every / 2, every * 3 / 2) + Duration(1);
  }
}

/// At least one node, and not all where there are several.
std::uint64_t group_from(std::uint64_t draw, std::size_t nodes) {
  const std::uint64_t all = (std::uint64_t{1} << nodes) - 1;
  const std::uint64_t group = draw & all;
  return group == 0 || group == all ? std::uint64_t{1} << (draw % nodes) : group;
}

std::string group_text(std::uint64_t group) {
  std::string text;
  for (std::uint64_t id = 1; group != 0; ++id, group >>= 1) {
    if ((group & 1) != 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", id);
  }
  return text;
}

std::string target_text(const FaultEvent& event, std::size_t nodes) {
  const Target target = target_of(event, nodes);
  const std::string node = target.node == NodeId{} ? "the leader" : fmt::format("node {}", target.node.value);
  switch (event.fault) {
    case Fault::partition:
      return target.group == 0 ? "the leader from the rest" : fmt::format("{} from the rest", group_text(target.group));
    case Fault::one_way:
      return fmt::format("{} {}", node, target.is_incoming ? "does not hear" : "is not heard");
    case Fault::partial:
      return fmt::format("{} and node {}", node, target.other.value);
    case Fault::slow_link:
      return fmt::format("{} to node {}", node, target.other.value);
    case Fault::flapping:
      return fmt::format("{} and node {}, {} times", node, target.other.value, target.count);
    case Fault::clog:
      return target.count > 3 ? "one link of a node after the other"
                              : fmt::format("{} to node {}", node, target.other.value);
    case Fault::ring:
    case Fault::power_cut:
      return "all";
    case Fault::crash_in_write:
      return fmt::format("{}, at call {} of its disk", node, target.count);
    case Fault::crash_loop:
      return fmt::format("{}, {} times", node, target.count);
    default:
      return node;
  }
}

}  // namespace

Plan plan_of(const Settings& settings, const SimulateOptions& options) {
  Plan plan;
  for (std::size_t i = kFaultsOfTheWholeRun; i < kFaults; ++i) {
    add_events(plan, settings.seed, static_cast<Fault>(i), options.fixed_profile);
  }
  std::sort(plan.begin(), plan.end(),
            [](const auto& a, const auto& b) { return std::tie(a.at, a.fault) < std::tie(b.at, b.fault); });
  for (std::size_t i = 0; i < plan.size(); ++i) plan[i].number = i;
  std::erase_if(plan, [&](const FaultEvent& event) {
    if (event.at >= settings.under_faults || !settings.faults.contains(event.fault)) return true;
    const auto& kept = options.only_events;
    return kept && std::find(kept->begin(), kept->end(), event.number) == kept->end();
  });
  return plan;
}

Target target_of(const FaultEvent& event, std::size_t nodes) {
  Target target;
  const std::uint64_t draw = event.draw;
  // The leader is worth a quarter of all strikes.
  const bool hits_leader = (draw & 3) == 0;
  const std::uint64_t node = (draw >> 8) % nodes;
  target.node = hits_leader ? NodeId{} : NodeId{node + 1};
  target.other = NodeId{(node + 1 + (draw >> 16) % std::max<std::size_t>(nodes - 1, 1)) % nodes + 1};
  target.is_incoming = (draw & 4) != 0;
  target.count = 1 + (draw >> 24) % 6;
  target.group = hits_leader ? 0 : group_from(draw >> 32, nodes);
  return target;
}

std::string to_string(const FaultEvent& event, std::size_t nodes) {
  const auto in_seconds = [](Duration duration) { return static_cast<double>(duration.count()) / 1e9; };
  return fmt::format("#{} {:.3f} s {} for {:.3f} s: {}", event.number, in_seconds(event.at), name_of(event.fault),
                     in_seconds(event.lasts), target_text(event, nodes));
}

}  // namespace libraft::testkit
