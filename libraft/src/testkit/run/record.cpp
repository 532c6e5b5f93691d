// One run, written down.
#include "testkit/run/shrink.hpp"
#include "testkit/run/timeline.hpp"
#include "testkit/run/trace.hpp"
#include "testkit/run/trial.hpp"

#include <libraft/testkit/simulate.hpp>

#include <array>
#include <stdexcept>
#include <string>

namespace libraft::testkit {
namespace {

/// Passes on to both what a simulation and its clients tell.
class Both final : public Watcher {
 public:
  Both(Watcher& first, Watcher& second) : all_{&first, &second} {}

  void on_time(TimePoint now) override { tell(&Watcher::on_time, now); }
  void on_started(NodeId id, std::uint64_t life) override { tell(&Watcher::on_started, id, life); }
  void on_recovered(NodeId id, const std::optional<RecoveredState>& state) override {
    tell(&Watcher::on_recovered, id, state);
  }
  void on_stepped(NodeId id, const Core& core) override { tell(&Watcher::on_stepped, id, core); }
  void on_failed(NodeId id, const Failure& failure) override { tell(&Watcher::on_failed, id, failure); }
  void on_stopped(NodeId id) override { tell(&Watcher::on_stopped, id); }
  void on_crashed(NodeId id) override { tell(&Watcher::on_crashed, id); }
  void on_written(NodeId id, const WriteBatch& batch, std::error_code error) override {
    tell(&Watcher::on_written, id, batch, error);
  }
  void on_published(NodeId id, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) override {
    tell(&Watcher::on_published, id, meta, batch, error);
  }
  void on_applied(NodeId id, LogId at, const Bytes& command, const Bytes& reply) override {
    tell(&Watcher::on_applied, id, at, command, reply);
  }
  void on_restored(NodeId id, const SnapshotMeta& meta) override { tell(&Watcher::on_restored, id, meta); }
  void on_sent(const Message& message) override { tell(&Watcher::on_sent, message); }
  void on_delivered(const Message& message) override { tell(&Watcher::on_delivered, message); }
  void on_invoked(const Operation& operation) override { tell(&Watcher::on_invoked, operation); }
  void on_given_up(const Operation& operation) override { tell(&Watcher::on_given_up, operation); }
  void on_ended(const Operation& operation, const Outcome& outcome) override {
    tell(&Watcher::on_ended, operation, outcome);
  }
  void on_fault(const FaultNote& note) override { tell(&Watcher::on_fault, note); }

 private:
  template <class... Parameters, class... Arguments>
  void tell(void (Watcher::*member)(Parameters...), const Arguments&... arguments) {
    for (Watcher* watcher : all_) (watcher->*member)(arguments...);
  }

  std::array<Watcher*, 2> all_;
};

}  // namespace

RunRecord record(const Service& service, const SimulateOptions& options) {
  if (const std::string reason = validate(service, options); !reason.empty()) throw std::invalid_argument(reason);
  const Settings settings = settings_of(options.first_seed, options);
  const Plan plan = plan_of(settings, options);
  std::string about = to_string(settings);
  for (const FaultEvent& event : plan) about += to_string(event, settings.simulation.nodes) + "\n";

  Trace trace;
  Timeline timeline(settings.simulation.nodes);
  Both both(trace, timeline);
  const TrialResult result = run_trial(service, settings, plan, &both);
  RunRecord record;
  record.trace = about + trace.text();
  if (result.finding) {
    about = "violation of " + result.finding->invariant + ": " + result.finding->sentence + "\n" + about;
    record.trace += "VIOLATION of " + result.finding->invariant + ": " + result.finding->sentence + "\n";
  }
  record.html = timeline.html("Seed " + std::to_string(settings.seed), about);
  if (result.finding) {
    SimulateOptions as_it_is = options;
    as_it_is.shrink = false;
    record.violation = explain(service, as_it_is, settings, plan, *result.finding);
  }
  return record;
}

}  // namespace libraft::testkit
