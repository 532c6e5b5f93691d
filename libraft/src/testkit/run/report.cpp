// What a sweep prints.
#include <libraft/testkit/simulate.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace libraft::testkit {
namespace {

std::uint64_t marks_hit(const SimulateReport& report) {
  return static_cast<std::uint64_t>(
      std::count_if(report.marks.begin(), report.marks.end(), [](const auto& mark) { return mark.second > 0; }));
}

std::string table(std::string_view title, const std::map<std::string, std::uint64_t>& counts) {
  std::string text = fmt::format("{}:\n", title);
  for (const auto& [name, count] : counts) text += fmt::format("  {:>12}  {}\n", count, name);
  return text;
}

}  // namespace

std::string to_text(const SimulateReport& report) {
  const double simulated_seconds = report.simulated_hours * 3600;
  const double real = std::max(report.real_seconds, 1e-9);
  const double seeds = std::max<double>(1, static_cast<double>(report.seeds));
  std::string text =
      fmt::format("{} seeds from {}, {} of them twice; {:.3f} simulated hours in {:.1f} s by {} jobs\n", report.seeds,
                  report.first_seed, report.twice, report.simulated_hours, report.real_seconds, report.jobs);
  text += fmt::format("speed: {:.0f} times real time, {:.0f} events a second\n", simulated_seconds / real,
                      static_cast<double>(report.events) / real);
  text += fmt::format("each seed: {:.1f} simulated seconds, {:.0f} completed requests, {:.1f} crashes\n",
                      simulated_seconds / seeds, static_cast<double>(report.requests) / seeds,
                      static_cast<double>(report.crashes) / seeds);
  if (!report.faults.empty()) text += table("faults (of a whole run: runs; others: strikes)", report.faults);
  if (!report.effects.empty()) text += table("what the simulation did, for them and besides", report.effects);
  if (!report.marks.empty()) text += table("marks", report.marks);
  for (const FailedRun& violation : report.violations) {
    text += fmt::format("VIOLATION of {} by seed {}\n  {}\n", violation.invariant, violation.seed, violation.sentence);
    text += fmt::format("  {} of {} faults are left:\n", violation.plan.size(), violation.plan_before);
    for (const std::string& event : violation.plan) text += fmt::format("    {}\n", event);
    text += fmt::format("  run it again: {}\n", violation.replay);
  }
  return text;
}

int exit_code(const SimulateReport& report) {
  constexpr std::uint64_t kSeedsForAllMarks = 1000;
  if (!report.violations.empty()) return 1;
  const bool asks_for_marks = report.seeds >= kSeedsForAllMarks;
  return asks_for_marks && marks_hit(report) < report.marks.size() ? 3 : 0;
}

std::string to_json(const SimulateReport& report) {
  return fmt::format(
      "{{\"seeds\":{},\"first_seed\":{},\"simulated_hours\":{:.4f},\"real_seconds\":{:.3f},\"jobs\":{},\"events\":{},"
      "\"violations\":{},\"marks_hit\":{},\"marks_total\":{},\"requests\":{},\"crashes\":{}}}",
      report.seeds, report.first_seed, report.simulated_hours, report.real_seconds, report.jobs, report.events,
      report.violations.size(), marks_hit(report), report.marks.size(), report.requests, report.crashes);
}

}  // namespace libraft::testkit
