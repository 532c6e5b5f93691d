// Marks: how often the rare and dangerous paths of the protocol were taken, counted where they are taken. A simulation
// that never came by one of them has not tested it.
#pragma once

#include <libraft/export.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace libraft::core {

enum class Mark : std::uint8_t {
  // Elections (thesis §3.4, §4.2.3, §9.6).
  pre_vote_denied_beside_leader,  ///< a pre-vote was refused because a leader was heard lately
  pre_vote_denied_by_newer_log,   ///< a pre-vote was refused because the own log is newer
  pre_vote_lost,                  ///< a quorum refused the pre-vote
  pre_vote_undecided,             ///< a pre-vote timed out without a quorum either way
  pre_vote_reply_raised_term,     ///< the answer to a pre-vote brought a higher term
  pre_candidate_found_leader,     ///< the term's leader spoke to a node that was asking for pre-votes
  vote_denied_beside_leader,      ///< a vote was refused before the term gate: a leader was heard lately
  vote_denied_by_newer_log,       ///< a vote was refused because the own log is newer
  vote_denied_as_given,           ///< a vote was refused because the term's vote was given to another
  vote_repeated,                  ///< the same candidate asked again and got the same vote
  vote_for_transfer,              ///< a vote was given beside a live leader, which asked for that election
  election_lost,                  ///< a quorum refused the vote
  election_timed_out,             ///< a candidate's election ended without a winner
  vote_write_overtaken,           ///< an older write completed while a candidate waited for its own vote's
  candidate_found_leader,         ///< another won the term that this node campaigned in
  leader_deposed,                 ///< a leader met a higher term
  leader_without_quorum,          ///< a leader heard no quorum for an election timeout and stepped down
  leader_with_bad_disk,           ///< a leader stepped down because its disk was full or stalled
  stale_request_answered,         ///< a request of an older term got its reply
  stale_reply_dropped,            ///< a reply of an older term was dropped
  // Following (§3.5).
  append_beyond_log,          ///< an append was refused: the log ends before its previous entry
  append_over_divergent_log,  ///< an append was refused: its previous entry has another term
  append_hint_skipped_term,   ///< a refusal's hint went back over more than one entry
  append_was_known,           ///< an append brought nothing new: a repeated or a late one
  append_shorter_than_log,    ///< an append ended before the log does, and nothing was cut
  append_before_own_start,    ///< an append began before the own log's start: compacted here already
  append_during_install,      ///< an append came while an installed snapshot waits for its write
  undurable_suffix_cut,       ///< a conflict cut entries whose write was still under way
  durable_suffix_cut,         ///< a conflict cut entries that were durable
  commit_beyond_append,       ///< the leader's commit lay beyond what the append proved
  reply_claims_durable_only,  ///< an append without entries proved more than is durable: the reply claimed less
  // Replication (§3.5, §10.2.1).
  refusal_moved_next,        ///< a follower's refusal moved the leader back
  refusal_was_late,          ///< a refusal came too late to mean anything
  refusal_skipped_term,      ///< the leader skipped entries that can't agree, by term
  window_full,               ///< the window of a follower was full
  log_read_for_follower,     ///< a follower needs entries that are no longer in memory
  log_read_for_apply,        ///< the state machine needs entries that are no longer in memory
  log_read_was_late,         ///< entries came from storage for a follower that had moved on
  log_read_failed,           ///< entries for a follower could not be read: compacted meanwhile
  loss_reported,             ///< the transport said that messages to a follower were lost
  commit_announced,          ///< an idle follower was told of a commit ahead of the heartbeat
  proposal_overloaded,       ///< a proposal was refused: too much is not applied
  proposal_during_transfer,  ///< a proposal was refused: leadership is on its way
  // Commit and apply (§3.6.2).
  commit_before_own_write,   ///< a quorum of others committed an entry before the leader's own disk had it
  old_term_not_counted,      ///< a quorum had an entry of an older term, and it was not committed (Figure 3.7)
  old_term_committed_along,  ///< entries of older terms were committed by the first of the leader's own
  apply_queue_full,          ///< committed entries wait because the state machine has enough to do
  apply_waits_for_install,   ///< committed entries wait for a snapshot that is being installed
  // Reads (§6.4).
  read_waits_for_noop,        ///< a read waits for the first commit of the leader's term
  read_waits_for_round,       ///< a read came while a round was under way
  read_lost_with_leadership,  ///< a leader lost its role while reads waited
  // Handing over (§3.10).
  transfer_asked,      ///< the target of a transfer has everything and was told to campaign
  transfer_timed_out,  ///< a transfer took too long
  transfer_done,       ///< the leader lost its role to an election that it had asked for
  transfer_overtaken,  ///< the leader lost its role before it could ask for an election
  transfer_obeyed,     ///< a node campaigned because its leader asked
  // Snapshots (§5).
  snapshot_waits_for_disk,         ///< a snapshot is due, but what is applied is not durable here yet
  snapshot_given_up,               ///< an own snapshot was ready, and one from the leader had gone past it
  snapshot_not_saved,              ///< an own snapshot could not be written
  compaction_held_back,            ///< a live follower's need kept entries that a snapshot covers
  snapshot_transfer_begun,         ///< a follower needs compacted entries: it gets a snapshot
  snapshot_chunk_repeated,         ///< a chunk of a snapshot was sent once more
  snapshot_transfer_rewound,       ///< the follower asked for an earlier part of the snapshot
  snapshot_answer_was_late,        ///< an answer about another snapshot than the one being sent
  snapshot_not_readable,           ///< a snapshot to be sent could not be read
  snapshot_not_needed,             ///< a snapshot arrived whose entries are in the own log
  snapshot_chunk_refused,          ///< a chunk that does not fit to what is there was refused
  snapshot_chunk_waits,            ///< a chunk was refused because another is being written or restored
  snapshot_incoming_replaced,      ///< another snapshot took the place of one that was coming in
  snapshot_overtaken_by_appends,   ///< appends went past a snapshot while its chunk was written
  snapshot_incoming_forgotten,     ///< appends went past a snapshot between its chunks
  snapshot_chunk_not_stored,       ///< a chunk could not be written
  snapshot_over_shorter_log,       ///< a snapshot was installed beyond the end of the log
  snapshot_over_divergent_log,     ///< a snapshot was installed over entries that conflict with it
  snapshot_over_undurable_suffix,  ///< a snapshot was installed while a write of the log was under way
  // Restart.
  restart_with_vote,      ///< a node started with a vote given in its term
  restart_with_snapshot,  ///< a node started with a snapshot
  restart_with_log,       ///< a node started with entries beyond what it knows to be committed
};
inline constexpr std::size_t kMarkCount = static_cast<std::size_t>(Mark::restart_with_log) + 1;

/// As in the enumeration: "snapshot_over_divergent_log".
[[nodiscard]] LIBRAFT_EXPORT std::string_view name_of(Mark mark);

/// Counts what happened and says nothing about what is: two states with different counts may well be equal.
class Marks {
 public:
  void hit(Mark mark) {
    ++counts_[static_cast<std::size_t>(mark)];
    ++total_;
  }
  [[nodiscard]] std::uint32_t count(Mark mark) const { return counts_[static_cast<std::size_t>(mark)]; }
  /// Of all marks: equal totals of one Core mean equal counts.
  [[nodiscard]] std::uint64_t total() const { return total_; }

  friend bool operator==(const Marks&, const Marks&) { return true; }

 private:
  std::array<std::uint32_t, kMarkCount> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace libraft::core
