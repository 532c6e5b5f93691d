// What nodes say to each other: the RPCs of Raft as one-way messages.
//
// Every request gets exactly one reply. Messages may be lost, repeated and reordered; the protocol lives with that.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/entry.hpp>
#include <libraft/types.hpp>

#include <array>
#include <cstdint>
#include <variant>

namespace libraft {

/// Where a message comes from and goes to.
struct Routing {
  ClusterId cluster;             ///< a message of another cluster is refused
  GroupId group;                 ///< and one of another group
  NodeId from;                   ///< the sender
  NodeId to;                     ///< the receiver; a message for another node is refused
  Incarnation from_incarnation;  ///< which life of the sender's disk
  Incarnation to_incarnation;    ///< zero: any
  /// Set by the receiving transport on a request, copied by the core into its reply, never sent: lets a
  /// request/response transport find the open request that a reply belongs to.
  std::uint64_t exchange = 0;

  friend bool operator==(const Routing&, const Routing&) = default;
};

/// Would you vote for me in `term`? (thesis §9.6) Changes nothing at the receiver.
struct PreVote {
  Term term;   ///< the term that the sender would campaign in; its own is one lower
  LogId last;  ///< the end of the sender's log

  friend bool operator==(const PreVote&, const PreVote&) = default;
};
/// Would I vote for you? (§9.6)
struct PreVoteReply {
  Term term;             ///< of the replier: spreads a higher one also with a refusal
  Term proposed;         ///< `PreVote::term`, repeated
  bool granted = false;  ///< yes

  friend bool operator==(const PreVoteReply&, const PreVoteReply&) = default;
};

/// Vote for me in `term` (§3.4).
struct RequestVote {
  Term term;   ///< the candidate's
  LogId last;  ///< the end of the candidate's log (§3.6.1)
  /// The leader asked for this election (§3.10): vote even though a leader was heard lately.
  bool leadership_transfer = false;

  friend bool operator==(const RequestVote&, const RequestVote&) = default;
};
/// The answer to a RequestVote (§3.4).
struct RequestVoteReply {
  Term term;             ///< the voter's
  bool granted = false;  ///< the vote is durable

  friend bool operator==(const RequestVoteReply&, const RequestVoteReply&) = default;
};

/// Append these entries after `previous` (§3.5); without entries, a heartbeat.
struct AppendEntries {
  Term term;        ///< the leader's
  LogId previous;   ///< the entry before `entries`: the receiver must have it to accept
  Entries entries;  ///< contiguous after `previous`; may be empty
  LogIndex commit;  ///< committed, as far as the receiver may take it over; at most the leader's commit index
  /// The newest read that the leader wants confirmed (§6.4); zero: none.
  std::uint64_t read_sequence = 0;

  friend bool operator==(const AppendEntries&, const AppendEntries&) = default;
};
/// The answer to an AppendEntries (§3.5).
struct AppendEntriesReply {
  Term term;              ///< the replier's
  bool accepted = false;  ///< the logs agree at `previous`, and the entries are durable
  /// Accepted: what the replier has durably, as the request proves it (previous + entries), never more.
  LogIndex match;
  /// Refused: the request's `previous.index`, so that a late refusal is recognised.
  LogIndex rejected;
  /// Refused: the last entry of the replier that can still agree; at most `rejected` (§3.5, fast backtracking).
  LogId hint;
  std::uint64_t read_sequence = 0;  ///< the request's, repeated; zero to a request of an older term

  friend bool operator==(const AppendEntriesReply&, const AppendEntriesReply&) = default;
};

/// What a snapshot holds. Two snapshots with the same meta have the same bytes.
struct SnapshotMeta {
  LogId last;                             ///< the last entry that the snapshot covers
  ConfigurationAt configuration;          ///< in force at `last`
  std::uint64_t size = 0;                 ///< of the data, in bytes
  std::array<std::uint64_t, 2> digest{};  ///< XXH3-128 of the data (low half, high half)

  friend bool operator==(const SnapshotMeta&, const SnapshotMeta&) = default;
};

/// A chunk of a snapshot (figure 5.3).
struct InstallSnapshot {
  Term term;                 ///< the leader's
  SnapshotMeta meta;         ///< of the whole snapshot; also names the transfer
  std::uint64_t offset = 0;  ///< of `data` in the snapshot; the chunk that ends at `meta.size` is the last
  Bytes data;                ///< shorter than the leader's chunk size only at the end

  friend bool operator==(const InstallSnapshot&, const InstallSnapshot&) = default;
};
/// The answer to a chunk of a snapshot.
struct InstallSnapshotReply {
  Term term;                      ///< the replier's
  LogId last;                     ///< `meta.last` of the request
  bool installed = false;         ///< the replier has all of it durably, or a log that covers it
  std::uint64_t next_offset = 0;  ///< otherwise: where the replier wants to go on

  friend bool operator==(const InstallSnapshotReply&, const InstallSnapshotReply&) = default;
};

/// Campaign at once: the sender hands leadership over (§3.10).
struct TimeoutNow {
  Term term;  ///< the leader's

  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};
/// The answer to a TimeoutNow: it arrived. Whether an election is won is seen by its messages.
struct TimeoutNowReply {
  Term term;  ///< the replier's

  friend bool operator==(const TimeoutNowReply&, const TimeoutNowReply&) = default;
};

/// A request, then its reply; see is_request.
using MessageBody =
    std::variant<PreVote, PreVoteReply, RequestVote, RequestVoteReply, AppendEntries, AppendEntriesReply,
                 InstallSnapshot, InstallSnapshotReply, TimeoutNow, TimeoutNowReply>;

/// One message between two nodes.
struct Message {
  Routing route;     ///< from whom to whom
  MessageBody body;  ///< what it says

  friend bool operator==(const Message&, const Message&) = default;
};

/// True for the messages that ask, false for those that answer. Bodies alternate: a request, then its reply.
[[nodiscard]] inline bool is_request(const MessageBody& body) {
  return body.index() % 2 == 0;
}
/// The term that a message states. (A PreVote's is the one it proposes.)
[[nodiscard]] inline Term term_of(const MessageBody& body) {
  return std::visit([](const auto& alternative) { return alternative.term; }, body);
}

}  // namespace libraft
