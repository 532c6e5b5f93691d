// Watchers: those who watch a simulation, as one. And a Storage and a StateMachine that tell them what is done to them.
#pragma once

#include "testkit/simulation/watcher.hpp"

#include <libraft/state_machine.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <memory>
#include <vector>

namespace libraft::testkit {

/// Tells each of them, in the order in which they came. Without any it costs a look at an empty list.
class Watchers {
 public:
  void add(Watcher& watcher) { list_.push_back(&watcher); }
  void clear() { list_.clear(); }
  [[nodiscard]] bool empty() const { return list_.empty(); }

  void on_time(TimePoint now) const {
    for (Watcher* watcher : list_) watcher->on_time(now);
  }
  void on_started(NodeId node, std::uint64_t life) const {
    for (Watcher* watcher : list_) watcher->on_started(node, life);
  }
  void on_recovered(NodeId node, const std::optional<RecoveredState>& state) const {
    for (Watcher* watcher : list_) watcher->on_recovered(node, state);
  }
  void on_core_started(NodeId node, const CoreOptions& options, const CoreStart& start,
                       const CoreStatus& status) const {
    for (Watcher* watcher : list_) watcher->on_core_started(node, options, start, status);
  }
  void on_core_step(NodeId node, const node::CoreStep& step) const {
    for (Watcher* watcher : list_) watcher->on_core_step(node, step);
  }
  void on_stepped(NodeId node, const Core& core) const {
    for (Watcher* watcher : list_) watcher->on_stepped(node, core);
  }
  void on_gauges(NodeId node, const NodeOptions& options, const node::Gauges& gauges) const {
    for (Watcher* watcher : list_) watcher->on_gauges(node, options, gauges);
  }
  void on_failed(NodeId node, const Failure& failure) const {
    for (Watcher* watcher : list_) watcher->on_failed(node, failure);
  }
  void on_stopped(NodeId node) const {
    for (Watcher* watcher : list_) watcher->on_stopped(node);
  }
  void on_crashed(NodeId node) const {
    for (Watcher* watcher : list_) watcher->on_crashed(node);
  }
  void on_written(NodeId node, const WriteBatch& batch, std::error_code error) const {
    for (Watcher* watcher : list_) watcher->on_written(node, batch, error);
  }
  void on_published(NodeId node, const SnapshotMeta& meta, const WriteBatch& with, std::error_code error) const {
    for (Watcher* watcher : list_) watcher->on_published(node, meta, with, error);
  }
  void on_applied(NodeId node, LogId id, const Bytes& command, const Bytes& reply) const {
    for (Watcher* watcher : list_) watcher->on_applied(node, id, command, reply);
  }
  void on_restored(NodeId node, const SnapshotMeta& meta) const {
    for (Watcher* watcher : list_) watcher->on_restored(node, meta);
  }
  void on_sent(const Message& message) const {
    for (Watcher* watcher : list_) watcher->on_sent(message);
  }
  void on_delivered(const Message& message) const {
    for (Watcher* watcher : list_) watcher->on_delivered(message);
  }
  void on_fault(const FaultNote& note) const {
    for (Watcher* watcher : list_) watcher->on_fault(note);
  }

 private:
  std::vector<Watcher*> list_;
};

/// Behaves as `storage` in everything.
[[nodiscard]] std::unique_ptr<Storage> watched(std::unique_ptr<Storage> storage, NodeId node, const Watchers& watchers);
/// Behaves as `machine` in everything.
[[nodiscard]] std::unique_ptr<StateMachine> watched(std::unique_ptr<StateMachine> machine, NodeId node,
                                                    const Watchers& watchers);

}  // namespace libraft::testkit
