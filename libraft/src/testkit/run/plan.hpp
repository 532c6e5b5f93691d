// The plan of a run: all faults that strike at some time, as data, made from the seed before anything runs. So it can
// be printed, cut down and run again.
#pragma once

#include "testkit/run/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace libraft::testkit {

/// A fault, for some time. What `draw` means is up to the kind; together with the number of nodes it says whom it hits.
struct FaultEvent {
  std::uint64_t number = 0;  ///< in the whole plan of the seed, whatever is left of it
  Duration at{};             ///< from the beginning of the run
  Fault fault = Fault::crash;
  Duration lasts{};
  std::uint64_t draw = 0;

  friend bool operator==(const FaultEvent&, const FaultEvent&) = default;
};

using Plan = std::vector<FaultEvent>;

/// The seed's own, by time: the kinds that are on, up to the end of the first phase, and only what the options keep.
/// An event is the same, number and all, whatever else is in the plan.
[[nodiscard]] Plan plan_of(const Settings& settings, const SimulateOptions& options);

/// "#12 3.201 s process.crash for 0.415 s: node 3"
[[nodiscard]] std::string to_string(const FaultEvent& event, std::size_t nodes);

/// Whom an event hits: derived here once, for those who execute it and those who print it.
struct Target {
  NodeId node;               ///< zero: whoever leads then
  NodeId other;              ///< of a link
  std::uint64_t group = 0;   ///< a bit for each node, the first node's is the lowest
  std::uint64_t count = 0;   ///< how often, or how far
  bool is_incoming = false;  ///< of a one-way fault
};
[[nodiscard]] Target target_of(const FaultEvent& event, std::size_t nodes);

}  // namespace libraft::testkit
