// Cluster: the simulated nodes of one run with their disks and machines, and what can be done to them.
#pragma once

#include "testkit/run/settings.hpp"

#include <libraft/bytes.hpp>
#include <libraft/testkit/fault_file_system.hpp>
#include <libraft/testkit/simulation.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace libraft::testkit {

class Cluster {
 public:
  Cluster(const Service& service, const Settings& settings);

  [[nodiscard]] Simulation& simulation() { return simulation_; }
  [[nodiscard]] const Simulation& simulation() const { return simulation_; }
  [[nodiscard]] const std::vector<NodeId>& ids() const { return ids_; }
  [[nodiscard]] FaultFileSystem& disk(NodeId id) { return *disks_.at(id); }

  void start(NodeId id);
  /// The machine loses power: the process is gone, and of what its disk was not told to sync what `draw` says.
  void crash(NodeId id, std::uint64_t draw);
  /// Called with each crash, after it.
  std::function<void(NodeId)> on_crash;

  [[nodiscard]] bool is_up(NodeId id) const { return simulation_.is_up(id); }
  /// Up, and not failed.
  [[nodiscard]] bool is_running(NodeId id) const;
  /// How often it was started: names its lives.
  [[nodiscard]] std::uint64_t lives(NodeId id) const { return lives_.at(id); }
  /// Its state now, as a snapshot would hold it. The node must be up.
  [[nodiscard]] Result<std::string> state_of(NodeId id);

 private:
  std::unique_ptr<StateMachine> make_machine(NodeId id);
  std::unique_ptr<Storage> make_storage(NodeId id);

  const Service& service_;
  bool loses_writes_;
  std::vector<NodeId> ids_;
  std::map<NodeId, std::unique_ptr<FaultFileSystem>> disks_;
  std::map<NodeId, std::uint64_t> lives_;
  std::map<NodeId, StateMachine*> machines_;
  std::function<std::unique_ptr<Storage>(NodeId)> memory_;
  Simulation simulation_;  // last: its nodes use the rest
};

/// What a machine would write into a snapshot now.
[[nodiscard]] Result<std::string> state_of(StateMachine& machine);

}  // namespace libraft::testkit
