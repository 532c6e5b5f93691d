#include "node/pending_requests.hpp"

#include "util/assert.hpp"

#include <libraft/error.hpp>

#include <algorithm>

namespace libraft::node {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

// Proposals.

void PendingRequests::add_proposal(LogId id, ProposeRequest request) {
  RAFT_ASSERT(proposals_.empty() || proposals_.back().id.index < id.index, "proposals wait in the order of the log");
  proposals_.push_back({id, request.deadline, std::move(request.done)});
  ++live_proposals_;
  deadlines_.add(request.deadline, {true, id.index.value});
  deadlines_.tidy(size(), [this](const DeadlineKey& key, TimePoint at) { return is_alive(key, at); });
}

void PendingRequests::on_entry_applied(LogId id, Bytes reply) {
  while (!proposals_.empty() && proposals_.front().id.index <= id.index) {
    Proposal proposal = std::move(proposals_.front());
    proposals_.pop_front();
    if (proposal.id == id) {
      end_proposal(proposal, {}, Applied{id.index, id.term, std::move(reply)});
    } else if (proposal.id.index == id.index) {
      end_proposal(proposal, errc::proposal_dropped, {});
    } else {
      end_proposal(proposal, errc::leadership_lost, {});
    }
  }
}

void PendingRequests::on_leadership_lost(LogIndex committed) {
  std::vector<Proposal> lost;
  while (!proposals_.empty() && proposals_.back().id.index > committed) {
    lost.push_back(std::move(proposals_.back()));
    proposals_.pop_back();
  }
  // In the order in which they came.
  for (auto proposal = lost.rbegin(); proposal != lost.rend(); ++proposal) {
    end_proposal(*proposal, errc::leadership_lost, {});
  }
}

void PendingRequests::on_entries_skipped(LogIndex upto) {
  while (!proposals_.empty() && proposals_.front().id.index <= upto) {
    Proposal proposal = std::move(proposals_.front());
    proposals_.pop_front();
    end_proposal(proposal, errc::leadership_lost, {});
  }
}

void PendingRequests::end_proposal(Proposal& proposal, std::error_code error, Applied applied) {
  if (!proposal.done) return;
  --live_proposals_;
  Completion<Applied> done = std::move(proposal.done);
  done(error, std::move(applied));
}

PendingRequests::Proposal* PendingRequests::find_proposal(std::uint64_t index) {
  const auto found = std::lower_bound(proposals_.begin(), proposals_.end(), LogIndex{index},
                                      [](const Proposal& proposal, LogIndex at) { return proposal.id.index < at; });
  return found != proposals_.end() && found->id.index == LogIndex{index} ? &*found : nullptr;
}

// Reads.

RequestId PendingRequests::begin_read_group() {
  ++last_id_.value;
  read_groups_.try_emplace(last_id_);
  return last_id_;
}

void PendingRequests::add_read(RequestId group, ReadIndexRequest request) {
  const TimePoint deadline = request.deadline;
  read_groups_.at(group).push_back(add(deadline, ReadIndexWait{std::move(request.done), {}}));
}

void PendingRequests::add_read(RequestId group, QueryRequest request) {
  const TimePoint deadline = request.deadline;
  read_groups_.at(group).push_back(add(deadline, QueryWait{std::move(request.query), std::move(request.done), {}}));
}

void PendingRequests::on_read_confirmed(RequestId group, LogIndex index, LogIndex applied) {
  auto node = read_groups_.extract(group);
  if (node.empty()) return;
  for (const RequestId id : node.mapped()) await_applied(id, index, applied);
}

void PendingRequests::on_read_refused(RequestId group, std::error_code error) {
  auto node = read_groups_.extract(group);
  if (node.empty()) return;
  for (const RequestId id : node.mapped()) {
    if (auto wait = take(id)) end(*std::move(wait), error);
  }
}

void PendingRequests::add_local_query(QueryRequest request) {
  const TimePoint deadline = request.deadline;
  const RequestId id = add(deadline, QueryWait{{}, std::move(request.done), {}});
  queries_.start_query(id, std::move(request.query));
}

void PendingRequests::on_query_answered(RequestId id, Result<Bytes> answer, LogId seen) {
  auto wait = take(id);
  if (!wait) return;  // timed out meanwhile
  auto& query = std::get<QueryWait>(*wait);
  if (!answer) return query.done(answer.error(), Applied{});
  query.done({}, Applied{seen.index, seen.term, *std::move(answer)});
}

void PendingRequests::await_applied(RequestId id, LogIndex index, LogIndex applied) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;  // timed out meanwhile
  std::visit(Overloaded{[&](ReadIndexWait& wait) { wait.index = index; }, [&](QueryWait& wait) { wait.index = index; },
                        [](auto&) {}},
             found->second.wait);
  if (index <= applied) {
    on_index_reached(id, applied);
  } else {
    by_index_.emplace(index, id);
  }
}

void PendingRequests::on_index_reached(RequestId id, LogIndex applied) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  if (auto* query = std::get_if<QueryWait>(&found->second.wait)) {
    // It goes on waiting, for its answer.
    query->index = {};
    queries_.start_query(id, std::move(query->query));
    return;
  }
  auto wait = take(id);
  if (auto* read = std::get_if<ReadIndexWait>(&*wait)) read->done({}, read->index);
  if (auto* other = std::get_if<AppliedWait>(&*wait)) other->done({}, applied);
}

// Others.

void PendingRequests::add_wait_applied(WaitAppliedRequest request) {
  const LogIndex index = request.index;
  const TimePoint deadline = request.deadline;
  by_index_.emplace(index, add(deadline, AppliedWait{std::move(request.done), index}));
}

void PendingRequests::add_wait_leader(WaitLeaderRequest request) {
  leader_waits_.insert(add(request.deadline, LeaderWait{std::move(request.done)}));
}

RequestId PendingRequests::add_transfer(TransferRequest request) {
  return add(request.deadline, TransferWait{std::move(request.done)});
}

void PendingRequests::on_transfer_ended(RequestId id, std::error_code error) {
  if (auto wait = take(id)) std::get<TransferWait>(*wait).done(error);
}

void PendingRequests::on_transfer_accepted(RequestId id) {
  if (waiters_.contains(id)) accepted_transfers_.insert(id);
}

void PendingRequests::add_wait_snapshot(LogIndex index, SnapshotRequest request) {
  snapshot_waits_.insert(add(request.deadline, SnapshotWait{index, std::move(request.done)}));
}

void PendingRequests::on_snapshot_published(LogId last) {
  const std::vector<RequestId> ids(snapshot_waits_.begin(), snapshot_waits_.end());
  for (const RequestId id : ids) {
    if (last.index < std::get<SnapshotWait>(waiters_.at(id).wait).index) continue;
    auto wait = take(id);
    std::get<SnapshotWait>(*wait).done({}, last);
  }
}

void PendingRequests::on_snapshot_refused(std::error_code error) {
  const std::vector<RequestId> ids(snapshot_waits_.begin(), snapshot_waits_.end());
  for (const RequestId id : ids) {
    if (auto wait = take(id)) end(*std::move(wait), error);
  }
}

void PendingRequests::on_applied(LogIndex applied) {
  while (!by_index_.empty() && by_index_.begin()->first <= applied) {
    const RequestId id = by_index_.begin()->second;
    by_index_.erase(by_index_.begin());
    on_index_reached(id, applied);
  }
}

void PendingRequests::on_leader_known(NodeId leader, NodeId self) {
  while (!leader_waits_.empty()) {
    auto wait = take(*leader_waits_.begin());
    std::get<LeaderWait>(*wait).done({}, leader);
  }
  while (!accepted_transfers_.empty()) {
    auto wait = take(*accepted_transfers_.begin());
    std::get<TransferWait>(*wait).done(leader == self ? make_error_code(errc::transfer_failed) : std::error_code{});
  }
}

// All waiters.

RequestId PendingRequests::add(TimePoint deadline, Wait wait) {
  ++last_id_.value;
  waiters_.emplace(last_id_, Waiter{deadline, std::move(wait)});
  deadlines_.add(deadline, {false, last_id_.value});
  deadlines_.tidy(size(), [this](const DeadlineKey& key, TimePoint at) { return is_alive(key, at); });
  return last_id_;
}

std::optional<PendingRequests::Wait> PendingRequests::take(RequestId id) {
  auto node = waiters_.extract(id);
  if (node.empty()) return std::nullopt;
  Wait& wait = node.mapped().wait;
  std::visit(
      Overloaded{[&](LeaderWait&) { leader_waits_.erase(id); }, [&](TransferWait&) { accepted_transfers_.erase(id); },
                 [&](SnapshotWait&) { snapshot_waits_.erase(id); },
                 [&](auto& indexed) {
                   by_index_.erase({indexed.index, id});
                 }},
      wait);
  return std::move(wait);
}

void PendingRequests::end(Wait wait, std::error_code error) {
  std::visit([error](auto& alternative) { end_with(alternative.done, error); }, wait);
}

// Time and end.

bool PendingRequests::is_alive(const DeadlineKey& key, TimePoint at) {
  if (!key.is_proposal) return waiters_.contains(RequestId{key.number});
  const Proposal* proposal = find_proposal(key.number);
  return proposal != nullptr && proposal->done && proposal->deadline == at;
}

TimePoint PendingRequests::next_deadline() {
  return deadlines_.next([this](const DeadlineKey& key, TimePoint at) { return is_alive(key, at); });
}

std::size_t PendingRequests::on_time(TimePoint now) {
  std::size_t ended = 0;
  DeadlineKey key;
  while (deadlines_.take_due(
      now, [this](const DeadlineKey& k, TimePoint at) { return is_alive(k, at); }, key)) {
    ++ended;
    if (key.is_proposal) {
      // Its place is kept: the entry may still be applied.
      end_proposal(*find_proposal(key.number), errc::timeout, {});
      continue;
    }
    auto wait = take(RequestId{key.number});
    const errc late = std::visit(
        Overloaded{[](const TransferWait&) { return errc::transfer_failed; },
                   [](const LeaderWait&) { return errc::timeout; }, [](const SnapshotWait&) { return errc::timeout; },
                   [](const auto&) { return errc::not_caught_up; }},
        *wait);
    end(*std::move(wait), late);
  }
  return ended;
}

void PendingRequests::end_all(std::error_code harmless) {
  std::deque<Proposal> proposals;
  proposals.swap(proposals_);
  for (Proposal& proposal : proposals) end_proposal(proposal, errc::interrupted, {});
  Waiters waiters;
  waiters.swap(waiters_);
  read_groups_.clear();
  by_index_.clear();
  leader_waits_.clear();
  accepted_transfers_.clear();
  snapshot_waits_.clear();
  for (auto& [id, waiter] : waiters) {
    const bool has_effect =
        std::holds_alternative<TransferWait>(waiter.wait) || std::holds_alternative<SnapshotWait>(waiter.wait);
    end(std::move(waiter.wait), has_effect ? make_error_code(errc::interrupted) : harmless);
  }
}

}  // namespace libraft::node
