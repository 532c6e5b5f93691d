// Handing leadership over (thesis §3.10).
#pragma once

#include "core/context.hpp"

#include <libraft/event.hpp>

namespace libraft::core {

void on_transfer_requested(Context& context, const TransferRequested& request);
/// On a leader: asks the target to campaign once it has everything; gives up when it takes too long.
void advance_transfer(Context& context);
/// Asks again: the request may have been lost.
void repeat_transfer_request(Context& context);

void on_timeout_now(Context& context, const Routing& route);

}  // namespace libraft::core
