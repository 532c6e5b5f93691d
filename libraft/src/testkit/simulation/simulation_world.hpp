// Simulation::World: the members of a cluster, and what holds them together: time, network, watchers.
#pragma once

#include "node/node.hpp"
#include "testkit/simulation/simulated_disk.hpp"
#include "testkit/simulation/simulated_events.hpp"
#include "testkit/simulation/simulated_network.hpp"
#include "testkit/simulation/simulated_runtime.hpp"
#include "testkit/simulation/simulation_watchers.hpp"

#include <libraft/observer.hpp>
#include <libraft/testkit/simulation.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace libraft::testkit {

/// What the caller of a simulation wants done at a time.
class SimulatedAgenda final : private EventTarget {
 public:
  explicit SimulatedAgenda(EventHeap& heap) : heap_(heap) {}
  void at(TimePoint time, std::function<void()> action);

 private:
  void on_event(std::uint64_t what) override;

  EventHeap& heap_;
  std::vector<std::function<void()>> actions_;  // places are used again
  std::vector<std::size_t> free_;
};

class Simulation::World final : private SimulatedRuntime::Host {
 public:
  World(const SimulationOptions& options, StateMachineFactory state_machine, StorageFactory storage,
        DiskStorage disk_storage);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Tells the watchers of each step of a node's core.
  struct Steps final : node::CoreListener {
    Steps(const Watchers& the_watchers, NodeId the_id) : watchers(the_watchers), id(the_id) {}
    void on_core_started(const CoreOptions& options, const CoreStart& start, const CoreStatus& status) override {
      watchers.on_core_started(id, options, start, status);
    }
    void on_core_step(const node::CoreStep& step) override { watchers.on_core_step(id, step); }
    const Watchers& watchers;
    const NodeId id;
  };

  /// A node in its place: machine and disk outlast it.
  struct Member {
    NodeId id;
    std::unique_ptr<SimulatedRuntime> runtime;
    std::unique_ptr<SimulatedDisk> disk;  // nullptr: the storage is not on files
    std::unique_ptr<Steps> steps;
    std::unique_ptr<node::Node> node;
    std::uint64_t lives = 0;
    bool has_failed = false;
    std::optional<Unsynced> doom;  // crashes as soon as its code does not run
  };
  [[nodiscard]] Member& member(NodeId id) { return members_.at(id.value - 1); }
  [[nodiscard]] std::vector<Member>& members() { return members_; }
  [[nodiscard]] static bool is_up(const Member& member) { return member.node && !member.doom; }

  void start(Member& member);
  void crash(Member& member, Unsynced unsynced);
  void stop(Member& member);
  void begin_stop(Member& member);
  /// The process is over, and has left nothing undone.
  void leave(Member& member);
  bool damage(Member& member, DiskPart part);
  bool run_until(const std::function<bool()>& condition, Duration limit);
  void note(std::string_view kind, NodeId node, std::string detail = {}) const;

  [[nodiscard]] EventHeap& heap() { return heap_; }
  [[nodiscard]] SimulatedNetwork& network() { return network_; }
  [[nodiscard]] SimulatedAgenda& agenda() { return agenda_; }
  [[nodiscard]] Watchers& watchers() { return watchers_; }

 private:
  class Listener;

  void on_protocol_ran(NodeId node) override;
  void on_lane_ran(NodeId node) override;
  void on_state(NodeId node, NodeState state);
  void bury_the_doomed(Member& member);
  void bury(Member& member, Unsynced unsynced);
  [[nodiscard]] NodeOptions options_of(const Member& member) const;
  [[nodiscard]] Components components_of(Member& member);
  void move_to(TimePoint time);

  const SimulationOptions options_;
  const StateMachineFactory state_machine_;
  const StorageFactory storage_;    // one of the two
  const DiskStorage disk_storage_;  // likewise
  Watchers watchers_;
  EventHeap heap_;
  TimePoint told_ = TimePoint::min();  // to the watchers
  SimulatedNetwork network_;
  SimulatedAgenda agenda_;
  Configuration configuration_;
  std::vector<Member> members_;
};

}  // namespace libraft::testkit
