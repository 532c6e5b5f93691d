#include "core/snapshotting.hpp"

#include "core/commit.hpp"
#include "core/timers.hpp"
#include "util/assert.hpp"

#include <algorithm>

namespace libraft::core {

namespace {

/// A failed snapshot is tried again after this many election timeouts: soon enough for the log, rare enough for the
/// disk.
constexpr int kRetryAfterTimeouts = 10;

LogIndex newest_index(const Snapshots& snapshots) {
  return snapshots.newest ? snapshots.newest->last.index : LogIndex{};
}

bool is_due(const Core::State& state) {
  const CoreOptions& options = state.options;
  const Snapshots& snapshots = state.snapshots;
  const std::uint64_t entries = state.applying.handed_out.value - newest_index(snapshots).value;
  if (entries == 0) return false;
  if (snapshots.is_wanted) return true;
  if (options.snapshot_after_entries != 0 && entries >= options.snapshot_after_entries) return true;
  const std::uint64_t last_size = snapshots.newest ? snapshots.newest->size : 0;
  return options.snapshot_after_bytes != 0 && snapshots.bytes_since >= options.snapshot_after_bytes &&
         snapshots.bytes_since / options.snapshot_growth_factor >= last_size;
}

/// Up to where the log can go once `covered` is covered by a snapshot: what followers still need stays, within bounds.
LogIndex compaction_point(Context& context, LogIndex covered) {
  const CoreOptions& options = context.state.options;
  const auto behind = [&](std::uint64_t entries) {
    return LogIndex{covered.value > entries ? covered.value - entries : 0};
  };
  LogIndex point = behind(options.trailing_entries);
  const Leader* leader = context.leader();
  if (leader == nullptr) return point;
  for (const auto& [id, progress] : leader->followers) {
    if (context.now - progress.heard_at() >= options.election_timeout) continue;
    const auto* sending = progress.snapshot();
    point = std::min(point, sending != nullptr ? sending->meta.last.index : progress.match());
  }
  if (point < behind(options.trailing_entries)) context.mark(Mark::compaction_held_back);
  return std::max(point, behind(std::max(options.trailing_entries, options.trailing_entries_for_followers_max)));
}

void send_chunk(Context& context, NodeId to, const SendingSnapshot& sending) {
  context.effects.snapshot_sends.push_back({to, context.state.term, sending.meta, sending.offset,
                                            context.state.options.snapshot_chunk_bytes,
                                            resting_on(context, Rests::on_term_write)});
}

void answer(Context& context, const Routing& route, LogId last, bool installed, std::uint64_t next_offset,
            Rests rests) {
  reply(context, route, InstallSnapshotReply{context.state.term, last, installed, next_offset}, rests);
}

/// Entries up to `meta.last` are in the own log, so they are the leader's, and committed: there is nothing to install,
/// and what follows them, which may be acknowledged already, stays (figure 5.3).
bool commit_by_snapshot(Context& context, LogId last) {
  if (last.index > context.state.applying.commit) {
    if (!context.state.log.matches(last)) return false;
    commit_up_to(context, last.index);
  }
  return true;
}

/// A snapshot from the leader is on its way into the state machine; the next one has to wait.
bool is_restoring(const Core::State& state) {
  return state.snapshots.publishing || state.applying.applied < newest_index(state.snapshots);
}

/// Nothing that a leader would send; bytes from the network are never asserted on.
bool is_absurd(const InstallSnapshot& request) {
  return request.meta.last.term > request.term || request.meta.last.index.value > kNumberMax ||
         request.meta.configuration.value.voters.empty();
}

/// What is rare about the log that a snapshot is to replace.
void mark_install(const Context& context, LogId last) {
  const Log& log = context.state.log;
  context.mark(log.last().index < last.index ? Mark::snapshot_over_shorter_log : Mark::snapshot_over_divergent_log);
  if (log.durable() < log.last().index) context.mark(Mark::snapshot_over_undurable_suffix);
}

/// The snapshot is here, whole, and the own log does not hold its last entry: all of the log goes (figure 5.3).
void install(Context& context, const SnapshotMeta& meta) {
  Core::State& state = context.state;
  RAFT_ASSERT(!state.log.matches(meta.last), "a log that covers the snapshot is kept");
  mark_install(context, meta.last);
  PersistBatch& write = batch(context);
  write.publish = meta;
  write.new_start = meta.last;
  if (state.log.last().index > state.log.start().index) write.truncate_from = next(state.log.start().index);
  state.log.reset_to(meta.last);
  state.configuration = meta.configuration.value;
  state.configuration_at = meta.configuration.at;
  state.applying.log_read = {};
  commit_up_to(context, meta.last.index);
  state.snapshots.publishing = PendingPublish{write.id, meta, std::nullopt, true};
  state.snapshots.incoming.reset();
}

}  // namespace

void maybe_take_snapshot(Context& context) {
  Core::State& state = context.state;
  Snapshots& snapshots = state.snapshots;
  const bool is_overtaken = snapshots.incoming && !snapshots.incoming->storing &&
                            snapshots.incoming->meta.last.index <= state.applying.handed_out;
  if (is_overtaken) {
    context.mark(Mark::snapshot_incoming_forgotten);
    snapshots.incoming.reset();
  }
  if (snapshots.is_taking || snapshots.publishing || snapshots.incoming) return;
  if (context.now < state.timers.snapshot_retry || !is_due(state)) return;
  // A snapshot covers only what the own log has durably (a crash must not leave a snapshot beyond the log's proof).
  if (state.applying.handed_out > state.log.durable()) context.mark(Mark::snapshot_waits_for_disk);
  if (state.applying.handed_out > state.log.durable() || state.applying.handed_out <= state.log.start().index) return;
  snapshots.is_taking = true;
  snapshots.is_wanted = false;
  context.effects.take_snapshot =
      TakeSnapshot{state.log.id_at(state.applying.handed_out), {state.configuration_at, state.configuration}};
}

void on_snapshot_requested(Context& context) {
  context.state.snapshots.is_wanted = true;
}

void on_snapshot_saved(Context& context, const SnapshotSaved& saved) {
  Core::State& state = context.state;
  state.snapshots.is_taking = false;
  if (saved.error) {
    context.mark(Mark::snapshot_not_saved);
    state.timers.snapshot_retry = context.now + kRetryAfterTimeouts * state.options.election_timeout;
    return;
  }
  // One from the leader may have gone past it, or have taken its place: at most one snapshot is in the making.
  if (state.snapshots.incoming || state.snapshots.publishing || saved.meta.last.index <= newest_index(state.snapshots))
    return context.mark(Mark::snapshot_given_up);
  PersistBatch& write = batch(context);
  write.publish = saved.meta;
  PendingPublish publishing{write.id, saved.meta, std::nullopt, false};
  const LogIndex point = compaction_point(context, saved.meta.last.index);
  if (point > state.log.start().index) {
    publishing.compact_to = state.log.id_at(point);
    write.new_start = publishing.compact_to;
  }
  state.snapshots.publishing = publishing;
}

void on_snapshot_persisted(Context& context, PersistId upto) {
  Core::State& state = context.state;
  auto& publishing = state.snapshots.publishing;
  if (!publishing || publishing->write > upto) return;
  const PendingPublish done = *publishing;
  publishing.reset();
  state.snapshots.newest = done.meta;
  state.snapshots.bytes_since = 0;
  state.snapshots.is_wanted = false;  // who wants a newer one asks again
  if (done.compact_to && done.compact_to->index > state.log.start().index) state.log.compact_to(*done.compact_to);
  if (!done.is_install) return;
  state.applying.handed_out = done.meta.last.index;
  context.effects.restore = RestoreSnapshot{done.meta};
}

void begin_snapshot_transfer(Context& context, NodeId to, Progress& progress) {
  const auto& newest = context.state.snapshots.newest;
  RAFT_ASSERT(newest && newest->last.index >= context.state.log.start().index, "a snapshot covers what is compacted");
  context.mark(Mark::snapshot_transfer_begun);
  progress.become_snapshot(*newest, context.now);
  send_chunk(context, to, *progress.snapshot());
}

void resend_snapshot_chunk(Context& context, NodeId to, Progress& progress) {
  const auto* sending = progress.snapshot();
  if (sending == nullptr || context.now - sending->sent_at < context.state.options.election_timeout / 2) return;
  context.mark(Mark::snapshot_chunk_repeated);
  progress.snapshot_resent(context.now);
  send_chunk(context, to, *progress.snapshot());
}

void on_install_snapshot_reply(Context& context, const Routing& route, const InstallSnapshotReply& reply) {
  Leader* leader = context.leader();
  Progress* progress = leader == nullptr ? nullptr : leader->followers.find(route.from);
  if (progress == nullptr) return;
  progress->heard(context.now, 0);
  arm_quorum_check(context);
  if (reply.installed) {
    const LogIndex last = context.state.log.last().index;
    if (reply.last.index <= last) progress->accepted(reply.last.index, last);
    return;
  }
  const auto* sending = progress->snapshot();
  // A late answer, or one about another snapshot, asks for nothing.
  if (sending == nullptr || sending->meta.last != reply.last || reply.next_offset > sending->meta.size)
    return context.mark(Mark::snapshot_answer_was_late);
  if (reply.next_offset == sending->offset) return;  // nothing new; a lost chunk is sent again in time
  if (reply.next_offset < sending->offset) {
    // A follower that has lost chunks answers no chunk but one that is sent again. Any other such answer is late or a
    // duplicate, and a chunk for each of them would be answered in turn: ever more of both.
    if (!sending->is_resent) return context.mark(Mark::snapshot_answer_was_late);
    context.mark(Mark::snapshot_transfer_rewound);
  }
  progress->snapshot_stored(reply.next_offset, context.now);
  send_chunk(context, route.from, *progress->snapshot());
}

void on_snapshot_send_failed(Context& context, const SnapshotSendFailed& failed) {
  Leader* leader = context.leader();
  Progress* progress = leader == nullptr ? nullptr : leader->followers.find(failed.to);
  if (progress == nullptr || progress->snapshot() == nullptr || progress->snapshot()->meta.last != failed.last) return;
  context.mark(Mark::snapshot_not_readable);
  const auto& newest = context.state.snapshots.newest;
  if (newest && newest->last != failed.last) return progress->become_probe();  // there is a newer one to send
  // It can't be read. Trying again at once would be a busy loop; a fresh one may do better.
  progress->snapshot_resent(context.now);
  context.state.snapshots.is_wanted = true;
}

void on_install_snapshot(Context& context, const Routing& route, const InstallSnapshot& request) {
  Core::State& state = context.state;
  Snapshots& snapshots = state.snapshots;
  const LogId last = request.meta.last;
  if (is_absurd(request)) return answer(context, route, last, false, 0, Rests::on_term_write);
  if (commit_by_snapshot(context, last)) {
    // All of it is here, if not yet durable: the answer waits for what was handed out.
    context.mark(Mark::snapshot_not_needed);
    return answer(context, route, last, true, request.meta.size, Rests::on_newest_write);
  }
  auto& incoming = snapshots.incoming;
  if (is_restoring(state) || (incoming && incoming->storing)) {
    context.mark(Mark::snapshot_chunk_waits);
    const std::uint64_t offset = incoming && incoming->meta == request.meta ? incoming->next_offset : 0;
    return answer(context, route, last, false, offset, Rests::on_term_write);
  }
  if (incoming && incoming->meta != request.meta) context.mark(Mark::snapshot_incoming_replaced);
  if (!incoming || incoming->meta != request.meta || request.offset == 0)
    incoming = IncomingSnapshot{request.meta, 0, {}};
  const std::uint64_t size = request.meta.size;
  const bool fits = request.offset == incoming->next_offset && request.data.size() <= size - request.offset &&
                    (request.data.size() > 0 || size == 0);
  if (!fits) {
    context.mark(Mark::snapshot_chunk_refused);
    return answer(context, route, last, false, incoming->next_offset, Rests::on_term_write);
  }
  incoming->storing = route;
  context.effects.snapshot_store = StoreSnapshotChunk{request};
}

void on_snapshot_chunk_stored(Context& context, const SnapshotChunkStored& stored) {
  Core::State& state = context.state;
  auto& incoming = state.snapshots.incoming;
  if (!incoming || !incoming->storing || incoming->meta.last != stored.last) return;
  const Routing route = *incoming->storing;
  const SnapshotMeta meta = incoming->meta;
  incoming->storing.reset();
  if (commit_by_snapshot(context, meta.last)) {
    // Appends went past it meanwhile.
    context.mark(Mark::snapshot_overtaken_by_appends);
    incoming.reset();
    return answer(context, route, meta.last, true, meta.size, Rests::on_newest_write);
  }
  if (stored.error) {
    context.mark(Mark::snapshot_chunk_not_stored);
    incoming.reset();
    return answer(context, route, meta.last, false, 0, Rests::on_term_write);
  }
  incoming->next_offset = stored.next_offset;
  const bool is_whole = stored.next_offset == meta.size;
  if (is_whole) install(context, meta);
  answer(context, route, meta.last, is_whole, stored.next_offset,
         is_whole ? Rests::on_newest_write : Rests::on_term_write);
}

}  // namespace libraft::core
