#include <libraft/testkit/simulation.hpp>

#include "testkit/simulation/simulation_world.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace libraft::testkit {
namespace {

std::string in_milliseconds(Duration duration) {
  return std::to_string(duration.count() / 1000000) + " ms";
}

}  // namespace

Simulation::Simulation(const SimulationOptions& options, StateMachineFactory state_machine, StorageFactory storage)
    : world_(std::make_unique<World>(options, std::move(state_machine), std::move(storage), DiskStorage{})) {}

Simulation::Simulation(const SimulationOptions& options, StateMachineFactory state_machine, DiskStorage storage)
    : world_(std::make_unique<World>(options, std::move(state_machine), StorageFactory{}, std::move(storage))) {}

Simulation::~Simulation() = default;

void Simulation::watch(Watcher& watcher) {
  world_->watchers().add(watcher);
}

// Nodes.

void Simulation::start(NodeId id) {
  world_->start(world_->member(id));
}
void Simulation::start_all() {
  for (auto& member : world_->members()) world_->start(member);
}
void Simulation::crash(NodeId id, Unsynced unsynced) {
  world_->crash(world_->member(id), unsynced);
}
void Simulation::stop(NodeId id) {
  world_->stop(world_->member(id));
}
void Simulation::begin_stop(NodeId id) {
  world_->begin_stop(world_->member(id));
}
bool Simulation::is_up(NodeId id) const {
  return World::is_up(world_->member(id));
}

// The network.

void Simulation::set_network(const LinkFaults& faults) {
  world_->network().set_all(faults);
  world_->note("network.all_links", {});
}

void Simulation::set_network(std::uint32_t loss_ppm, std::uint32_t duplication_ppm) {
  SimulatedNetwork& network = world_->network();
  for (const auto& from : world_->members()) {
    for (const auto& to : world_->members()) {
      LinkFaults faults = network.faults(from.id, to.id);
      faults.loss_ppm = loss_ppm;
      faults.duplication_ppm = duplication_ppm;
      network.set_link(from.id, to.id, faults);
    }
  }
}

void Simulation::set_link(NodeId from, NodeId to, const LinkFaults& faults) {
  world_->network().set_link(from, to, faults);
}
void Simulation::cut(NodeId from, NodeId to, bool is_cut) {
  world_->network().cut(from, to, is_cut);
}

void Simulation::partition(const std::vector<NodeId>& side) {
  const auto is_inside = [&](NodeId id) { return std::find(side.begin(), side.end(), id) != side.end(); };
  for (const auto& from : world_->members()) {
    for (const auto& to : world_->members()) {
      if (is_inside(from.id) != is_inside(to.id)) cut(from.id, to.id, true);
    }
  }
}

void Simulation::cut_to_ring() {
  const std::uint64_t count = world_->members().size();
  for (std::uint64_t from = 1; from <= count; ++from) {
    for (std::uint64_t to = 1; to <= count; ++to) {
      const std::uint64_t distance = (to + count - from) % count;
      if (distance > 1 && distance < count - 1) cut({from}, {to}, true);
    }
  }
}

void Simulation::flap(NodeId from, NodeId to, Duration up, Duration down) {
  world_->network().flap(from, to, up, down);
}
void Simulation::clog(NodeId from, NodeId to) {
  world_->network().clog(from, to);
}
void Simulation::release(NodeId from, NodeId to) {
  world_->network().release(from, to);
}
void Simulation::heal() {
  world_->network().heal();
}

// Machines and their clocks.

void Simulation::pause(NodeId id, Duration duration) {
  world_->member(id).runtime->pause_until(now() + duration);
  world_->note("process.pause", id, in_milliseconds(duration));
}
void Simulation::slow_down(NodeId id, std::uint32_t factor) {
  world_->member(id).runtime->slow_down(factor);
  world_->note(factor > 1 ? "process.slow" : "process.usual_speed", id, std::to_string(factor) + " times");
}
void Simulation::set_clock_drift(NodeId id, std::int32_t ppm) {
  world_->member(id).runtime->set_drift(ppm);
  world_->note(ppm != 0 ? "clock.drift" : "clock.usual_rate", id, std::to_string(ppm) + " ppm");
}
void Simulation::jump_clock(NodeId id, Duration by) {
  world_->member(id).runtime->jump(by);
  world_->note("clock.jump", id, in_milliseconds(by));
}
void Simulation::set_timer_delay(NodeId id, Duration max) {
  world_->member(id).runtime->set_timer_delay(max);
  world_->note(max > Duration::zero() ? "clock.late_timers" : "clock.timely", id, in_milliseconds(max));
}

// Disks.

void Simulation::crash_at_file_call(NodeId id, std::uint64_t calls) {
  auto& member = world_->member(id);
  if (!member.disk) return;
  member.disk->power_off_at(calls);
  world_->note("disk.crash_at_call", id, std::to_string(calls));
}
void Simulation::fail_file_call(NodeId id, FileCall kind, std::error_code error, std::uint64_t skip) {
  auto& member = world_->member(id);
  if (!member.disk) return;
  member.disk->files().fail_next(kind, error, skip);
  const bool is_sync = kind == FileCall::sync || kind == FileCall::sync_directory;
  const bool is_write = kind == FileCall::write_at || kind == FileCall::truncate;
  world_->note(is_sync ? "disk.sync_error" : is_write ? "disk.write_error" : "disk.error", id, error.message());
}
void Simulation::forget_disk_faults(NodeId id) {
  if (auto& member = world_->member(id); member.disk) member.disk->files().clear_faults();
}
void Simulation::fill_disk(NodeId id, std::uint64_t bytes_left) {
  auto& member = world_->member(id);
  if (!member.disk) return;
  member.disk->fill(bytes_left);
  world_->note("disk.full", id, std::to_string(bytes_left) + " bytes left");
}
void Simulation::free_disk(NodeId id) {
  auto& member = world_->member(id);
  if (member.disk && member.disk->free()) world_->note("disk.room", id);
}
void Simulation::stall_disk(NodeId id, Duration duration) {
  world_->member(id).runtime->stall_until(now() + duration);
  world_->note("disk.stall", id, in_milliseconds(duration));
}
void Simulation::slow_disk(NodeId id, std::uint32_t factor) {
  world_->member(id).runtime->slow_disk(factor);
  world_->note(factor > 1 ? "disk.slow" : "disk.usual_speed", id, std::to_string(factor) + " times");
}
bool Simulation::damage(NodeId id, DiskPart part) {
  return world_->damage(world_->member(id), part);
}
void Simulation::mend(NodeId id) {
  auto& member = world_->member(id);
  if (!member.disk || !member.disk->is_damaged()) return;
  member.disk->mend();
  if (!member.disk->is_damaged()) world_->note("disk.mend", id);
}
bool Simulation::is_damaged(NodeId id) const {
  const auto& member = world_->member(id);
  return member.disk && member.disk->is_damaged();
}
const FaultFileSystem* Simulation::disk(NodeId id) const {
  const auto& member = world_->member(id);
  return member.disk ? &member.disk->files() : nullptr;
}

// Requests.

void Simulation::propose(NodeId at, Bytes command, ProposeOptions options,
                         std::function<void(std::error_code, Applied)> done) {
  if (!is_up(at)) return;
  world_->member(at).node->propose(std::move(command), std::move(options),
                                   detail::make_completion<std::error_code, Applied>(std::move(done)));
}
void Simulation::query(NodeId at, std::string request, ReadOptions options,
                       std::function<void(std::error_code, Applied)> done) {
  if (!is_up(at)) return;
  world_->member(at).node->query(std::move(request), std::move(options),
                                 detail::make_completion<std::error_code, Applied>(std::move(done)));
}
void Simulation::read_index(NodeId at, ReadOptions options, std::function<void(std::error_code, LogIndex)> done) {
  if (!is_up(at)) return;
  world_->member(at).node->read_index(options, detail::make_completion<std::error_code, LogIndex>(std::move(done)));
}
void Simulation::wait_applied(NodeId at, LogIndex index, Duration timeout,
                              std::function<void(std::error_code, LogIndex)> done) {
  if (!is_up(at)) return;
  world_->member(at).node->wait_applied(index, timeout,
                                        detail::make_completion<std::error_code, LogIndex>(std::move(done)));
}
void Simulation::wait_leader(NodeId at, Duration timeout, std::function<void(std::error_code, NodeId)> done) {
  if (!is_up(at)) return;
  world_->member(at).node->wait_leader(timeout, detail::make_completion<std::error_code, NodeId>(std::move(done)));
}
void Simulation::transfer_leadership(NodeId at, std::optional<NodeId> target, Duration timeout,
                                     std::function<void(std::error_code)> done) {
  if (!is_up(at)) return;
  world_->member(at).node->transfer_leadership(target, timeout,
                                               detail::make_completion<std::error_code>(std::move(done)));
}
void Simulation::take_snapshot(NodeId at, Duration timeout, std::function<void(std::error_code, LogId)> done) {
  if (!is_up(at)) return;
  world_->member(at).node->snapshot(timeout, detail::make_completion<std::error_code, LogId>(std::move(done)));
}

// Time.

void Simulation::run_for(Duration duration) {
  world_->run_until({}, duration);
}
bool Simulation::run_until(const std::function<bool()>& condition, Duration limit) {
  return world_->run_until(condition, limit);
}
void Simulation::at(TimePoint time, std::function<void()> action) {
  world_->agenda().at(time, std::move(action));
}
TimePoint Simulation::now() const {
  return world_->heap().now();
}

Status Simulation::status(NodeId id) const {
  const auto& member = world_->member(id);
  return member.node ? member.node->status() : Status{};
}
Metrics Simulation::metrics(NodeId id) const {
  const auto& member = world_->member(id);
  return member.node ? member.node->metrics() : Metrics{};
}

NodeId Simulation::leader() const {
  NodeId best;
  Term term;
  for (const auto& member : world_->members()) {
    if (!World::is_up(member) || member.has_failed) continue;
    const Core* const core = member.node->core();
    if (core == nullptr) continue;
    const CoreStatus status = core->status();
    if (status.role == Role::leader && status.term > term) {
      best = member.id;
      term = status.term;
    }
  }
  return best;
}

std::uint64_t Simulation::trace_hash() const {
  return world_->heap().hash();
}
std::uint64_t Simulation::events() const {
  return world_->heap().count();
}

}  // namespace libraft::testkit
