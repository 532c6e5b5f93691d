// The votes of one election.
#pragma once

#include "core/quorum.hpp"

#include <cstdint>
#include <map>

namespace libraft::core {

enum class ElectionOutcome { undecided, won, lost };

/// Invariant: each member's first answer stands; a repeated message counts nothing (thesis §3.4).
class VoteTally {
 public:
  void record(NodeId from, bool granted) { answers_.emplace(from, granted); }

  [[nodiscard]] ElectionOutcome outcome(const Configuration& configuration) const {
    const auto reached = [&](bool wanted) {
      return quorum_value<int>(configuration, 0, [&](NodeId id) {
        const auto answer = answers_.find(id);
        return answer != answers_.end() && answer->second == wanted ? 1 : 0;
      });
    };
    if (reached(true) == 1) return ElectionOutcome::won;
    return reached(false) == 1 ? ElectionOutcome::lost : ElectionOutcome::undecided;
  }

  /// 0: no answer, 1: refused, 2: granted.
  [[nodiscard]] std::uint64_t answer_of(NodeId id) const {
    const auto answer = answers_.find(id);
    return answer == answers_.end() ? 0 : answer->second ? 2 : 1;
  }

  friend bool operator==(const VoteTally&, const VoteTally&) = default;

 private:
  std::map<NodeId, bool> answers_;
};

}  // namespace libraft::core
