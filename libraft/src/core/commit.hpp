// What is committed, and handing it to the state machine (thesis §3.5, §3.6.2).
#pragma once

#include "core/context.hpp"

#include <libraft/event.hpp>

namespace libraft::core {

/// Raises the commit index; a lower one changes nothing.
void commit_up_to(Context& context, LogIndex index);
/// On a leader: commits what a quorum has durably, if it is of the own term (§3.6.2).
void advance_commit(Context& context);
/// Hands committed entries to the state machine, as far as bounds allow.
void hand_out_committed(Context& context);

void on_entries_applied(Context& context, const EntriesApplied& done);
/// Of a leader's proposals, those that are applied and on its own disk count no longer against their bound.
void release_proposals(Core::State& state);
/// Entries to apply came from storage. False when they were not read for that.
bool on_log_read_for_apply(Context& context, const LogRead& read);

}  // namespace libraft::core
