#include "testkit/checks/safety_check.hpp"

#include "core/state.hpp"
#include "testkit/checks/text.hpp"

#include <algorithm>

namespace libraft::testkit {

// The life of a node.

void SafetyCheck::on_started(NodeId node, std::uint64_t) {
  begin_life(node);
}

void SafetyCheck::begin_life(NodeId node) {
  MemoryShadow& memory = ledger_.memories[node];
  const TermLog log = memory.log;
  memory = MemoryShadow{};
  memory.log = log;  // recovery is compared with it
  machines_[node] = {};
}

void SafetyCheck::on_recovered(NodeId node, const std::optional<RecoveredState>& state) {
  begin_life(node);
  MemoryShadow& memory = ledger_.memories[node];
  memory.log = state ? TermLog(state->start, state->term_runs) : TermLog();
  if (!state) return;
  memory.term = state->hard_state.term;
  memory.vote = state->hard_state.vote;
}

void SafetyCheck::end_life(NodeId node) {
  MemoryShadow& memory = ledger_.memories[node];
  if (memory.is_leader) ledger_.leaderships[memory.term].log = memory.log;
  memory.is_leader = memory.is_candidate = false;
}

void SafetyCheck::on_crashed(NodeId node) {
  const MemoryShadow& memory = ledger_.memories[node];
  if (memory.is_leader) ledger_.marks.hit(CheckMark::leader_crashed);
  if (memory.is_candidate) ledger_.marks.hit(CheckMark::candidate_crashed);
  end_life(node);
}

void SafetyCheck::on_stopped(NodeId node) {
  end_life(node);
}

// The core.

void SafetyCheck::on_stepped(NodeId node, const Core& core) {
  const Core::State& state = core.state();
  MemoryShadow& memory = ledger_.memories[node];
  if (!memory.is_known) {
    memory.is_known = true;
    memory.applied = memory.commit = state.applying.applied;
    machines_[node] = std::max(machines_[node], state.applying.applied);
    ledger_.configuration = state.configuration;
  }
  const Term term_before = memory.term;
  take_vote(node, memory, state);
  take_log(node, memory, state, term_before);
  take_role(node, memory, state);
  take_commit(node, memory, state);
  judge_order(node, memory, state);
}

void SafetyCheck::take_vote(NodeId node, MemoryShadow& memory, const Core::State& state) {
  if (state.term == memory.term && state.vote == memory.vote) return;
  const HardState before{memory.term, memory.vote};
  const HardState now{state.term, state.vote};
  if (now.term < before.term || (now.term == before.term && before.vote && now.vote != before.vote)) {
    report("iS9", node, fmt::format("{} became {}", text(before), text(now)));
  }
  // The log of a leadership that is over stays as it was while it led.
  if (memory.is_leader && now.term != before.term) {
    ledger_.leaderships[before.term].log = memory.log;
    memory.is_leader = false;
  }
  memory.term = state.term;
  memory.vote = state.vote;
}

void SafetyCheck::take_log(NodeId node, MemoryShadow& memory, const Core::State& state, Term term_before) {
  const core::Log& log = state.log;
  if (log.last() == memory.log.last() && log.start() == memory.log.start()) return;
  const bool is_leader = std::holds_alternative<core::Leader>(state.role);
  if (memory.is_leader && !is_leader) ledger_.leaderships[memory.term].log = memory.log;
  const TermLog now(log.start(), log.terms().runs());
  const LogIndex agreed = TermLog::agree_until(memory.log, now);
  if (!memory.log.covers(now.start())) {
    // A snapshot takes the place of all of the log: the write that cuts it is on its way.
    DiskShadow& disk = ledger_.disks[node];
    disk.kept_upto = std::min(disk.kept_upto, memory.log.start().index);
  }
  if (agreed < memory.log.last().index) judge_loss(node, memory, now, {agreed, term_before}, is_leader);
  memory.log = now;
  add_entries(node, state, agreed);
}

/// Entries beyond `kept.index` are no longer in the log, and the node was in the term `kept.term` when the step began.
void SafetyCheck::judge_loss(NodeId node, const MemoryShadow& memory, const TermLog& now, LogId kept, bool is_leader) {
  const LogIndex agreed = kept.index;
  DiskShadow& disk = ledger_.disks[node];
  disk.kept_upto = std::min(disk.kept_upto, agreed);
  const LogId lost{next(agreed), memory.log.term_at(next(agreed)).value_or(Term{})};
  if (memory.is_leader && is_leader) {
    report("iS2", node, fmt::format("a leader cut entry {} of its log", text(lost)));
  }
  const LogHistory& history = ledger_.history;
  // The leader of a term before the one that committed it may not have it, and who was paused may still hear it, and
  // the later leader too, in what is one step here.
  if (lost.index <= history.committed() && history.committed_at(lost.index).term == lost.term &&
      kept.term >= history.committed_at(lost.index).in) {
    report("iS4", node, fmt::format("committed entry {} is cut", text(lost)));
  }
  // Only an entry of another term at its place, or a snapshot over a log without the snapshot's last entry, takes an
  // entry away (§3.5, figure 5.3).
  const bool is_conflict = now.last().index > agreed;
  const bool is_install = !memory.log.covers(now.start());
  if (!is_conflict && !is_install) {
    report("iS9", node, fmt::format("entry {} is cut, and no other took its place", text(lost)));
  }
}

void SafetyCheck::add_entries(NodeId node, const Core::State& state, LogIndex after) {
  const core::Log& log = state.log;
  LogId before{after, ledger_.memories[node].log.term_at(after).value_or(Term{})};
  for (LogIndex index = next(after); index <= log.last().index; index = next(index)) {
    const Entry* entry = log.in_memory(index);
    if (entry == nullptr) return;  // durable already: it was judged when it was written
    bool is_new = false;
    if (!ledger_.history.add(before, *entry, is_new)) {
      return report("iS3", node,
                    fmt::format("entry {} is appended, and another log has other entries up to it", text(entry->id)));
    }
    before = entry->id;
  }
}

// Leaders.

void SafetyCheck::take_role(NodeId node, MemoryShadow& memory, const Core::State& state) {
  const bool is_leader = std::holds_alternative<core::Leader>(state.role);
  memory.is_candidate = std::holds_alternative<core::Candidate>(state.role);
  if (is_leader == memory.is_leader) return;
  if (!is_leader) ledger_.leaderships[memory.term].log = memory.log;
  memory.is_leader = is_leader;
  if (is_leader) on_elected(node, state.term, memory.log);
}

void SafetyCheck::on_elected(NodeId node, Term term, const TermLog& log) {
  claim_term(node, term);
  for (const auto& [other, memory] : ledger_.memories) {
    if (other != node && memory.is_leader) ledger_.marks.hit(CheckMark::two_leaders_at_once);
  }
  const LogIndex committed = ledger_.history.committed_before(term);
  if (committed == LogIndex{}) return;
  const LogId last{committed, ledger_.history.committed_at(committed).term};
  if (!log.covers(last)) {
    report("iS5", node, fmt::format("the leader of term {} lacks committed entry {}", term.value, text(last)));
  }
}

void SafetyCheck::claim_term(NodeId node, Term term) {
  auto& leadership = ledger_.leaderships[term];
  if (leadership.leader == NodeId{}) leadership.leader = node;
  if (leadership.leader != node) {
    report("iS1", node,
           fmt::format("nodes {} and {} both lead term {}", leadership.leader.value, node.value, term.value));
  }
}

void SafetyCheck::on_sent(const Message& message) {
  const bool is_from_leader = std::holds_alternative<AppendEntries>(message.body) ||
                              std::holds_alternative<InstallSnapshot>(message.body) ||
                              std::holds_alternative<TimeoutNow>(message.body);
  if (is_from_leader) claim_term(message.route.from, term_of(message.body));
}

// Commit and apply.

void SafetyCheck::take_commit(NodeId node, MemoryShadow& memory, const Core::State& state) {
  const LogIndex commit = state.applying.commit;
  if (commit == memory.commit) return;
  if (commit < memory.commit) {
    report("iS9", node, fmt::format("the commit index falls from {} to {}", memory.commit.value, commit.value));
    return;
  }
  memory.commit = commit;
  if (memory.is_leader) judge_commit_rule(node, memory, commit);
  LogHistory& history = ledger_.history;
  while (history.committed() < commit) {
    const LogIndex index = next(history.committed());
    const auto term = memory.log.term_at(index);
    const LogHistory::Made* made = term ? history.find({index, *term}) : nullptr;
    if (made == nullptr) {
      return report("iS4", node, fmt::format("entry {} is committed, and nobody made it", index.value));
    }
    if (!memory.is_leader) ledger_.marks.hit(CheckMark::commit_known_by_other);
    history.commit(*made, state.term);
  }
  const LogId last{commit, history.committed_at(commit).term};
  if (!memory.log.covers(last)) {
    report("iS4", node,
           fmt::format("entry {} is committed where entry {} was",
                       text({commit, memory.log.term_at(commit).value_or(Term{})}), text(last)));
  }
}

void SafetyCheck::judge_commit_rule(NodeId node, const MemoryShadow& memory, LogIndex commit) {
  const LogId last{commit, memory.log.term_at(commit).value_or(Term{})};
  if (last.term != memory.term) {
    report("iS6", node,
           fmt::format("the leader of term {} commits entry {} by counting", memory.term.value, text(last)));
  }
  if (!ledger_.is_durable_on_quorum(last)) {
    report("iS6", node,
           fmt::format("the leader of term {} commits entry {}, which no quorum has on disk", memory.term.value,
                       text(last)));
  }
}

void SafetyCheck::judge_order(NodeId node, const MemoryShadow& memory, const Core::State& state) {
  const core::Applying& applying = state.applying;
  const LogId start = state.log.start();
  const LogId last = state.log.last();
  const bool is_ordered = applying.applied <= applying.handed_out && applying.handed_out <= applying.commit &&
                          applying.commit <= last.index && start.index <= applying.commit &&
                          state.log.durable() <= last.index && last.term <= state.term;
  if (!is_ordered) {
    report("iS8", node,
           fmt::format("start {}, applied {}, handed out {}, commit {}, durable {}, last {} in term {}",
                       start.index.value, applying.applied.value, applying.handed_out.value, applying.commit.value,
                       state.log.durable().value, text(last), state.term.value));
  }
  if (applying.applied < memory.applied) {
    report("iS9", node,
           fmt::format("the applied index falls from {} to {}", memory.applied.value, applying.applied.value));
  }
  ledger_.memories[node].applied = applying.applied;
}

void SafetyCheck::on_applied(NodeId node, LogId id, const Bytes& command, const Bytes& reply) {
  const LogHistory& history = ledger_.history;
  LogIndex& machine = machines_[node];
  if (id.index > history.committed() || history.committed_at(id.index).term != id.term) {
    return report("iS7", node, fmt::format("entry {} is applied and not committed", text(id)));
  }
  const LogIndex done = std::min(machine, history.committed());
  const std::uint64_t before = done == LogIndex{} ? 0 : history.committed_at(done).commands;
  if (id.index <= machine || history.committed_at(id.index).commands != before + 1) {
    report("iS7", node,
           fmt::format("entry {} is applied after {}: one is left out or comes twice", text(id), machine.value));
  }
  machine = id.index;
  const std::uint64_t command_hash = content_hash(command.view());
  const std::uint64_t reply_hash = content_hash(reply.view());
  const LogHistory::Made* made = history.find(id);
  if (made != nullptr && made->content != command_hash) {
    report("iS7", node, fmt::format("the command of entry {} is not the one applied", text(id)));
  }
  LogHistory::AppliedAt& applied = ledger_.history.applied_at(id.index);
  if (!applied.is_applied) {
    applied = {true, command_hash, reply_hash};
  } else if (applied.reply != reply_hash) {
    report("iS7", node, fmt::format("the reply to the command of entry {} differs from another node's", text(id)));
  }
}

void SafetyCheck::on_restored(NodeId node, const SnapshotMeta& meta) {
  LogIndex& machine = machines_[node];
  const LogHistory& history = ledger_.history;
  const LogId last = meta.last;
  if (last.index != LogIndex{} &&
      (last.index > history.committed() || history.committed_at(last.index).term != last.term)) {
    return report("iS7", node, fmt::format("a snapshot at entry {} is restored, which is not committed", text(last)));
  }
  if (last.index < machine) {
    report("iS7", node,
           fmt::format("a snapshot at {} is restored over the state at {}", last.index.value, machine.value));
  }
  if (!ledger_.history.add_snapshot(meta)) {
    report("iS7", node, fmt::format("the snapshot at {} differs from another node's", last.index.value));
  }
  if (ledger_.memories[node].is_known) ledger_.marks.hit(CheckMark::snapshot_restored);
  machine = last.index;
}

}  // namespace libraft::testkit
