// The seed in flight: a run that ends the process (abort, a wild pointer) is told with its seed all the same.
#pragma once

#include <cstdint>

namespace raft_sim {

/// From here on this thread runs `seed`.
void note_seed(std::uint64_t seed);

/// Deadly signals (SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV) that hit a thread with a seed write one line to standard
/// error before they do what they did before: "raft_sim: died in seed 42". Call it once.
void tell_seed_on_death();

}  // namespace raft_sim
