#include "core/following.hpp"

#include "core/commit.hpp"
#include "util/assert.hpp"

#include <algorithm>

namespace libraft::core {

namespace {

/// Bytes from the network may say anything: what no leader sends is refused.
bool is_well_formed(const AppendEntries& request) {
  LogId before = request.previous;
  for (const Entry& entry : request.entries) {
    if (entry.id.index != next(before.index) || entry.id.term < before.term || entry.id.term > request.term)
      return false;
    before = entry.id;
  }
  return true;
}

/// The entry before the new ones is in the own log. What is compacted is committed, and so in the leader's log too
/// (§3.6.3): there is nothing to compare.
bool has_previous(const Context& context, LogId previous) {
  const Log& log = context.state.log;
  return previous.index < log.start().index || log.matches(previous);
}

/// Takes over entries that are not there yet. Entries that are there stay, also when the request ends before them: it
/// may be an old one (§3.5). Only a real conflict truncates.
void take_entries(Context& context, const Entries& entries) {
  Log& log = context.state.log;
  for (const Entry& entry : entries) {
    if (log.matches(entry.id) || entry.id.index < log.start().index) continue;
    if (entry.id.index <= log.last().index) {
      // Two logs that differ in a committed entry: a second cluster under one id, or a bug. To go on would spread it.
      RAFT_ASSERT(entry.id.index > context.state.applying.commit, "a committed entry is never replaced (§3.6.3)");
      RAFT_ASSERT(!context.effects.persist || !context.effects.persist->truncate_from, "one conflict in a request");
      context.mark(entry.id.index <= log.durable() ? Mark::durable_suffix_cut : Mark::undurable_suffix_cut);
      log.truncate_from(entry.id.index);
      batch(context).truncate_from = entry.id.index;
    }
    append_entry(context, entry);
  }
}

/// What is rare about an append that is about to be taken.
void mark_append(const Context& context, const AppendEntries& request, LogIndex proven) {
  const Log& log = context.state.log;
  if (request.commit > proven) context.mark(Mark::commit_beyond_append);
  if (request.previous.index < log.start().index) context.mark(Mark::append_before_own_start);
  if (context.state.snapshots.is_installing()) context.mark(Mark::append_during_install);
  if (request.entries.empty() || !log.matches(request.entries.back().id)) return;
  context.mark(Mark::append_was_known);
  if (proven < log.last().index) context.mark(Mark::append_shorter_than_log);
}

void refuse(Context& context, const Routing& route, const AppendEntries& request) {
  const Log& log = context.state.log;
  const LogIndex bound = std::min(previous(std::max(request.previous.index, LogIndex{1})), log.last().index);
  // Where the terms differ at `previous`, all of this log beyond the last entry of at most that term differs too.
  const bool is_gap = request.previous.index > log.last().index;
  context.mark(is_gap ? Mark::append_beyond_log : Mark::append_over_divergent_log);
  const LogId hint = log.terms().last_agreeing(bound, request.previous.term);
  if (hint.index < bound) context.mark(Mark::append_hint_skipped_term);
  reply(context, route,
        AppendEntriesReply{context.state.term, false, {}, request.previous.index, hint, request.read_sequence},
        Rests::on_term_write);
}

}  // namespace

void on_append_entries(Context& context, const Routing& route, const AppendEntries& request) {
  Core::State& state = context.state;
  if (!is_well_formed(request) || !has_previous(context, request.previous)) return refuse(context, route, request);
  const LogIndex proven{request.previous.index.value + request.entries.size()};
  mark_append(context, request, proven);
  take_entries(context, request.entries);
  // §3.6.2: never beyond what this request shows to be the leader's.
  commit_up_to(context, std::min(request.commit, proven));

  AppendEntriesReply answer{state.term, true, proven, {}, {}, request.read_sequence};
  Rests rests = state.snapshots.is_installing() ? Rests::on_newest_write : Rests::on_term_write;
  if (!request.entries.empty() && proven > state.log.durable()) {
    rests = Rests::on_newest_write;
  } else {
    if (proven > state.log.durable()) context.mark(Mark::reply_claims_durable_only);
    answer.match = std::min(proven, state.log.durable());  // a heartbeat's reply claims only what is durable now
  }
  reply(context, route, answer, rests);
}

}  // namespace libraft::core
