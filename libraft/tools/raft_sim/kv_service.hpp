// The kvserver as a service to simulate: its commands, its state machine, and its storage on a simulated disk.
#pragma once

#include <libraft/testkit/simulate.hpp>

namespace raft_sim {

/// Clients set, get and delete a few keys; each value is written once in a run.
[[nodiscard]] libraft::testkit::Service kv_service();

}  // namespace raft_sim
