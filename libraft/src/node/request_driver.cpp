#include "node/request_driver.hpp"

#include "node/apply_driver.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace libraft::node {

RequestDriver::RequestDriver(const NodeOptions& options, NodeId self, const Parts& parts)
    : options_(options),
      self_(self),
      events_(parts.events),
      apply_(parts.apply),
      status_(parts.status),
      marks_(parts.reporter.marks()),
      pending_(*this),
      groups_(options.core, parts.events, pending_, parts.reporter.metrics()),
      concluded_snapshot_(parts.status.snapshot) {}

void RequestDriver::ask(Request request) {
  const bool has_bound = !std::holds_alternative<TransferRequest>(request);  // stop() needs one, whatever waits
  // A query that timed out waits for nothing any more, and is still in the state machine's queue.
  const std::size_t waiting = std::max(size(), apply_.queries());
  if (has_bound && waiting >= options_.inbox_messages_max) return end_with(request, errc::overloaded);
  std::visit([this](auto& alternative) { take(std::move(alternative)); }, request);
  events_.wake();
}

void RequestDriver::take(ProposeRequest request) {
  groups_.add(std::move(request));
}

void RequestDriver::take(ReadIndexRequest request) {
  if (request.consistency != Consistency::local) return groups_.add(std::move(request));
  groups_.hand_over_proposals();
  request.done({}, applied());
}

void RequestDriver::take(QueryRequest request) {
  if (request.consistency != Consistency::local) return groups_.add(std::move(request));
  groups_.hand_over_proposals();
  pending_.add_local_query(std::move(request));
}

void RequestDriver::take(WaitAppliedRequest request) {
  if (request.index <= applied()) return request.done({}, applied());
  pending_.add_wait_applied(std::move(request));
}

void RequestDriver::take(WaitLeaderRequest request) {
  if (status_.leader) return request.done({}, *status_.leader);
  pending_.add_wait_leader(std::move(request));
}

void RequestDriver::take(TransferRequest request) {
  hand_over();
  const std::optional<NodeId> target = request.target;
  const RequestId id = pending_.add_transfer(std::move(request));
  events_.deliver(TransferRequested{id, target});
}

void RequestDriver::take(SnapshotRequest request) {
  hand_over();
  if (applied() == LogIndex{}) return end_with(request.done, errc::no_snapshot);
  if (status_.snapshot.index >= applied()) return request.done({}, status_.snapshot);
  pending_.add_wait_snapshot(applied(), std::move(request));
  events_.deliver(SnapshotRequested{});
}

// The lifecycle's own: they don't come here.
void RequestDriver::take(StartRequest request) {
  end_with(request.done, errc::invalid_argument);
}

void RequestDriver::take(StopRequest request) {
  end_with(request.done, errc::invalid_argument);
}

void RequestDriver::start_query(RequestId id, std::string query) {
  apply_.query(id, std::move(query));
}

LogIndex RequestDriver::applied() const {
  return apply_.applied().index;
}

// What the core says.

void RequestDriver::settle_proposals(const Effects& effects) {
  if (effects.proposal) groups_.settle(*effects.proposal);
}

void RequestDriver::carry_out(const Effects& effects) {
  for (const ReadOutcome& outcome : effects.reads) {
    if (outcome.error) {
      pending_.on_read_refused(outcome.id, outcome.error);
    } else {
      pending_.on_read_confirmed(outcome.id, outcome.index, applied());
    }
  }
  for (const TransferOutcome& outcome : effects.transfers) {
    // Handed over is done when the other one is known to lead. (Handed to itself, a leader is done at once.)
    if (outcome.error || is_leader()) {
      pending_.on_transfer_ended(outcome.id, outcome.error);
    } else {
      pending_.on_transfer_accepted(outcome.id);
    }
  }
}

void RequestDriver::on_step(const CoreStatus& before) {
  const bool was_leader = before.role == Role::leader;
  if (was_leader && (!is_leader() || status_.term != before.term)) {
    if (pending_.has_proposals()) marks_.hit(Mark::proposals_lost_with_leadership);
    pending_.on_leadership_lost(before.commit);
  }
  if (status_.leader) pending_.on_leader_known(*status_.leader, self_);
}

void RequestDriver::conclude() {
  if (concluded_snapshot_ == status_.snapshot) return;
  concluded_snapshot_ = status_.snapshot;
  if (!pending_.has_snapshot_waits()) return;
  pending_.on_snapshot_published(concluded_snapshot_);
  // One that was under way already was not new enough for all.
  if (pending_.has_snapshot_waits()) events_.deliver(SnapshotRequested{});
}

void RequestDriver::end_all(std::error_code harmless) {
  groups_.end_all(harmless);
  pending_.end_all(harmless);
}

}  // namespace libraft::node
