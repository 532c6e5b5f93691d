// Watchers: one Watcher that passes everything on to several, in their order.
#pragma once

#include "testkit/watcher.hpp"

#include <vector>

namespace libraft::testkit {

class Watchers final : public Watcher {
 public:
  void add(Watcher& watcher) { all_.push_back(&watcher); }

  void on_time(TimePoint now) override { tell(&Watcher::on_time, now); }
  void on_started(NodeId id, std::uint64_t life) override { tell(&Watcher::on_started, id, life); }
  void on_recovered(NodeId id, const std::optional<RecoveredState>& state) override {
    tell(&Watcher::on_recovered, id, state);
  }
  void on_stepped(NodeId id, const Core& core) override { tell(&Watcher::on_stepped, id, core); }
  void on_failed(NodeId id, const Failure& failure) override { tell(&Watcher::on_failed, id, failure); }
  void on_stopped(NodeId id) override { tell(&Watcher::on_stopped, id); }
  void on_crashed(NodeId id) override { tell(&Watcher::on_crashed, id); }
  void on_written(NodeId id, const WriteBatch& batch, std::error_code error) override {
    tell(&Watcher::on_written, id, batch, error);
  }
  void on_published(NodeId id, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) override {
    tell(&Watcher::on_published, id, meta, batch, error);
  }
  void on_applied(NodeId id, LogId at, const Bytes& command, const Bytes& reply) override {
    tell(&Watcher::on_applied, id, at, command, reply);
  }
  void on_restored(NodeId id, const SnapshotMeta& meta) override { tell(&Watcher::on_restored, id, meta); }
  void on_sent(const Message& message) override { tell(&Watcher::on_sent, message); }
  void on_delivered(const Message& message) override { tell(&Watcher::on_delivered, message); }
  void on_invoked(const Operation& operation) override { tell(&Watcher::on_invoked, operation); }
  void on_ended(const Operation& operation, const Outcome& outcome) override {
    tell(&Watcher::on_ended, operation, outcome);
  }
  void on_fault(const FaultNote& note) override { tell(&Watcher::on_fault, note); }

 private:
  template <class... Parameters, class... Arguments>
  void tell(void (Watcher::*member)(Parameters...), Arguments&&... arguments) {
    for (Watcher* watcher : all_) (watcher->*member)(arguments...);
  }

  std::vector<Watcher*> all_;
};

}  // namespace libraft::testkit
