#include "testkit/run/cluster.hpp"

#include <libraft/status.hpp>

#include <utility>

namespace libraft::testkit {
namespace {

class TextSink final : public SnapshotSink {
 public:
  std::error_code write(std::string_view bytes) override {
    text.append(bytes);
    return {};
  }
  std::string text;
};

}  // namespace

Result<std::string> state_of(StateMachine& machine) {
  const std::unique_ptr<SnapshotTask> task = machine.begin_snapshot();
  if (!task) return errc::state_machine_failed;
  TextSink sink;
  if (const std::error_code failed = task->save(sink, StopFlag())) return failed;
  return std::move(sink.text);
}

Cluster::Cluster(const Service& service, const Settings& settings)
    : service_(service),
      loses_writes_(settings.faults.contains(Fault::lost_writes)),
      memory_(service.storage ? nullptr : service.memory()),
      simulation_(
          settings.simulation, [this](NodeId id) { return make_machine(id); },
          [this](NodeId id) { return make_storage(id); }) {
  for (std::uint64_t id = 1; id <= settings.simulation.nodes; ++id) {
    ids_.push_back({id});
    disks_[{id}] = std::make_unique<FaultFileSystem>();
    lives_[{id}] = 0;
  }
}

std::unique_ptr<StateMachine> Cluster::make_machine(NodeId id) {
  auto machine = service_.machine();
  machines_[id] = machine.get();
  return machine;
}

std::unique_ptr<Storage> Cluster::make_storage(NodeId id) {
  return service_.storage ? service_.storage(id, *disks_.at(id)) : memory_(id);
}

void Cluster::start(NodeId id) {
  if (simulation_.is_up(id)) return;
  ++lives_.at(id);
  simulation_.start(id);
}

void Cluster::crash(NodeId id, std::uint64_t draw) {
  if (!simulation_.is_up(id)) return;
  FaultFileSystem& disk = *disks_.at(id);
  disk.power_off();  // first: the end of a process writes nothing
  simulation_.crash(id);
  disk.clear_faults();
  disk.crash(loses_writes_ ? draw : 1);
  machines_.erase(id);
  if (on_crash) on_crash(id);
}

bool Cluster::is_running(NodeId id) const {
  return simulation_.is_up(id) && simulation_.status(id).state == NodeState::running;
}

Result<std::string> Cluster::state_of(NodeId id) {
  return testkit::state_of(*machines_.at(id));
}

}  // namespace libraft::testkit
