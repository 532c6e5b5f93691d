// Linearizable reads without a log write (thesis §6.4).
#pragma once

#include "core/context.hpp"

#include <libraft/event.hpp>

namespace libraft::core {

void on_read_index_requested(Context& context, const ReadIndexRequested& request);
/// Ends reads whose round a quorum has answered, and begins the next round for those that wait. True when a round
/// began: heartbeats must carry it to the followers now.
bool advance_reads(Context& context);

}  // namespace libraft::core
