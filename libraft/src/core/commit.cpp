#include "core/commit.hpp"

#include "util/assert.hpp"

#include <algorithm>

namespace libraft::core {

namespace {

/// Bounds the queue before the state machine in bytes, as apply_limit() does in entries.
bool has_room(const Core::State& state) {
  return state.applying.unapplied.bytes() < 2 * state.options.apply_bytes_max;
}

LogIndex apply_limit(const Core::State& state) {
  const LogIndex limit =
      state.applying.durable_only ? std::min(state.applying.commit, state.log.durable()) : state.applying.commit;
  // Bounds the queue before the state machine.
  return std::min(limit, LogIndex{state.applying.applied.value + 2 * state.options.apply_entries_max});
}

void hand_out(Context& context, Entries entries) {
  Applying& applying = context.state.applying;
  RAFT_ASSERT(entries.front().id.index == next(applying.handed_out), "entries are applied in order, each once");
  RAFT_ASSERT(entries.back().id.index <= applying.commit, "only committed entries are applied");
  applying.handed_out = entries.back().id.index;
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes += charged_bytes(entry);
  context.state.snapshots.bytes_since += bytes;
  applying.unapplied.add(applying.handed_out, bytes);
  context.effects.apply.push_back(std::move(entries));
}

}  // namespace

void commit_up_to(Context& context, LogIndex index) {
  Applying& applying = context.state.applying;
  RAFT_ASSERT(index <= context.state.log.last().index, "only entries that are there are committed");
  applying.commit = std::max(applying.commit, index);
}

void advance_commit(Context& context) {
  Core::State& state = context.state;
  const LogIndex reached = context.leader()->followers.quorum(
      state.configuration, state.self, state.log.durable(), [](const Progress& progress) { return progress.match(); });
  if (reached <= state.applying.commit) return;
  // §3.6.2: an entry of an older term is never committed by counting; it follows with the first one of this term.
  if (state.log.term_at(reached) != TermAt(state.term)) return context.mark(Mark::old_term_not_counted);
  RAFT_ASSERT(reached >= context.leader()->term_start, "a leader's entries follow its no-op");
  if (reached > state.log.durable()) context.mark(Mark::commit_before_own_write);
  if (next(state.applying.commit) < context.leader()->term_start) context.mark(Mark::old_term_committed_along);
  commit_up_to(context, reached);
}

void hand_out_committed(Context& context) {
  Core::State& state = context.state;
  Applying& applying = state.applying;
  while (!state.snapshots.is_installing() && has_room(state) && applying.handed_out < apply_limit(state) &&
         applying.log_read == RequestId{}) {
    const LogIndex first = next(applying.handed_out);
    auto entries =
        state.log.slice(first, apply_limit(state), state.options.apply_entries_max, state.options.apply_bytes_max);
    if (entries) {
      hand_out(context, std::move(*entries));
      continue;
    }
    ++state.counters.last_request.value;
    applying.log_read = state.counters.last_request;
    const LogIndex last = std::min(
        {apply_limit(state), state.log.durable(), LogIndex{first.value + state.options.apply_entries_max - 1}});
    context.effects.log_reads.push_back({applying.log_read, first, last, state.options.apply_bytes_max});
    context.mark(Mark::log_read_for_apply);
  }
  if (applying.handed_out == applying.commit) return;
  if (state.snapshots.is_installing()) context.mark(Mark::apply_waits_for_install);
  if (!has_room(state) || applying.handed_out == apply_limit(state)) context.mark(Mark::apply_queue_full);
}

void on_entries_applied(Context& context, const EntriesApplied& done) {
  Applying& applying = context.state.applying;
  RAFT_ASSERT(done.upto <= applying.handed_out, "only what was handed out is applied");
  applying.applied = std::max(applying.applied, done.upto);
  applying.unapplied.release(applying.applied);
  release_proposals(context.state);
}

void release_proposals(Core::State& state) {
  // Others may commit what the own disk has yet to write: it is held in memory until then.
  if (auto* leader = std::get_if<Leader>(&state.role)) {
    leader->proposals.release(std::min(state.applying.applied, state.log.durable()));
  }
}

bool on_log_read_for_apply(Context& context, const LogRead& read) {
  Applying& applying = context.state.applying;
  if (applying.log_read != read.id || read.id == RequestId{}) return false;
  applying.log_read = {};
  // An install forgets the read that it overtakes; else what is committed and durable must be there.
  RAFT_ASSERT(!read.error && !read.entries.empty(), "durable entries can be read");
  RAFT_ASSERT(read.entries.front().id.index == next(applying.handed_out), "the entries read are those asked for");
  const auto count = static_cast<std::size_t>(apply_limit(context.state).value - applying.handed_out.value);
  hand_out(context, read.entries.slice(0, count));
  return true;
}

}  // namespace libraft::core
