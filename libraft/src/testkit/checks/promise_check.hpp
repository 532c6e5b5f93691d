// PromiseCheck: every promise on the wire is backed by the sender's disk, at the moment when the message leaves.
//
//   iD1  a message of a term: the sender's disk has that term (a pre-vote proposes one, and promises nothing)
//   iD2  a vote, or the asking for votes: the disk has the term and the vote
//   iD3  an accepted append up to a match: the disk has the log up to there, as the term's leader has it
//   iD4  an installed snapshot: the disk has it, or a log that covers it
//   iR3  reads are confirmed by a quorum that answered after the round began, by a leader that committed in its term
//
// All messages are held to what the storage reported. A sample of them, and the first ones after each recovery, are
// held to the disk itself: a copy of it, as a crash would leave it, is opened by a storage of its own (DurableView).
#pragma once

#include "testkit/checks/ledger.hpp"
#include "testkit/simulation/watcher.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>

namespace libraft::testkit {

/// What a power cut would leave now. Null: can't be told.
struct DurableView {
  virtual ~DurableView() = default;
  /// A storage, not opened, on a copy of what is durable on the node's disk. Nothing that is done to it shows anywhere.
  [[nodiscard]] virtual std::unique_ptr<Storage> after_power_cut(NodeId node) = 0;
};

class PromiseCheck final : public Watcher {
 public:
  /// One message in `sample_every` of a node is held to the disk itself; zero, or no view: none.
  PromiseCheck(Ledger& ledger, DurableView* view, std::uint64_t sample_every)
      : ledger_(ledger), view_(view), sample_every_(sample_every) {}

  void on_recovered(NodeId node, const std::optional<RecoveredState>& state) override;
  void on_stepped(NodeId node, const Core& core) override;
  void on_sent(const Message& message) override;

  /// Compares the node's disk with what was reported: as on_sent does for its sample.
  void judge_disk(NodeId node);
  [[nodiscard]] std::uint64_t disks_judged() const { return disks_judged_; }

 private:
  /// A node's rounds of reads, while it leads.
  struct Reads {
    Term term;
    std::uint64_t newest = 0;   ///< round
    std::uint64_t waiting = 0;  ///< the round that the first waiting read needs; zero: none
    std::uint64_t first = 0;    ///< RequestId of that read
  };
  /// The newest round that a node's messages in a term named.
  struct Echo {
    Term term;
    std::uint64_t round = 0;
    void raise(Term in, std::uint64_t to) {
      if (in > term) *this = {in, 0};
      if (in == term) round = std::max(round, to);
    }
  };
  struct Sender {
    std::uint64_t until_sample = 1;
    Term voted_in;
    NodeId voted_for;
    Echo asked;  ///< as a leader
    Echo echo;   ///< as a follower
  };

  void judge(NodeId from, NodeId to, const RequestVote& body);
  void judge(NodeId from, NodeId to, const RequestVoteReply& body);
  void judge(NodeId from, NodeId to, const AppendEntriesReply& body);
  void judge_match(NodeId from, NodeId to, const AppendEntriesReply& body);
  void judge_round(NodeId from, NodeId to, const AppendEntriesReply& body);
  void judge(NodeId from, NodeId to, const InstallSnapshotReply& body);
  void judge_vote(NodeId from, Term term, NodeId candidate);
  void judge_reads(NodeId leader, const Reads& before, const Reads& now);
  void judge_recovered(NodeId node, const RecoveredState& found);
  void judge_entries(NodeId node, Storage& storage, const RecoveredState& found);
  void judge_snapshot(NodeId node, Storage& storage, const RecoveredState& found);
  void report(std::string_view invariant, NodeId node, std::string sentence) {
    ledger_.verdicts.report(invariant, node, std::move(sentence));
  }

  Ledger& ledger_;
  DurableView* view_;
  const std::uint64_t sample_every_;
  std::uint64_t disks_judged_ = 0;
  std::map<NodeId, Sender> senders_;
  std::map<NodeId, Reads> reads_;
};

}  // namespace libraft::testkit
