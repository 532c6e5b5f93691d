#include "testkit/explore/hashing.hpp"
#include "testkit/explore/node_model.hpp"

namespace libraft::testkit::explore {

namespace {

void add(Hash& hash, LogId id) {
  hash.add(id.index.value).add(id.term.value);
}

void add(Hash& hash, const Entries& entries) {
  hash.add(entries.size());
  for (const Entry& entry : entries) {
    hash.add(entry.id.index.value);
    hash.add(packed(entry));
  }
}

void add(Hash& hash, const HardState& state, const Renaming& names) {
  hash.add(state.term.value).add(state.vote ? renamed(*state.vote, names) + 1 : 0);
}

/// The bodies of messages, but for the term that each has.
struct AddBody {
  Hash& hash;

  void operator()(const PreVote& body) const { add(hash, body.last); }
  void operator()(const PreVoteReply& body) const { hash.add(body.proposed.value).add(body.granted); }
  void operator()(const RequestVote& body) const {
    add(hash, body.last);
    hash.add(body.leadership_transfer);
  }
  void operator()(const RequestVoteReply& body) const { hash.add(body.granted); }
  void operator()(const AppendEntries& body) const {
    add(hash, body.previous);
    add(hash, body.entries);
    hash.add(body.commit.value).add(body.read_sequence);
  }
  void operator()(const AppendEntriesReply& body) const {
    hash.add(body.accepted).add(body.match.value).add(body.rejected.value).add(body.read_sequence);
    add(hash, body.hint);
  }
  void operator()(const InstallSnapshot& body) const {
    add(hash, body.meta.last);
    hash.add(body.offset);
  }
  void operator()(const InstallSnapshotReply& body) const {
    add(hash, body.last);
    hash.add(body.installed).add(body.next_offset);
  }
  void operator()(const TimeoutNow&) const {}
  void operator()(const TimeoutNowReply&) const {}
};

}  // namespace

std::uint64_t hash_of(const Message& message, const Renaming& names) {
  Hash hash;
  hash.add(renamed(message.route.from, names)).add(renamed(message.route.to, names));
  hash.add(message.body.index()).add(term_of(message.body).value);
  std::visit(AddBody{hash}, message.body);
  return hash.value();
}

std::uint64_t NodeModel::hash(const Renaming& names) const {
  Hash hash;
  hash.add(core_.protocol_digest(names));
  add(hash, disk_.hard_state, names);
  hash.add(log_.bits).add(disk_.log.bits).add(acknowledged_.bits);
  hash.add(writes_.size());
  for (const PersistBatch& write : writes_) {
    hash.add(write.hard_state.has_value());
    if (write.hard_state) add(hash, *write.hard_state, names);
    hash.add(write.truncate_from.value_or(LogIndex{}).value);
    add(hash, write.entries);
  }
  std::uint64_t held = 0;  // in any order: the network has none
  for (const Outgoing& out : held_) {
    held += Hash().add(hash_of(out.message, names)).add(out.after.value - persisted_.value).value();
  }
  return hash.add(held).value();
}

}  // namespace libraft::testkit::explore
