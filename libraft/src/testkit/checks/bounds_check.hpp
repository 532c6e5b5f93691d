// BoundsCheck: every queue keeps to its bound, and nobody spins.
//
//   iB1  proposals, reads, what waits for the state machine, what is on its way to a follower, the cache of entries;
//        and the queues around the core: inbox, requests, writes, held messages, snapshot chunks
//   iB3  the log on disk: below a new snapshot only what may trail it stays, and a snapshot comes when it is due
//   iB5  a message carries no more than its sender's options say
//   iL7  the whole cluster does a bounded number of things in a second of virtual time
#pragma once

#include "testkit/checks/ledger.hpp"
#include "testkit/simulation/watcher.hpp"

#include <libraft/options.hpp>

#include <map>
#include <string>

namespace libraft::testkit {

class BoundsCheck final : public Watcher {
 public:
  /// Steps and messages of all nodes in a second of virtual time, at most.
  BoundsCheck(Ledger& ledger, std::uint64_t events_per_second_max)
      : ledger_(ledger), events_per_second_max_(events_per_second_max) {}

  void on_time(TimePoint now) override;
  void on_started(NodeId node, std::uint64_t life) override;
  void on_stepped(NodeId node, const Core& core) override;
  void on_gauges(NodeId node, const NodeOptions& options, const node::Gauges& gauges) override;
  void on_published(NodeId node, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) override;
  void on_sent(const Message& message) override;

  /// In a cluster at rest: each node has the snapshot that its options ask for. Reports those that lack one when that
  /// `is_late`.
  bool judge_snapshots_taken(bool is_late);

 private:
  void judge_leader(NodeId node, const Core::State& state);
  void judge_apply(NodeId node, const Core::State& state);
  void judge_requests(NodeId node, const NodeOptions& options, const node::Gauges& gauges);
  void judge_storage(NodeId node, const NodeOptions& options, const node::Gauges& gauges);
  void judge_machine(NodeId node, const NodeOptions& options, const node::Gauges& gauges);
  void judge_snapshots(NodeId node, const NodeOptions& options, const node::Gauges& gauges);
  void judge(NodeId node, std::string_view what, std::size_t value, std::size_t max);
  void count();
  void report(std::string_view invariant, NodeId node, std::string sentence) {
    ledger_.verdicts.report(invariant, node, std::move(sentence));
  }

  Ledger& ledger_;
  const std::uint64_t events_per_second_max_;
  std::int64_t second_ = 0;
  std::uint64_t events_ = 0;  // in it
  std::map<NodeId, CoreOptions> options_;
  /// What a queue may have got from leaders while a disk stood still: each term may bring a window.
  struct Terms {
    Term now;
    Term calm;  ///< when nothing waited for the disk
    std::size_t nodes = 1;
  };
  std::map<NodeId, Terms> terms_;
};

}  // namespace libraft::testkit
