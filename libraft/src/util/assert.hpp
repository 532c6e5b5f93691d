// RAFT_ASSERT: a rule that must hold, checked in every build. A broken one throws InvariantViolation, which the node
// catches at its edge and turns into state `failed`: the process lives. Never for bytes from disk or network.
#pragma once

namespace libraft::util {

// Visible in a shared build, since the libraries on top of the core assert too.
[[noreturn, gnu::visibility("default")]] void assertion_failed(const char* condition, const char* rule,
                                                               const char* file, int line);

}  // namespace libraft::util

#define RAFT_ASSERT(condition, rule) \
  ((condition) ? void() : ::libraft::util::assertion_failed(#condition, rule, __FILE__, __LINE__))
