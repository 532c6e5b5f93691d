// Many runs, side by side: counts, violations, and a share of the seeds twice.
#include "testkit/run/shrink.hpp"
#include "testkit/run/trial.hpp"

#include <libraft/testkit/simulate.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace libraft::testkit {
namespace {

constexpr std::uint64_t kTwiceEvery = 50;

class Sweep {
 public:
  Sweep(const Service& service, const SimulateOptions& options)
      : service_(service), options_(options), begun_(std::chrono::steady_clock::now()), next_(options.first_seed) {
    report_.first_seed = options.first_seed;
    report_.jobs = options.jobs != 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  }

  SimulateReport run() {
    std::vector<std::thread> threads;
    try {
      for (std::size_t i = 1; i < report_.jobs; ++i) threads.emplace_back([this] { work(); });
    } catch (const std::system_error&) {  // the system gives no more threads: fewer do the same
      const std::lock_guard lock(mutex_);
      report_.jobs = threads.size() + 1;
    }
    work();
    for (std::thread& thread : threads) thread.join();
    std::sort(report_.violations.begin(), report_.violations.end(),
              [](const FailedRun& a, const FailedRun& b) { return a.seed < b.seed; });
    report_.simulated_hours = std::chrono::duration<double, std::ratio<3600>>(simulated_).count();
    report_.real_seconds = seconds_so_far();
    return std::move(report_);
  }

 private:
  void work() {
    while (const auto seed = take_seed()) {
      if (options_.on_run) options_.on_run(*seed);
      const Settings settings = settings_of(*seed, options_);
      const Plan plan = plan_of(settings, options_);
      TrialResult result = run_trial(service_, settings, plan);
      const bool is_twice = *seed % kTwiceEvery == 0;
      if (is_twice && !result.finding) {
        const TrialResult again = run_trial(service_, settings, plan);
        const bool is_equal = again.trace_hash == result.trace_hash && again.state == result.state;
        if (again.finding || !is_equal) {
          result.finding = Finding{"iT1", "the same seed ran twice, and the runs differ", TimePoint{}};
        }
      }
      std::optional<FailedRun> violation;
      if (result.finding) violation = explain(service_, options_, settings, plan, *result.finding);
      add(result, is_twice, std::move(violation));
    }
  }

  std::optional<std::uint64_t> take_seed() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t begun = next_ - options_.first_seed;
    if (report_.violations.size() >= options_.violations_max) return std::nullopt;
    if (begun >= options_.seeds.value_or(options_.minutes ? ~std::uint64_t{0} : 1)) return std::nullopt;
    if (options_.minutes && begun >= report_.jobs && seconds_so_far() >= *options_.minutes * 60) return std::nullopt;
    return next_++;
  }

  void add(const TrialResult& result, bool is_twice, std::optional<FailedRun> violation) {
    const std::lock_guard lock(mutex_);
    ++report_.seeds;
    simulated_ += result.simulated;
    report_.events += result.events;
    report_.requests += result.requests;
    report_.crashes += result.crashes;
    report_.twice += is_twice ? 1 : 0;
    for (const auto& [fault, count] : result.faults) report_.faults[fault] += count;
    for (const auto& [effect, count] : result.effects) report_.effects[effect] += count;
    for (const auto& [mark, count] : result.marks) report_.marks[mark] += count;
    if (violation) report_.violations.push_back(*std::move(violation));
  }

  [[nodiscard]] double seconds_so_far() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }

  const Service& service_;
  const SimulateOptions& options_;
  const std::chrono::steady_clock::time_point begun_;
  std::mutex mutex_;  // of what follows
  std::uint64_t next_;
  Duration simulated_{};
  SimulateReport report_;
};

}  // namespace

SimulateReport simulate(const Service& service, const SimulateOptions& options) {
  if (const std::string reason = validate(service, options); !reason.empty()) throw std::invalid_argument(reason);
  return Sweep(service, options).run();
}

}  // namespace libraft::testkit
