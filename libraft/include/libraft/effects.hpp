// What a Core wants done. A driver carries it out and reports back by events.
#pragma once

#include <libraft/entry.hpp>
#include <libraft/message.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

namespace libraft {

/// A write. Batches are carried out in the order of their ids; several may be merged into one sync. `Persisted{id}`
/// reports this one and all before it.
struct PersistBatch {
  PersistId id;  ///< one more than that of the batch before
  /// First make this saved or received snapshot the newest one (Storage::publish).
  std::optional<SnapshotMeta> publish;
  std::optional<HardState> hard_state;    ///< as WriteBatch::hard_state
  std::optional<LogIndex> truncate_from;  ///< as WriteBatch::truncate_from
  std::optional<LogId> new_start;         ///< as WriteBatch::new_start
  Entries entries;                        ///< as WriteBatch::entries

  friend bool operator==(const PersistBatch&, const PersistBatch&) = default;
};

/// A message, and the write that it rests on: it leaves once `after` is durable (zero: at once). A held message whose
/// term is older than the hard state of a batch is dropped before that batch is written.
struct Outgoing {
  Message message;  ///< complete, with its route
  PersistId after;  ///< the write that it rests on

  friend bool operator==(const Outgoing&, const Outgoing&) = default;
};

/// Read durable entries [first, last], at least one, up to `bytes_max`. Answered by LogRead.
struct ReadLog {
  RequestId id;               ///< to be repeated by LogRead
  LogIndex first;             ///< the first entry wanted
  LogIndex last;              ///< the last entry wanted
  std::size_t bytes_max = 0;  ///< of charged_bytes; the first entry comes in any case

  friend bool operator==(const ReadLog&, const ReadLog&) = default;
};

/// Capture the state of the machine, which has applied exactly up to `last`, and write it. Answered by SnapshotSaved.
struct TakeSnapshot {
  LogId last;                     ///< the last entry applied
  ConfigurationAt configuration;  ///< in force at `last`

  friend bool operator==(const TakeSnapshot&, const TakeSnapshot&) = default;
};

/// Read the chunk at `offset` of this snapshot and send it as InstallSnapshot. Answered by SnapshotSendFailed if that
/// can't be done.
struct SendSnapshotChunk {
  NodeId to;                  ///< the follower
  Term term;                  ///< of the InstallSnapshot
  SnapshotMeta meta;          ///< which snapshot
  std::uint64_t offset = 0;   ///< where the chunk begins
  std::size_t bytes_max = 0;  ///< its length at most
  PersistId after;            ///< the write that the message rests on, as Outgoing::after

  friend bool operator==(const SendSnapshotChunk&, const SendSnapshotChunk&) = default;
};

/// Write this chunk of a snapshot from the leader; at offset zero, begin anew and give up any other snapshot in the
/// making. The last chunk completes it: check size and digest, make it durable. Answered by SnapshotChunkStored.
struct StoreSnapshotChunk {
  InstallSnapshot chunk;  ///< as it came

  friend bool operator==(const StoreSnapshotChunk&, const StoreSnapshotChunk&) = default;
};

/// Replace the state of the machine by the newest snapshot, which is `meta`. Answered by EntriesApplied.
struct RestoreSnapshot {
  SnapshotMeta meta;  ///< which snapshot

  friend bool operator==(const RestoreSnapshot&, const RestoreSnapshot&) = default;
};

/// What became of a Propose: entries `first`, `first` + 1, ... all in the current term; or an error, and nothing was
/// appended.
struct ProposalOutcome {
  std::error_code error;  ///< why nothing was appended; empty when all was
  LogId first;            ///< the entry of the first command
  std::size_t count = 0;  ///< of commands, one entry each

  friend bool operator==(const ProposalOutcome&, const ProposalOutcome&) = default;
};

/// Everything acknowledged before the read was requested lies at or below `index`; or an error.
struct ReadOutcome {
  RequestId id;           ///< ReadIndexRequested::id
  std::error_code error;  ///< why the read can't be confirmed; empty when it is
  LogIndex index;         ///< apply up to here, then read

  friend bool operator==(const ReadOutcome&, const ReadOutcome&) = default;
};

/// What became of a TransferRequested.
struct TransferOutcome {
  RequestId id;  ///< TransferRequested::id
  /// Empty: a later term took over after the target was told to campaign; whoever leads it may not be known yet. Or the
  /// target is this node, which leads.
  std::error_code error;

  friend bool operator==(const TransferOutcome&, const TransferOutcome&) = default;
};

/// The effects of one step. A buffer that is re-used: clear() keeps the memory.
struct Effects {
  std::optional<PersistBatch> persist;               ///< at most one a step
  std::vector<Outgoing> messages;                    ///< in the order in which they should leave
  std::vector<ReadLog> log_reads;                    ///< entries that are no longer in memory
  std::optional<RestoreSnapshot> restore;            ///< before `apply`
  std::vector<Entries> apply;                        ///< committed, contiguous from one step to the next
  std::optional<TakeSnapshot> take_snapshot;         ///< after `apply`
  std::vector<SendSnapshotChunk> snapshot_sends;     ///< chunks to read and send
  std::optional<StoreSnapshotChunk> snapshot_store;  ///< a chunk that came
  std::optional<ProposalOutcome> proposal;           ///< of the Propose in this step
  std::vector<ReadOutcome> reads;                    ///< reads that ended
  std::vector<TransferOutcome> transfers;            ///< transfers that ended

  /// Empties all, and keeps the memory of the vectors.
  void clear() {
    persist.reset();
    messages.clear();
    log_reads.clear();
    restore.reset();
    apply.clear();
    take_snapshot.reset();
    snapshot_sends.clear();
    snapshot_store.reset();
    proposal.reset();
    reads.clear();
    transfers.clear();
  }

  friend bool operator==(const Effects&, const Effects&) = default;
};

}  // namespace libraft
