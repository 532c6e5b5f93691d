#include "core/digest.hpp"

#include <string_view>

namespace libraft::core {

namespace {

class Hasher {
 public:
  void add(std::uint64_t value) {
    hash_ ^= value + 0x9e3779b97f4a7c15u + (hash_ << 6) + (hash_ >> 2);
    hash_ *= 0xff51afd7ed558ccdu;
    hash_ ^= hash_ >> 33;
  }
  void add(LogId id) {
    add(id.index.value);
    add(id.term.value);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0x2545f4914f6cdd1du;
};

void add_tally(Hasher& hasher, const VoteTally& tally, const Configuration& configuration) {
  for (const NodeId id : members(configuration)) hasher.add(tally.answer_of(id));
}

void add_leader(Hasher& hasher, const Leader& leader) {
  hasher.add(leader.term_start.value);
  hasher.add(leader.read_sequence);
  for (const WaitingRead& read : leader.reads) {
    hasher.add(read.sequence);
    hasher.add(read.index.value);
  }
  hasher.add(leader.transfer ? leader.transfer->target.value + 1 : 0);
  for (const auto& [id, progress] : leader.followers) {
    hasher.add(id.value);
    hasher.add(progress.match().value);
    hasher.add(progress.next().value);
    hasher.add(progress.read_sequence());
    hasher.add(static_cast<std::uint64_t>(progress.state()));
    hasher.add(progress.snapshot() != nullptr ? progress.snapshot()->offset + 1 : 0);
  }
}

}  // namespace

std::uint64_t protocol_digest(const Core::State& state) {
  Hasher hasher;
  hasher.add(state.self.value);
  hasher.add(state.term.value);
  hasher.add(state.vote ? state.vote->value + 1 : 0);
  hasher.add(state.role.index());
  if (const auto* role = std::get_if<Follower>(&state.role)) hasher.add(role->leader ? role->leader->value : 0);
  if (const auto* role = std::get_if<PreCandidate>(&state.role)) add_tally(hasher, role->tally, state.configuration);
  if (const auto* role = std::get_if<Candidate>(&state.role)) add_tally(hasher, role->tally, state.configuration);
  if (const auto* role = std::get_if<Leader>(&state.role)) add_leader(hasher, *role);
  hasher.add(state.log.start());
  for (const LogId& run : state.log.terms().runs()) hasher.add(run);
  hasher.add(state.log.durable().value);
  hasher.add(state.applying.commit.value);
  hasher.add(state.applying.handed_out.value);
  hasher.add(state.applying.applied.value);
  if (state.snapshots.newest) hasher.add(state.snapshots.newest->last);
  hasher.add(state.snapshots.publishing ? state.snapshots.publishing->meta.last.index.value + 1 : 0);
  hasher.add(state.snapshots.incoming ? state.snapshots.incoming->next_offset + 1 : 0);
  return hasher.value();
}

}  // namespace libraft::core
