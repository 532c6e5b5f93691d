// How much of a large test to run: all of it in an optimised build, a part with sanitizers and in debug builds.
#pragma once

#include <libraft/testkit/storage_conformance.hpp>

namespace libraft::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSlowBuild = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || !defined(NDEBUG)
constexpr bool kIsSlowBuild = true;
#else
constexpr bool kIsSlowBuild = false;
#endif
#elif !defined(NDEBUG)
constexpr bool kIsSlowBuild = true;
#else
constexpr bool kIsSlowBuild = false;
#endif

/// Of run_crash_state_conformance: seconds, where all of it would take minutes.
inline testkit::CrashStateBounds slow_build_bounds() {
  testkit::CrashStateBounds bounds;
  bounds.operations_max = 2;
  bounds.second_crash_operations_max = 1;
  bounds.failure_operations_max = 1;
  return bounds;
}

}  // namespace libraft::test
