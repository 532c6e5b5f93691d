// Messages that came out: whether the node may say so, and whether they wait for the writes that they rest on.
#include "testkit/specification/specification.hpp"

#include <algorithm>

namespace libraft::testkit {

void Specification::judge_messages(const Effects& effects) {
  std::size_t replies = 0;
  for (const Outgoing& sent : effects.messages) {
    const MessageBody& body = sent.message.body;
    judge_route(sent.message);
    if (!is_request(body)) {
      ++replies;
      must(is_reply_due(sent.message), "a reply to node {} answers nothing that came", sent.message.route.to.value);
    }
    judge_term(sent);
    std::visit([&](const auto& alternative) { judge_sent(sent, alternative); }, body);
  }
  const bool is_due = (turn_.request != nullptr && !turn_.is_stored) || turn_.chunk_route;
  must(!effects.snapshot_store || turn_.is_stored, "a chunk is stored that did not come now (figure 5.3)");
  must(replies == (is_due ? 1 : 0) || (turn_.is_ignorable && replies == 0), "{} replies leave, and must be {}", replies,
       is_due ? 1 : 0);
  for (const SendSnapshotChunk& chunk : effects.snapshot_sends) {
    must(role_ == Role::leader && chunk.term == term_, "a snapshot is sent by a node that does not lead (figure 5.3)");
    must(chunk.meta.last <= disk_.snapshot(), "a snapshot up to {} is sent that is not on disk (figure 5.3)",
         chunk.meta.last.index.value);
    must(leadership_.followers.count(chunk.to) > 0, "a snapshot is sent to node {}, which is no member",
         chunk.to.value);
    judge_rests(chunk.after, disk_.of_term(), "the term");
  }
}

/// A message states the term of its sender, which is on disk (§3.3). A pre-vote claims nothing: it proposes one (§9.6).
/// The answer to a TimeoutNow may still be of the term before the election that follows from it (§3.10).
void Specification::judge_term(const Outgoing& sent) {
  const MessageBody& body = sent.message.body;
  if (std::holds_alternative<PreVote>(body)) return;
  const Term term = term_of(body);
  const bool is_before = std::holds_alternative<TimeoutNowReply>(body) && turn_.request != nullptr &&
                         term == term_of(turn_.request->body) && term == turn_.hard_state.term;
  must(term == term_ || is_before, "message {} of term {} leaves in term {} (§3.3)", body.index(), term.value,
       term_.value);
  judge_rests(sent.after, is_before ? turn_.of_term : disk_.of_term(), "the term");
}

/// Persist, then promise: the write is done, or the message waits for it (§3.8).
void Specification::judge_rests(PersistId after, PersistId write, const char* what) {
  must(disk_.is_done(write) || after >= write, "a message waits for write {}, and {} is only in write {} (§3.8)",
       after.value, what, write.value);
}

void Specification::judge_route(const Message& message) {
  const Routing& route = message.route;
  // Cluster, group and the sender's incarnation are put in by who carries the message.
  must(route.from == self_.node, "a message says that it comes from node {}", route.from.value);
  must(route.to != self_.node && route.to != NodeId{}, "a message goes to its sender");
  must(!is_request(message.body) || route.exchange == 0, "a request says that it is a reply");
}

/// A reply answers the request that came in this step, or the chunk of a snapshot that is stored now. (Bodies
/// alternate: a request, then its reply.)
bool Specification::is_reply_due(const Message& reply) {
  const bool is_of_chunk = turn_.chunk_route && std::holds_alternative<InstallSnapshotReply>(reply.body);
  if (!is_of_chunk && (turn_.request == nullptr || reply.body.index() != turn_.request->body.index() + 1)) return false;
  const Routing& asked = is_of_chunk ? *turn_.chunk_route : turn_.request->route;
  return reply.route.to == asked.from && reply.route.to_incarnation == asked.from_incarnation &&
         reply.route.exchange == asked.exchange;
}

void Specification::judge_sent(const Outgoing& sent, const PreVote& ask) {
  must(role_ == Role::pre_candidate && ask.term == Term{term_.value + 1} && ask.last == log_.last(),
       "a pre-vote for term {} with a log up to {} leaves a {} of term {} with one up to {} (§9.6)", ask.term.value,
       ask.last.index.value, to_string(role_), term_.value, log_.last().index.value);
  must(is_voter(sent.message.route.to), "node {} is asked for a pre-vote, and is no voter",
       sent.message.route.to.value);
}

void Specification::judge_sent(const Outgoing&, const PreVoteReply& reply) {
  const auto* asked = turn_.request == nullptr ? nullptr : std::get_if<PreVote>(&turn_.request->body);
  if (asked == nullptr) return;
  must(reply.proposed == asked->term, "a pre-vote for term {} is answered for term {} (§9.6)", asked->term.value,
       reply.proposed.value);
  must(!reply.granted || turn_.grant != Verdict::no, "a pre-vote in term {} is granted that must be refused (§9.6)",
       asked->term.value);
  must(reply.granted || turn_.grant != Verdict::yes, "a pre-vote in term {} is refused that must be granted (§9.6)",
       asked->term.value);
}

void Specification::judge_sent(const Outgoing& sent, const RequestVote& ask) {
  must(role_ == Role::candidate && ask.last == log_.last(),
       "a {} of term {} with a log up to {} asks for a vote with one up to {} (§3.4, §3.6.1)", to_string(role_),
       term_.value, log_.last().index.value, ask.last.index.value);
  must(ask.leadership_transfer == candidacy_.is_transfer,
       "an election in term {} {} called a transfer of leadership (§3.10)", term_.value,
       candidacy_.is_transfer ? "is not" : "is");
  must(is_voter(sent.message.route.to), "node {} is asked for a vote, and is no voter", sent.message.route.to.value);
}

void Specification::judge_sent(const Outgoing& sent, const RequestVoteReply& reply) {
  const NodeId to = sent.message.route.to;
  must(!reply.granted || (turn_.grant != Verdict::no && vote_ == to),
       "a vote for node {} in term {} is granted although the log ends later, or another vote was given (§3.6.1)",
       to.value, term_.value);
  must(reply.granted || turn_.grant != Verdict::yes,
       "a vote for node {} in term {} is refused although the log ends no later and no other vote was given (§3.6.1)",
       to.value, term_.value);
}

/// A leader sends what its log has (§3.5).
void Specification::judge_sent(const Outgoing& sent, const AppendEntries& append) {
  must(role_ == Role::leader, "a {} of term {} sends entries (§3.5)", to_string(role_), term_.value);
  must(leadership_.followers.count(sent.message.route.to) > 0, "entries go to node {}, which is no member",
       sent.message.route.to.value);
  const bool proves_nothing = append.previous == LogId{} && append.entries.empty();
  must(proves_nothing || log_.has(append.previous), "entries follow {} of term {}, which the log has not (§3.5)",
       append.previous.index.value, append.previous.term.value);
  LogIndex last = append.previous.index;
  for (const Entry& entry : append.entries) {
    must(entry.id.index == next(last) && log_.has(entry.id),
         "entry {} of term {} is sent, which the log has not (§3.5)", entry.id.index.value, entry.id.term.value);
    last = entry.id.index;
  }
  must(append.commit <= commit_, "{} is said to be committed, and {} is (§3.5)", append.commit.value, commit_.value);
  leadership_.read_sequence = std::max(leadership_.read_sequence, append.read_sequence);
}

void Specification::judge_sent(const Outgoing& sent, const AppendEntriesReply& reply) {
  const auto* asked = turn_.request == nullptr ? nullptr : std::get_if<AppendEntries>(&turn_.request->body);
  if (asked == nullptr) return;
  must(reply.accepted == turn_.accepts, "an append after {} of term {} is {} (§3.5)", asked->previous.index.value,
       asked->previous.term.value, reply.accepted ? "accepted" : "refused");
  must(reply.read_sequence == (asked->term == term_ ? asked->read_sequence : 0),
       "a reply repeats read sequence {}, and was asked with {} (§6.4)", reply.read_sequence, asked->read_sequence);
  if (reply.accepted) {
    // Without entries the reply may leave at once: it then claims no more than is on disk already.
    const LogIndex end{asked->previous.index.value + asked->entries.size()};
    const bool claims_less = asked->entries.empty() && reply.match == std::min(end, durable());
    must(reply.match == end || claims_less, "an append up to {} is accepted up to {} (§3.5)", end.value,
         reply.match.value);
    judge_rests(sent.after, disk_.write_of(reply.match), "what it accepts");
    return;
  }
  must(reply.rejected == asked->previous.index, "a refusal repeats {}, and {} was asked (§3.5)", reply.rejected.value,
       asked->previous.index.value);
  must(reply.hint.index <= reply.rejected && (asked->term < term_ || reply.hint == LogId{} || log_.has(reply.hint)),
       "a refusal of {} hints at {} of term {}, which the log has not (§3.5)", reply.rejected.value,
       reply.hint.index.value, reply.hint.term.value);
}

void Specification::judge_sent(const Outgoing&, const InstallSnapshot&) {
  must(false, "a chunk of a snapshot leaves without being read from disk (figure 5.3)");
}

/// Installed: the log or the snapshot on disk covers all of it (figure 5.3).
void Specification::judge_sent(const Outgoing& sent, const InstallSnapshotReply& reply) {
  const auto* asked = turn_.request == nullptr ? nullptr : std::get_if<InstallSnapshot>(&turn_.request->body);
  const LogId last = asked != nullptr ? asked->meta.last : turn_.chunk_last;
  must(reply.last == last, "a chunk of the snapshot up to {} is answered for {} (figure 5.3)", last.index.value,
       reply.last.index.value);
  if (!reply.installed) {
    const bool is_known = receiving_ && receiving_->meta.last == last;
    must(reply.next_offset <= (is_known ? receiving_->end : 0),
         "a chunk at {} is asked for, and what comes before it is missing (figure 5.3)", reply.next_offset);
    return;
  }
  must(last.index <= commit_ || log_.has(last), "a snapshot up to {} is said to be installed, and is not (figure 5.3)",
       last.index.value);
  judge_rests(sent.after, disk_.write_of(last.index), "what the snapshot covers");
}

/// Leadership goes to a follower that has everything (§3.10).
void Specification::judge_sent(const Outgoing& sent, const TimeoutNow&) {
  const NodeId to = sent.message.route.to;
  const auto follower = leadership_.followers.find(to);
  must(role_ == Role::leader && is_voter(to) && follower != leadership_.followers.end() &&
           follower->second.match == log_.last().index,
       "node {} is told to campaign, and has not the whole log (§3.10)", to.value);
  bool is_wanted = false;
  for (auto& [id, transfer] : transfers_) {
    if (transfer.target && transfer.target != to) continue;
    is_wanted = transfer.is_asked = true;
  }
  must(is_wanted, "node {} is told to campaign, and nobody asked for it (§3.10)", to.value);
}

}  // namespace libraft::testkit
