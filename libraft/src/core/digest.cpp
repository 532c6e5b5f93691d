#include "core/digest.hpp"

#include <map>
#include <optional>
#include <vector>

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
  void add(const std::vector<LogIndex>& indexes) {
    add(indexes.size());
    for (const LogIndex index : indexes) add(index.value);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0x2545f4914f6cdd1du;
};

/// A state, seen with other ids for the members.
struct Named {
  const Core::State& state;
  const Renaming& names;

  [[nodiscard]] std::uint64_t name(NodeId id) const {
    const auto found = names.find(id);
    return found == names.end() ? id.value : found->second.value;
  }
  [[nodiscard]] std::uint64_t name(const std::optional<NodeId>& id) const { return id ? name(*id) + 1 : 0; }
  /// Whatever is kept for each member goes by the new ids' order.
  template <class Members, class IdOf>
  [[nodiscard]] auto by_name(const Members& members, const IdOf& id_of) const {
    std::map<std::uint64_t, decltype(&*members.begin())> sorted;
    for (const auto& member : members) sorted.emplace(name(id_of(member)), &member);
    return sorted;
  }
  /// Ids of writes rise for ever; what counts is how many a write has to wait for.
  [[nodiscard]] std::uint64_t waits_for(PersistId write) const {
    const PersistId persisted = state.counters.persisted;
    return write > persisted ? write.value - persisted.value : 0;
  }
};

void add_members(Hasher& hasher, const Named& named, const std::vector<Peer>& peers) {
  hasher.add(peers.size());
  for (const auto& entry : named.by_name(peers, [](const Peer& peer) { return peer.id; })) hasher.add(entry.first);
}

void add_tally(Hasher& hasher, const Named& named, const VoteTally& tally) {
  const std::vector<NodeId> ids = members(named.state.configuration);
  for (const auto& entry : named.by_name(ids, [](NodeId id) { return id; })) hasher.add(tally.answer_of(*entry.second));
}

void add_progress(Hasher& hasher, const Progress& progress) {
  hasher.add(progress.match().value);
  hasher.add(progress.next().value);
  hasher.add(progress.told_commit().value);
  hasher.add(progress.read_sequence());
  hasher.add(progress.has_advanced() ? 1 : 0);
  hasher.add(progress.log_read() != RequestId{} ? 1 : 0);
  hasher.add(progress.has_reading_failed() ? 1 : 0);
  hasher.add(static_cast<std::uint64_t>(progress.state()));
  hasher.add(progress.is_waiting() ? 1 : 0);
  hasher.add(progress.in_flight());
  hasher.add(progress.snapshot() != nullptr ? progress.snapshot()->offset + 1 : 0);
  hasher.add(progress.snapshot() != nullptr && progress.snapshot()->is_resent);
}

void add_leader(Hasher& hasher, const Named& named, const Leader& leader) {
  hasher.add(leader.term_start.value);
  hasher.add(leader.read_sequence);
  hasher.add(leader.reads.size());
  for (const WaitingRead& read : leader.reads) {
    hasher.add(read.sequence);
    hasher.add(read.index.value);
  }
  hasher.add(leader.transfer ? named.name(leader.transfer->target) + 1 : 0);
  hasher.add(leader.transfer && leader.transfer->is_asked ? 1 : 0);
  hasher.add(leader.proposals.bytes());
  for (const auto& entry : named.by_name(leader.followers, [](const auto& follower) { return follower.first; })) {
    hasher.add(entry.first);
    add_progress(hasher, entry.second->second);
  }
}

void add_role(Hasher& hasher, const Named& named) {
  const Core::State& state = named.state;
  hasher.add(state.role.index());
  if (const auto* role = std::get_if<Follower>(&state.role)) hasher.add(named.name(role->leader));
  if (const auto* role = std::get_if<PreCandidate>(&state.role)) add_tally(hasher, named, role->tally);
  if (const auto* role = std::get_if<Candidate>(&state.role)) {
    add_tally(hasher, named, role->tally);
    hasher.add(named.waits_for(role->vote_write));
  }
  if (const auto* role = std::get_if<Leader>(&state.role)) add_leader(hasher, named, *role);
}

void add_log(Hasher& hasher, const Log& log) {
  hasher.add(log.start());
  hasher.add(log.terms().runs().size());
  for (const LogId& run : log.terms().runs()) hasher.add(run);
  hasher.add(log.durable().value);
  hasher.add(log.cache_start().value);
  hasher.add(log.proofs());
}

void add_snapshots(Hasher& hasher, const Named& named, const Snapshots& snapshots) {
  hasher.add(snapshots.newest ? snapshots.newest->last : LogId{});
  hasher.add(snapshots.publishing ? snapshots.publishing->meta.last.index.value + 1 : 0);
  hasher.add(snapshots.publishing ? named.waits_for(snapshots.publishing->write) : 0);
  hasher.add(snapshots.incoming ? snapshots.incoming->next_offset + 1 : 0);
  hasher.add(snapshots.is_taking ? 1 : 0);
  hasher.add(snapshots.is_wanted ? 1 : 0);
}

}  // namespace

std::uint64_t protocol_digest(const Core::State& state, const Renaming& names) {
  const Named named{state, names};
  Hasher hasher;
  hasher.add(named.name(state.self));
  add_members(hasher, named, state.configuration.voters);
  add_members(hasher, named, state.configuration.outgoing_voters);
  add_members(hasher, named, state.configuration.learners);
  hasher.add(state.term.value);
  hasher.add(named.name(state.vote));
  hasher.add(named.waits_for(state.term_write));
  hasher.add(named.waits_for(state.counters.last_write));
  add_role(hasher, named);
  add_log(hasher, state.log);
  hasher.add(state.applying.commit.value);
  hasher.add(state.applying.handed_out.value);
  hasher.add(state.applying.applied.value);
  hasher.add(state.applying.log_read != RequestId{} ? 1 : 0);
  hasher.add(state.applying.unapplied.bytes());
  add_snapshots(hasher, named, state.snapshots);
  return hasher.value();
}

}  // namespace libraft::core
