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

}  // namespace

void Nemesis::begin(const Plan& plan) {
  for (const FaultEvent& event : plan) {
    agenda_.at(TimePoint(event.at), [this, event, era = era_] {
      if (era == era_) strike(event);
    });
  }
}

void Nemesis::tell(Fault fault, NodeId node, NodeId other, std::string detail) {
  ++counts_[fault];
  if (on_fault) on_fault(fault, node, other, std::move(detail));
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
  switch (event.fault) {
    case Fault::crash:
      if (!cluster_.is_up(node)) return;
      tell(event.fault, node);
      return crash_for(node, event.lasts, event.draw);
    case Fault::crash_in_write:
      return crash_in_write(node, event, target.count);
    case Fault::crash_loop:
      if (!cluster_.is_up(node)) return;
      tell(event.fault, node);
      return crash_again(node, target.count, event.draw);
    case Fault::power_cut:
      tell(event.fault);
      for (const NodeId id : cluster_.ids()) {
        crash_for(id, event.lasts / static_cast<int>(1 + (event.draw >> id.value) % 4), event.draw + id.value);
      }
      return;
    case Fault::pause:
      if (!cluster_.is_up(node)) return;
      tell(event.fault, node);
      return pause(node, event.lasts);
    case Fault::sync_error:
    case Fault::write_error:
    case Fault::no_space:
      return fail_disk(node, event);
    default:
      return strike_links(event, target);
  }
}

void Nemesis::strike_links(const FaultEvent& event, const Target& target) {
  const std::vector<NodeId>& ids = cluster_.ids();
  const NodeId node = somebody(target.node, event.draw);
  const NodeId other = target.other != node ? target.other : ids[node.value % ids.size()];
  const Links both{{node, other}, {other, node}};
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
      return cut_for(both, event.lasts);
    case Fault::ring:
      tell(event.fault);
      return cut_for(beside_ring(ids), event.lasts);
    case Fault::flapping: {
      tell(event.fault, node, other);
      const Duration period = event.lasts / static_cast<int>(target.count);
      for (std::uint64_t i = 0; i < target.count; ++i) {
        later(period * static_cast<int>(i), [this, both, period] { cut_for(both, period / 2); });
      }
      return;
    }
    default:
      return;
  }
}

void Nemesis::cut(NodeId from, NodeId to, int difference) {
  if (from == to) return;
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

void Nemesis::crash_for(NodeId id, Duration duration, std::uint64_t draw) {
  if (!cluster_.is_up(id)) return;
  ++crashes_;
  in_write_.erase(id);
  being_mended_.erase(id);
  paused_until_.erase(id);
  cluster_.crash(id, draw);
  later(duration, [this, id] { cluster_.start(id); });
}

void Nemesis::crash_again(NodeId id, std::uint64_t times, std::uint64_t draw) {
  // Each life is so short that it ends in its own recovery, or just after.
  const Duration down = milliseconds(1 + draw % 50);
  const Duration alive = std::chrono::microseconds(1 + (draw >> 8) % 20000);
  crash_for(id, down, draw);
  if (times <= 1) return;
  later(down + alive, [this, id, times, draw] { crash_again(id, times - 1, draw * 3 + 1); });
}

void Nemesis::crash_in_write(NodeId id, const FaultEvent& event, std::uint64_t call) {
  if (!cluster_.is_running(id) || in_write_.contains(id)) return;
  FaultFileSystem& disk = cluster_.disk(id);
  disk.power_off_at(disk.calls() + call);
  in_write_[id] = {event.lasts, event.draw};
  doomed_.insert({id, cluster_.lives(id)});
}

void Nemesis::fail_disk(NodeId id, const FaultEvent& event) {
  if (!cluster_.is_up(id)) return;
  FaultFileSystem& disk = cluster_.disk(id);
  tell(event.fault, id);
  doomed_.insert({id, cluster_.lives(id)});
  if (event.fault == Fault::no_space) {
    disk.set_full();
    later(event.lasts, [&disk] { disk.set_bytes_max(FaultFileSystem::kUnlimited); });
  } else {
    disk.fail_next(event.fault == Fault::sync_error ? FileCall::sync : FileCall::write_at, errc::io_error,
                   event.draw % 4);
  }
}

void Nemesis::pause(NodeId id, Duration duration) {
  paused_until_[id] = std::max(paused_until_[id], agenda_.now() + duration);
  cluster_.simulation().pause(id, paused_until_[id] - agenda_.now());
}

bool Nemesis::has_struck() const {
  return std::any_of(in_write_.begin(), in_write_.end(),
                     [&](const auto& node) { return cluster_.disk(node.first).power_is_off(); });
}

void Nemesis::look() {
  for (auto at = in_write_.begin(); at != in_write_.end();) {
    const auto [id, how] = *at++;
    if (!cluster_.disk(id).power_is_off()) continue;
    tell(Fault::crash_in_write, id);
    crash_for(id, how.lasts, how.draw);
  }
}

void Nemesis::mend(NodeId id) {
  if (given_up_.contains(id) || !being_mended_.insert(id).second) return;
  later(milliseconds(200), [this, id] {
    if (being_mended_.contains(id)) crash_for(id, milliseconds(100), id.value * 7 + era_);
  });
}

/// Runs, and as well as ever. What stands still, failed or lost its power starts anew.
void Nemesis::revive(NodeId id, std::uint64_t draw) {
  FaultFileSystem& disk = cluster_.disk(id);
  const bool is_well = cluster_.is_running(id) && !disk.power_is_off() && paused_until_[id] <= agenda_.now();
  if (!is_well) cluster_.crash(id, draw);
  disk.clear_faults();
  disk.set_bytes_max(FaultFileSystem::kUnlimited);
  paused_until_.erase(id);
  cluster_.start(id);
}

void Nemesis::settle(const std::set<NodeId>& core, std::uint64_t draw) {
  ++era_;
  Random random(draw, 0);
  in_write_.clear();
  being_mended_.clear();
  for (const NodeId id : core) {
    revive(id, draw);
    for (const NodeId other : core) {
      cuts_.erase({id, other});
      cluster_.simulation().cut(id, other, false);
    }
  }
  cluster_.simulation().set_network(0, 0);
  for (const NodeId id : cluster_.ids()) {
    if (!core.contains(id)) break_for_good(id, core, random);
  }
}

// Outside of the core nobody reaches anybody but, perhaps, the core. What is left there must not be able to lead a part
// of the core: no protocol helps the other part then.
void Nemesis::break_for_good(NodeId id, const std::set<NodeId>& core, Random& random) {
  given_up_.insert(id);
  Simulation& simulation = cluster_.simulation();
  const auto cut_all = [&](bool to_others, bool from_others) {
    for (const NodeId other : cluster_.ids()) {
      simulation.cut(id, other, to_others);
      simulation.cut(other, id, from_others || (to_others && !core.contains(other)));
    }
  };
  // A node that can campaign disturbs nobody only when the core asks first and sticks to its leader.
  const CoreOptions& options = settings_.simulation.core;
  const bool may_campaign = options.pre_vote && options.check_quorum;
  switch (random.below(5)) {
    case 0:
      cluster_.crash(id, random.draw());
      break;
    case 1:
      cluster_.start(id);
      pause(id, std::chrono::hours(10));
      break;
    case 2:  // not heard: it hears a leader, and can't answer
      cluster_.start(id);
      cut_all(true, false);
      break;
    case 3:  // does not hear: it would campaign again and again
      cluster_.start(id);
      cut_all(!may_campaign, true);
      for (const NodeId other : cluster_.ids()) {
        if (!core.contains(other)) simulation.cut(id, other, true);
      }
      break;
    default:
      cluster_.start(id);
      cut_all(true, true);
      break;
  }
}

void Nemesis::heal_all() {
  ++era_;
  cuts_.clear();
  in_write_.clear();
  being_mended_.clear();
  given_up_.clear();
  Simulation& simulation = cluster_.simulation();
  simulation.heal();
  simulation.set_network(0, 0);
  for (const NodeId id : cluster_.ids()) revive(id, id.value);
}

}  // namespace libraft::testkit
