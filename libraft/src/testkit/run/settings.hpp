// Settings of one run: everything that follows from its seed before anything runs.
#pragma once

#include <libraft/testkit/simulate.hpp>
#include <libraft/testkit/simulation.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace libraft::testkit {

/// The kinds of faults. Those of the whole run (a lossy network) come first; the others strike at times.
enum class Fault : std::uint8_t {
  loss,
  burst_loss,
  duplication,
  delay,
  delay_tail,
  corruption,
  truncation,
  lost_writes,
  slow_work,
  skew,
  drift,
  late_timers,
  mixed_options,
  partition,  // the first that strikes at times
  one_way,
  partial,
  ring,
  flapping,
  clog,
  slow_link,
  crash,
  crash_in_write,
  crash_loop,
  power_cut,
  pause,
  slow_node,
  transfer,
  snapshot,
  sync_error,
  write_error,
  no_space,
  disk_stall,
  slow_disk,
  flip,
  clock_jump,
  stop,
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::stop) + 1;
inline constexpr std::size_t kFaultsOfTheWholeRun = static_cast<std::size_t>(Fault::partition);
[[nodiscard]] constexpr bool is_of_the_whole_run(Fault fault) {
  return static_cast<std::size_t>(fault) < kFaultsOfTheWholeRun;
}

[[nodiscard]] std::string_view name_of(Fault fault);
[[nodiscard]] std::optional<Fault> fault_named(std::string_view name);

/// Streams of random numbers: another one for each purpose, so that a change of one reshuffles no other.
enum class Purpose : std::uint64_t {
  knobs = 1,
  faults,
  clients,
  core,
  machines,
  alone,
  plan = 100,
  client = 1000,
  machine = 2000,
  core_of_node = 3000,
  caretaker = 4000
};
[[nodiscard]] inline Random stream(std::uint64_t seed, Purpose purpose, std::uint64_t part = 0) {
  return Random(seed, static_cast<std::uint64_t>(purpose) + part);
}

/// What clients do.
struct ClientSettings {
  std::uint64_t count = 4;
  Duration interval = std::chrono::milliseconds(200);  ///< of one client: an operation is begun this often
  std::uint32_t reads_ppm = 300000;
  std::uint32_t local_ppm = 200000;             ///< of the reads
  Duration timeout = std::chrono::seconds(3);   ///< the node's own
  Duration patience = std::chrono::seconds(4);  ///< after which the client takes the outcome as unknown
  std::uint32_t wrong_node_ppm = 50000;         ///< ask anybody, whoever leads
  std::uint32_t index_ppm = 0;                  ///< of what is no query: read_index
  std::uint32_t again_ppm = 0;                  ///< send a write that was not acknowledged once more
  bool keeps_pace = false;                      ///< what errors cost is made up for
};

/// Of one machine, for the whole run.
struct MachineSettings {
  Duration skew{};
  std::int32_t drift_ppm = 0;
  Duration timer_delay{};
};

struct Settings {
  std::uint64_t seed = 1;
  SimulationOptions simulation;  ///< its network holds once all is healed; `links` is the one with faults
  LinkFaults links;
  std::vector<MachineSettings> machines;  ///< by id
  std::set<Fault> faults;
  Duration under_faults = std::chrono::seconds(60);
  ClientSettings clients;
  bool specification = true;  ///< judges each step
};

/// A write on its way through leader, quorum and back, when nothing is lost.
[[nodiscard]] Duration latency_of(const Settings& settings);

/// The seed's own, then what the options put in its place.
[[nodiscard]] Settings settings_of(std::uint64_t seed, const SimulateOptions& options);
/// For people, a few lines.
[[nodiscard]] std::string to_string(const Settings& settings);

}  // namespace libraft::testkit
