#include "testkit/run/nemesis.hpp"

#include <libraft/error.hpp>
#include <libraft/status.hpp>

#include <algorithm>
#include <utility>

namespace libraft::testkit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Links = std::vector<std::pair<NodeId, NodeId>>;

/// All links between the nodes in the group and those outside, both ways.
Links between(const std::vector<NodeId>& ids, std::uint64_t group) {
  Links links;
  const auto is_in = [&](NodeId id) { return (group >> (id.value - 1) & 1) != 0; };
  for (const NodeId from : ids) {
    for (const NodeId to : ids) {
      if (is_in(from) != is_in(to)) links.emplace_back(from, to);
    }
  }
  return links;
}

Links to_or_from(const std::vector<NodeId>& ids, NodeId node, bool is_incoming) {
  Links links;
  for (const NodeId other : ids) {
    if (other == node) continue;
    links.emplace_back(is_incoming ? std::pair(other, node) : std::pair(node, other));
  }
  return links;
}

/// Each node keeps its two neighbours: with five of them, each sees another majority. Three make a chain.
Links beside_ring(const std::vector<NodeId>& ids) {
  Links links;
  const std::size_t count = ids.size();
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b < count; ++b) {
      const std::size_t distance = a > b ? a - b : b - a;
      const bool are_neighbours = distance <= 1 || (count > 3 && distance == count - 1);
      if (!are_neighbours) links.emplace_back(ids[a], ids[b]);
    }
  }
  return links;
}

/// Of one strike, all orders of magnitude alike.
std::uint32_t strength(const FaultEvent& event, std::uint32_t low, std::uint32_t high) {
  return static_cast<std::uint32_t>(Random(event.draw, 0).log_between(low, high));
}

}  // namespace

void Nemesis::begin(const Plan& plan) {
  for (const FaultEvent& event : plan) {
    agenda_.at(TimePoint(event.at), [this, event, era = era_] {
      if (era == era_) strike(event);
    });
  }
}

void Nemesis::tell(Fault fault, NodeId node, NodeId other, std::string detail) {
  count(fault);
  if (on_strike) on_strike({name_of(fault), node, other, std::move(detail)});
}

void Nemesis::later(Duration duration, std::function<void()> action) {
  agenda_.in(duration, [this, era = era_, action = std::move(action)] {
    if (era == era_) action();
  });
}

NodeId Nemesis::somebody(NodeId wanted, std::uint64_t draw) const {
  if (wanted != NodeId{}) return wanted;
  const NodeId leader = cluster_.simulation().leader();
  return leader != NodeId{} ? leader : cluster_.ids()[(draw >> 8) % cluster_.ids().size()];
}

void Nemesis::strike(const FaultEvent& event) {
  const Target target = target_of(event, cluster_.ids().size());
  const NodeId node = somebody(target.node, event.draw);
  if (event.fault < Fault::crash) {
    strike_links(event, target, node);
  } else if (event.fault < Fault::sync_error || event.fault == Fault::stop) {
    strike_process(event, target, node);
  } else {
    strike_disk(event, node);
  }
}

// Links.

void Nemesis::strike_links(const FaultEvent& event, const Target& target, NodeId node) {
  const std::vector<NodeId>& ids = cluster_.ids();
  if (ids.size() < 2) return;
  Simulation& simulation = cluster_.simulation();
  const NodeId other = target.other != node ? target.other : ids[node.value % ids.size()];
  switch (event.fault) {
    case Fault::partition: {
      const std::uint64_t group = target.group != 0 ? target.group : std::uint64_t{1} << (node.value - 1);
      tell(event.fault, target.group != 0 ? NodeId{} : node);
      return cut_for(between(ids, group), event.lasts);
    }
    case Fault::one_way:
      tell(event.fault, node, {}, target.is_incoming ? "does not hear" : "is not heard");
      return cut_for(to_or_from(ids, node, target.is_incoming), event.lasts);
    case Fault::partial:
      tell(event.fault, node, other);
      return cut_for({{node, other}, {other, node}}, event.lasts);
    case Fault::ring:
      tell(event.fault);
      return cut_for(beside_ring(ids), event.lasts);
    case Fault::flapping: {
      const Duration period = event.lasts / static_cast<int>(2 * target.count);
      tell(event.fault, node, other);
      for (const auto& link : Links{{node, other}, {other, node}}) {
        simulation.flap(link.first, link.second, period, period);
        later(event.lasts, [&simulation, link = link] { simulation.flap(link.first, link.second, {}, {}); });
      }
      return;
    }
    case Fault::slow_link: {
      LinkFaults slow = settings_.links;
      slow.delay_min = slow.delay_max * 10;
      slow.delay_max = slow.delay_max * 50;
      tell(event.fault, node, other);
      simulation.set_link(node, other, slow);
      return later(event.lasts, [this, node, other] { cluster_.simulation().set_link(node, other, settings_.links); });
    }
    default:
      return clog_for(event, target, other);
  }
}

// One link, or all links to a node: they stop one by one, and go on in the opposite order.
void Nemesis::clog_for(const FaultEvent& event, const Target& target, NodeId node) {
  Simulation& simulation = cluster_.simulation();
  count(event.fault);
  const Links all = to_or_from(cluster_.ids(), node, true);
  const std::size_t count = target.count > 3 ? all.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& link = all[i];
    const Duration step = event.lasts / static_cast<int>(4 * count) * static_cast<int>(i);
    later(step, [&simulation, link = link] { simulation.clog(link.first, link.second); });
    later(event.lasts - step, [&simulation, link = link] { simulation.release(link.first, link.second); });
  }
}

void Nemesis::cut(NodeId from, NodeId to, int difference) {
  int& count = cuts_[{from, to}];
  count += difference;
  cluster_.simulation().cut(from, to, count > 0);
}

void Nemesis::cut_for(const std::vector<std::pair<NodeId, NodeId>>& links, Duration duration) {
  for (const auto& [from, to] : links) cut(from, to, 1);
  later(duration, [this, links] {
    for (const auto& [from, to] : links) cut(from, to, -1);
  });
}

// Processes.

void Nemesis::strike_process(const FaultEvent& event, const Target& target, NodeId node) {
  Simulation& simulation = cluster_.simulation();
  if (event.fault == Fault::power_cut) {
    tell(event.fault);
    for (const NodeId id : cluster_.ids()) {
      crash_for(id, event.lasts / static_cast<int>(1 + (event.draw >> id.value) % 4));
    }
    return;
  }
  if (!cluster_.is_running(node)) return;
  switch (event.fault) {
    case Fault::crash:
      count(event.fault);
      return crash_for(node, event.lasts);
    case Fault::crash_in_write:
      if (!cluster_.has_disks()) {
        count(event.fault);
        return crash_for(node, event.lasts);
      }
      simulation.crash_at_file_call(node, target.count);
      in_write_[node] = event.lasts;
      return doom(node);
    case Fault::crash_loop:
      tell(event.fault, node);
      return crash_again(node, target.count, event.draw);
    case Fault::pause:
      count(event.fault);
      return hold(node, event.lasts, false);
    case Fault::stop:
      count(event.fault);
      return stop_for(node, event.lasts);
    case Fault::slow_node:
      count(event.fault);
      simulation.slow_down(node, strength(event, 2, 20));
      return later(event.lasts, [&simulation, node] { simulation.slow_down(node, 1); });
    case Fault::transfer:
      tell(event.fault, node);
      return caretaker_.transfer_leadership(node, event.lasts);
    default:
      tell(event.fault, node);
      return caretaker_.take_snapshot(node, event.lasts);
  }
}

void Nemesis::crash_for(NodeId id, Duration duration) {
  if (!cluster_.is_up(id)) return;
  in_write_.erase(id);
  cluster_.crash(id);
  later(duration, [this, id] { cluster_.start(id); });
}

// Who has not stopped when it is to start again is killed, as a supervisor would.
void Nemesis::stop_for(NodeId id, Duration duration) {
  const std::uint64_t life = cluster_.lives(id);
  stopping_.insert({id, life});
  cluster_.simulation().begin_stop(id);
  later(duration, [this, id, life] {
    if (cluster_.lives(id) != life) return;
    if (cluster_.is_up(id)) cluster_.crash(id);
    cluster_.start(id);
  });
}

// Each life is so short that it ends in its own recovery, or just after.
void Nemesis::crash_again(NodeId id, std::uint64_t times, std::uint64_t draw) {
  const Duration down = milliseconds(1 + draw % 50);
  const Duration alive = std::chrono::microseconds(1 + (draw >> 8) % 20000);
  crash_for(id, down);
  if (times <= 1) return;
  later(down + alive, [this, id, times, draw] { crash_again(id, times - 1, draw * 3 + 1); });
}

void Nemesis::hold(NodeId id, Duration duration, bool is_disk) {
  healed_at_ = std::max(healed_at_, agenda_.now() + duration);
  if (is_disk) {
    cluster_.simulation().stall_disk(id, duration);
  } else {
    cluster_.simulation().pause(id, duration);
  }
}

void Nemesis::on_crashed(NodeId id) {
  ++crashes_;
  cluster_.simulation().forget_disk_faults(id);  // they were meant for the life that is over
  const auto in_write = in_write_.find(id);
  if (in_write == in_write_.end()) return;
  const Duration down = in_write->second;
  in_write_.erase(in_write);
  tell(Fault::crash_in_write, id);
  later(down, [this, id] { cluster_.start(id); });
}

void Nemesis::on_stopped(NodeId id) {
  cluster_.simulation().forget_disk_faults(id);  // as above
  in_write_.erase(id);
}

// An operator mends the disk, makes room on it, and starts the node again.
void Nemesis::on_failed(NodeId id, const Failure&) {
  if (given_up_.contains(id)) return;
  later(milliseconds(300), [this, id, life = cluster_.lives(id)] {
    if (life != cluster_.lives(id)) return;
    cluster_.simulation().mend(id);
    make_room(id);
    crash_for(id, milliseconds(100));
  });
}

// Disks and clocks.

void Nemesis::strike_disk(const FaultEvent& event, NodeId node) {
  Simulation& simulation = cluster_.simulation();
  if (event.fault == Fault::clock_jump) {
    count(event.fault);
    return simulation.jump_clock(node, event.lasts);
  }
  if (!cluster_.has_disks() || !cluster_.is_running(node)) return;
  if (event.fault == Fault::flip) return flip(node, event);
  count(event.fault);
  switch (event.fault) {
    case Fault::sync_error:
    case Fault::write_error:
      doom(node);
      return simulation.fail_file_call(node, event.fault == Fault::sync_error ? FileCall::sync : FileCall::write_at,
                                       errc::io_error, event.draw % 4);
    case Fault::no_space:
      full_.insert(node);
      simulation.fill_disk(node, strength(event, 1, 500) - 1);
      return later(event.lasts, [this, node] { make_room(node); });
    case Fault::disk_stall:
      return hold(node, event.lasts, true);
    default:
      simulation.slow_disk(node, strength(event, 2, 200));
      return later(event.lasts, [&simulation, node] { simulation.slow_disk(node, 1); });
  }
}

// The life that saw the full disk may still fail for it.
void Nemesis::make_room(NodeId id) {
  if (full_.erase(id) == 0) return;
  doom(id);
  cluster_.simulation().free_disk(id);
}

// A flipped bit is found when the node reads it, at the latest at its next start: it is given one.
void Nemesis::flip(NodeId id, const FaultEvent& event) {
  constexpr std::array kParts{DiskPart::hard_state, DiskPart::log_middle, DiskPart::log_tail, DiskPart::snapshot};
  if (!cluster_.simulation().damage(id, kParts[(event.draw >> 40) % kParts.size()])) return;
  count(event.fault);
  doom(id);
  later(event.lasts / 2, [this, id, down = event.lasts / 2] { crash_for(id, down); });
}

// The end.

/// Runs, and as well as ever; in a pause, as soon as that is over.
void Nemesis::revive(NodeId id) {
  Simulation& simulation = cluster_.simulation();
  const bool must_end = cluster_.is_up(id) && (is_stopping(id) || !cluster_.is_running(id));
  if (simulation.is_damaged(id) || must_end) {
    cluster_.crash(id);
    simulation.mend(id);
  }
  if (cluster_.has_disks()) {
    simulation.forget_disk_faults(id);
  }
  make_room(id);
  simulation.slow_down(id, 1);
  simulation.slow_disk(id, 1);
  simulation.set_timer_delay(id, {});
  cluster_.start(id);
}

void Nemesis::settle(const std::set<NodeId>& core, std::uint64_t draw) {
  ++era_;
  Random random(draw, 0);
  in_write_.clear();
  Simulation& simulation = cluster_.simulation();
  LinkFaults healthy;
  healthy.delay_max = settings_.simulation.message_delay_max;
  simulation.set_network(healthy);
  simulation.heal();
  cuts_.clear();
  for (const NodeId id : core) revive(id);
  for (const NodeId id : cluster_.ids()) {
    if (!core.contains(id)) break_for_good(id, core, random);
  }
}

void Nemesis::stand_still(NodeId id) {
  cluster_.simulation().pause(id, seconds(1));
  later(milliseconds(900), [this, id] { stand_still(id); });
}

// A leader that has to read back from a slow disk what it applies and sends is as slow as that disk, entry by entry.
bool Nemesis::remembers_a_run(NodeId id) const {
  constexpr std::size_t kRunBytes = 64u << 10;
  NodeOptions options;
  options.core = settings_.simulation.core;
  if (settings_.simulation.adjust) settings_.simulation.adjust(id, options);
  return options.core.entry_cache_bytes >= kRunBytes;
}

// Outside of the core nobody reaches anybody but, perhaps, the core. What is left there must not be able to lead a part
// of the core: no protocol helps the other part then.
void Nemesis::break_for_good(NodeId id, const std::set<NodeId>& core, Random& random) {
  given_up_.insert(id);
  const auto cut_all = [&](bool to_others, bool from_others) {
    for (const NodeId other : cluster_.ids()) {
      if (other == id) continue;
      cluster_.simulation().cut(id, other, to_others || !core.contains(other));
      cluster_.simulation().cut(other, id, from_others || !core.contains(other));
    }
  };
  // A node that can campaign disturbs nobody only when the core asks first and sticks to its leader: without pre-vote
  // its term grows, and its answer to a message that comes late deposes the leader.
  const CoreOptions& options = settings_.simulation.core;
  const bool may_campaign = options.pre_vote && options.check_quorum;
  const std::uint64_t kind = random.below(6);
  if (kind == 0) return cluster_.crash(id);
  cluster_.start(id);
  if (kind == 1) {
    cut_all(true, true);
    stand_still(id);
  } else if (kind == 2) {  // not heard: it hears a leader, and can't answer
    cut_all(true, false);
  } else if (kind == 3) {  // does not hear: it would campaign again and again
    cut_all(!may_campaign, true);
  } else if (kind == 4 && cluster_.has_disks() && may_campaign && remembers_a_run(id)) {
    doom(id);
    cluster_.simulation().slow_disk(id, 100);
  } else {
    cut_all(true, true);
  }
}

void Nemesis::heal_all() {
  ++era_;
  cuts_.clear();
  in_write_.clear();
  given_up_.clear();
  healed_at_ = std::max(healed_at_, agenda_.now() + seconds(1));
  cluster_.simulation().heal();
  for (const NodeId id : cluster_.ids()) revive(id);
}

}  // namespace libraft::testkit
