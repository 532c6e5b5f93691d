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

Simulation::StorageFactory memory_of(const Service& service) {
  return service.storage.make ? nullptr : service.memory();
}

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
      has_disks_(static_cast<bool>(service.storage.make)),
      simulation_(has_disks_
                      ? Simulation(
                            settings.simulation, [this](NodeId id) { return make_machine(id); }, service.storage)
                      : Simulation(
                            settings.simulation, [this](NodeId id) { return make_machine(id); }, memory_of(service))) {
  for (std::uint64_t id = 1; id <= settings.simulation.nodes; ++id) {
    ids_.push_back({id});
    lives_[{id}] = 0;
  }
  simulation_.set_network(settings.links);
  for (const NodeId id : ids_) {
    const MachineSettings& machine = settings.machines.at(id.value - 1);
    if (machine.skew != Duration::zero()) simulation_.jump_clock(id, machine.skew);
    if (machine.drift_ppm != 0) simulation_.set_clock_drift(id, machine.drift_ppm);
    if (machine.timer_delay != Duration::zero()) simulation_.set_timer_delay(id, machine.timer_delay);
  }
}

std::unique_ptr<StateMachine> Cluster::make_machine(NodeId id) {
  auto machine = service_.machine();
  machines_[id] = machine.get();
  return machine;
}

void Cluster::start(NodeId id) {
  if (is_running(id)) return;
  ++lives_.at(id);
  simulation_.start(id);
}

bool Cluster::is_running(NodeId id) const {
  return simulation_.is_up(id) && simulation_.status(id).state != NodeState::failed;
}

Result<std::string> Cluster::state_of(NodeId id) {
  return testkit::state_of(*machines_.at(id));
}

}  // namespace libraft::testkit
