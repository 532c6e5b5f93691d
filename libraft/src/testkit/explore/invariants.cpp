// The rules that concern the whole cluster. What a rule says of all time is checked against the history that a World
// carries.
#include "testkit/explore/world.hpp"

#include <algorithm>

namespace libraft::testkit::explore {

namespace {

struct Look {
  const Catalogue& catalogue;
  const World& world;

  [[nodiscard]] std::size_t size() const { return catalogue.shape().size(); }
  [[nodiscard]] const NodeView& node(std::size_t index) const { return catalogue.view(world.nodes[index]); }
};

/// iS3, for what `changed` holds in memory and on disk.
bool all_logs_match(const Look& look, const NodeView& changed) {
  if (!logs_match(changed.log, changed.disk)) return false;
  for (std::size_t i = 0; i < look.size(); ++i) {
    const NodeView& other = look.node(i);
    if (other.id == changed.id) continue;
    for (const PackedLog own : {changed.log, changed.disk}) {
      if (!logs_match(own, other.log) || !logs_match(own, other.disk)) return false;
    }
  }
  return true;
}

/// iS6: on the disks of a majority of the voters.
bool is_on_quorum(const Look& look, PackedLog prefix) {
  std::size_t holders = 0;
  const std::size_t voters = look.catalogue.shape().voters;
  for (std::size_t i = 0; i < voters; ++i) {
    if (look.node(i).disk.prefix(prefix.size()) == prefix) ++holders;
  }
  return holders >= voters / 2 + 1;
}

/// iS5: who leads a term later than that in which an entry was committed has the entry.
bool leaders_are_complete(const Look& look) {
  for (std::size_t i = 0; i < look.size(); ++i) {
    const NodeView& node = look.node(i);
    if (node.role != Role::leader) continue;
    for (std::size_t index = 1; index <= look.world.committed.size(); ++index) {
      if (look.world.term_committed_in(index) < node.term && node.log.at(index) != look.world.committed.at(index)) {
        return false;
      }
    }
  }
  return true;
}

const char* check_commit(const Look& look, World& world, const NodeView& before, const NodeView& node) {
  if (node.commit <= before.commit) return nullptr;
  const PackedLog prefix = node.log.prefix(node.commit);
  if (node.role == Role::leader) {
    if (node.log.term_at(node.commit) != node.term) return "iS6: a leader commits by counting entries of its term only";
    if (!is_on_quorum(look, prefix)) return "iS6: a committed entry is on the disks of a quorum";
  }
  const std::size_t known = std::min<std::size_t>(node.commit, world.committed.size());
  if (!(prefix.prefix(known) == world.committed.prefix(known))) {
    return "iS4: what was committed once is committed for ever";
  }
  if (node.commit <= world.committed.size()) return nullptr;
  if (node.role != Role::leader) return "iS4: a follower holds to be committed only what a leader committed";
  for (std::size_t index = world.committed.size(); index < node.commit; ++index) world.commit_in(index + 1, node.term);
  world.committed = prefix;
  return nullptr;
}

/// iS1, over all time.
const char* check_leader(World& world, const NodeView& node) {
  if (node.role != Role::leader || node.term >= kTermsMax) return nullptr;
  const std::uint8_t leader = world.leader_of(node.term);
  if (leader != 0 && leader != node.id) return "iS1: at most one leader for each term";
  world.lead(node.term, node.id);
  return nullptr;
}

/// iD3: what is acknowledged is durable and is what the leader of that term has.
const char* check_acknowledgements(const Look& look, const NodeView& sender, const KnownStep& step) {
  for (const MessageKey key : step.sent) {
    const auto* reply = std::get_if<AppendEntriesReply>(&look.catalogue.message(key).message.body);
    if (reply == nullptr || !reply->accepted) continue;
    for (std::size_t i = 0; i < look.size(); ++i) {
      const NodeView& leader = look.node(i);
      if (leader.role != Role::leader || leader.term != reply->term.value) continue;
      const std::size_t match = reply->match.value;
      if (!(sender.disk.prefix(match) == leader.log.prefix(match))) {
        return "iD3: what is acknowledged is on the disk as the leader has it";
      }
    }
  }
  return nullptr;
}

/// iS2: what a leader has stays as long as it leads.
bool keeps_log(const NodeView& before, const NodeView& node) {
  if (before.role != Role::leader || node.role != Role::leader || before.term != node.term) return true;
  return node.log.prefix(before.log.size()) == before.log;
}

/// Which voters have spoken to the node that reads, in the term in which it leads, since it was asked.
void note_answers(const Look& look, World& world, const NodeView& sender, const KnownStep& step) {
  if (world.reader == 0 || sender.id == world.reader || sender.id > look.catalogue.shape().voters) return;
  const NodeView& reader = look.node(world.reader - 1u);
  for (const MessageKey key : step.sent) {
    const KnownMessage& sent = look.catalogue.message(key);
    const auto* reply = std::get_if<AppendEntriesReply>(&sent.message.body);
    if (reply != nullptr && sent.to == reader.id && reply->term.value == reader.term) world.answer_read(sender.id);
  }
}

/// The reader counts for itself.
bool is_read_backed(const Look& look, const World& world) {
  std::size_t voices = 0;
  const std::size_t voters = look.catalogue.shape().voters;
  for (std::size_t id = 1; id <= voters; ++id) {
    if (id == world.reader || world.has_answered_read(id)) ++voices;
  }
  return voices >= voters / 2 + 1;
}

/// iR1 and iR3: a confirmed read sees all that was committed before it was asked for; a quorum has answered since, and
/// who confirms it leads and has committed in its term.
const char* check_reads(const Look& look, World& world, const NodeView& node, const KnownStep& step) {
  for (const ReadOutcome& read : step.reads) {
    if (world.reader != node.id) continue;
    const std::uint8_t needs = world.read_needs;
    const bool is_backed = is_read_backed(look, world);
    world.end_read();
    if (read.error) continue;
    if (read.index.value < needs) return "iR1: a read sees what was committed before it";
    if (!is_backed) return "iR3: a read is confirmed by a quorum that answered after it was asked for";
    if (node.role != Role::leader || node.log.term_at(node.commit) != node.term) {
      return "iR3: a read is confirmed by a leader that has committed in its term";
    }
  }
  return nullptr;
}

}  // namespace

const char* check(const Catalogue& catalogue, World& world, NodeKey before, std::size_t node, const KnownStep& step) {
  const Look look{catalogue, world};
  const NodeView& now = look.node(node);
  const char* broken = check_leader(world, now);
  if (broken == nullptr && !keeps_log(catalogue.view(before), now)) broken = "iS2: a leader takes nothing from its log";
  if (broken == nullptr && !all_logs_match(look, now)) broken = "iS3: logs match";
  if (broken == nullptr) broken = check_commit(look, world, catalogue.view(before), now);
  if (broken == nullptr && !leaders_are_complete(look)) broken = "iS5: a leader has all that is committed";
  if (broken == nullptr) broken = check_acknowledgements(look, now, step);
  note_answers(look, world, now, step);
  if (broken == nullptr) broken = check_reads(look, world, now, step);
  return broken;
}

}  // namespace libraft::testkit::explore
