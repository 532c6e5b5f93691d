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

namespace libraft::testkit {

/// The kinds of faults. Those of the whole run (a lossy network) come first; the others strike at times.
enum class Fault : std::uint8_t {
  loss,
  duplication,
  delay,
  lost_writes,
  slow_lanes,
  partition,
  one_way,
  partial,
  ring,
  flapping,
  crash,
  crash_in_write,
  crash_loop,
  power_cut,
  pause,
  sync_error,
  write_error,
  no_space,
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::no_space) + 1;
inline constexpr std::size_t kFaultsOfTheWholeRun = static_cast<std::size_t>(Fault::partition);

[[nodiscard]] std::string_view name_of(Fault fault);
[[nodiscard]] std::optional<Fault> fault_named(std::string_view name);

/// Streams of random numbers: another one for each purpose, so that a change of one reshuffles no other.
enum class Purpose : std::uint64_t { knobs = 1, faults, clients, core, disks, plan = 100, client = 1000 };
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
};

struct Settings {
  std::uint64_t seed = 1;
  SimulationOptions simulation;
  std::set<Fault> faults;
  Duration under_faults = std::chrono::seconds(60);
  ClientSettings clients;
};

/// The seed's own, then what the options put in its place.
[[nodiscard]] Settings settings_of(std::uint64_t seed, const SimulateOptions& options);
/// For people, a few lines.
[[nodiscard]] std::string to_string(const Settings& settings);

}  // namespace libraft::testkit
