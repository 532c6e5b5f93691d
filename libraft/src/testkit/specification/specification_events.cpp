// Events other than messages: time, the disk, the state machine, requests, snapshots.
#include "testkit/specification/specification.hpp"

#include <algorithm>

namespace libraft::testkit {

/// An election timeout may fire (§3.4), by way of a pre-vote if that is on (§9.6); a leader that hears of no quorum may
/// step down (§6.2).
void Specification::take(const CoreStep& step, const TimeAdvanced&) {
  const CoreStatus& after = step.after;
  if (role_ == Role::leader) {
    if (after.role == Role::leader || !options_.check_quorum) return;
    role_ = Role::follower;
    leader_.reset();
    return;
  }
  if (!after.leader) leader_.reset();
  if (!is_voter(self_.node)) return;
  if (!options_.pre_vote) {
    if (after.term != term_ && after.role == Role::candidate) campaign();
    return;
  }
  const bool asks = std::any_of(step.effects.messages.begin(), step.effects.messages.end(), [](const Outgoing& sent) {
    return std::holds_alternative<PreVote>(sent.message.body);
  });
  if (!asks && after.role != Role::pre_candidate && after.term == term_) return;
  if (role_ != Role::pre_candidate) candidacy_.pre_votes = {};
  if (asks || role_ != Role::pre_candidate) candidacy_.pre_votes.counted = candidacy_.pre_votes.refused = {};
  candidacy_.pre_votes.add(self_.node, true);
  role_ = Role::pre_candidate;
  conclude_pre_vote(step);
}

void Specification::take(const CoreStep&, const Persisted& persisted) {
  disk_.on_persisted(persisted.upto);
  // What is dropped on disk is gone from then on.
  if (disk_.start().index > log_.start().index) log_.begin_after(disk_.start());
}

void Specification::take(const CoreStep&, const EntriesApplied& applied) {
  applied_ = std::max(applied_, std::min(applied.upto, handed_out_));
}

/// A leader appends all or nothing, in its term (§3.5).
void Specification::take(const CoreStep& step, const Propose& propose) {
  const auto& outcome = step.effects.proposal;
  if (!must(outcome.has_value(), "a proposal has no outcome")) return;
  const bool is_other_term = propose.only_in_term && *propose.only_in_term != term_;
  const bool is_too_large = std::any_of(propose.commands.begin(), propose.commands.end(), [&](const Bytes& command) {
    return command.size() > options_.command_bytes_max;
  });
  if (outcome->error) {
    const std::error_code error = outcome->error;
    must(error != errc::not_leader || role_ != Role::leader, "a leader refuses a proposal as not_leader");
    must(error != errc::wrong_term || is_other_term, "a proposal for this term is refused as wrong_term");
    must(error != errc::command_too_large || is_too_large, "a short command is refused as too large");
    must(error != errc::transfer_in_progress || !transfers_.empty(), "a proposal is refused without a transfer");
    must(role_ == Role::leader || error == condition::retry_safe || is_too_large,
         "a proposal to a node that does not lead ends with {}", error.message());
    return;
  }
  must(role_ == Role::leader, "a node that does not lead takes a proposal (§3.5)");
  must(transfers_.empty(), "a proposal is taken while leadership is handed over (§3.10)");
  must(!is_other_term, "a proposal for term {} is appended in term {}", propose.only_in_term.value_or(Term{}).value,
       term_.value);
  must(!is_too_large, "a command of more than {} bytes is appended", options_.command_bytes_max);
  must(outcome->count == propose.commands.size(), "{} of {} commands are appended", outcome->count,
       propose.commands.size());
  must(propose.commands.empty() || outcome->first == LogId{next(log_.last().index), term_},
       "a proposal is said to begin at {}, and begins at {} (§3.5)", outcome->first.index.value,
       log_.last().index.value + 1);
  turn_.commands = propose.commands;
  turn_.appended = propose.commands.size();
  for (std::uint64_t i = 0; i < turn_.appended; ++i) log_.append(term_);
}

void Specification::take(const CoreStep&, const ReadIndexRequested& read) {
  reads_[read.id] = {commit_, leadership_.read_sequence};
}

void Specification::take(const CoreStep&, const TransferRequested& transfer) {
  transfers_[transfer.id] = {transfer.target, false};
}

/// It becomes the newest, unless a leader has offered one meanwhile.
void Specification::take(const CoreStep& step, const SnapshotSaved& saved) {
  const bool is_wanted = taking_ == saved.meta.last && !is_offered_ && saved.meta.last > disk_.newest_snapshot();
  if (!saved.error && is_wanted) {
    must(step.effects.persist && step.effects.persist->publish, "a snapshot up to {} is saved and not published (§5.1)",
         saved.meta.last.index.value);
  }
}

void Specification::take(const CoreStep& step, const SnapshotChunkStored& stored) {
  if (!receiving_ || !receiving_->route || receiving_->meta.last != stored.last) return;
  turn_.chunk_route = receiving_->route;
  turn_.chunk_last = stored.last;
  receiving_->route.reset();
  receiving_->end = stored.next_offset;
  know_committed(step, stored.last);
  if (!stored.error && stored.next_offset < receiving_->meta.size) return;
  const Receiving whole = *receiving_;
  receiving_.reset();
  if (!stored.error) install(step, whole);
}

/// A whole snapshot: what the own log has of it stays, else the log begins anew after it (figure 5.3). If another term
/// has begun since, its leader may send another one.
void Specification::install(const CoreStep& step, const Receiving& whole) {
  const LogId last = whole.meta.last;
  const bool is_published = step.effects.persist && step.effects.persist->publish == whole.meta;
  if (last.index <= log_.start().index || log_.has(last)) {
    if (step.after.commit == last.index) commit_ = std::max(commit_, last.index);
    return;
  }
  const bool is_due = role_ == Role::follower && whole.term == term_;
  if (!is_published && !is_due) return;
  must(last.index > commit_, "a snapshot up to {} contradicts what is committed up to {} (figure 5.3)",
       last.index.value, commit_.value);
  if (!must(is_published, "a whole snapshot up to {} is not installed (figure 5.3)", last.index.value)) return;
  turn_.is_installed = true;
  commit_ = last.index;
  configuration_ = whole.meta.configuration.value;
}

void Specification::take(const CoreStep&, const StepDownRequested&) {
  if (role_ != Role::leader) return;
  leader_.reset();
  role_ = Role::follower;
}

}  // namespace libraft::testkit
