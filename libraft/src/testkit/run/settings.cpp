// Swarm configurations: each fault on or off, and every knob anywhere that `validate` allows.
#include "testkit/run/settings.hpp"

#include <libraft/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace libraft::testkit {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kJobsMax = 1024;  // each is a thread

struct KindOfFault {
  std::string_view name;
  std::string_view description;
  std::uint32_t on_ppm;  // in swarm configurations
  bool is_in_fixed;      // part of the yardstick
};

constexpr std::array<KindOfFault, kFaults> kKinds{{
    {"network.loss", "messages vanish", 600000, true},
    {"network.burst_loss", "messages vanish, many in a row", 250000, false},
    {"network.duplication", "messages arrive twice", 500000, true},
    {"network.delay", "messages take long, and overtake each other", 500000, true},
    {"network.delay_tail", "a few messages take very long", 350000, false},
    {"network.corruption", "bits of messages flip", 300000, false},
    {"network.truncation", "the end of a message is missing", 200000, false},
    {"disk.lost_writes", "a crash loses any part of what was not synced, and tears writes", 800000, true},
    {"process.slow_work", "work on the lanes takes long", 300000, false},
    {"clock.skew", "clocks have different zeros", 500000, true},
    {"clock.drift", "clocks run too fast or too slow, by up to a fifth", 400000, false},
    {"clock.late_timers", "timers come late", 250000, false},
    {"options.mixed", "each node has options of its own", 300000, false},
    {"network.partition", "a group of nodes is cut off, at times just the leader", 500000, true},
    {"network.one_way", "a node can send but not hear, or hear but not send", 400000, true},
    {"network.partial", "two nodes can't reach each other, the others reach both", 400000, false},
    {"network.ring", "each node reaches its neighbours only", 250000, false},
    {"network.flapping", "a link comes and goes", 300000, false},
    {"network.clog", "links hold messages back, and let old ones go later", 300000, false},
    {"network.slow_link", "a link is slow", 250000, false},
    {"process.crash", "a node dies and starts again", 700000, true},
    {"process.crash_in_write", "power fails in the middle of a write", 500000, true},
    {"process.crash_loop", "a node dies again while it recovers", 250000, false},
    {"process.power_cut", "all nodes die at once", 250000, false},
    {"process.pause", "a node stands still and then goes on", 500000, true},
    {"process.slow", "a node is slow", 250000, false},
    {"request.transfer", "the leader is asked to hand over", 400000, false},
    {"request.snapshot", "a node is asked for a snapshot", 300000, false},
    {"disk.sync_error", "a sync fails", 250000, false},
    {"disk.write_error", "a write fails", 250000, false},
    {"disk.no_space", "a disk is full for a while", 250000, false},
    {"disk.stall", "a disk stands still", 250000, false},
    {"disk.slow", "a disk is slow", 250000, false},
    {"disk.flip", "a bit flips on a disk", 300000, false},
    {"clock.jump", "a clock goes forward at once", 250000, false},
    {"process.stop", "a node stops in good order and starts again", 300000, false},
}};

constexpr const KindOfFault& kind_of(Fault fault) {
  return kKinds[static_cast<std::size_t>(fault)];
}

/// The core's knobs, down to one entry a message and no cache at all.
CoreOptions draw_core(Random& random) {
  CoreOptions core;
  core.heartbeat_interval = random.log_between(milliseconds(10), milliseconds(200));
  core.election_timeout = core.heartbeat_interval * static_cast<int>(random.between(3, 12));
  core.pre_vote = !random.chance(200000);
  core.check_quorum = !random.chance(100000);
  core.append_bytes_max = random.log_between(1, 1u << 20);
  core.append_entries_max = random.log_between(1, 4096);
  core.in_flight_bytes_max = core.append_bytes_max + random.log_between(1, 1u << 22);
  core.in_flight_messages_max = random.log_between(1, 64);
  // Down to a few entries in all, beyond which proposals are refused.
  core.command_bytes_max = random.chance(300000) ? 800 : random.log_between(800, 1u << 20);
  core.uncommitted_bytes_max = core.command_bytes_max + random.log_between(1, 1u << 22);
  core.entry_cache_bytes = random.chance(300000) ? 0 : random.log_between(1, 1u << 22);
  core.apply_entries_max = random.log_between(1, 1024);
  core.apply_bytes_max = random.log_between(1, 1u << 22);
  core.reads_waiting_max = random.log_between(1, 65536);
  core.snapshot_after_entries = random.chance(250000) ? 0 : random.log_between(3, 1000);
  core.snapshot_after_bytes = random.chance(500000) ? 0 : random.log_between(64, 1u << 20);
  core.snapshot_growth_factor = random.between(1, 4);
  core.trailing_entries = random.chance(300000) ? 0 : random.log_between(1, 1000);
  core.trailing_entries_for_followers_max = random.chance(300000) ? 0 : random.log_between(1, 10000);
  core.snapshot_chunk_bytes = random.log_between(64, 256u << 10);
  return core;
}

/// A window of one entry on a slow network carries less than clients ask for: queues would grow until every request
/// times out, which says nothing about the protocol. So it is opened as far as the load needs.
void open_window(CoreOptions& core, Duration latency, Duration interval) {
  constexpr std::size_t kEntryBytes = 128;
  const auto trips = static_cast<std::size_t>(latency / interval) + 1;
  const std::size_t entries = 3 * trips;
  const std::size_t by_message = std::min(core.append_entries_max, core.append_bytes_max / kEntryBytes + 1);
  core.in_flight_messages_max = std::max(core.in_flight_messages_max, entries / by_message + 1);
  core.in_flight_bytes_max = std::max(core.in_flight_bytes_max, core.append_bytes_max + entries * kEntryBytes);
}

ClientSettings draw_clients(Random& random, Duration latency) {
  ClientSettings clients;
  clients.count = random.between(2, 10);
  const std::uint64_t each_second = random.log_between(12, 60);  // of all clients
  clients.interval = Duration(seconds(1)) * static_cast<int>(clients.count) / static_cast<int>(each_second);
  clients.reads_ppm = static_cast<std::uint32_t>(random.between(50000, 600000));
  clients.local_ppm = static_cast<std::uint32_t>(random.between(0, 500000));
  clients.timeout = latency + random.log_between(milliseconds(100), seconds(5));
  clients.patience = latency + random.log_between(milliseconds(100), seconds(8));
  clients.wrong_node_ppm = static_cast<std::uint32_t>(random.log_between(1000, 200000));
  clients.index_ppm = static_cast<std::uint32_t>(random.between(0, 100000));
  clients.again_ppm = static_cast<std::uint32_t>(random.between(0, 1000000));
  return clients;
}

/// All is drawn, whatever is on: a fault more or less changes nothing else.
void draw_network(Random& random, Settings& settings) {
  const auto part = [&](std::uint64_t high) { return static_cast<std::uint32_t>(random.log_between(100, high)); };
  LinkFaults drawn;
  drawn.loss_ppm = part(300000);
  drawn.burst_ppm = part(20000);
  drawn.burst_end_ppm = static_cast<std::uint32_t>(random.log_between(10000, 500000));
  drawn.duplication_ppm = part(500000);
  drawn.corruption_ppm = part(50000);
  drawn.truncation_ppm = part(50000);
  drawn.delay_max = random.log_between(milliseconds(2), milliseconds(200));
  drawn.tail_ppm = part(100000);
  drawn.tail_max = random.log_between(milliseconds(100), seconds(10));
  const Duration quick = random.log_between(microseconds(60), milliseconds(2));
  const Duration work = random.log_between(microseconds(10), microseconds(500));
  const Duration slow_work = random.log_between(milliseconds(1), milliseconds(4));

  const auto is_on = [&](Fault fault) { return settings.faults.contains(fault); };
  LinkFaults& links = settings.links;
  if (is_on(Fault::loss)) links.loss_ppm = drawn.loss_ppm;
  if (is_on(Fault::burst_loss)) {
    links.burst_ppm = drawn.burst_ppm;
    links.burst_end_ppm = drawn.burst_end_ppm;
  }
  if (is_on(Fault::duplication)) links.duplication_ppm = drawn.duplication_ppm;
  if (is_on(Fault::corruption)) links.corruption_ppm = drawn.corruption_ppm;
  if (is_on(Fault::truncation)) links.truncation_ppm = drawn.truncation_ppm;
  if (is_on(Fault::delay_tail)) {
    links.tail_ppm = drawn.tail_ppm;
    links.tail_max = drawn.tail_max;
  }
  links.delay_max = is_on(Fault::delay) ? drawn.delay_max : quick;
  settings.simulation.message_delay_max = quick;
  settings.simulation.work_delay_max = is_on(Fault::slow_work) ? slow_work : work;
}

void draw_machines(Settings& settings) {
  for (std::uint64_t id = 1; id <= settings.simulation.nodes; ++id) {
    Random random = stream(settings.seed, Purpose::machine, id);
    const Duration skew = random.log_between(milliseconds(1), std::chrono::hours(24 * 365));
    const auto drift = static_cast<std::int32_t>(random.log_between(10, 200000)) * (random.chance(500000) ? 1 : -1);
    const Duration late = random.log_between(microseconds(10), milliseconds(10));
    const auto is_on = [&](Fault fault) { return settings.faults.contains(fault); };
    MachineSettings machine;
    if (is_on(Fault::skew)) machine.skew = skew;
    if (is_on(Fault::drift)) machine.drift_ppm = drift;
    if (is_on(Fault::late_timers)) machine.timer_delay = late;
    settings.machines.push_back(machine);
  }
}

/// What a node may have for itself: all that the others need not know.
void mix_options(std::uint64_t seed, NodeId id, bool is_mixed, Duration work, NodeOptions& options) {
  Random random = stream(seed, Purpose::core_of_node, id.value);
  if (is_mixed) {
    CoreOptions own = draw_core(random);
    own.heartbeat_interval = options.core.heartbeat_interval;
    own.election_timeout = options.core.election_timeout;
    own.pre_vote = options.core.pre_vote;
    own.check_quorum = options.core.check_quorum;
    own.in_flight_messages_max = std::max(own.in_flight_messages_max, options.core.in_flight_messages_max);
    own.in_flight_bytes_max =
        std::max(own.in_flight_bytes_max, own.append_bytes_max + options.core.in_flight_bytes_max);
    own.append_entries_max = std::max(own.append_entries_max, options.core.append_entries_max);
    options.core = own;
  }
  options.write_bytes_max = random.log_between(1, 4u << 20);
  options.inbox_messages_max = random.log_between(32, 65536);
  options.inbox_bytes_max = options.core.command_bytes_max + random.log_between(1u << 14, 64u << 20);
  options.disk_stall_max = 50 * work + random.log_between(milliseconds(50), seconds(10));
  options.no_space_retry_interval = random.log_between(milliseconds(10), seconds(1));
  options.no_space_max = random.log_between(milliseconds(500), seconds(60));
}

std::set<Fault> draw_faults(std::uint64_t seed, bool fixed_profile) {
  std::set<Fault> faults;
  for (std::size_t i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    Random random = stream(seed, Purpose::faults, i << 8);
    if (fixed_profile ? kind_of(fault).is_in_fixed : random.chance(kind_of(fault).on_ppm)) faults.insert(fault);
  }
  return faults;
}

std::set<Fault> faults_named(const std::vector<std::string>& names) {
  std::set<Fault> faults;
  for (const std::string& name : names) {
    if (const auto fault = fault_named(name)) faults.insert(*fault);
  }
  return faults;
}

/// Moderate faults, default knobs: what speed is measured with.
void make_fixed(Settings& settings) {
  SimulationOptions& simulation = settings.simulation;
  simulation.nodes = 5;
  simulation.core.heartbeat_interval = milliseconds(100);
  simulation.core.election_timeout = seconds(1);
  simulation.core.snapshot_after_entries = 1000;
  simulation.core.trailing_entries = 500;
  settings.links.loss_ppm = settings.faults.contains(Fault::loss) ? 10000 : 0;
  settings.links.duplication_ppm = settings.faults.contains(Fault::duplication) ? 10000 : 0;
  settings.links.delay_max = settings.faults.contains(Fault::delay) ? milliseconds(10) : milliseconds(2);
  settings.clients.count = 10;
  // More than 50 operations a second, so that there are 50 over the whole run: clients rest at its end.
  settings.clients.interval = milliseconds(160);
  settings.clients.keeps_pace = true;
  settings.under_faults = seconds(60);
}

}  // namespace

Duration latency_of(const Settings& settings) {
  return 4 * settings.links.delay_max + 20 * settings.simulation.work_delay_max;
}

std::string_view name_of(Fault fault) {
  return kind_of(fault).name;
}

std::optional<Fault> fault_named(std::string_view name) {
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (kKinds[i].name == name) return static_cast<Fault>(i);
  }
  return std::nullopt;
}

std::vector<FaultKind> fault_kinds() {
  std::vector<FaultKind> kinds;
  for (const KindOfFault& kind : kKinds) kinds.push_back({kind.name, kind.description});
  return kinds;
}

std::string validate(const Service& service, const SimulateOptions& options) {
  if (!service.machine) return "A service needs a machine.";
  if (!service.command) return "A service needs commands.";
  if (!service.storage.make && !service.memory) return "A service needs a storage.";
  if (options.nodes && (*options.nodes == 0 || *options.nodes > 9)) return "A cluster has 1 to 9 nodes.";
  if (options.seconds && !(*options.seconds > 0 && *options.seconds <= 3600)) return "A run lasts 0 to 3600 seconds.";
  if (options.seeds && *options.seeds == 0) return "No seeds are no runs.";
  if (options.jobs > kJobsMax) return fmt::format("At most {} jobs run side by side.", kJobsMax);
  if (options.minutes && !(*options.minutes >= 0)) return "Minutes are not negative.";
  for (const std::string& name : options.faults.value_or(std::vector<std::string>{})) {
    if (!fault_named(name)) return fmt::format("There is no fault named \"{}\".", name);
  }
  return {};
}

Settings settings_of(std::uint64_t seed, const SimulateOptions& options) {
  Settings settings;
  settings.seed = seed;
  settings.specification = options.specification;
  settings.faults = options.faults ? faults_named(*options.faults) : draw_faults(seed, options.fixed_profile);
  settings.simulation.seed = seed;
  Random knobs = stream(seed, Purpose::knobs);
  if (options.fixed_profile) {
    make_fixed(settings);
  } else {
    constexpr std::array<std::size_t, 8> kNodes{3, 3, 3, 5, 5, 4, 2, 7};
    settings.simulation.nodes = kNodes[knobs.below(kNodes.size())];
    settings.under_faults = knobs.between(seconds(40), seconds(90));
    draw_network(knobs, settings);
    Random core = stream(seed, Purpose::core);
    settings.simulation.core = draw_core(core);
    // No protocol elects a leader faster than nodes work.
    CoreOptions& options_of_core = settings.simulation.core;
    options_of_core.election_timeout =
        std::max(options_of_core.election_timeout, 40 * settings.simulation.work_delay_max);
    Random clients = stream(seed, Purpose::clients);
    settings.clients = draw_clients(clients, latency_of(settings));
    open_window(settings.simulation.core, latency_of(settings),
                settings.clients.interval / static_cast<int>(settings.clients.count));
  }
  constexpr std::uint32_t kAlonePpm = 30000;
  if (!options.fixed_profile && stream(seed, Purpose::alone).chance(kAlonePpm)) settings.simulation.nodes = 1;
  if (options.nodes) settings.simulation.nodes = *options.nodes;
  draw_machines(settings);
  if (!options.fixed_profile) {
    settings.simulation.adjust = [seed, is_mixed = settings.faults.contains(Fault::mixed_options),
                                  work = settings.simulation.work_delay_max](NodeId id, NodeOptions& node) {
      mix_options(seed, id, is_mixed, work, node);
    };
  }
  if (options.seconds) {
    settings.under_faults = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*options.seconds));
  }
  return settings;
}

std::string to_string(const Settings& settings) {
  const SimulationOptions& simulation = settings.simulation;
  const CoreOptions& core = simulation.core;
  const auto ms = [](Duration duration) { return static_cast<double>(duration.count()) / 1e6; };
  std::string text = fmt::format("seed {}: {} nodes, {:.1f} s of faults, {} clients with an operation each {:.1f} ms\n",
                                 settings.seed, simulation.nodes, ms(settings.under_faults) / 1000,
                                 settings.clients.count, ms(settings.clients.interval));
  text += "faults:";
  for (const Fault fault : settings.faults) text += fmt::format(" {}", name_of(fault));
  text += fmt::format("\nnetwork: loss {} ppm, duplication {} ppm, delay up to {:.3f} ms, work up to {:.3f} ms\n",
                      settings.links.loss_ppm, settings.links.duplication_ppm, ms(settings.links.delay_max),
                      ms(simulation.work_delay_max));
  text += fmt::format(
      "core: heartbeat {:.1f} ms, election {:.1f} ms, pre_vote {}, check_quorum {}, append {} entries {} bytes, "
      "in flight {} messages, apply {} entries, cache {} bytes, snapshot after {} entries, trailing {}, chunk {} "
      "bytes\n",
      ms(core.heartbeat_interval), ms(core.election_timeout), core.pre_vote, core.check_quorum, core.append_entries_max,
      core.append_bytes_max, core.in_flight_messages_max, core.apply_entries_max, core.entry_cache_bytes,
      core.snapshot_after_entries, core.trailing_entries, core.snapshot_chunk_bytes);
  return text;
}

}  // namespace libraft::testkit
