#include "core/invariants.hpp"

#include "util/assert.hpp"

namespace libraft::core {

namespace {

void check_order(const Core::State& state) {
  const Applying& applying = state.applying;
  RAFT_ASSERT(applying.applied <= applying.handed_out, "applied <= handed out");
  RAFT_ASSERT(applying.handed_out <= applying.commit, "handed out <= commit");
  RAFT_ASSERT(applying.commit <= state.log.last().index, "commit <= last");
  RAFT_ASSERT(state.log.start().index <= applying.commit, "only committed entries are compacted");
  RAFT_ASSERT(state.log.start().index <= applying.handed_out || state.snapshots.is_installing(),
              "what is not applied is not compacted");
  RAFT_ASSERT(state.log.durable() <= state.log.last().index, "durable <= last");
  RAFT_ASSERT(state.log.last().term <= state.term, "no entry is from a later term");
}

void check_snapshots(const Core::State& state) {
  const Snapshots& snapshots = state.snapshots;
  if (snapshots.newest) {
    RAFT_ASSERT(snapshots.newest->last.index <= state.applying.commit,
                "a snapshot holds committed entries only (§5.1)");
  }
  const LogIndex covered = snapshots.newest ? snapshots.newest->last.index : LogIndex{};
  RAFT_ASSERT(state.log.start().index <= covered || state.snapshots.is_installing(),
              "a snapshot covers what is compacted (§5.1)");
}

void check_role(const Core::State& state) {
  if (const auto* leader = std::get_if<Leader>(&state.role)) {
    RAFT_ASSERT(state.vote == state.self, "a leader voted for itself (§3.4)");
    RAFT_ASSERT(leader->term_start <= state.log.last().index, "a leader never loses its entries (§3.5)");
    for (const auto& [id, progress] : leader->followers) {
      RAFT_ASSERT(progress.match() < progress.next(), "match < next");
      RAFT_ASSERT(progress.match() <= state.log.last().index, "no follower matches beyond the leader's log");
    }
  }
  if (std::holds_alternative<Candidate>(state.role)) {
    RAFT_ASSERT(state.vote == state.self, "a candidate votes for itself (§3.4)");
  }
}

}  // namespace

Milestones::Milestones(const Core::State& state)
    : term(state.term),
      vote(state.vote),
      commit(state.applying.commit),
      applied(state.applying.applied),
      start(state.log.start()),
      was_leader(std::holds_alternative<Leader>(state.role)),
      last(state.log.last()) {}

void check_state(const Core::State& state) {
  check_order(state);
  check_snapshots(state);
  check_role(state);
}

void check_step(const Milestones& before, const Core::State& state) {
  RAFT_ASSERT(state.term >= before.term, "a term never falls (§3.3)");
  if (state.term == before.term && before.vote) {
    RAFT_ASSERT(state.vote == before.vote, "one vote for each term (§3.4)");
  }
  RAFT_ASSERT(state.applying.commit >= before.commit, "the commit index never falls");
  RAFT_ASSERT(state.applying.applied >= before.applied, "the applied index never falls");
  RAFT_ASSERT(state.log.start().index >= before.start.index, "a log's start never goes back");
  const bool is_leader = std::holds_alternative<Leader>(state.role);
  if (before.was_leader && is_leader && state.term == before.term) {
    RAFT_ASSERT(state.log.matches(before.last), "a leader only appends (§3.5)");
  }
}

}  // namespace libraft::core
