// Nemesis: carries out the plan, and ends what it began.
#pragma once

#include "testkit/run/agenda.hpp"
#include "testkit/run/cluster.hpp"
#include "testkit/run/plan.hpp"

#include <libraft/types.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace libraft::testkit {

class Nemesis {
 public:
  Nemesis(Cluster& cluster, Agenda& agenda, const Settings& settings)
      : cluster_(cluster), agenda_(agenda), settings_(settings) {}

  /// Puts all events on the agenda.
  void begin(const Plan& plan);
  /// True when a power cut has struck in the middle of a write: look() before anything else happens.
  [[nodiscard]] bool has_struck() const;
  /// Lets the node of such a write die with its disk.
  void look();
  /// An operator starts a node again that failed. Call it now and then, for each node that did.
  void mend(NodeId id);
  /// Whether something was done to the disk in this life of the node that may make it fail.
  [[nodiscard]] bool may_fail(NodeId id) const { return doomed_.contains({id, cluster_.lives(id)}); }

  /// From here on the plan's events do nothing, nor does what they would end. `core` is healed: its nodes run, reach
  /// each other, and have room on their disks; the others stay as they are, or get a permanent fault drawn by `draw`.
  void settle(const std::set<NodeId>& core, std::uint64_t draw);
  /// All is healed.
  void heal_all();

  [[nodiscard]] const std::map<Fault, std::uint64_t>& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  /// What was done, for the trace.
  std::function<void(Fault, NodeId node, NodeId other, std::string detail)> on_fault;

 private:
  void strike(const FaultEvent& event);
  void strike_links(const FaultEvent& event, const Target& target);
  void cut_for(const std::vector<std::pair<NodeId, NodeId>>& links, Duration duration);
  void cut(NodeId from, NodeId to, int difference);
  void crash_for(NodeId id, Duration duration, std::uint64_t draw);
  void crash_again(NodeId id, std::uint64_t times, std::uint64_t draw);
  void crash_in_write(NodeId id, const FaultEvent& event, std::uint64_t call);
  void pause(NodeId id, Duration duration);
  void fail_disk(NodeId id, const FaultEvent& event);
  void break_for_good(NodeId id, const std::set<NodeId>& core, Random& random);
  void revive(NodeId id, std::uint64_t draw);
  [[nodiscard]] NodeId somebody(NodeId wanted, std::uint64_t draw) const;
  /// Does it unless all was healed meanwhile.
  void later(Duration duration, std::function<void()> action);
  void tell(Fault fault, NodeId node = {}, NodeId other = {}, std::string detail = {});

  struct InWrite {
    Duration lasts;
    std::uint64_t draw = 0;
  };

  Cluster& cluster_;
  Agenda& agenda_;
  const Settings& settings_;
  std::uint64_t era_ = 0;  // actions of an era before do nothing
  std::map<std::pair<NodeId, NodeId>, int> cuts_;
  std::map<NodeId, InWrite> in_write_;
  std::map<NodeId, TimePoint> paused_until_;
  std::set<std::pair<NodeId, std::uint64_t>> doomed_;  // nodes, and which of their lives
  std::set<NodeId> being_mended_;
  std::set<NodeId> given_up_;
  std::map<Fault, std::uint64_t> counts_;
  std::uint64_t crashes_ = 0;
};

}  // namespace libraft::testkit
