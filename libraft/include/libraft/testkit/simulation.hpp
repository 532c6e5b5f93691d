// Simulation: a cluster of the nodes that ship, in virtual time, on one thread, from one seed.
//
// Lifecycle, driver, pipelines, core and codec are the real ones, and so are the state machine and the storage that you
// give. Only clock, threads, network and disk are models, and they do what real ones do on bad days: messages are lost,
// repeated, delayed, reordered, held back and damaged; work takes time or stands still; a node can crash between any
// two of its steps, and in the middle of a write; disks lose what was not synced, fill up, fail and rot; clocks drift
// and jump. The same seed and the same calls give the same run.
//
//     Simulation cluster(options, [](NodeId) { return std::make_unique<MyStateMachine>(); }, memory_storages());
//     cluster.start_all();
//     cluster.propose(NodeId{1}, Bytes("x"), {}, [](std::error_code ec, Applied applied) { ... });
//     cluster.run_for(std::chrono::seconds(10));
//     cluster.crash(NodeId{1});
//
// Storages on files run on a simulated disk, one for each node, which lives on when its node crashes:
//
//     DiskStorage storage;
//     storage.make = [](FileSystem& files, NodeId) { return my_storage(files, "/data"); };
//     Simulation cluster(options, machines, storage);
//     cluster.crash_at_file_call(NodeId{2}, 3);     // power goes in the middle of a write
//
// Faults last until they are taken back. Those of a clock and a disk outlast the crash of the node; a pause does not.
// docs/simulation.md says what is a model, how it behaves and what is real.
//
// Not thread-safe. Callbacks come from within run_for, run_until and stop; they may call anything but these three.
#pragma once

#include <libraft/components.hpp>
#include <libraft/export.hpp>
#include <libraft/file_system.hpp>
#include <libraft/options.hpp>
#include <libraft/status.hpp>
#include <libraft/testkit/fault_file_system.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::testkit {

struct Watcher;

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
  /// Changes the options of one node before each of its starts. May be empty.
  std::function<void(NodeId, NodeOptions&)> adjust;
};

/// What may happen to a message on one link (a link is one direction between two nodes). Probabilities are in parts per
/// million, drawn for each message.
struct LinkFaults {
  std::uint32_t loss_ppm = 0;  ///< it vanishes
  /// Losses in bursts (Gilbert and Elliott): the link turns bad with `burst_ppm`, loses `burst_loss_ppm` while it is,
  /// and turns good again with `burst_end_ppm`.
  std::uint32_t burst_ppm = 0;
  std::uint32_t burst_end_ppm = 100000;                ///< see `burst_ppm`
  std::uint32_t burst_loss_ppm = 1000000;              ///< see `burst_ppm`
  std::uint32_t duplication_ppm = 0;                   ///< it arrives twice, each with a delay of its own
  std::uint32_t corruption_ppm = 0;                    ///< one to four of its bits are flipped
  std::uint32_t truncation_ppm = 0;                    ///< its end is missing
  Duration delay_min = std::chrono::microseconds(50);  ///< uniform between the two: messages overtake each other
  Duration delay_max = std::chrono::milliseconds(2);   ///< see `delay_min`
  /// A heavy tail: with `tail_ppm` the delay doubles, and doubles again half of the time, up to `tail_max`.
  std::uint32_t tail_ppm = 0;
  Duration tail_max = std::chrono::seconds(10);  ///< see `tail_ppm`
  std::uint32_t hint_ppm = 500000;               ///< of a loss the sender is told (PeerEvent), as transports do

  friend bool operator==(const LinkFaults&, const LinkFaults&) = default;
};

/// What becomes of what a disk was not yet told to sync.
enum class Unsynced {
  drawn,  ///< one of the two others, or (mostly) a subset drawn from the seed, with torn writes
  lost,   ///< all of it is gone: power was cut
  kept,   ///< all of it is there: only the process died
};

/// Where a bit may flip.
enum class DiskPart {
  hard_state,  ///< term and vote
  log_middle,  ///< entries with others behind them
  log_tail,    ///< the newest entries whose damage a storage can tell from a torn write
  snapshot,    ///< the newest one
};

/// A piece of a file.
struct DiskRange {
  std::string path;          ///< of the file
  std::uint64_t offset = 0;  ///< in bytes
  std::uint64_t size = 0;    ///< in bytes, not zero
};

/// Storages that are written on files.
struct DiskStorage {
  /// Gives an instance on the node's disk; called again for each start, after the instance before is gone.
  std::function<std::unique_ptr<Storage>(FileSystem&, NodeId)> make;
  /// Where the disk durably holds such data; nullopt when it holds none. For Simulation::damage; may be empty.
  std::function<std::optional<DiskRange>(const FaultFileSystem&, NodeId, DiskPart)> find;
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
  /// With a simulated disk for each node.
  Simulation(const SimulationOptions& options, StateMachineFactory state_machine, DiskStorage storage);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Tells `watcher` what happens from now on. It must outlive the simulation. Before the first start.
  void watch(Watcher& watcher);

  // Nodes.

  /// Creates the node anew and starts it. A node that failed is ended first. Nothing when it runs.
  void start(NodeId id);
  /// start() for all of them.
  void start_all();
  /// The process is gone, with all that was under way: its requests never end. From within a callback of the node it
  /// takes effect when the callback has returned.
  void crash(NodeId id, Unsynced unsynced = Unsynced::drawn);
  /// Stops the node in good order, within virtual time: other things happen meanwhile.
  void stop(NodeId id);
  /// The same without waiting for it: is_up() is false when it is done. start() does nothing before.
  void begin_stop(NodeId id);
  /// True between a start and the crash or stop after it; of a failed node too.
  [[nodiscard]] bool is_up(NodeId id) const;

  // The network.

  /// Changes all links from here on.
  void set_network(const LinkFaults& faults);
  /// Changes loss and repetition on all links from here on.
  void set_network(std::uint32_t loss_ppm, std::uint32_t duplication_ppm);
  /// Changes one link from here on.
  void set_link(NodeId from, NodeId to, const LinkFaults& faults);
  /// Nothing passes from `from` to `to` while `is_cut`. What is on its way arrives.
  void cut(NodeId from, NodeId to, bool is_cut);
  /// Cuts all links between nodes of `side` and others, both ways.
  void partition(const std::vector<NodeId>& side);
  /// Cuts all links but those between neighbours, in a ring by id: with 5 nodes each sees another majority.
  void cut_to_ring();
  /// The link passes messages for `up`, loses them for `down`, and so on.
  void flap(NodeId from, NodeId to, Duration up, Duration down);
  /// The link holds messages back, until release() or heal() lets them go, however old they are by then.
  void clog(NodeId from, NodeId to);
  /// See clog().
  void release(NodeId from, NodeId to);
  /// Undoes all cuts, flapping and clogging. What set_network and set_link said stays.
  void heal();

  // Machines and their clocks.

  /// The process does nothing for a while; messages and time wait for it. A crash ends it.
  void pause(NodeId id, Duration duration);
  /// All work takes `factor` times as long; 1 takes it back.
  void slow_down(NodeId id, std::uint32_t factor);
  /// The clock runs too fast by so many parts per million, or too slow (below zero, above -1000000).
  void set_clock_drift(NodeId id, std::int32_t ppm);
  /// The clock goes forward by `by` at once. Before the start of the node: its clock has another zero.
  void jump_clock(NodeId id, Duration by);
  /// Timers come late, by up to `max`.
  void set_timer_delay(NodeId id, Duration max);

  // Disks; all but stall_disk and slow_disk only with a DiskStorage.

  /// The node crashes at the `calls`-th call of a file function from now on (1: the next), in the middle of it.
  void crash_at_file_call(NodeId id, std::uint64_t calls);
  /// The next such call fails with `error`, once `skip` of them have passed. A sync that fails loses what was pending.
  void fail_file_call(NodeId id, FileCall kind, std::error_code error, std::uint64_t skip = 0);
  /// Takes back what the two above announced and what has not happened yet.
  void forget_disk_faults(NodeId id);
  /// Only `bytes_left` more fit on the disk.
  void fill_disk(NodeId id, std::uint64_t bytes_left = 0);
  /// There is room again.
  void free_disk(NodeId id);
  /// What needs the disk stands still for a while.
  void stall_disk(NodeId id, Duration duration);
  /// What needs the disk takes `factor` times as long; 1 takes it back.
  void slow_disk(NodeId id, std::uint32_t factor);
  /// Flips a bit of what is durable there. False, and nothing is done, when there is nothing of that kind, when
  /// something there is not synced yet, when the disk is damaged already, when all around is padding, or when a
  /// majority of the disks would not be whole any more: then an entry that was committed could be lost for good. The
  /// node must notice, at the latest when it is started again.
  bool damage(NodeId id, DiskPart part);
  /// Turns the bit back that damage() flipped, if it is still there.
  void mend(NodeId id);
  /// True while the bit that damage() flipped is still there.
  [[nodiscard]] bool is_damaged(NodeId id) const;
  /// The node's disk, for looking at; nullptr without a DiskStorage.
  [[nodiscard]] const FaultFileSystem* disk(NodeId id) const;

  // Requests. Nothing at all when the node is not up. They never end when it crashes.

  /// As RaftNode::async_propose on that node.
  void propose(NodeId at, Bytes command, ProposeOptions options, std::function<void(std::error_code, Applied)> done);
  /// As RaftNode::async_query on that node.
  void query(NodeId at, std::string request, ReadOptions options, std::function<void(std::error_code, Applied)> done);
  /// As RaftNode::async_read_index on that node.
  void read_index(NodeId at, ReadOptions options, std::function<void(std::error_code, LogIndex)> done);
  /// As RaftNode::async_wait_applied on that node.
  void wait_applied(NodeId at, LogIndex index, Duration timeout, std::function<void(std::error_code, LogIndex)> done);
  /// As RaftNode::async_wait_leader on that node.
  void wait_leader(NodeId at, Duration timeout, std::function<void(std::error_code, NodeId)> done);
  /// As RaftNode::async_transfer_leadership on that node.
  void transfer_leadership(NodeId at, std::optional<NodeId> target, Duration timeout,
                           std::function<void(std::error_code)> done);
  /// As RaftNode::async_snapshot on that node.
  void take_snapshot(NodeId at, Duration timeout, std::function<void(std::error_code, LogId)> done);

  // Time.

  /// Lets virtual time pass, and all that is due in it.
  void run_for(Duration duration);
  /// Runs until `condition` holds, at most for `limit`. Whether it holds.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  /// Calls `action` when that time has come.
  void at(TimePoint time, std::function<void()> action);

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
