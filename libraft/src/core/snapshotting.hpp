// Taking, sending and receiving snapshots, and compacting the log (thesis §5).
#pragma once

#include "core/context.hpp"

#include <libraft/event.hpp>

namespace libraft::core {

// Own snapshots.
/// Takes one when the policy, or the user, wants it.
void maybe_take_snapshot(Context& context);
void on_snapshot_requested(Context& context);
void on_snapshot_saved(Context& context, const SnapshotSaved& saved);
/// A snapshot became durable: compacts the log, or has the state machine restored.
void on_snapshot_persisted(Context& context, PersistId upto);

// Sending, on a leader.
void begin_snapshot_transfer(Context& context, NodeId to, Progress& progress);
/// A chunk or its answer was lost: once more.
void resend_snapshot_chunk(Context& context, NodeId to, Progress& progress);
void on_install_snapshot_reply(Context& context, const Routing& route, const InstallSnapshotReply& answer);
void on_snapshot_send_failed(Context& context, const SnapshotSendFailed& failed);

// Receiving, from the leader of the current term.
void on_install_snapshot(Context& context, const Routing& route, const InstallSnapshot& request);
void on_snapshot_chunk_stored(Context& context, const SnapshotChunkStored& stored);

}  // namespace libraft::core
