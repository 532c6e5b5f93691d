// SafetyCheck: the safety rules of Raft over all nodes and all time, checked whenever a core has moved.
//
//   iS1  a term has one leader, for ever                    iS6  a leader commits what is of its term and durable on a
//   iS2  a leader only appends                                   quorum
//   iS3  entries with one index and term have one past      iS7  state machines apply what is committed, alike
//   iS4  what is committed never changes                    iS8  start <= applied <= commit <= last, terms never fall
//   iS5  a new leader has all that was committed            iS9  term, vote, commit and applied only move forwards
#pragma once

#include "testkit/checks/ledger.hpp"
#include "testkit/simulation/watcher.hpp"

#include <map>
#include <string>

namespace libraft::testkit {

class SafetyCheck final : public Watcher {
 public:
  explicit SafetyCheck(Ledger& ledger) : ledger_(ledger) {}

  void on_started(NodeId node, std::uint64_t life) override;
  void on_recovered(NodeId node, const std::optional<RecoveredState>& state) override;
  void on_stepped(NodeId node, const Core& core) override;
  void on_crashed(NodeId node) override;
  void on_stopped(NodeId node) override;
  void on_applied(NodeId node, LogId id, const Bytes& command, const Bytes& reply) override;
  void on_restored(NodeId node, const SnapshotMeta& meta) override;
  void on_sent(const Message& message) override;

 private:
  void begin_life(NodeId node);
  void end_life(NodeId node);
  void take_vote(NodeId node, MemoryShadow& memory, const Core::State& state);
  void take_log(NodeId node, MemoryShadow& memory, const Core::State& state, Term term_before);
  void judge_loss(NodeId node, const MemoryShadow& memory, const TermLog& now, LogId kept, bool is_leader);
  void add_entries(NodeId node, const Core::State& state, LogIndex after);
  void take_role(NodeId node, MemoryShadow& memory, const Core::State& state);
  void on_elected(NodeId node, Term term, const TermLog& log);
  void claim_term(NodeId node, Term term);
  void take_commit(NodeId node, MemoryShadow& memory, const Core::State& state);
  void judge_commit_rule(NodeId node, const MemoryShadow& memory, LogIndex commit);
  void judge_order(NodeId node, const MemoryShadow& memory, const Core::State& state);
  void report(std::string_view invariant, NodeId node, std::string sentence) {
    ledger_.verdicts.report(invariant, node, std::move(sentence));
  }

  Ledger& ledger_;
  std::map<NodeId, LogIndex> machines_;  // up to where each state machine is
};

}  // namespace libraft::testkit
