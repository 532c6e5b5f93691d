// The follower's side of log replication (thesis §3.5, §3.6.2).
#pragma once

#include "core/context.hpp"

namespace libraft::core {

/// From the leader of the current term; the sender is followed already.
void on_append_entries(Context& context, const Routing& route, const AppendEntries& request);

}  // namespace libraft::core
