#include "testkit/checks/promise_check.hpp"

#include "core/state.hpp"
#include "testkit/checks/text.hpp"
#include "util/digest.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <vector>

namespace libraft::testkit {

namespace {

/// How much of a log one look at a disk reads: enough to notice, little enough to do often.
constexpr std::uint64_t kEntriesRead = 64;
constexpr std::uint64_t kSnapshotBytesRead = 1u << 20;

}  // namespace

void PromiseCheck::on_recovered(NodeId node, const std::optional<RecoveredState>&) {
  senders_[node].until_sample = 1;
  reads_[node] = {};
}

void PromiseCheck::on_sent(const Message& message) {
  const NodeId from = message.route.from;
  const NodeId to = message.route.to;
  if (std::holds_alternative<PreVote>(message.body)) return;
  const DiskShadow& disk = ledger_.disks[from];
  const Term term = term_of(message.body);
  if (disk.hard_state.term < term) {
    report("iD1", from,
           fmt::format("a message of term {} leaves, and the disk has {}", term.value, text(disk.hard_state)));
  }
  if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
    senders_[from].asked.raise(append->term, append->read_sequence);
  }
  if (const auto* vote = std::get_if<RequestVote>(&message.body)) judge(from, to, *vote);
  if (const auto* vote = std::get_if<RequestVoteReply>(&message.body)) judge(from, to, *vote);
  if (const auto* append = std::get_if<AppendEntriesReply>(&message.body)) judge(from, to, *append);
  if (const auto* snapshot = std::get_if<InstallSnapshotReply>(&message.body)) judge(from, to, *snapshot);
  if (view_ == nullptr || sample_every_ == 0) return;
  Sender& sender = senders_[from];
  if (--sender.until_sample != 0) return;
  sender.until_sample = sample_every_;
  judge_disk(from);
}

void PromiseCheck::judge(NodeId from, NodeId, const RequestVote& body) {
  judge_vote(from, body.term, from);
}

void PromiseCheck::judge(NodeId from, NodeId to, const RequestVoteReply& body) {
  if (body.granted) judge_vote(from, body.term, to);
}

void PromiseCheck::judge_vote(NodeId from, Term term, NodeId candidate) {
  const HardState& durable = ledger_.disks[from].hard_state;
  if (durable.term == term && durable.vote != candidate) {
    report("iD2", from,
           fmt::format("a vote for {} in term {} leaves, and the disk has {}", candidate.value, term.value,
                       text(durable)));
  }
  Sender& sender = senders_[from];
  if (sender.voted_in == term && sender.voted_for != candidate) {
    report("iS9", from,
           fmt::format("votes for {} and for {} in term {} left the node", sender.voted_for.value, candidate.value,
                       term.value));
  }
  if (term > sender.voted_in) {
    sender.voted_in = term;
    sender.voted_for = candidate;
  }
}

void PromiseCheck::judge(NodeId from, NodeId to, const AppendEntriesReply& body) {
  judge_round(from, to, body);
  if (body.accepted && body.match != LogIndex{}) judge_match(from, to, body);
}

void PromiseCheck::judge_round(NodeId from, NodeId to, const AppendEntriesReply& body) {
  senders_[from].echo.raise(body.term, body.read_sequence);
  const Echo& asked = senders_[to].asked;
  if (asked.term == body.term && body.read_sequence > asked.round) {
    report(
        "iR3", from,
        fmt::format("round {} of reads in term {} is answered before it began", body.read_sequence, body.term.value));
  }
}

void PromiseCheck::judge_match(NodeId from, NodeId to, const AppendEntriesReply& body) {
  const TermLog& log = ledger_.disks[from].log;
  if (body.match > log.last().index) {
    return report("iD3", from,
                  fmt::format("entries up to {} are acknowledged, and the disk has them up to {}", body.match.value,
                              log.last().index.value));
  }
  // As the leader has it: of what its log still names.
  const auto memory = ledger_.memories.find(to);
  const bool is_leading =
      memory != ledger_.memories.end() && memory->second.is_leader && memory->second.term == body.term;
  const auto ended = ledger_.leaderships.find(body.term);
  const TermLog* leader = is_leading                           ? &memory->second.log
                          : ended != ledger_.leaderships.end() ? &ended->second.log
                                                               : nullptr;
  if (leader == nullptr) return;
  const LogIndex index = std::min(body.match, leader->last().index);
  const auto term = leader->term_at(index);
  if (index != LogIndex{} && term && !log.covers({index, *term})) {
    report("iD3", from,
           fmt::format("entries up to {} are acknowledged, and the disk has another entry than {}", body.match.value,
                       text({index, *term})));
  }
}

void PromiseCheck::judge(NodeId from, NodeId, const InstallSnapshotReply& body) {
  if (!body.installed) return;
  const DiskShadow& disk = ledger_.disks[from];
  if (disk.snapshot.index >= body.last.index || disk.log.covers(body.last)) return;
  report("iD4", from,
         fmt::format("a snapshot at {} is reported installed, and the disk has one at {}", text(body.last),
                     disk.snapshot.index.value));
}

// Reads.

void PromiseCheck::on_stepped(NodeId node, const Core& core) {
  const Core::State& state = core.state();
  const auto* leader = std::get_if<core::Leader>(&state.role);
  if (leader == nullptr) return;
  Reads& before = reads_[node];
  Reads now{state.term, leader->read_sequence, 0, 0};
  if (!leader->reads.empty()) {
    now.waiting = leader->reads.front().sequence;
    now.first = leader->reads.front().id.value;
  }
  if (before.term == now.term) {
    judge_reads(node, before, now);
    if (now.newest > before.newest && state.applying.commit < leader->term_start) {
      report("iR3", node,
             fmt::format("a round of reads begins in term {} before an entry of it is committed", now.term.value));
    }
  }
  before = now;
}

/// The first read that waited is gone, and the node still leads: it was confirmed.
void PromiseCheck::judge_reads(NodeId leader, const Reads& before, const Reads& now) {
  if (before.waiting == 0 || before.first == now.first) return;
  const bool is_confirmed = ledger_.is_quorum([&](NodeId voter) {
    if (voter == leader) return true;
    const auto sender = senders_.find(voter);
    return sender != senders_.end() && sender->second.echo.term >= now.term &&
           (sender->second.echo.term > now.term || sender->second.echo.round >= before.waiting);
  });
  if (is_confirmed) return;
  report("iR3", leader,
         fmt::format("round {} of reads in term {} is confirmed without a quorum", before.waiting, now.term.value));
}

// The disk itself.

void PromiseCheck::judge_disk(NodeId node) {
  const std::unique_ptr<Storage> storage = view_->after_power_cut(node);
  if (storage == nullptr) return;
  ++disks_judged_;
  const auto first = storage->open();
  if (!first || !*first) {
    return report("iD1", node,
                  "a power cut now would leave a disk that can't be opened: " +
                      (first ? std::string("it is not formatted") : storage->error_detail()));
  }
  judge_recovered(node, **first);
  judge_entries(node, *storage, **first);
  judge_snapshot(node, *storage, **first);
  storage->close();
  const auto second = storage->open();
  if (!second || !*second || **second != **first) {
    report("iD7", node, "a second recovery finds another state than the first");
  }
  storage->close();
}

void PromiseCheck::judge_recovered(NodeId node, const RecoveredState& found) {
  const DiskShadow& disk = ledger_.disks[node];
  const TermLog log(found.start, found.term_runs);
  const HardState& promised = disk.hard_state;
  const bool is_term_lost = found.hard_state.term < promised.term;
  const bool is_vote_lost =
      found.hard_state.term == promised.term && promised.vote && found.hard_state.vote != promised.vote;
  if (is_term_lost || is_vote_lost) {
    report(
        is_term_lost ? "iD1" : "iD2", node,
        fmt::format("{} was reported durable, and a power cut would leave {}", text(promised), text(found.hard_state)));
  }
  if (log.last().index < disk.log.last().index || !log.covers(disk.log.last())) {
    report("iD3", node,
           fmt::format("the log was reported durable up to {}, and a power cut would leave it up to {}",
                       text(disk.log.last()), text(log.last())));
  }
  const LogId snapshot = found.snapshot ? found.snapshot->last : LogId{};
  if (snapshot.index < disk.snapshot.index) {
    report("iD4", node,
           fmt::format("the snapshot at {} was published, and a power cut would leave the one at {}",
                       disk.snapshot.index.value, snapshot.index.value));
  }
}

/// The end of the log, byte for byte: as the entries are that were made with these terms.
void PromiseCheck::judge_entries(NodeId node, Storage& storage, const RecoveredState& found) {
  const LogIndex last = found.last.index;
  LogIndex index = next(found.start.index);
  if (last.value > kEntriesRead) index = std::max(index, LogIndex{last.value - kEntriesRead + 1});
  while (index <= last) {
    const auto entries = storage.read(index, last, kSnapshotBytesRead);
    if (!entries || entries->empty()) {
      return report("iD3", node, fmt::format("after a power cut entry {} could not be read", index.value));
    }
    for (const Entry& entry : *entries) {
      const LogHistory::Made* made = ledger_.history.find(entry.id);
      const bool is_same = entry.id.index == index && made != nullptr && made->kind == entry.kind &&
                           made->content == content_hash(entry.data.view());
      if (!is_same) return report("iD3", node, fmt::format("entry {} is not on the disk as it was made", index.value));
      index = next(index);
    }
  }
}

void PromiseCheck::judge_snapshot(NodeId node, Storage& storage, const RecoveredState& found) {
  if (!found.snapshot || found.snapshot->size > kSnapshotBytesRead) return;
  const auto reader = storage.newest_snapshot();
  if (!reader) return report("iD4", node, "after a power cut the newest snapshot could not be opened");
  std::vector<char> bytes(static_cast<std::size_t>(found.snapshot->size));
  std::size_t size = 0;
  while (size < bytes.size()) {
    const auto read = (*reader)->read_at(size, std::span(bytes).subspan(size));
    if (!read || *read == 0) break;
    size += *read;
  }
  if (size != bytes.size() || util::digest128({bytes.data(), size}) != found.snapshot->digest) {
    report("iD4", node,
           fmt::format("after a power cut the snapshot at {} is damaged", found.snapshot->last.index.value));
  }
}

}  // namespace libraft::testkit
