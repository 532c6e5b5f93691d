// LivenessCheck: in the second phase of a run, when a quorum of nodes is healed and the rest stays as broken as it is.
//
//   iL1  the healed nodes have a leader within 10 of the longest election timeouts
//   iL2  operations that waited end within 20
//   iL3  the healed nodes reach one commit and applied index within 30, beside what it takes to send snapshots
//   iL6  at most 5 elections, and one more for each crash of a healed node, however long one waits; and the healed ask
//        for votes in at most four times as many terms
//
// It counts as it watches; who runs the simulation asks, and reports by judge_*.
#pragma once

#include "testkit/checks/ledger.hpp"
#include "testkit/simulation/watcher.hpp"

#include <map>
#include <set>
#include <vector>

namespace libraft::testkit {

class LivenessCheck final : public Watcher {
 public:
  explicit LivenessCheck(Ledger& ledger) : ledger_(ledger) {}

  /// From now on `healed` must make progress, and `timeout_max` is the longest of their election timeouts.
  void begin(std::vector<NodeId> healed, Duration timeout_max);

  void on_stepped(NodeId node, const Core& core) override;
  void on_started(NodeId node, std::uint64_t life) override;
  void on_failed(NodeId node, const Failure& failure) override;
  void on_crashed(NodeId node) override;

  [[nodiscard]] bool has_leader() const;
  [[nodiscard]] bool is_even() const;
  [[nodiscard]] std::size_t elections() const { return elected_.size(); }

  // Each true, or a violation when its time is over and it does not hold.
  bool judge_leader();
  /// `oldest` is when the oldest operation that waits began; kNever without any. `allowance` is what a client waits for
  /// a node that never answers.
  bool judge_operations(TimePoint oldest, Duration allowance = {});
  /// `allowance` is what it takes to send snapshots, and for how long clients went on.
  bool judge_even(Duration allowance);
  /// Until 6 of the longest election timeouts are over, so that there is time for a leader to lose its place again.
  bool judge_steadiness();
  /// At the end.
  bool judge_elections();

 private:
  [[nodiscard]] bool is_late(int timeouts, Duration allowance = {}) const;

  Ledger& ledger_;
  std::vector<NodeId> healed_;
  Duration timeout_max_{};
  TimePoint begun_{};
  Term highest_;  // when it began
  std::set<Term> elected_;
  std::set<Term> campaigned_;  // terms in which a healed node asked for votes
  std::set<NodeId> failed_;
  std::size_t crashes_ = 0;
};

}  // namespace libraft::testkit
