// Ledger: what the checks know together: the history of all logs, each node's disk as its storage reported it, and the
// cluster's members. One watcher writes it (DiskCheck the disks, SafetyCheck the rest); all read it.
#pragma once

#include "testkit/checks/check_marks.hpp"
#include "testkit/checks/log_history.hpp"
#include "testkit/checks/term_log.hpp"
#include "testkit/checks/verdicts.hpp"

#include <libraft/configuration.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <map>
#include <optional>

namespace libraft::testkit {

/// A node's disk, as what its storage reported makes it. A crash can only add to it, from what was under way.
struct DiskShadow {
  HardState hard_state;
  TermLog log;
  LogId snapshot;                       ///< the newest one
  std::optional<LogId> maybe_snapshot;  ///< its publication found no space: it may be the newest one or not
  /// Entries up to here stand in the log of the node's memory too, and did ever since all of it was durable.
  LogIndex kept_upto{~std::uint64_t{0}};
};

/// A node's memory, as its core showed it last.
struct MemoryShadow {
  bool is_known = false;  ///< since the start of this life
  bool is_leader = false;
  bool is_candidate = false;
  Term term;
  std::optional<NodeId> vote;
  TermLog log;
  LogIndex commit;
  LogIndex applied;
};

/// Who led a term, and its log then.
struct Leadership {
  NodeId leader;
  TermLog log;  ///< as it was at the end; while it leads, its memory tells
};

struct Ledger {
  Verdicts verdicts;
  CheckMarks marks;
  LogHistory history;
  std::map<NodeId, DiskShadow> disks;
  std::map<NodeId, MemoryShadow> memories;
  std::map<Term, Leadership> leaderships;
  Configuration configuration;

  /// Every majority of the voters that counts: `has(id)` tells whether a voter does.
  template <class Has>
  [[nodiscard]] bool is_quorum(const Has& has) const {
    return is_majority(configuration.voters, has) &&
           (configuration.outgoing_voters.empty() || is_majority(configuration.outgoing_voters, has));
  }
  /// The entry is on the disks of a quorum, or covered there.
  [[nodiscard]] bool is_durable_on_quorum(LogId id) const {
    return is_quorum([&](NodeId voter) {
      const auto disk = disks.find(voter);
      return disk != disks.end() && disk->second.log.covers(id);
    });
  }

 private:
  template <class Has>
  [[nodiscard]] static bool is_majority(const std::vector<Peer>& voters, const Has& has) {
    std::size_t count = 0;
    for (const Peer& voter : voters) count += has(voter.id) ? 1u : 0u;
    return !voters.empty() && count >= voters.size() / 2 + 1;
  }
};

}  // namespace libraft::testkit
