// One node of the explored cluster: the real Core with a disk, the writes that are under way to it, and the messages
// that wait for them. A value; what it does next depends on nothing else.
#pragma once

#include "testkit/explore/packed_log.hpp"

#include <libraft/core.hpp>
#include <libraft/effects.hpp>
#include <libraft/message.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace libraft::testkit::explore {

/// Who takes part, and how. All nodes are alike in it.
struct Shape {
  std::size_t voters = 3;    ///< ids 1, 2, ...
  std::size_t learners = 0;  ///< ids after the voters'
  bool pre_vote = true;
  bool disks_lie = false;  ///< a planted fault: a disk reports writes that it has not done

  [[nodiscard]] std::size_t size() const { return voters + learners; }
};

/// What happens to one node.
enum class Happening : std::uint8_t {
  deliver,       ///< a message arrives
  deliver_late,  ///< a request for a vote arrives, a long time after the leader was last heard
  election_timeout,
  heartbeat_due,
  quorum_lost,  ///< a leader heard of no quorum for an election timeout
  propose,
  read,
  write_completes,  ///< the oldest one
  crash             ///< and restart, with a part of the oldest write done
};

/// What survives a crash.
struct Disk {
  HardState hard_state;
  PackedLog log;
};

/// What the search looks at.
struct NodeView {
  std::uint8_t id = 0;
  Role role = Role::follower;
  bool knows_leader = false;
  bool is_writing = false;
  std::uint8_t parts = 0;  ///< of the oldest write
  std::uint8_t term = 0;
  std::uint8_t commit = 0;
  std::uint8_t last = 0;
  PackedLog log;  ///< as the core has it
  PackedLog disk;
  std::uint8_t disk_term = 0;
  std::uint8_t disk_vote = 0;
};

/// What a happening led to, beside the node's new state.
struct Outcome {
  std::vector<Message> sent;       ///< left the node
  std::vector<ReadOutcome> reads;  ///< ended
  std::string violation;           ///< of a rule that concerns this node alone; empty when there is none
};

/// Invariant: `log_` is the core's log: what is on the disk with all outstanding writes carried out.
class NodeModel {
 public:
  /// A new node with an empty disk.
  NodeModel(const Shape& shape, NodeId id);

  /// `message` for the two deliveries, else ignored; `argument` is the number of the command to propose, or how many
  /// parts of the oldest write are done when it crashes.
  [[nodiscard]] Outcome happen(Happening what, std::uint32_t argument, const Message* message);

  /// Of all that the future depends on, with other names for the members. Time is no part of it.
  [[nodiscard]] std::uint64_t hash(const Renaming& names) const;
  [[nodiscard]] NodeView view() const;
  [[nodiscard]] const Disk& disk() const { return disk_; }
  [[nodiscard]] const Core& core() const { return core_; }

 private:
  void step(const Event& event, Outcome& outcome);
  void carry_out(const Effects& effects, Outcome& outcome, std::deque<Event>& jobs);
  void persist_oldest(Outcome& outcome);
  void crash(std::size_t parts, Outcome& outcome);
  void release(Outcome& outcome);
  [[nodiscard]] Event log_read(const ReadLog& read) const;

  void check_promise(const Message& message, Outcome& outcome);
  void check_disk(const HardState& before, Outcome& outcome);
  void check_core(Outcome& outcome) const;

  Shape shape_;
  NodeId id_;
  TimePoint now_;  ///< of this node
  Core core_;
  PackedLog log_;
  Disk disk_;
  std::deque<PersistBatch> writes_;
  PersistId persisted_;
  std::vector<Outgoing> held_;
  PackedLog acknowledged_;  ///< what was promised to be durable, in the term that is on the disk
};

/// Carries out the first `parts` parts of a write, in the order of PersistBatch; entries are a part each.
void write_parts(Disk& disk, const PersistBatch& batch, std::size_t parts);
/// How many parts there are.
[[nodiscard]] std::size_t parts_of(const PersistBatch& batch);

/// Of all that a message says, with other names for the members.
[[nodiscard]] std::uint64_t hash_of(const Message& message, const Renaming& names);

}  // namespace libraft::testkit::explore
