// Watcher: hears of everything that happens in a simulation, in the order in which it happens.
//
// The checkers, the trace and the timeline are watchers. A watcher only looks: it changes nothing and calls nothing of
// the simulation, so that a run is the same with and without it.
#pragma once

#include <libraft/components.hpp>
#include <libraft/core.hpp>
#include <libraft/message.hpp>
#include <libraft/options.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace libraft::node {
struct CoreStep;
struct Gauges;
}  // namespace libraft::node

namespace libraft::testkit {

/// What a client asks for.
struct Operation {
  enum class Kind { write, read, read_index };
  std::uint64_t id = 0;      ///< rises by one with each operation of the run
  std::uint64_t client = 0;  ///< waits for one operation at a time
  NodeId at;                 ///< the node that it is sent to
  Kind kind = Kind::write;
  Bytes command;                 ///< of a write
  std::string query;             ///< of a read
  bool is_linearizable = false;  ///< of a read; others may be stale, never from the future. Each read_index is
};

/// How an operation ended, as the node says; interrupted when the node died.
struct Outcome {
  std::error_code error;  ///< one of the three: none, condition::retry_safe, condition::outcome_unknown
  Applied applied;        ///< meaningful without error; of a read_index the index alone
};

/// A fault that was injected, for counts, the trace and the timeline.
struct FaultNote {
  std::string_view kind;  ///< a name of the catalogue of faults, such as "network.loss", "disk.torn_write"
  NodeId node;            ///< the node that suffers; zero: none in particular
  NodeId other;           ///< the other end of a link; zero: none
  std::string detail;     ///< for people; may be empty
};

struct Watcher {
  virtual ~Watcher() = default;

  virtual void on_time(TimePoint) {}  ///< before whatever happens at that time

  // The life of a node.
  virtual void on_started(NodeId, [[maybe_unused]] std::uint64_t life) {}
  /// Storage::open returned without error; nullopt: it was never formatted.
  virtual void on_recovered(NodeId, const std::optional<RecoveredState>&) {}
  /// The node has a core, which begins like this.
  virtual void on_core_started(NodeId, const CoreOptions&, const CoreStart&, const CoreStatus&) {}
  /// Before anything of what follows from the step is heard of.
  virtual void on_core_step(NodeId, const node::CoreStep&) {}
  /// The protocol lane ran something, and the pipelines have what follows from it.
  virtual void on_stepped(NodeId, const Core&) {}
  /// After each on_stepped, and of a failed node, too: how full the node's queues are, and what bounds them.
  virtual void on_gauges(NodeId, const NodeOptions&, const node::Gauges&) {}
  virtual void on_failed(NodeId, const Failure&) {}
  virtual void on_stopped(NodeId) {}
  virtual void on_crashed(NodeId) {}

  // Its disk: the call has returned. What it says is durable is durable only if the storage tells the truth.
  virtual void on_written(NodeId, const WriteBatch&, std::error_code) {}
  virtual void on_published(NodeId, const SnapshotMeta&, const WriteBatch&, std::error_code) {}

  // Its state machine.
  virtual void on_applied(NodeId, LogId, [[maybe_unused]] const Bytes& command, [[maybe_unused]] const Bytes& reply) {}
  virtual void on_restored(NodeId, const SnapshotMeta&) {}

  // The network: at the sender's network card before any fault, and at the receiver's after all of them.
  virtual void on_sent(const Message&) {}
  virtual void on_delivered(const Message&) {}

  // Clients.
  virtual void on_invoked(const Operation&) {}
  /// The client waits no longer, and goes on to another; on_ended comes all the same.
  virtual void on_given_up(const Operation&) {}
  virtual void on_ended(const Operation&, const Outcome&) {}

  virtual void on_fault(const FaultNote&) {}
};

}  // namespace libraft::testkit
