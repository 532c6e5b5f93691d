#include "testkit/simulation/simulation_watchers.hpp"

#include <utility>

namespace libraft::testkit {
namespace {

/// Remembers what the snapshot turned out to be.
class WatchedWriter final : public SnapshotWriter {
 public:
  explicit WatchedWriter(std::unique_ptr<SnapshotWriter> writer) : writer_(std::move(writer)) {}

  std::error_code write(std::string_view bytes) override { return writer_->write(bytes); }
  std::error_code finish(const SnapshotMeta& meta) override {
    meta_ = meta;
    return writer_->finish(meta);
  }
  [[nodiscard]] const SnapshotMeta& meta() const { return meta_; }
  [[nodiscard]] std::unique_ptr<SnapshotWriter> take() { return std::move(writer_); }

 private:
  std::unique_ptr<SnapshotWriter> writer_;
  SnapshotMeta meta_;
};

class WatchedStorage final : public Storage {
 public:
  WatchedStorage(std::unique_ptr<Storage> storage, NodeId node, const Watchers& watchers)
      : storage_(std::move(storage)), node_(node), watchers_(watchers) {}

  Result<std::optional<RecoveredState>> open() override {
    auto opened = storage_->open();
    if (opened) watchers_.on_recovered(node_, *opened);
    return opened;
  }
  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    return storage_->format(identity, genesis);
  }
  std::error_code write(const WriteBatch& batch) override {
    const std::error_code error = storage_->write(batch);
    watchers_.on_written(node_, batch, error);
    return error;
  }
  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override {
    return storage_->read(first, last, bytes_max);
  }
  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta& meta) override {
    auto writer = storage_->create_snapshot(meta);
    if (!writer) return writer.error();
    return std::unique_ptr<SnapshotWriter>(std::make_unique<WatchedWriter>(*std::move(writer)));
  }
  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    auto& writer = static_cast<WatchedWriter&>(*snapshot);
    const std::error_code error = storage_->publish(writer.take(), with);
    watchers_.on_published(node_, writer.meta(), with, error);
    return error;
  }
  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override { return storage_->newest_snapshot(); }
  void close() noexcept override { storage_->close(); }
  [[nodiscard]] std::string error_detail() const override { return storage_->error_detail(); }

 private:
  std::unique_ptr<Storage> storage_;
  NodeId node_;
  const Watchers& watchers_;
};

class WatchedMachine final : public StateMachine {
 public:
  WatchedMachine(std::unique_ptr<StateMachine> machine, NodeId node, const Watchers& watchers)
      : machine_(std::move(machine)), node_(node), watchers_(watchers) {}

  void apply(ApplyBatch& batch) override {
    machine_->apply(batch);
    for (AppliedCommand& command : batch) {
      Bytes reply = command.take_reply();
      watchers_.on_applied(node_, command.id(), command.bytes(), reply);
      command.reply(std::move(reply));
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override { return machine_->begin_snapshot(); }
  std::error_code restore(SnapshotReader& snapshot) override {
    const std::error_code error = machine_->restore(snapshot);
    if (!error) watchers_.on_restored(node_, snapshot.meta());
    return error;
  }
  Result<Bytes> query(std::string_view request) override { return machine_->query(request); }
  [[nodiscard]] std::optional<LogIndex> durable_index() const override { return machine_->durable_index(); }

 private:
  std::unique_ptr<StateMachine> machine_;
  NodeId node_;
  const Watchers& watchers_;
};

}  // namespace

std::unique_ptr<Storage> watched(std::unique_ptr<Storage> storage, NodeId node, const Watchers& watchers) {
  return std::make_unique<WatchedStorage>(std::move(storage), node, watchers);
}

std::unique_ptr<StateMachine> watched(std::unique_ptr<StateMachine> machine, NodeId node, const Watchers& watchers) {
  return std::make_unique<WatchedMachine>(std::move(machine), node, watchers);
}

}  // namespace libraft::testkit
