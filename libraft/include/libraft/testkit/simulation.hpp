// Simulation: a cluster of the nodes that ship, in virtual time, on one thread, from one seed.
//
// Lifecycle, driver, pipelines, core and codec are the real ones. Only the clock, the threads and the network are
// models: messages are lost, repeated, delayed and reordered; work on a lane takes time; a node can crash between any
// two of its steps. The same seed and the same calls give the same run.
//
//     Simulation cluster(options, [](NodeId) { return std::make_unique<MyStateMachine>(); }, memory_storages());
//     cluster.start_all();
//     cluster.propose(NodeId{1}, Bytes("x"), {}, [](std::error_code ec, Applied applied) { ... });
//     cluster.run_for(std::chrono::seconds(10));
//     cluster.crash(NodeId{1});
//
// Not thread-safe. Callbacks come from within run_for and run_until.
#pragma once

#include <libraft/components.hpp>
#include <libraft/export.hpp>
#include <libraft/options.hpp>
#include <libraft/status.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>

namespace libraft::testkit {

/// How the network and the machines behave. Probabilities are in parts per million.
struct SimulationOptions {
  std::size_t nodes = 3;              ///< ids 1 to `nodes`, all voters
  std::uint64_t seed = 1;             ///< of everything that is drawn: delays, losses, timeouts
  CoreOptions core;                   ///< of all nodes
  std::uint32_t loss_ppm = 0;         ///< messages that vanish
  std::uint32_t duplication_ppm = 0;  ///< messages that arrive twice
  Duration message_delay_min =
      std::chrono::microseconds(50);  ///< drawn for each message, so messages overtake each other
  Duration message_delay_max = std::chrono::milliseconds(2);  ///< see `message_delay_min`
  Duration work_delay_max = std::chrono::milliseconds(1);     ///< of one job on a lane
};

/// A cluster in virtual time. See the head of this file.
class LIBRAFT_EXPORT Simulation {
 public:
  /// Gives the machine of a node; called for each start, since a state in memory is gone with its process.
  using StateMachineFactory = std::function<std::unique_ptr<StateMachine>(NodeId)>;
  /// Gives an instance on the node's medium; called again for each start, after the instance before is gone.
  using StorageFactory = std::function<std::unique_ptr<Storage>(NodeId)>;

  /// Nothing runs yet: see start(). For `storage`, memory_storages() of storage/memory_storage.hpp will often do.
  Simulation(const SimulationOptions& options, StateMachineFactory state_machine, StorageFactory storage);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Creates the node anew and starts it. Nothing when it runs.
  void start(NodeId id);
  /// start() for all of them.
  void start_all();
  /// The process is gone, with all that was under way: its requests never end.
  void crash(NodeId id);
  /// Stops the node in good order, within virtual time.
  void stop(NodeId id);
  /// True between a start and the crash or stop after it.
  [[nodiscard]] bool is_up(NodeId id) const;

  /// Nothing passes from `from` to `to` while `is_cut`.
  void cut(NodeId from, NodeId to, bool is_cut);
  /// Undoes all cuts.
  void heal();
  /// The node does nothing for a while; messages and time wait for it.
  void pause(NodeId id, Duration duration);
  /// Changes loss and repetition from here on.
  void set_network(std::uint32_t loss_ppm, std::uint32_t duplication_ppm);

  /// As RaftNode::async_propose on that node; nothing at all when it is not up. Never ends when the node crashes.
  void propose(NodeId at, Bytes command, ProposeOptions options, std::function<void(std::error_code, Applied)> done);
  /// As RaftNode::async_query on that node; nothing at all when it is not up. Never ends when the node crashes.
  void query(NodeId at, std::string request, ReadOptions options, std::function<void(std::error_code, Applied)> done);

  /// Lets virtual time pass, and all that is due in it.
  void run_for(Duration duration);
  /// Runs until `condition` holds, at most for `limit`. Whether it holds.
  bool run_until(const std::function<bool()>& condition, Duration limit);

  /// Virtual time; begins at zero.
  [[nodiscard]] TimePoint now() const;
  /// Of the node; a default value when it is not up.
  [[nodiscard]] Status status(NodeId id) const;
  /// Of the node's life; zeros when it is not up.
  [[nodiscard]] Metrics metrics(NodeId id) const;
  /// A node that leads the highest term that anybody leads; zero when there is none.
  [[nodiscard]] NodeId leader() const;
  /// Over all that happened so far: equal runs have equal hashes.
  [[nodiscard]] std::uint64_t trace_hash() const;
  /// How many steps the run has had.
  [[nodiscard]] std::uint64_t events() const;

 private:
  class World;
  std::unique_ptr<World> world_;
};

}  // namespace libraft::testkit
