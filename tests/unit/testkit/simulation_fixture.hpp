// A small cluster in virtual time, and a watcher that counts what it is told.
#pragma once

#include <libraft/error.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/simulation.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testkit/simulation/watcher.hpp"
#include "whole_file_storage.hpp"

namespace libraft::test {

using namespace std::chrono_literals;
using testkit::DiskPart;
using testkit::DiskRange;
using testkit::DiskStorage;
using testkit::FaultFileSystem;
using testkit::FaultNote;
using testkit::FileCall;
using testkit::LinkFaults;
using testkit::Simulation;
using testkit::SimulationOptions;
using testkit::Unsynced;

/// Keeps all commands, one behind the other; a query tells them.
class Text final : public StateMachine {
 public:
  void apply(ApplyBatch& batch) override {
    for (AppliedCommand& command : batch) {
      text_ += command.command();
      command.reply("to " + std::string(command.command()));
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override { return snapshot_of(Bytes(text_)); }
  std::error_code restore(SnapshotReader& snapshot) override {
    const auto all = read_all(snapshot, 1u << 20);
    if (!all) return all.error();
    text_ = std::string(all->view());
    return {};
  }
  Result<Bytes> query(std::string_view) override { return Bytes(text_); }

 private:
  std::string text_;
};

/// Counts by name, and keeps what is looked at one by one.
struct Recorder final : testkit::Watcher {
  std::map<std::string, int> counts;
  std::map<std::string, int> faults;
  std::vector<TimePoint> times;
  std::vector<std::string> applied;
  std::vector<std::string> failures;
  std::vector<FaultNote> notes;
  std::map<NodeId, LogIndex> written;
  std::vector<std::pair<TimePoint, Message>> delivered;

  void on_time(TimePoint now) override { times.push_back(now); }
  void on_started(NodeId, std::uint64_t) override { ++counts["started"]; }
  void on_recovered(NodeId, const std::optional<RecoveredState>& state) override {
    ++counts[state ? "recovered" : "found empty"];
  }
  void on_stepped(NodeId, const Core&) override { ++counts["stepped"]; }
  void on_failed(NodeId, const Failure& failure) override {
    ++counts["failed"];
    failures.push_back(failure.reason);
  }
  void on_stopped(NodeId) override { ++counts["stopped"]; }
  void on_crashed(NodeId) override { ++counts["crashed"]; }
  void on_written(NodeId node, const WriteBatch& batch, std::error_code error) override {
    ++counts[error ? "not written" : "written"];
    if (!error && !batch.entries.empty()) written[node] = batch.entries.back().id.index;
  }
  void on_published(NodeId, const SnapshotMeta& meta, const WriteBatch&, std::error_code error) override {
    if (!error && meta.size > 0) ++counts["published"];
  }
  void on_applied(NodeId node, LogId, const Bytes& command, const Bytes& reply) override {
    ++counts["applied"];
    if (node == NodeId{1}) applied.push_back(std::string(command.view()) + " -> " + std::string(reply.view()));
  }
  void on_restored(NodeId, const SnapshotMeta&) override { ++counts["restored"]; }
  void on_sent(const Message&) override { ++counts["sent"]; }
  void on_delivered(const Message& message) override {
    ++counts["delivered"];
    delivered.emplace_back(times.back(), message);
  }
  void on_fault(const FaultNote& note) override {
    ++faults[std::string(note.kind)];
    notes.push_back(note);
  }
};

/// On a simulated disk. The one file of each node holds all; damage may be anywhere in it.
inline DiskStorage file_storages() {
  DiskStorage storage;
  storage.make = [](FileSystem& files, NodeId) { return whole_file_storage(files); };
  storage.find = [](const FaultFileSystem& files, NodeId, DiskPart) -> std::optional<DiskRange> {
    const auto contents = files.durable_contents("data/state");
    if (!contents || contents->empty()) return std::nullopt;
    return DiskRange{"data/state", 0, contents->size()};
  };
  return storage;
}

/// Three nodes; `recorder` watches when asked to.
struct Cluster {
  explicit Cluster(SimulationOptions options = {}, bool is_watched = true)
      : simulation(
            options, [](NodeId) { return std::make_unique<Text>(); }, memory_storages()) {
    if (is_watched) simulation.watch(recorder);
  }
  Cluster(SimulationOptions options, const DiskStorage& storage)
      : simulation(
            options, [](NodeId) { return std::make_unique<Text>(); }, storage) {
    simulation.watch(recorder);
  }

  /// A leader, or zero after a minute.
  NodeId elect() {
    simulation.run_until([&] { return simulation.leader() != NodeId{}; }, 60s);
    return simulation.leader();
  }
  /// Whether the leader did it within a minute.
  bool write(const std::string& command) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      const NodeId leader = elect();
      std::optional<std::error_code> ended;
      simulation.propose(leader, Bytes(command), {}, [&](std::error_code error, const Applied&) { ended = error; });
      simulation.run_until([&] { return ended.has_value() || !simulation.is_up(leader); }, 10s);
      if (ended && !*ended) return true;
    }
    return false;
  }
  /// What the machine of `node` holds; nullopt when it does not answer.
  std::optional<std::string> read(NodeId node) {
    std::optional<std::string> text;
    ReadOptions options;
    options.consistency = Consistency::local;
    simulation.query(node, "", options, [&](std::error_code error, const Applied& answer) {
      if (!error) text = std::string(answer.reply.view());
    });
    simulation.run_for(1s);
    return text;
  }

  Recorder recorder;
  Simulation simulation;
};

}  // namespace libraft::test
