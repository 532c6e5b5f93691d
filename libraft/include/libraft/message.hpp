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
  ClusterId cluster;
  GroupId group;
  NodeId from;
  NodeId to;
  Incarnation from_incarnation;
  Incarnation to_incarnation;  ///< zero: any
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
struct PreVoteReply {
  Term term;      ///< of the replier: spreads a higher one also with a refusal
  Term proposed;  ///< `PreVote::term`, repeated
  bool granted = false;

  friend bool operator==(const PreVoteReply&, const PreVoteReply&) = default;
};

/// Vote for me in `term` (§3.4).
struct RequestVote {
  Term term;
  LogId last;  ///< the end of the candidate's log (§3.6.1)
  /// The leader asked for this election (§3.10): vote even though a leader was heard lately.
  bool leadership_transfer = false;

  friend bool operator==(const RequestVote&, const RequestVote&) = default;
};
struct RequestVoteReply {
  Term term;
  bool granted = false;

  friend bool operator==(const RequestVoteReply&, const RequestVoteReply&) = default;
};

/// Append these entries after `previous` (§3.5); without entries, a heartbeat.
struct AppendEntries {
  Term term;
  LogId previous;
  Entries entries;
  LogIndex commit;
  /// The newest read that the leader wants confirmed (§6.4); zero: none.
  std::uint64_t read_sequence = 0;

  friend bool operator==(const AppendEntries&, const AppendEntries&) = default;
};
struct AppendEntriesReply {
  Term term;
  bool accepted = false;
  /// Accepted: what the replier has durably, as the request proves it (previous + entries), never more.
  LogIndex match;
  /// Refused: the request's `previous.index`, so that a late refusal is recognised.
  LogIndex rejected;
  /// Refused: the last entry of the replier that can still agree; at most `rejected` (§3.5, fast backtracking).
  LogId hint;
  std::uint64_t read_sequence = 0;  ///< the request's, repeated

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

/// A chunk of a snapshot (§5.3).
struct InstallSnapshot {
  Term term;
  SnapshotMeta meta;
  std::uint64_t offset = 0;  ///< of `data` in the snapshot; the chunk that ends at `meta.size` is the last
  Bytes data;

  friend bool operator==(const InstallSnapshot&, const InstallSnapshot&) = default;
};
struct InstallSnapshotReply {
  Term term;
  LogId last;                     ///< `meta.last` of the request
  bool installed = false;         ///< the replier has all of it durably, or a log that covers it
  std::uint64_t next_offset = 0;  ///< otherwise: where the replier wants to go on

  friend bool operator==(const InstallSnapshotReply&, const InstallSnapshotReply&) = default;
};

/// Campaign at once: the sender hands leadership over (§3.10).
struct TimeoutNow {
  Term term;

  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};
struct TimeoutNowReply {
  Term term;

  friend bool operator==(const TimeoutNowReply&, const TimeoutNowReply&) = default;
};

using MessageBody =
    std::variant<PreVote, PreVoteReply, RequestVote, RequestVoteReply, AppendEntries, AppendEntriesReply,
                 InstallSnapshot, InstallSnapshotReply, TimeoutNow, TimeoutNowReply>;

struct Message {
  Routing route;
  MessageBody body;

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
