#include "testkit/run/trial.hpp"

#include <libraft/error.hpp>
#include <libraft/status.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace libraft::testkit {
namespace {

using std::chrono::milliseconds;

/// A round trip with all that the nodes do in it.
Duration round_trip(const SimulationOptions& options) {
  return 2 * options.message_delay_max + 8 * options.work_delay_max;
}

}  // namespace

Trial::Trial(const Service& service, Settings settings, Plan plan, Watcher* watcher)
    : service_(service),
      settings_(std::move(settings)),
      plan_(std::move(plan)),
      cluster_(service_, settings_),
      agenda_(cluster_.simulation()),
      nemesis_(cluster_, agenda_, settings_),
      clients_(service_, cluster_, agenda_, settings_, watchers_) {
  if (watcher != nullptr) watchers_.add(*watcher);
  cluster_.on_crash = [this](NodeId id) { clients_.on_crash(id); };
  nemesis_.on_fault = [this](Fault fault, NodeId node, NodeId other, std::string detail) {
    watchers_.on_fault({name_of(fault), node, other, std::move(detail)});
  };
}

TrialResult Trial::run() {
  begin();
  be_faulty();
  if (!finding_) recover_core();
  if (!finding_) heal_all();
  if (!finding_) audit();
  TrialResult result;
  result.finding = finding_;
  result.simulated = agenda_.now() - TimePoint{};
  result.events = cluster_.simulation().events();
  result.requests = clients_.completed();
  result.crashes = nemesis_.crashes();
  result.trace_hash = cluster_.simulation().trace_hash();
  for (const auto& [fault, count] : nemesis_.counts()) result.faults[std::string(name_of(fault))] += count;
  return result;
}

void Trial::begin() {
  for (const NodeId id : cluster_.ids()) cluster_.start(id);
  clients_.begin();
  nemesis_.begin(plan_);
  look_after_nodes();
}

void Trial::be_faulty() {
  run_to(TimePoint(settings_.under_faults));
}

void Trial::run_to(TimePoint end) {
  const auto is_interrupted = [this] { return finding_.has_value() || nemesis_.has_struck() || clients_.broken(); };
  while (!finding_ && agenda_.now() < end) {
    if (!agenda_.run_until(is_interrupted, end)) return;
    nemesis_.look();
    if (clients_.broken()) find("iX0", *clients_.broken());
  }
}

bool Trial::await(const std::function<bool()>& condition, Duration limit, const char* invariant, const char* sentence) {
  const TimePoint end = agenda_.now() + limit;
  while (!finding_ && !condition()) {
    if (agenda_.now() >= end) {
      find(invariant,
           fmt::format("{} within {:.3f} s: {}", sentence, static_cast<double>(limit.count()) / 1e9, situation()));
      return false;
    }
    run_to(std::min(end, agenda_.now() + milliseconds(10)));
  }
  return !finding_;
}

void Trial::find(std::string invariant, std::string sentence) {
  if (!finding_) finding_ = Finding{std::move(invariant), std::move(sentence), agenda_.now()};
}

// A node fails for a reason that it was given, or there is a bug.
void Trial::look_after_nodes() {
  for (const NodeId id : cluster_.ids()) {
    if (!cluster_.is_up(id)) continue;
    const Status status = cluster_.simulation().status(id);
    if (!status.failure) continue;
    const bool is_excused = nemesis_.may_fail(id) && status.failure->error != errc::invariant_violated &&
                            status.failure->error != errc::state_machine_failed;
    if (!is_excused) {
      find("iD7", fmt::format("node {} failed without a fault of its disk: {} ({})", id.value, status.failure->reason,
                              status.failure->error.message()));
    }
    nemesis_.mend(id);
  }
  agenda_.in(milliseconds(100), [this] { look_after_nodes(); });
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
  const std::uint64_t operations_before = clients_.next_operation();
  nemesis_.settle(core, settings_.seed);
  clients_.prefer({core.begin(), core.end()});
  const Duration timeout = timeout_max();
  if (!await([&] { return is_led(core); }, 10 * timeout, "iL1", "the core has no leader")) return;
  // What the nodes were asked before they could answer ends with their timeouts, or the client's patience.
  const Duration patience = std::max(settings_.clients.patience, settings_.clients.timeout);
  const std::uint64_t completed_before = clients_.completed();
  const Duration transfer = transfer_time(core);
  if (!await([&] { return clients_.waiting(operations_before) == 0; }, 20 * timeout + patience, "iL2",
             "old operations are still waiting")) {
    return;
  }
  if (!await([&] { return clients_.completed() >= completed_before + settings_.clients.count; },
             20 * timeout + 2 * patience + transfer, "iL8", "clients make no progress")) {
    return;
  }
  clients_.stop();
  await([&] { return is_even(core); }, 30 * timeout + transfer_time(core) + patience, "iL3", "the core is not even");
}

void Trial::heal_all() {
  nemesis_.heal_all();
  const std::set<NodeId> all(cluster_.ids().begin(), cluster_.ids().end());
  run_to(agenda_.now() + timeout_max());  // who comes back may campaign first
  await([&] { return is_even(all); }, 30 * timeout_max() + transfer_time(all), "iL3", "not all nodes are even");
  run_to(agenda_.now() + settings_.clients.timeout + timeout_max());
}

void Trial::audit() {
  if (clients_.requests_open() > 0) {
    find("iL2", fmt::format("{} requests have never ended", clients_.requests_open()));
  }
  const NodeId first = cluster_.ids().front();
  const auto expected = cluster_.state_of(first);
  for (const NodeId id : cluster_.ids()) {
    const auto state = cluster_.state_of(id);
    if (expected && state && *expected == *state) continue;
    find("iS7", fmt::format("the states of the nodes {} and {} differ after the same commands", first.value, id.value));
  }
}

bool Trial::is_led(const std::set<NodeId>& nodes) const {
  const NodeId leader = cluster_.simulation().leader();
  if (leader == NodeId{}) return false;
  return std::all_of(nodes.begin(), nodes.end(),
                     [&](NodeId id) { return cluster_.simulation().status(id).leader == leader; });
}

bool Trial::is_even(const std::set<NodeId>& nodes) const {
  const NodeId leader = cluster_.simulation().leader();
  if (leader == NodeId{}) return false;
  const LogIndex end = cluster_.simulation().status(leader).log_last.index;
  return std::all_of(nodes.begin(), nodes.end(), [&](NodeId id) {
    const Status status = cluster_.simulation().status(id);
    return status.state == NodeState::running && status.applied == end && status.log_last.index == end;
  });
}

Duration Trial::timeout_max() const {
  return 2 * settings_.simulation.core.election_timeout + 2 * round_trip(settings_.simulation);
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
  return trips * round_trip(settings_.simulation) + batches * 4 * settings_.simulation.work_delay_max;
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

}  // namespace libraft::testkit
