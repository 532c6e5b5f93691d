// When elections, heartbeats and quorum checks are due.
#pragma once

#include "core/context.hpp"

namespace libraft::core {

/// Draws a new election timeout, uniform in [1x, 2x) (thesis §3.4).
void arm_election(Context& context);
/// On a leader: the next heartbeat is due an interval from now.
void arm_heartbeat(Context& context);
/// On a leader: when the quorum that was heard last falls silent for an election timeout, it must step down (§6.2).
void arm_quorum_check(Context& context);
void stop_timers(Context& context);

/// The leader of this term spoke.
void leader_heard(Context& context);
/// A leader was heard within the minimum election timeout (§4.2.3): somebody who campaigns now is to be ignored.
[[nodiscard]] bool is_leader_recent(const Context& context);

[[nodiscard]] TimePoint next_deadline(const Core::State& state);

}  // namespace libraft::core
