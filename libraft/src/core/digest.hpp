// A hash of a Core's protocol state: what its future behaviour depends on, time and counters aside.
#pragma once

#include "core/state.hpp"

#include <cstdint>

namespace libraft::core {

[[nodiscard]] std::uint64_t protocol_digest(const Core::State& state, const Renaming& names);

}  // namespace libraft::core
