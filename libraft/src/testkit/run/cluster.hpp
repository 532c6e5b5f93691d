// Cluster: the simulated nodes of one run, and their machines.
#pragma once

#include "testkit/run/settings.hpp"

#include <libraft/state_machine.hpp>
#include <libraft/testkit/simulation.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace libraft::testkit {

class Cluster {
 public:
  Cluster(const Service& service, const Settings& settings);

  [[nodiscard]] Simulation& simulation() { return simulation_; }
  [[nodiscard]] const Simulation& simulation() const { return simulation_; }
  [[nodiscard]] const std::vector<NodeId>& ids() const { return ids_; }

  void start(NodeId id);
  /// The machine loses power: the process is gone, and what its disk was not told to sync, as the settings have it.
  void crash(NodeId id) { simulation_.crash(id, loses_writes_ ? Unsynced::drawn : Unsynced::kept); }

  [[nodiscard]] bool is_up(NodeId id) const { return simulation_.is_up(id); }
  /// Up, and not failed.
  [[nodiscard]] bool is_running(NodeId id) const;
  /// How often it was started: names its lives.
  [[nodiscard]] std::uint64_t lives(NodeId id) const { return lives_.at(id); }
  [[nodiscard]] bool has_disks() const { return has_disks_; }
  /// Its state now, as a snapshot would hold it. The node must be up.
  [[nodiscard]] Result<std::string> state_of(NodeId id);

 private:
  std::unique_ptr<StateMachine> make_machine(NodeId id);

  const Service& service_;
  const bool loses_writes_;
  const bool has_disks_;
  std::vector<NodeId> ids_;
  std::map<NodeId, std::uint64_t> lives_;
  std::map<NodeId, StateMachine*> machines_;
  Simulation simulation_;  // last: its nodes use the rest
};

/// What a machine would write into a snapshot now.
[[nodiscard]] Result<std::string> state_of(StateMachine& machine);

}  // namespace libraft::testkit
