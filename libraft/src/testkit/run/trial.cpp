#include "testkit/run/trial.hpp"

#include <libraft/error.hpp>
#include <libraft/status.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace libraft::testkit {
namespace {

using std::chrono::milliseconds;

std::unique_ptr<Model> make_model(const Service& service) {
  if (service.key_value) return std::make_unique<KeyValueModel>(*service.key_value);
  return std::make_unique<ReplayModel>(service.model ? service.model() : service.machine());
}

}  // namespace

Trial::Trial(const Service& service, Settings settings, Plan plan, Watcher* watcher)
    : service_(service),
      settings_(std::move(settings)),
      plan_(std::move(plan)),
      model_(make_model(service)),
      disks_(
          [this](NodeId id) {
            const Simulation& simulation = cluster_.simulation();
            return simulation.is_damaged(id) ? nullptr : simulation.disk(id);  // a flipped bit breaks every promise
          },
          service.storage.make),
      checks_({.model = model_.get(),
               .disks = service.storage.make ? &disks_ : nullptr,
               .specification = settings_.specification}),
      watcher_(watcher),
      cluster_(service_, settings_),
      agenda_(cluster_.simulation()),
      caretaker_(cluster_, agenda_, settings_),
      nemesis_(cluster_, agenda_, caretaker_, settings_),
      clients_(service_, cluster_, agenda_, settings_,
               watcher != nullptr ? std::vector<Watcher*>{&checks_, watcher} : std::vector<Watcher*>{&checks_}) {
  Simulation& simulation = cluster_.simulation();
  simulation.watch(checks_);
  simulation.watch(*this);
  simulation.watch(nemesis_);
  if (watcher != nullptr) simulation.watch(*watcher);
  nemesis_.on_strike = [this](const FaultNote& note) {
    if (watcher_ != nullptr) watcher_->on_fault(note);
  };
  agenda_.is_over = [this] { return checks_.verdicts().has_violation(); };
  clients_.on_broken = [this](std::string sentence) { find("iX1", std::move(sentence)); };
  caretaker_.on_broken = [this](std::string sentence) { find("iX1", std::move(sentence)); };
}

TrialResult Trial::run() {
  try {
    go_through_phases();
  } catch (...) {
    if (!finding_) finding_ = thrown(std::current_exception(), agenda_.now());
  }
  TrialResult result;
  result.finding = finding_;
  result.simulated = agenda_.now() - TimePoint{};
  result.events = cluster_.simulation().events();
  result.requests = clients_.completed();
  result.crashes = nemesis_.crashes();
  result.trace_hash = cluster_.simulation().trace_hash();
  result.state = std::move(state_);
  result.faults = faults();
  result.effects.insert(effects_.begin(), effects_.end());
  for (const auto& [mark, count] : checks_.marks()) result.marks[std::string(mark)] += count;
  return result;
}

void Trial::go_through_phases() {
  begin();
  be_faulty();
  if (!finding_) recover_core();
  if (!finding_) heal_all();
  if (!finding_) audit();
  if (finding_) return;
  checks_.finish();
  take_verdict();
}

void Trial::begin() {
  for (const NodeId id : cluster_.ids()) cluster_.start(id);
  clients_.begin();
  caretaker_.begin();
  nemesis_.begin(plan_);
}

void Trial::be_faulty() {
  run_to(TimePoint(settings_.under_faults));
}

void Trial::run_to(TimePoint end) {
  while (!finding_ && agenda_.now() < end) {
    agenda_.run_to(end);
    take_verdict();
  }
}

void Trial::take_verdict() {
  const auto& verdict = checks_.verdicts().first();
  if (finding_ || !verdict) return;
  const std::string where = verdict->node == NodeId{} ? "" : fmt::format("node {}: ", verdict->node.value);
  finding_ = Finding{verdict->invariant, where + verdict->sentence, verdict->time};
  if (verdict->invariant.starts_with("iL")) finding_->sentence += ": " + situation();
}

bool Trial::await(const std::function<bool()>& judge) {
  while (!finding_ && !judge()) {
    take_verdict();
    run_to(agenda_.now() + milliseconds(10));
  }
  return !finding_;
}

// What the checks have said came first.
void Trial::find(std::string invariant, std::string sentence) {
  take_verdict();
  if (!finding_) finding_ = Finding{std::move(invariant), std::move(sentence), agenda_.now()};
  agenda_.interrupt();
}

// Watchers only look: what follows is done as soon as the simulation has finished its step.
void Trial::on_crashed(NodeId id) {
  agenda_.in({}, [this, id] {
    clients_.on_crash(id);
    caretaker_.on_crash(id);
  });
}

// A node fails for a reason that it was given, or there is a bug. The core's own rules and the state machine have a
// rule of their own, which Checks keeps.
void Trial::on_failed(NodeId id, const Failure& failure) {
  if (failure.error == errc::invariant_violated || failure.error == errc::state_machine_failed) return;
  if (nemesis_.may_fail(id) || cluster_.simulation().is_damaged(id)) return;
  find("iD7", fmt::format("node {} failed without a fault of its disk: {} ({})", id.value, failure.reason,
                          failure.error.message()));
}

std::map<std::string, std::uint64_t> Trial::faults() const {
  std::map<std::string, std::uint64_t> counts;
  for (const Fault fault : settings_.faults) {
    const bool needs_disk = fault == Fault::lost_writes;
    if (is_of_the_whole_run(fault) && (cluster_.has_disks() || !needs_disk)) ++counts[std::string(name_of(fault))];
  }
  for (const auto& [fault, count] : nemesis_.strikes()) counts[std::string(name_of(fault))] += count;
  return counts;
}

void Trial::on_fault(const FaultNote& note) {
  // What takes a fault back is no effect of one.
  for (const std::string_view other :
       {"network.mend", "network.release", "network.steady", "network.all_links", "disk.room", "disk.mend",
        "disk.usual_speed", "process.usual_speed", "clock.timely", "clock.usual_rate"}) {
    if (note.kind == other) return;
  }
  auto count = effects_.find(note.kind);
  if (count == effects_.end()) count = effects_.emplace(note.kind, 0).first;
  ++count->second;
  if (note.kind == "disk.damage_overlooked") {
    find("iD8", fmt::format("node {} runs on a damaged disk and has not noticed", note.node.value));
  }
}

std::set<NodeId> Trial::draw_core() {
  Random random = stream(settings_.seed, Purpose::plan, 50);
  std::vector<NodeId> left = cluster_.ids();
  const std::size_t quorum = left.size() / 2 + 1;
  const std::size_t size = random.between(quorum, left.size());
  std::set<NodeId> core;
  while (core.size() < size) {
    const std::size_t at = random.below(left.size());
    core.insert(left[at]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return core;
}

void Trial::recover_core() {
  const std::set<NodeId> core = draw_core();
  nemesis_.settle(core, settings_.seed);
  clients_.prefer({core.begin(), core.end()});
  run_to(nemesis_.healed_at());
  const Duration timeout = timeout_max();
  LivenessCheck& liveness = checks_.liveness();
  const TimePoint begun = agenda_.now();
  liveness.begin({core.begin(), core.end()}, timeout);
  if (!await([&] { return liveness.judge_leader(); })) return;
  // What the nodes were asked before they could answer ends with their timeouts, or the client's patience.
  const Duration patience = std::max(settings_.clients.patience, settings_.clients.timeout);
  clients_.forget_progress();
  const TimePoint progress_end = agenda_.now() + 20 * timeout + 2 * patience + transfer_time(core);
  if (!await([&] { return liveness.judge_operations(clients_.oldest_at(core), patience); })) return;
  const auto judge_progress = [&] {
    if (clients_.have_all_progressed()) return true;
    if (agenda_.now() >= progress_end) find("iL8", "some client makes no progress: " + situation());
    return false;
  };
  if (!await(judge_progress)) return;
  if (!await([&] { return liveness.judge_steadiness(); })) return;
  clients_.stop();
  caretaker_.stop();
  await_even(core, agenda_.now() - begun + patience);
  if (!finding_) liveness.judge_elections();
  take_verdict();
}

void Trial::heal_all() {
  nemesis_.heal_all();
  const std::set<NodeId> all(cluster_.ids().begin(), cluster_.ids().end());
  run_to(nemesis_.healed_at() + timeout_max());  // who comes back may campaign first
  checks_.liveness().begin({all.begin(), all.end()}, timeout_max());
  await_even(all, {});
  // A snapshot that failed is tried again after ten election timeouts.
  const TimePoint late = agenda_.now() + 20 * timeout_max();
  await([&] { return checks_.bounds().judge_snapshots_taken(agenda_.now() >= late); });
  // What was asked must end, be the clocks of the nodes a fifth too slow.
  const TimePoint due = std::max(agenda_.now() + settings_.clients.timeout, caretaker_.due());
  run_to(agenda_.now() + (due - agenda_.now()) * 5 / 4 + timeout_max());
}

void Trial::await_even(const std::set<NodeId>& nodes, Duration allowance) {
  const Duration transfer = transfer_time(nodes);
  await([&] { return checks_.liveness().judge_even(allowance + transfer); });
}

void Trial::audit() {
  if (clients_.requests_open() > 0) {
    find("iL2", fmt::format("{} requests have never ended; the oldest is {}", clients_.requests_open(),
                            clients_.oldest_request()));
  }
  if (caretaker_.requests_open() > 0) {
    find("iL2", fmt::format("{} requests of the caretaker have never ended; the oldest is {}",
                            caretaker_.requests_open(), caretaker_.oldest_request()));
  }
  const NodeId first = cluster_.ids().front();
  const auto expected = cluster_.state_of(first);
  if (expected) state_ = *expected;
  for (const NodeId id : cluster_.ids()) {
    const auto state = cluster_.state_of(id);
    if (expected && state && *expected == *state) continue;
    find("iS7", fmt::format("the states of the nodes {} and {} differ after the same commands", first.value, id.value));
  }
}

Duration Trial::timeout_max() const {
  // A timeout is up to twice the least one. A clock may be slow by a fifth; what was sent before the healing may still
  // be on its way.
  return settings_.simulation.core.election_timeout * 2 * 10 / 8 + 2 * latency_of(settings_);
}

Duration Trial::transfer_time(const std::set<NodeId>& nodes) const {
  const Simulation& simulation = cluster_.simulation();
  std::uint64_t last = 0;
  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t unapplied = 0;
  for (const NodeId id : nodes) {
    const Status status = simulation.status(id);
    last = std::max(last, status.log_last.index.value);
    least = std::min(least, status.log_last.index.value);
    unapplied = std::max(unapplied, status.log_last.index.value - status.applied.value);
  }
  // One message at a time is the slowest that there is, for entries and for the chunks of a snapshot.
  const CoreOptions& core = settings_.simulation.core;
  const std::uint64_t messages = (last - std::min(last, least)) / core.append_entries_max + 1;
  const std::uint64_t chunks = (64u << 10) / core.snapshot_chunk_bytes + 1;
  const auto trips = static_cast<Duration::rep>(messages + chunks);
  const auto batches = static_cast<Duration::rep>(unapplied / core.apply_entries_max + 1);
  return trips * latency_of(settings_) + batches * 4 * settings_.simulation.work_delay_max;
}

std::string Trial::situation() const {
  std::string text;
  for (const NodeId id : cluster_.ids()) {
    const Status status = cluster_.simulation().status(id);
    text += fmt::format("{}node {} {} {} in term {}, applied {} of {}", text.empty() ? "" : "; ", id.value,
                        to_string(status.state), to_string(status.role), status.term.value, status.applied.value,
                        status.log_last.index.value);
  }
  return text;
}

Finding thrown(const std::exception_ptr& exception, TimePoint at) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return {"threw", fmt::format("the service threw: {}", error.what()), at};
  } catch (...) {
    return {"threw", "the service threw something that is no std::exception", at};
  }
}

TrialResult run_trial(const Service& service, const Settings& settings, const Plan& plan, Watcher* watcher) {
  try {
    return Trial(service, settings, plan, watcher).run();
  } catch (...) {  // while it was made
    TrialResult result;
    result.finding = thrown(std::current_exception(), TimePoint{});
    return result;
  }
}

}  // namespace libraft::testkit
