#include "node/driver.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace libraft::node {
namespace {

std::vector<Peer> others(const Configuration& configuration, NodeId self) {
  std::vector<Peer> peers;
  for (const auto* group : {&configuration.voters, &configuration.outgoing_voters, &configuration.learners}) {
    for (const Peer& peer : *group) {
      const bool is_known =
          std::any_of(peers.begin(), peers.end(), [&](const Peer& known) { return known.id == peer.id; });
      if (peer.id != self && !is_known) peers.push_back(peer);
    }
  }
  return peers;
}

}  // namespace

Driver::Driver(const NodeOptions& options, const Parts& parts, const CoreStart& start, LogId applied)
    : options_(options),
      transport_(parts.transport),
      runtime_(parts.runtime),
      reporter_(parts.reporter),
      host_(parts.host),
      self_(start.recovered.identity.node),
      core_(options.core, start),
      status_(core_.status()),
      persist_(parts.storage, parts.runtime,
               {options.write_bytes_max, options.no_space_retry_interval, options.disk_stall_max}, *this,
               parts.reporter.metrics()),
      log_reader_(parts.storage, parts.runtime, *this),
      sender_(parts.transport, start.recovered.identity, parts.reporter.metrics()),
      apply_(parts.machine, parts.storage, parts.runtime,
             {options.core.apply_entries_max, options.core.apply_bytes_max}, applied, *this),
      snapshots_(parts.storage, parts.runtime, *this),
      concluded_snapshot_(status_.snapshot),
      pending_(*this) {}

void Driver::announce_peers() {
  announced_ = core_.configuration();
  const std::vector<Peer> peers = others(announced_, self_);
  transport_.set_peers(peers);
}

// Events.

void Driver::end_round() {
  is_in_round_ = false;
  if (!is_running_) run();
}

void Driver::deliver(Event event) {
  if (is_closed_) return;
  events_.push_back(std::move(event));
  if (!is_running_ && !is_in_round_) run();
}

void Driver::run() {
  is_running_ = true;
  do {
    try {
      run_round();
    } catch (const InvariantViolation& violation) {
      fail(errc::invariant_violated, violation.what());
    } catch (const std::exception& exception) {
      fail(errc::invariant_violated, std::string("an exception nobody expected: ") + exception.what());
    }
  } while (!events_.empty() && !is_closed_);
  is_running_ = false;
  host_.on_settled();
}

void Driver::run_round() {
  hand_over();
  while (!events_.empty() && !is_closed_) {
    const Event event = std::move(events_.front());
    events_.pop_front();
    step(event);
  }
  if (!is_closed_) sender_.flush();
  host_.on_round();
  conclude_applied();
  conclude_snapshots();
}

void Driver::step(const Event& event) {
  const CoreStatus before = status_;
  core_.step(runtime_.now(), event, effects_);
  status_ = core_.status();
  if (effects_.proposal) settle_proposal(*effects_.proposal);
  if (effects_.persist && effects_.persist->truncate_from) {
    reporter_.on_truncated(*effects_.persist->truncate_from, before.log_last);
  }
  carry_out();
  follow_up(before);
}

void Driver::settle_proposal(const ProposalOutcome& outcome) {
  ProposalGroup group = std::move(proposals_.front());
  proposals_.pop_front();
  gathered_ -= group.requests.size();
  (outcome.error ? reporter_.metrics().proposals_refused : reporter_.metrics().proposals) += group.requests.size();
  LogId id = outcome.first;
  for (ProposeRequest& request : group.requests) {
    if (outcome.error) {
      end_with(request.done, outcome.error);
    } else {
      pending_.add_proposal(id, std::move(request));
      ++id.index.value;
    }
  }
}

/// Persist and send start side by side: a message that rests on the write waits for it in the send pipeline.
void Driver::carry_out() {
  if (effects_.persist) carry_out(*std::move(effects_.persist));
  for (Outgoing& outgoing : effects_.messages) sender_.submit(std::move(outgoing));
  for (const ReadLog& read : effects_.log_reads) log_reader_.submit(read);
  if (effects_.restore) apply_.restore(effects_.restore->meta);
  for (Entries& entries : effects_.apply) apply_.apply(std::move(entries));
  if (effects_.take_snapshot) apply_.capture(*effects_.take_snapshot);
  for (const SendSnapshotChunk& chunk : effects_.snapshot_sends) snapshots_.send(chunk);
  if (effects_.snapshot_store) snapshots_.store(*std::move(effects_.snapshot_store));
  for (const ReadOutcome& outcome : effects_.reads) {
    if (outcome.error) {
      pending_.on_read_refused(outcome.id, outcome.error);
    } else {
      pending_.on_read_confirmed(outcome.id, outcome.index, apply_.applied().index);
    }
  }
  for (const TransferOutcome& outcome : effects_.transfers) {
    // Handed over is done when the other one is known to lead. (Handed to itself, a leader is done at once.)
    if (outcome.error || is_leader()) {
      pending_.on_transfer_ended(outcome.id, outcome.error);
    } else {
      pending_.on_transfer_accepted(outcome.id);
    }
  }
}

void Driver::carry_out(PersistBatch batch) {
  if (batch.hard_state) sender_.drop_older_than(batch.hard_state->term);
  std::unique_ptr<SnapshotWriter> snapshot;
  if (batch.publish) snapshot = snapshots_.take_finished(*batch.publish);
  persist_.submit(std::move(batch), std::move(snapshot));
}

void Driver::follow_up(const CoreStatus& before) {
  reporter_.on_step(before, status_);
  const bool was_leader = before.role == Role::leader;
  if (was_leader && (!is_leader() || status_.term != before.term)) pending_.on_leadership_lost(before.commit);
  if (status_.leader) pending_.on_leader_known(*status_.leader, self_);
  // A snapshot from the leader may bring other members.
  if (status_.commit != before.commit && core_.configuration() != announced_) announce_peers();
}

void Driver::conclude_applied() {
  // Telling one may bring the next round, which adds to the list.
  std::vector<AppliedEntries> applied;
  applied.swap(applied_);
  for (AppliedEntries& entries : applied) {
    if (pending_.has_proposals()) {
      auto command = entries.batch->begin();
      for (const Entries& run : entries.runs) {
        for (const Entry& entry : run) {
          const bool is_command = entry.kind == EntryKind::command;
          pending_.on_entry_applied(entry.id, is_command ? (command++)->take_reply() : Bytes());
        }
      }
    }
    pending_.on_applied(entries.last().index);
  }
}

void Driver::conclude_snapshots() {
  if (concluded_snapshot_ == status_.snapshot) return;
  concluded_snapshot_ = status_.snapshot;
  if (!pending_.has_snapshot_waits()) return;
  pending_.on_snapshot_published(concluded_snapshot_);
  // One that was under way already was not new enough for all.
  if (pending_.has_snapshot_waits()) deliver(SnapshotRequested{});
}

void Driver::fail(std::error_code error, std::string reason) {
  if (is_closed_) return;
  close();
  host_.on_driver_failed({error, std::move(reason)});
}

// Time.

void Driver::on_time(TimePoint now) {
  if (is_closed_) return;
  begin_round();
  pending_.on_time(now);
  persist_.on_time(now);
  snapshots_.on_time(now);
  if (is_leader() && persist_.stall_deadline() <= now) {
    persist_.acknowledge_stall();
    reporter_.on_disk_stall();
    deliver(StepDownRequested{});
  }
  if (core_.next_deadline() <= now) deliver(TimeAdvanced{});
  end_round();
}

TimePoint Driver::next_deadline() {
  if (is_closed_) return kNever;
  const TimePoint stall = is_leader() ? persist_.stall_deadline() : kNever;
  return std::min(
      {core_.next_deadline(), pending_.next_deadline(), persist_.next_deadline(), snapshots_.next_deadline(), stall});
}

// The end.

void Driver::close() {
  is_closed_ = true;
  events_.clear();
  persist_.close();
  log_reader_.close();
  apply_.close();
  snapshots_.close();
}

void Driver::end_requests(std::error_code harmless) {
  // Applied is applied, even if the end came before it was told.
  conclude_applied();
  if (!proposals_group_.requests.empty()) proposals_.push_back(std::exchange(proposals_group_, {}));
  std::deque<ProposalGroup> groups;
  groups.swap(proposals_);
  gathered_ = 0;
  for (ProposalGroup& group : groups) {
    for (ProposeRequest& request : group.requests) end_with(request.done, harmless);
  }
  pending_.end_all(harmless);
}

void Driver::release() noexcept {
  persist_.release();
  snapshots_.release();
}

// What the pipelines tell.

void Driver::on_persisted(PersistId upto) {
  sender_.on_persisted(upto);
  deliver(Persisted{upto});
}

void Driver::on_published(const SnapshotMeta& meta) {
  snapshots_.on_published();
  if (received_snapshot_ != meta.last) reporter_.on_snapshot_taken(meta.last);
}

void Driver::on_disk_full() {
  reporter_.on_disk_full();
  if (is_leader()) deliver(StepDownRequested{});
}

/// Without an event there is no round at whose end the timer would be set.
void Driver::on_retry_set() {
  if (!is_running_ && !is_in_round_) host_.on_settled();
}

void Driver::on_write_failed(std::error_code error, std::string detail) {
  fail(error, "the storage could not write: " + (detail.empty() ? error.message() : detail));
}

void Driver::on_log_read(LogRead answer) {
  deliver(std::move(answer));
}

void Driver::on_read_failed(std::error_code error, std::string detail) {
  fail(error, "the storage could not read the log: " + (detail.empty() ? error.message() : detail));
}

void Driver::on_applied(AppliedEntries& applied) {
  if (is_closed_) return;
  const LogIndex last = applied.last().index;
  for (const Entries& run : applied.runs) reporter_.metrics().entries_applied += run.size();
  // Told at the end of the round, when the node's status shows it too.
  applied_.push_back(std::move(applied));
  deliver(EntriesApplied{last});
}

void Driver::on_restored(const SnapshotMeta& meta) {
  if (is_closed_) return;
  received_snapshot_.reset();
  reporter_.on_snapshot_installed(meta.last);
  conclude_applied();
  pending_.on_entries_skipped(meta.last.index);
  deliver(EntriesApplied{meta.last.index});
  pending_.on_applied(meta.last.index);
}

void Driver::on_captured(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task) {
  snapshots_.save(what, std::move(task));
}

void Driver::on_answered(RequestId id, Result<Bytes> answer, LogId seen) {
  pending_.on_query_answered(id, std::move(answer), seen);
  if (!is_running_ && !is_in_round_) host_.on_settled();
}

void Driver::on_apply_failed(std::error_code error, std::string detail) {
  fail(error, std::move(detail));
}

void Driver::on_snapshot_saved(SnapshotSaved saved) {
  if (saved.error) {
    reporter_.on_snapshot_not_saved(saved.error);
    pending_.on_snapshot_refused(saved.error);
  }
  deliver(std::move(saved));
}

void Driver::on_chunk_stored(SnapshotChunkStored stored) {
  if (!stored.error) received_snapshot_ = stored.last;
  deliver(stored);
}

void Driver::on_chunk_read(const SendSnapshotChunk& send, Bytes data) {
  // Read for a leadership that is over: nobody would understand it.
  if (is_closed_ || !is_leader() || status_.term != send.term) return;
  if (send.offset + data.size() == send.meta.size) ++reporter_.metrics().snapshots_sent;
  Outgoing outgoing;
  outgoing.message.route.to = send.to;
  outgoing.message.body = InstallSnapshot{send.term, send.meta, send.offset, std::move(data)};
  outgoing.after = send.after;
  sender_.submit(std::move(outgoing));
  if (!is_running_ && !is_in_round_) run();
}

void Driver::on_chunk_not_read(SnapshotSendFailed failed) {
  deliver(failed);
}

void Driver::on_snapshot_failed(std::error_code error, std::string detail) {
  fail(error, std::move(detail));
}

void Driver::start_query(RequestId id, std::string query) {
  apply_.query(id, std::move(query));
}

}  // namespace libraft::node
