#include "testkit/simulation/simulation_world.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace libraft::testkit {

// The agenda.

void SimulatedAgenda::at(TimePoint time, std::function<void()> action) {
  std::size_t place = actions_.size();
  if (free_.empty()) {
    actions_.push_back(std::move(action));
  } else {
    place = free_.back();
    free_.pop_back();
    actions_[place] = std::move(action);
  }
  heap_.at(time, *this, place);
}

void SimulatedAgenda::on_event(std::uint64_t what) {
  const std::function<void()> action = std::exchange(actions_[what], nullptr);
  free_.push_back(what);
  action();
}

// Members.

/// Tells the world how a node goes on in its life.
class Simulation::World::Listener final : public Observer {
 public:
  Listener(World& world, NodeId node) : world_(world), node_(node) {}
  void on_event(const NodeEvent& event) noexcept override {
    if (const auto* changed = std::get_if<StateChanged>(&event)) world_.on_state(node_, changed->state);
  }

 private:
  World& world_;
  NodeId node_;
};

Simulation::World::World(const SimulationOptions& options, StateMachineFactory state_machine, StorageFactory storage,
                         DiskStorage disk_storage)
    : options_(options),
      state_machine_(std::move(state_machine)),
      storage_(std::move(storage)),
      disk_storage_(std::move(disk_storage)),
      network_(heap_, watchers_, options.seed, options.nodes, {}),
      agenda_(heap_) {
  LinkFaults links;
  links.loss_ppm = options.loss_ppm;
  links.duplication_ppm = options.duplication_ppm;
  links.delay_min = options.message_delay_min;
  links.delay_max = options.message_delay_max;
  network_.set_all(links);
  SimulatedRuntime::Host& host = *this;
  for (std::uint64_t value = 1; value <= options.nodes; ++value) {
    const NodeId id{value};
    Member member;
    member.id = id;
    member.runtime = std::make_unique<SimulatedRuntime>(heap_, host, id, options.seed, options.work_delay_max);
    member.steps = std::make_unique<Steps>(watchers_, id);
    if (disk_storage_.make) member.disk = std::make_unique<SimulatedDisk>(options.seed, id);
    members_.push_back(std::move(member));
    configuration_.voters.push_back({id, "node-" + std::to_string(value)});
  }
}

Simulation::World::~World() {
  watchers_.clear();  // they may be gone
  for (Member& member : members_) {
    if (member.node) bury(member, Unsynced::lost);
  }
}

void Simulation::World::start(Member& member) {
  if (member.node && member.has_failed && !member.runtime->is_inside()) bury(member, Unsynced::kept);
  if (member.node) return;
  ++member.lives;
  member.has_failed = false;
  member.runtime->begin_life();
  if (member.disk) member.disk->begin_life();
  watchers_.on_started(member.id, member.lives);
  const std::uint64_t seed = options_.seed * 1000003 + member.id.value * 1009 + member.lives;
  member.node = std::make_unique<node::Node>(options_of(member), components_of(member), *member.runtime,
                                             node::Randomness{seed, {seed}});
  if (!watchers_.empty()) member.node->listen(*member.steps);
  member.node->start(detail::make_completion<std::error_code>([](std::error_code) {}));
}

NodeOptions Simulation::World::options_of(const Member& member) const {
  NodeOptions options;
  options.cluster = {1};
  options.id = member.id;
  options.bootstrap = configuration_;
  options.core = options_.core;
  if (options_.adjust) options_.adjust(member.id, options);
  return options;
}

Components Simulation::World::components_of(Member& member) {
  Components components;
  components.transport = std::make_unique<SimulatedCard>(network_, member.id);
  components.storage = member.disk ? disk_storage_.make(member.disk->files(), member.id) : storage_(member.id);
  components.state_machine = state_machine_(member.id);
  components.observer = std::make_shared<Listener>(*this, member.id);
  if (!watchers_.empty()) {
    components.storage = watched(std::move(components.storage), member.id, watchers_);
    components.state_machine = watched(std::move(components.state_machine), member.id, watchers_);
  }
  return components;
}

void Simulation::World::crash(Member& member, Unsynced unsynced) {
  if (!is_up(member)) return;
  if (member.runtime->is_inside()) {
    member.doom = unsynced;
  } else {
    bury(member, unsynced);
  }
}

void Simulation::World::bury(Member& member, Unsynced unsynced) {
  member.doom.reset();
  member.runtime->end_life();  // first: nothing of it runs any more
  network_.detach(member.id);
  if (member.disk) member.disk->files().power_off();  // what destructors would do to files, a dead process does not
  member.node.reset();
  SimulatedDisk::Loss loss;
  if (member.disk) loss = member.disk->crash(unsynced);
  if (watchers_.empty()) return;
  note("process.crash", member.id,
       std::to_string(loss.lost) + " of " + std::to_string(loss.pending) + " unsynced changes are lost");
  if (loss.write) note("disk.lost_write", member.id);
  if (loss.torn) note("disk.torn_write", member.id);
  if (loss.name) note("disk.lost_name", member.id);
  watchers_.on_crashed(member.id);
}

void Simulation::World::stop(Member& member) {
  if (!is_up(member)) return;
  const std::uint64_t life = member.lives;
  bool is_stopped = false;
  member.node->stop({}, detail::make_completion<std::error_code>([&](std::error_code) { is_stopped = true; }));
  const auto is_over = [&] { return is_stopped || !is_up(member) || member.lives != life; };
  if (!run_until(is_over, std::chrono::minutes(1)) || !is_stopped) {
    // Paused, stalled or cut off for longer than anybody waits: what a supervisor does then.
    if (is_up(member) && member.lives == life) bury(member, Unsynced::kept);
    return;
  }
  leave(member);
}

// The node says so from within itself: it is gone a moment later.
void Simulation::World::begin_stop(Member& member) {
  if (!is_up(member)) return;
  note("process.stop", member.id);
  const auto go = [this, &member, life = member.lives] {
    if (member.node && member.lives == life) leave(member);
  };
  member.node->stop(
      {}, detail::make_completion<std::error_code>([this, go](std::error_code) { agenda_.at(heap_.now(), go); }));
}

// Who asked in the last moment is answered too.
void Simulation::World::leave(Member& member) {
  member.runtime->finish_posts();
  if (!member.node) return;
  member.runtime->end_life();
  network_.detach(member.id);
  member.node.reset();
}

bool Simulation::World::damage(Member& member, DiskPart part) {
  if (!member.disk || !disk_storage_.find || member.disk->is_damaged()) return false;
  const auto damaged = static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(), [](const Member& m) { return m.disk->is_damaged(); }));
  if (damaged + 1 > (members_.size() - 1) / 2) return false;
  const auto range = disk_storage_.find(member.disk->files(), member.id, part);
  if (!range) return false;
  const std::string where = member.disk->damage(*range);
  if (where.empty()) return false;
  static constexpr std::string_view kNames[] = {"disk.flip_hard_state", "disk.flip_log_middle", "disk.flip_log_tail",
                                                "disk.flip_snapshot"};
  note(kNames[static_cast<std::size_t>(part)], member.id, where);
  return true;
}

// What the nodes do.

void Simulation::World::on_protocol_ran(NodeId id) {
  Member& member = this->member(id);
  if (!watchers_.empty()) {
    if (const Core* core = member.node->core()) {
      if (!member.has_failed) watchers_.on_stepped(id, *core);
      watchers_.on_gauges(id, member.node->options(), member.node->gauges());
    }
  }
  bury_the_doomed(member);
}

void Simulation::World::on_lane_ran(NodeId id) {
  bury_the_doomed(member(id));
}

void Simulation::World::bury_the_doomed(Member& member) {
  if (member.doom) {
    bury(member, *member.doom);
  } else if (member.disk && member.disk->has_lost_power()) {
    bury(member, Unsynced::drawn);
  }
}

void Simulation::World::on_state(NodeId id, NodeState state) {
  Member& member = this->member(id);
  if (state == NodeState::failed) {
    member.has_failed = true;
    if (watchers_.empty()) return;
    const Status status = member.node->status();
    watchers_.on_failed(id, status.failure.value_or(Failure{}));
  } else if (state == NodeState::stopped) {
    watchers_.on_stopped(id);
  } else if (state == NodeState::running && member.disk && member.disk->has_overlooked_damage()) {
    note("disk.damage_overlooked", id);
  }
}

void Simulation::World::note(std::string_view kind, NodeId node, std::string detail) const {
  if (!watchers_.empty()) watchers_.on_fault({kind, node, {}, std::move(detail)});
}

// Time.

void Simulation::World::move_to(TimePoint time) {
  if (time == told_ || watchers_.empty()) return;
  told_ = time;
  watchers_.on_time(time);
}

bool Simulation::World::run_until(const std::function<bool()>& condition, Duration limit) {
  const TimePoint end = heap_.now() + limit;
  while (!condition || !condition()) {
    if (heap_.is_empty() || heap_.next_time() > end) {
      move_to(end);
      heap_.move_to(end);
      return condition && condition();
    }
    move_to(heap_.next_time());
    heap_.run_next();
  }
  return true;
}

}  // namespace libraft::testkit
