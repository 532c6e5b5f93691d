#include "core/replication.hpp"

#include "core/snapshotting.hpp"
#include "core/timers.hpp"
#include "util/assert.hpp"

#include <algorithm>

namespace libraft::core {

namespace {

std::error_code refusal(const Context& context, const Propose& request, std::size_t bytes) {
  const Core::State& state = context.state;
  const auto* leader = std::get_if<Leader>(&state.role);
  if (leader == nullptr) return errc::not_leader;
  if (request.only_in_term && *request.only_in_term != state.term) return errc::wrong_term;
  if (leader->transfer) {
    context.mark(Mark::proposal_during_transfer);
    return errc::transfer_in_progress;
  }
  for (const Bytes& command : request.commands) {
    if (command.size() > state.options.command_bytes_max) return errc::command_too_large;
  }
  // One request is always let in, or one that is larger than the bound could never be.
  if (leader->proposals.bytes() > 0 && leader->proposals.bytes() + bytes > state.options.uncommitted_bytes_max) {
    context.mark(Mark::proposal_overloaded);
    return errc::overloaded;
  }
  return {};
}

void send_append(Context& context, NodeId to, Progress& progress, LogId previous, Entries entries) {
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes += charged_bytes(entry);
  const LogIndex last = entries.back().id.index;
  // §3.5; rests on the term only: the leader's own disk and the network work side by side (§10.2.1).
  send(context, to,
       AppendEntries{context.state.term, previous, std::move(entries), context.state.applying.commit,
                     context.leader()->read_sequence},
       Rests::on_term_write);
  progress.sent(last, bytes);
  progress.commit_told(std::min(context.state.applying.commit, last));
}

void read_for_follower(Context& context, Progress& progress) {
  if (progress.log_read() != RequestId{}) return;
  context.mark(Mark::log_read_for_follower);
  Core::State& state = context.state;
  ++state.counters.last_request.value;
  progress.reading(state.counters.last_request);
  const LogIndex last =
      std::min(state.log.durable(), LogIndex{progress.next().value + state.options.append_entries_max - 1});
  context.effects.log_reads.push_back(
      {state.counters.last_request, progress.next(), last, state.options.append_bytes_max});
}

/// Sends one append with entries; false when nothing more can be sent now.
bool send_next(Context& context, NodeId to, Progress& progress) {
  const Core::State& state = context.state;
  if (progress.next() > state.log.last().index || progress.state() == ProgressState::snapshot) return false;
  const LogIndex before = previous(progress.next());
  const TermAt term = state.log.term_at(before);
  if (!std::holds_alternative<Term>(term)) {
    // Also while an answer is awaited: it may be lost, and no heartbeat can ask about what is compacted.
    begin_snapshot_transfer(context, to, progress);
    return false;
  }
  if (!progress.can_send(state.options)) {
    if (progress.state() == ProgressState::replicate) context.mark(Mark::window_full);
    return false;
  }
  auto entries = state.log.slice(progress.next(), state.log.last().index, state.options.append_entries_max,
                                 state.options.append_bytes_max);
  if (!entries) {
    read_for_follower(context, progress);
    return false;
  }
  send_append(context, to, progress, {before, std::get<Term>(term)}, std::move(*entries));
  return true;
}

/// An append without entries. While appends flow, it says nothing about those that may still be under way; once none
/// arrives, it names the last one sent, so that a loss at the end is noticed.
void send_heartbeat(Context& context, NodeId to, Progress& progress) {
  const Core::State& state = context.state;
  LogId before;
  if (progress.state() != ProgressState::snapshot) {
    const LogIndex index = progress.is_flowing() ? progress.match() : previous(progress.next());
    const TermAt term = state.log.term_at(index);
    if (std::holds_alternative<Term>(term)) before = {index, std::get<Term>(term)};
  }
  const LogIndex commit = std::min(state.applying.commit, progress.match());
  progress.heartbeat_sent();
  progress.retry_reading();
  progress.commit_told(commit);
  send(context, to, AppendEntries{state.term, before, {}, commit, context.leader()->read_sequence},
       Rests::on_term_write);
}

}  // namespace

void on_propose(Context& context, const Propose& request) {
  std::size_t bytes = 0;
  for (const Bytes& command : request.commands) bytes += command.size() + kEntryOverheadBytes;
  ProposalOutcome outcome;
  outcome.error = refusal(context, request, bytes);
  if (!outcome.error && request.commands.empty()) outcome.error = errc::invalid_argument;
  if (!outcome.error) {
    Core::State& state = context.state;
    outcome.first = {next(state.log.last().index), state.term};
    outcome.count = request.commands.size();
    for (const Bytes& command : request.commands) {
      append_entry(context, {{next(state.log.last().index), state.term}, EntryKind::command, command});
    }
    context.leader()->proposals.add(state.log.last().index, bytes);
  }
  context.effects.proposal = outcome;
}

void on_append_entries_reply(Context& context, const Routing& route, const AppendEntriesReply& answer) {
  Leader* leader = context.leader();
  Progress* progress = leader == nullptr ? nullptr : leader->followers.find(route.from);
  if (progress == nullptr) return;
  // A round that has not begun is nothing that a follower would name.
  progress->heard(context.now, answer.read_sequence <= leader->read_sequence ? answer.read_sequence : 0);
  arm_quorum_check(context);
  const Log& log = context.state.log;
  if (answer.accepted) {
    if (answer.match <= log.last().index) progress->accepted(answer.match, log.last().index);
    return;
  }
  // The follower's log agrees at most up to its hint; where the terms differ there, none of that term can (§3.5).
  const LogIndex bound = std::min({answer.hint.index, answer.rejected, log.last().index});
  const LogIndex agreeing = log.terms().last_agreeing(bound, answer.hint.term).index;
  if (agreeing < bound) context.mark(Mark::refusal_skipped_term);
  const bool is_news = progress->refused(answer.rejected, agreeing);
  context.mark(is_news ? Mark::refusal_moved_next : Mark::refusal_was_late);
}

bool on_log_read_for_follower(Context& context, const LogRead& read) {
  Leader* leader = context.leader();
  if (leader == nullptr) return false;
  for (auto& [id, progress] : leader->followers) {
    if (progress.log_read() != read.id) continue;
    // Compacted meanwhile, perhaps; asked again with the next heartbeat, for an answer may fail as fast as it is asked.
    if (read.error || read.entries.empty()) {
      context.mark(Mark::log_read_failed);
      progress.reading_failed();
      return true;
    }
    progress.reading({});
    // What was read is checked against what is in force now: the log or the follower may have moved on.
    const Log& log = context.state.log;
    if (read.entries.front().id.index != progress.next()) {
      context.mark(Mark::log_read_was_late);
      return true;
    }
    if (!log.matches(read.entries.back().id) || !log.matches(read.entries.front().id)) return true;
    const TermAt term = log.term_at(previous(progress.next()));
    if (!progress.can_send(context.state.options) || !std::holds_alternative<Term>(term)) return true;
    send_append(context, id, progress, {previous(progress.next()), std::get<Term>(term)}, read.entries);
    return true;
  }
  return false;
}

void on_peer_changed(Context& context, const PeerChanged& change) {
  Leader* leader = context.leader();
  Progress* progress = leader == nullptr ? nullptr : leader->followers.find(change.peer);
  if (progress == nullptr) return;
  const bool is_loss = change.event == PeerEvent::unreachable || change.event == PeerEvent::dropped;
  if (is_loss && progress->state() == ProgressState::replicate) {
    context.mark(Mark::loss_reported);
    progress->become_probe();
  }
  if (change.event == PeerEvent::reachable) send_heartbeat(context, change.peer, *progress);
}

void replicate(Context& context) {
  for (auto& [id, progress] : context.leader()->followers) {
    while (send_next(context, id, progress)) {
    }
  }
}

void announce_commit(Context& context) {
  const LogIndex commit = context.state.applying.commit;
  for (auto& [id, progress] : context.leader()->followers) {
    if (progress.is_idle() && progress.told_commit() < std::min(commit, progress.match())) {
      context.mark(Mark::commit_announced);
      send_heartbeat(context, id, progress);
    }
  }
}

void send_heartbeats(Context& context) {
  for (auto& [id, progress] : context.leader()->followers) {
    send_heartbeat(context, id, progress);
    resend_snapshot_chunk(context, id, progress);
  }
  arm_heartbeat(context);
}

}  // namespace libraft::core
