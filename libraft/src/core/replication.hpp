// The leader's side of log replication (thesis §3.5, §10.2.1).
#pragma once

#include "core/context.hpp"

#include <libraft/event.hpp>

namespace libraft::core {

/// Appends commands to the own log, or says why not.
void on_propose(Context& context, const Propose& request);
void on_append_entries_reply(Context& context, const Routing& route, const AppendEntriesReply& answer);
/// Entries for a follower came from storage. False when they were not read for one.
bool on_log_read_for_follower(Context& context, const LogRead& read);
void on_peer_changed(Context& context, const PeerChanged& change);

/// Sends what there is to send to each follower, as far as its window allows.
void replicate(Context& context);
/// Tells followers that have nothing under way what is committed by now, so that they apply it without waiting for the
/// next append or heartbeat.
void announce_commit(Context& context);
/// A heartbeat to everybody.
void send_heartbeats(Context& context);

}  // namespace libraft::core
