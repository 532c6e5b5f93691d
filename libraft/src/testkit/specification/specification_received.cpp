// Messages that came in, and what the receiver must make of them.
#include "testkit/specification/specification.hpp"

#include <algorithm>

namespace libraft::testkit {
namespace {

// No cluster comes to such terms: a message that states one may be taken for damaged.
constexpr Term kTermMax{std::uint64_t{1} << 40};

/// Entries of a leader follow `previous`, and their terms never fall (§3.5).
bool is_contiguous(const AppendEntries& append) {
  LogId last = append.previous;
  for (const Entry& entry : append.entries) {
    if (entry.id.index != next(last.index) || entry.id.term < last.term || entry.id.term > append.term) return false;
    last = entry.id;
  }
  return append.previous.term <= append.term;
}

bool makes_sense(const Message& message, NodeId self) {
  const auto* append = std::get_if<AppendEntries>(&message.body);
  return message.route.from != self && message.route.from != NodeId{} && term_of(message.body) < kTermMax &&
         (term_of(message.body) != Term{} || !is_request(message.body)) &&
         (append == nullptr || is_contiguous(*append));
}

}  // namespace

void Specification::take(const CoreStep& step, const MessageReceived& received) {
  const Message& message = received.message;
  if (is_request(message.body)) turn_.request = &message;
  if (!makes_sense(message, self_.node)) {
    turn_.is_ignorable = true;
    if (step.after.term == now_.term) return;
  }
  // A PreVote changes nothing, and a RequestVote has a rule of its own.
  if (!std::holds_alternative<PreVote>(message.body) && !std::holds_alternative<RequestVote>(message.body)) {
    update_term(term_of(message.body));
  }
  std::visit([&](const auto& body) { receive(step, message.route.from, body); }, message.body);
}

/// Yes, if the receiver would vote and has not heard of a leader lately (§9.6).
void Specification::receive(const CoreStep&, NodeId from, const PreVote& asked) {
  const bool could_vote = asked.term > term_ || (asked.term == term_ && (!vote_ || vote_ == from));
  if (!could_vote || asked.last < log_.last() || role_ == Role::leader) return;
  const bool is_free = asked.term == term_ || leader_ || !is_voter(self_.node);
  turn_.grant = is_free ? Verdict::free : Verdict::yes;
}

void Specification::receive(const CoreStep& step, NodeId from, const PreVoteReply& reply) {
  if (role_ != Role::pre_candidate || reply.proposed != Term{term_.value + 1}) return;
  candidacy_.pre_votes.add(from, reply.granted);
  conclude_pre_vote(step);
}

/// One vote in a term, for a log that ends no earlier (§3.4, §3.6.1). Who has heard of a leader lately may refuse, and
/// then does not take over the term (§4.2.3), unless that leader asked for it (§3.10).
void Specification::receive(const CoreStep& step, NodeId from, const RequestVote& asked) {
  const bool is_disruptive = leader_ && !asked.leadership_transfer;
  if (asked.term < term_ || (asked.term > term_ && is_disruptive && step.after.term == term_)) return;
  const bool is_same_term = asked.term == term_;
  update_term(asked.term);
  if ((vote_ && vote_ != from) || asked.last < log_.last()) return;
  const bool is_free = (is_disruptive && is_same_term) || !is_voter(self_.node);
  turn_.grant = is_free ? Verdict::free : Verdict::yes;
  if (is_free && step.after.vote != from) return;
  vote_ = from;
  if (role_ == Role::pre_candidate) role_ = Role::follower;  // and waits for another timeout
}

void Specification::receive(const CoreStep&, NodeId from, const RequestVoteReply& reply) {
  if (role_ == Role::candidate && reply.term == term_) candidacy_.votes.add(from, reply.granted);
}

/// The sender leads the term of the message. False: another one is known to, so one of them lies.
bool Specification::follow(NodeId leader) {
  if (role_ == Role::leader || (leader_ && leader_ != leader)) {
    turn_.is_ignorable = true;
    return false;
  }
  role_ = Role::follower;
  leader_ = leader;
  return true;
}

/// Accepted if the logs agree at `previous` (§3.5). What lies before the start of the log is committed: it agrees.
void Specification::receive(const CoreStep&, NodeId from, const AppendEntries& append) {
  if (append.term < term_ || !follow(from)) return;
  if (append.previous.index >= log_.start().index && !log_.has(append.previous)) return;
  turn_.accepts = true;
  merge(append);
  const LogIndex end{append.previous.index.value + append.entries.size()};
  commit_ = std::max(commit_, std::min(append.commit, end));
}

/// What agrees stays; at the first entry that does not, the log is cut; the rest is appended (§3.5).
void Specification::merge(const AppendEntries& append) {
  for (const Entry& entry : append.entries) {
    const LogIndex index = entry.id.index;
    if (index <= log_.start().index || log_.has(entry.id)) continue;
    if (index <= log_.last().index) {
      must(index > commit_, "an append contradicts entry {}, which is committed (§3.6)", index.value);
      log_.cut(index);
      disk_.cut(index);
      turn_.cut = index;
    }
    log_.append(entry.id.term);
    ++turn_.appended;
  }
  turn_.entries = append.entries.view();
}

void Specification::receive(const CoreStep&, NodeId from, const AppendEntriesReply& reply) {
  const auto follower = leadership_.followers.find(from);
  if (role_ != Role::leader || reply.term != term_ || follower == leadership_.followers.end()) return;
  auto& [match, read_acknowledged] = follower->second;
  read_acknowledged = std::max(read_acknowledged, reply.read_sequence);
  if (reply.accepted && reply.match <= log_.last().index) match = std::max(match, reply.match);
}

/// Chunks are stored in their order, one at a time, and only for one snapshot (figure 5.3).
void Specification::receive(const CoreStep& step, NodeId from, const InstallSnapshot& chunk) {
  if (chunk.term < term_ || !follow(from)) return;
  know_committed(step, chunk.meta.last);
  is_offered_ = true;
  const auto& store = step.effects.snapshot_store;
  if (!store) return;
  turn_.is_stored = true;
  const bool is_storing = receiving_ && receiving_->route;
  const bool goes_on = receiving_ && receiving_->meta == chunk.meta && receiving_->end == chunk.offset;
  must(store->chunk.meta == chunk.meta && store->chunk.offset == chunk.offset && is_same(store->chunk.data, chunk.data),
       "another chunk is stored than the one that came (figure 5.3)");
  must(!is_storing, "a chunk is stored while another one is (figure 5.3)");
  must(chunk.offset == 0 || goes_on, "a chunk at {} is stored out of its order (figure 5.3)", chunk.offset);
  receiving_ = Receiving{chunk.meta, chunk.term, chunk.offset, turn_.request->route};
}

/// A snapshot up to `last` holds what is committed, so what the log has of it is committed too: a node may know that.
void Specification::know_committed(const CoreStep& step, LogId last) {
  if (log_.has(last) && step.after.commit == last.index) commit_ = std::max(commit_, last.index);
}

void Specification::receive(const CoreStep&, NodeId from, const InstallSnapshotReply& reply) {
  const auto follower = leadership_.followers.find(from);
  if (role_ != Role::leader || reply.term != term_ || !reply.installed || follower == leadership_.followers.end())
    return;
  if (reply.last.index <= log_.last().index) {
    follower->second.match = std::max(follower->second.match, reply.last.index);
  }
}

/// The leader hands over: campaign at once, without a pre-vote (§3.10).
void Specification::receive(const CoreStep& step, NodeId, const TimeoutNow& request) {
  if (request.term < term_ || role_ == Role::leader || !is_voter(self_.node)) return;
  if (role_ == Role::candidate && step.after.term == term_) return;
  campaign();
  candidacy_.is_transfer = true;
}

void Specification::receive(const CoreStep&, NodeId, const TimeoutNowReply&) {}

}  // namespace libraft::testkit
