// How checks write terms and indexes.
#pragma once

#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <fmt/format.h>

#include <string>

namespace libraft::testkit {

inline std::string text(LogId id) {
  return fmt::format("{} of term {}", id.index.value, id.term.value);
}
inline std::string text(const HardState& state) {
  return state.vote ? fmt::format("term {} with a vote for {}", state.term.value, state.vote->value)
                    : fmt::format("term {} without a vote", state.term.value);
}

}  // namespace libraft::testkit
