// What a Core is told: facts that happened, and requests.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/entry.hpp>
#include <libraft/message.hpp>
#include <libraft/transport.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <optional>
#include <system_error>
#include <variant>
#include <vector>

namespace libraft {

/// Time passed: something may be due. Sent at `Core::next_deadline()`, and harmless at any other time.
struct TimeAdvanced {};

/// A message for this node arrived. The driver has checked cluster, group and receiver.
struct MessageReceived {
  Message message;  ///< as it came
};

/// All writes up to and including `upto` are durable.
struct Persisted {
  PersistId upto;  ///< the id of the newest write that is durable
};

/// The answer to effect ReadLog: entries from `ReadLog::first` on (at least one), or why there are none.
struct LogRead {
  RequestId id;           ///< ReadLog::id
  std::error_code error;  ///< empty when there are entries
  Entries entries;        ///< may end before ReadLog::last
};

/// The state machine has applied (or restored) everything up to here.
struct EntriesApplied {
  LogIndex upto;  ///< the index of the last entry applied
};

/// Append these commands, all or none. The outcome is `Effects::proposal`.
struct Propose {
  std::vector<Bytes> commands;       ///< one entry each, in this order
  std::optional<Term> only_in_term;  ///< otherwise errc::wrong_term
};

/// Confirm that this node leads, for a linearizable read (thesis §6.4). The outcome is in `Effects::reads`.
struct ReadIndexRequested {
  RequestId id;  ///< to be repeated by ReadOutcome
};

/// Hand leadership to `target`, or to the most advanced follower. The outcome is in `Effects::transfers`.
struct TransferRequested {
  RequestId id;                  ///< to be repeated by TransferOutcome
  std::optional<NodeId> target;  ///< nullopt: the most advanced follower
};

/// Take a snapshot now, whatever the policy says.
struct SnapshotRequested {};

/// The answer to effect TakeSnapshot: the snapshot is written and waits to be published, or why not.
struct SnapshotSaved {
  std::error_code error;  ///< empty: the snapshot is durable and not published yet
  SnapshotMeta meta;      ///< with size and digest
};

/// The answer to effect StoreSnapshotChunk. After an error the transfer starts over.
struct SnapshotChunkStored {
  std::error_code error;          ///< empty: the chunk is stored
  LogId last;                     ///< which snapshot
  std::uint64_t next_offset = 0;  ///< the end of what is stored; at `meta.size` it is complete and verified
};

/// A chunk could not be sent: the snapshot is gone or can't be read.
struct SnapshotSendFailed {
  NodeId to;   ///< the follower
  LogId last;  ///< which snapshot
};

/// What the transport says about a peer.
struct PeerChanged {
  NodeId peer;      ///< about whom
  PeerEvent event;  ///< what was told
};

/// Stop leading: the node is not fit for it (its disk stalls).
struct StepDownRequested {};

/// Everything that a Core can be told.
using Event = std::variant<TimeAdvanced, MessageReceived, Persisted, LogRead, EntriesApplied, Propose,
                           ReadIndexRequested, TransferRequested, SnapshotRequested, SnapshotSaved, SnapshotChunkStored,
                           SnapshotSendFailed, PeerChanged, StepDownRequested>;

}  // namespace libraft
