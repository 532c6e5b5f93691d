// Nemesis: carries out the plan, and ends what it began.
#pragma once

#include "testkit/run/agenda.hpp"
#include "testkit/run/caretaker.hpp"
#include "testkit/run/cluster.hpp"
#include "testkit/run/plan.hpp"
#include "testkit/simulation/watcher.hpp"

#include <libraft/types.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace libraft::testkit {

class Nemesis final : public Watcher {
 public:
  Nemesis(Cluster& cluster, Agenda& agenda, Caretaker& caretaker, const Settings& settings)
      : cluster_(cluster), agenda_(agenda), caretaker_(caretaker), settings_(settings) {}

  /// Puts all events on the agenda.
  void begin(const Plan& plan);

  /// From here on the plan's events do nothing, nor does what they would end. The nodes of `core` run and are healed,
  /// as far as they can be at once (see healed_at); each of the others gets a fault that stays, drawn by `draw`.
  void settle(const std::set<NodeId>& core, std::uint64_t draw);
  /// All is healed.
  void heal_all();
  /// When pauses and stalls end that nothing can shorten.
  [[nodiscard]] TimePoint healed_at() const { return healed_at_; }

  /// Whether something was done in this life of the node that may make it fail.
  [[nodiscard]] bool may_fail(NodeId id) const {
    return full_.contains(id) || doomed_.contains({id, cluster_.lives(id)});
  }
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  /// How often each kind struck, of those that strike at times. What is done besides (a node that stays broken while
  /// the core recovers) is no strike.
  [[nodiscard]] const std::map<Fault, std::uint64_t>& strikes() const { return strikes_; }
  /// What the simulation does not tell its watchers itself.
  std::function<void(const FaultNote&)> on_strike;

  // Watcher: who dies in the middle of a write is started again, and so is who failed.
  void on_crashed(NodeId id) override;
  void on_stopped(NodeId id) override;
  void on_failed(NodeId id, const Failure& failure) override;

 private:
  void strike(const FaultEvent& event);
  void strike_links(const FaultEvent& event, const Target& target, NodeId node);
  void strike_process(const FaultEvent& event, const Target& target, NodeId node);
  void strike_disk(const FaultEvent& event, NodeId node);
  void cut_for(const std::vector<std::pair<NodeId, NodeId>>& links, Duration duration);
  void cut(NodeId from, NodeId to, int difference);
  void clog_for(const FaultEvent& event, const Target& target, NodeId node);
  void crash_for(NodeId id, Duration duration);
  void stop_for(NodeId id, Duration duration);
  [[nodiscard]] bool is_stopping(NodeId id) const { return stopping_.contains({id, cluster_.lives(id)}); }
  void crash_again(NodeId id, std::uint64_t times, std::uint64_t draw);
  void flip(NodeId id, const FaultEvent& event);
  void make_room(NodeId id);
  void hold(NodeId id, Duration duration, bool is_disk);
  void stand_still(NodeId id);
  void break_for_good(NodeId id, const std::set<NodeId>& core, Random& random);
  [[nodiscard]] bool remembers_a_run(NodeId id) const;
  void revive(NodeId id);
  [[nodiscard]] NodeId somebody(NodeId wanted, std::uint64_t draw) const;
  /// Does it unless all was healed meanwhile.
  void later(Duration duration, std::function<void()> action);
  void count(Fault fault) { ++strikes_[fault]; }
  /// Counts it, and tells of it.
  void tell(Fault fault, NodeId node = {}, NodeId other = {}, std::string detail = {});
  void doom(NodeId id) { doomed_.insert({id, cluster_.lives(id)}); }

  Cluster& cluster_;
  Agenda& agenda_;
  Caretaker& caretaker_;
  const Settings& settings_;
  std::uint64_t era_ = 0;  // actions of an era before do nothing
  TimePoint healed_at_{};
  std::map<std::pair<NodeId, NodeId>, int> cuts_;
  std::map<NodeId, Duration> in_write_;                // how long those are down who die in the middle of a write
  std::set<std::pair<NodeId, std::uint64_t>> doomed_;  // nodes, and which of their lives
  std::set<NodeId> full_;                              // their disks
  std::set<std::pair<NodeId, std::uint64_t>> stopping_;
  std::set<NodeId> given_up_;
  std::uint64_t crashes_ = 0;
  std::map<Fault, std::uint64_t> strikes_;
};

}  // namespace libraft::testkit
