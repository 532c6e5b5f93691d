// Trial: one run of one seed. Faults; then a healed quorum that must make progress; then all healed, and an audit.
#pragma once

#include "testkit/checks/checks.hpp"
#include "testkit/checks/disk_view.hpp"
#include "testkit/run/agenda.hpp"
#include "testkit/run/caretaker.hpp"
#include "testkit/run/clients.hpp"
#include "testkit/run/cluster.hpp"
#include "testkit/run/nemesis.hpp"
#include "testkit/run/plan.hpp"
#include "testkit/run/settings.hpp"
#include "testkit/simulation/watcher.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace libraft::testkit {

/// A broken rule, and when.
struct Finding {
  std::string invariant;
  std::string sentence;
  TimePoint at{};
};

struct TrialResult {
  std::optional<Finding> finding;
  Duration simulated{};
  std::uint64_t events = 0;
  std::uint64_t requests = 0;
  std::uint64_t crashes = 0;
  std::uint64_t trace_hash = 0;
  std::string state;                             ///< of the machines at the end, when all went well
  std::map<std::string, std::uint64_t> faults;   ///< by kind: one for those of the whole run, strikes of the others
  std::map<std::string, std::uint64_t> effects;  ///< by the simulation's names
  std::map<std::string, std::uint64_t> marks;
};

class Trial final : private Watcher {
 public:
  /// `watcher` may be null; it hears of all.
  Trial(const Service& service, Settings settings, Plan plan, Watcher* watcher = nullptr);
  /// What the service throws is a finding.
  [[nodiscard]] TrialResult run();

 private:
  void go_through_phases();
  void begin();
  void be_faulty();
  void recover_core();
  void heal_all();
  void audit();

  // Watcher.
  void on_crashed(NodeId id) override;
  void on_failed(NodeId id, const Failure& failure) override;
  void on_fault(const FaultNote& note) override;

  /// Runs until `end`, or until something is found.
  void run_to(TimePoint end);
  /// Runs until `judge` is true, which is asked now and then; or until something is found: `judge` sees to it that this
  /// ends. False then.
  bool await(const std::function<bool()>& judge);
  /// Until the nodes have one state, for which there is time as LivenessCheck says, and `allowance`.
  void await_even(const std::set<NodeId>& nodes, Duration allowance);
  void find(std::string invariant, std::string sentence);
  /// What the checks have found becomes the finding.
  void take_verdict();

  [[nodiscard]] std::map<std::string, std::uint64_t> faults() const;
  [[nodiscard]] std::set<NodeId> draw_core();
  /// The unit of bounds: the longest election timeout, and what messages and work add to it.
  [[nodiscard]] Duration timeout_max() const;
  /// What it may take to bring the last of the nodes up to date.
  [[nodiscard]] Duration transfer_time(const std::set<NodeId>& nodes) const;
  [[nodiscard]] std::string situation() const;

  const Service& service_;
  const Settings settings_;
  const Plan plan_;
  const std::unique_ptr<Model> model_;
  DiskView disks_;
  Checks checks_;
  Watcher* const watcher_;
  Cluster cluster_;
  Agenda agenda_;
  Caretaker caretaker_;
  Nemesis nemesis_;
  Clients clients_;
  std::optional<Finding> finding_;
  std::string state_;
  std::map<std::string, std::uint64_t, std::less<>> effects_;
};

/// The rule that a service breaks which throws where no node is there to catch it.
[[nodiscard]] Finding thrown(const std::exception_ptr& exception, TimePoint at);

/// A Trial from its making to its end; what the service throws on the way is a finding.
[[nodiscard]] TrialResult run_trial(const Service& service, const Settings& settings, const Plan& plan,
                                    Watcher* watcher = nullptr);

}  // namespace libraft::testkit
