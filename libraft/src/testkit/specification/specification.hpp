// Specification: a second, naive description of Raft that can be run beside a core and judges each of its steps.
//
// It is written from Ongaro's thesis and from what the public headers promise, with nothing of the core in it: the same
// misunderstanding would have to be had twice. It keeps a state of its own, computes from the event what must follow,
// and compares with what the core says. Where Raft leaves a choice (when a timer fires, how entries are batched, what
// is refused for want of room) it takes over the core's choice, if that is one of those allowed.
#pragma once

#include "node/core_listener.hpp"
#include "testkit/specification/specified_log.hpp"

#include <libraft/core.hpp>
#include <libraft/effects.hpp>
#include <libraft/event.hpp>
#include <libraft/options.hpp>
#include <libraft/storage.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace libraft::testkit {

using node::CoreStep;

/// What Raft allows one node to do, from one start of it to its end.
class Specification {
 public:
  /// `begin` is the status of the core before its first step.
  Specification(const CoreOptions& options, const CoreStart& start, const CoreStatus& begin);

  /// Takes the step in. Why the specification does not allow it; nullopt: it does. After a step that is not allowed no
  /// other is judged: the answer stays.
  [[nodiscard]] std::optional<std::string> judge(const CoreStep& step);

 private:
  enum class Verdict { no, yes, free };  ///< must not, must, may
  /// The answers to a candidate. A vote that comes after a refusal by the same voter, or a pre-vote of an earlier round
  /// for the same term, was given: it may be counted, or taken for lost.
  struct Tally {
    std::set<NodeId> refused;
    std::set<NodeId> counted;
    std::set<NodeId> given;  ///< these, and those that may count

    void add(NodeId voter, bool is_granted) {
      if (!is_granted) {
        refused.insert(voter);
      } else {
        given.insert(voter);
        if (refused.count(voter) == 0) counted.insert(voter);
      }
    }
  };
  struct Candidacy {
    Tally pre_votes;
    Tally votes;
    bool is_transfer = false;  ///< a leader asked for this election (§3.10)
  };
  /// What a leader knows of another member.
  struct Follower {
    LogIndex match;
    std::uint64_t read_acknowledged = 0;
  };
  struct Leadership {
    std::map<NodeId, Follower> followers;
    LogIndex term_start;              ///< its no-op
    std::uint64_t read_sequence = 0;  ///< the newest one sent
  };
  /// A read that waits (§6.4).
  struct Read {
    LogIndex floor;               ///< the commit index when it was asked
    std::uint64_t sent_before{};  ///< the newest read_sequence sent until then
  };
  /// A transfer that waits (§3.10).
  struct Transfer {
    std::optional<NodeId> target;
    bool is_asked = false;  ///< the target was told to campaign
  };
  /// A snapshot that comes chunk by chunk (figure 5.3).
  struct Receiving {
    SnapshotMeta meta;
    Term term;                     ///< of its leader
    std::uint64_t end = 0;         ///< of what is stored
    std::optional<Routing> route;  ///< of the chunk that is being stored: it gets its reply when it is
  };
  /// What the step in hand has done so far.
  struct Turn {
    const Message* request = nullptr;    ///< came in this step
    std::optional<Routing> chunk_route;  ///< of the chunk whose storing ended in this step
    LogId chunk_last;                    ///< its snapshot
    bool is_ignorable = false;           ///< the message makes no sense: it may stay without a reply
    bool is_stored = false;              ///< the chunk that came is being stored: its reply comes later
    Verdict grant = Verdict::no;         ///< of the vote or pre-vote that was asked for
    bool accepts = false;                ///< the append that came
    HardState hard_state;                ///< before the step
    PersistId of_term;                   ///< its write
    std::optional<LogIndex> cut;         ///< from here on the log was cut
    std::uint64_t appended = 0;          ///< how many entries the log grew by
    std::span<const Entry> entries;      ///< of the append that came: the last `appended` of them are the new ones
    std::span<const Bytes> commands;     ///< of the proposal; with neither, what was appended is a no-op
    bool is_installed = false;           ///< a snapshot has replaced the log
  };

  // What went in: specification_events.cpp.
  void take(const CoreStep&, const TimeAdvanced&);
  void take(const CoreStep&, const MessageReceived&);
  void take(const CoreStep&, const Persisted&);
  void take(const CoreStep&, const LogRead&) {}
  void take(const CoreStep&, const EntriesApplied&);
  void take(const CoreStep&, const Propose&);
  void take(const CoreStep&, const ReadIndexRequested&);
  void take(const CoreStep&, const TransferRequested&);
  void take(const CoreStep&, const SnapshotRequested&) {}
  void take(const CoreStep&, const SnapshotSaved&);
  void take(const CoreStep&, const SnapshotChunkStored&);
  void take(const CoreStep&, const SnapshotSendFailed&) {}
  void take(const CoreStep&, const PeerChanged&) {}
  void take(const CoreStep&, const StepDownRequested&);
  void install(const CoreStep&, const Receiving&);

  // Messages that went in: specification_received.cpp.
  void receive(const CoreStep&, NodeId from, const PreVote&);
  void receive(const CoreStep&, NodeId from, const PreVoteReply&);
  void receive(const CoreStep&, NodeId from, const RequestVote&);
  void receive(const CoreStep&, NodeId from, const RequestVoteReply&);
  void receive(const CoreStep&, NodeId from, const AppendEntries&);
  void receive(const CoreStep&, NodeId from, const AppendEntriesReply&);
  void receive(const CoreStep&, NodeId from, const InstallSnapshot&);
  void receive(const CoreStep&, NodeId from, const InstallSnapshotReply&);
  void receive(const CoreStep&, NodeId from, const TimeoutNow&);
  void receive(const CoreStep&, NodeId from, const TimeoutNowReply&);
  void merge(const AppendEntries&);
  void know_committed(const CoreStep&, LogId last);
  bool follow(NodeId leader);

  // Roles: specification.cpp.
  void update_term(Term term);
  void campaign();
  void conclude_pre_vote(const CoreStep&);
  void conclude_election(const CoreStep&);
  void advance_commit();
  void judge_role(const CoreStatus& after);
  void judge_log(const CoreStatus& after);

  // What came out: specification_effects.cpp.
  void judge_batch(const CoreStep&);
  void judge_publish(const CoreStep&, const SnapshotMeta&);
  void judge_cut(const PersistBatch&);
  void judge_new_start(const PersistBatch&);
  void judge_written(const Entries&);
  void judge_machine(const CoreStep&);
  void judge_taken(const TakeSnapshot&);
  void judge_outcomes(const CoreStep&);
  void judge_read(const CoreStep&, const ReadOutcome&);
  void judge_transfer(const CoreStep&, const TransferOutcome&);
  void judge_reading(const Effects&);

  // Messages that came out: specification_sent.cpp.
  void judge_messages(const Effects&);
  void judge_term(const Outgoing&);
  void judge_route(const Message&);
  bool is_reply_due(const Message&);
  void judge_sent(const Outgoing&, const PreVote&);
  void judge_sent(const Outgoing&, const PreVoteReply&);
  void judge_sent(const Outgoing&, const RequestVote&);
  void judge_sent(const Outgoing&, const RequestVoteReply&);
  void judge_sent(const Outgoing&, const AppendEntries&);
  void judge_sent(const Outgoing&, const AppendEntriesReply&);
  void judge_sent(const Outgoing&, const InstallSnapshot&);
  void judge_sent(const Outgoing&, const InstallSnapshotReply&);
  void judge_sent(const Outgoing&, const TimeoutNow&);
  void judge_sent(const Outgoing&, const TimeoutNowReply&) {}
  void judge_rests(PersistId after, PersistId write, const char* what);

  [[nodiscard]] bool is_voter(NodeId id) const;
  [[nodiscard]] bool has_committed_in_term() const { return log_.term_at(commit_) == term_; }
  /// A majority of the voters, and of the outgoing ones, is in it (§4.3).
  template <class Contains>
  [[nodiscard]] bool is_quorum(const Contains& contains) const {
    const auto majority = [&](const std::vector<Peer>& voters) {
      std::size_t count = 0;
      for (const Peer& voter : voters) count += std::size_t{contains(voter.id)};
      return 2 * count > voters.size();
    };
    return majority(configuration_.voters) &&
           (configuration_.outgoing_voters.empty() || majority(configuration_.outgoing_voters));
  }
  /// What CoreStatus::durable says: a log that a snapshot replaces counts up to there once that is handed out.
  [[nodiscard]] LogIndex durable() const { return std::max(disk_.durable(), log_.start().index); }
  [[nodiscard]] static bool is_same(const Bytes& a, const Bytes& b) {
    return (a.size() == b.size() && a.view().data() == b.view().data()) || a == b;
  }
  /// Notes the first rule that is broken.
  template <class... Values>
  bool must(bool holds, fmt::format_string<Values...> sentence, Values&&... values) {
    if (!holds && !violation_) violation_ = fmt::format(sentence, std::forward<Values>(values)...);
    return holds;
  }

  CoreOptions options_;
  bool applies_durable_only_;
  Identity self_;
  Configuration configuration_;
  CoreStatus now_;  ///< as the last step left it
  Turn turn_;
  std::optional<std::string> violation_;

  Role role_ = Role::follower;
  Term term_;
  std::optional<NodeId> vote_;
  std::optional<NodeId> leader_;
  SpecifiedLog log_;
  SpecifiedDisk disk_;
  LogIndex commit_;
  LogIndex handed_out_;  ///< to the state machine
  LogIndex applied_;

  Candidacy candidacy_;    ///< of a pre-candidate or candidate
  Leadership leadership_;  ///< of a leader
  std::map<RequestId, Read> reads_;
  std::map<RequestId, Transfer> transfers_;

  std::optional<LogId> taking_;  ///< the snapshot of the own machine that is being written
  bool is_offered_ = false;      ///< since then a leader has offered one: the own may be given up
  std::optional<Receiving> receiving_;
};

}  // namespace libraft::testkit
