// One register's part of a history, as the checkers of linearizability see it.
#pragma once

#include <libraft/testkit/linearizability.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace libraft::testkit {

/// Values are numbered; this one stands for "no such key", which is also what the register begins with.
inline constexpr std::uint32_t kAbsent = 0;

inline constexpr std::int64_t kBeforeAll = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kNeverEnds = std::numeric_limits<std::int64_t>::max();

struct RegisterOperation {
  bool is_write = false;
  bool is_optional = false;  ///< a write that may never take effect; its finish is kNeverEnds
  std::uint32_t value = kAbsent;
  std::int64_t start = 0;
  std::int64_t finish = 0;
  std::size_t position = 0;  ///< in the whole history
};

using RegisterHistory = std::vector<RegisterOperation>;

struct RegisterJudgement {
  Linearizability verdict = Linearizability::linearizable;
  bool was_searched = false;
};

/// True if a read finishes before any write of its value starts, or there is none: no search is needed then.
[[nodiscard]] bool has_read_from_nowhere(const RegisterHistory& history);

/// Leaves out optional writes that nobody can have seen, and bounds the others where only one write has the value: it
/// came before the first read of it ended. The verdict stays the same.
[[nodiscard]] RegisterHistory simplified(const RegisterHistory& history);

/// No write of an absent value, and no value written twice.
[[nodiscard]] bool has_unique_values(const RegisterHistory& history);

/// For a simplified history with unique values and no read from nowhere. O(n log n).
[[nodiscard]] bool zones_are_linearizable(const RegisterHistory& history);

/// For any history. Takes what it needs from `steps_left`; undecided when that is not enough.
[[nodiscard]] Linearizability search_linearization(const RegisterHistory& history, std::uint64_t& steps_left);

/// By the means that fit.
[[nodiscard]] RegisterJudgement judge_register(const RegisterHistory& history, bool use_zones,
                                               std::uint64_t& steps_left);

/// Fewer operations, and weaker ones, that still violate: those whose times matter, by time. `history` violates.
[[nodiscard]] RegisterHistory smallest_violation(const RegisterHistory& history, const LinearizabilityOptions& options);

struct ViolationStory {
  std::string sentence;
  std::vector<std::size_t> offending;  ///< positions, in the sentence's order
};

/// The sentence on such a violation. `part` is what the whole history has on this key, as positions.
[[nodiscard]] ViolationStory explain_violation(std::span<const HistoryOperation> whole,
                                               const std::vector<std::size_t>& part, const RegisterHistory& violation);

}  // namespace libraft::testkit
