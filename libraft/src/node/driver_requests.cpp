// How requests reach the core: neighbours that ask for the same become one event.
#include "node/driver.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <utility>

namespace libraft::node {
namespace {

/// One Propose is refused or appended as a whole. So it is kept to a fraction of what may be uncommitted, lest one
/// command too many costs the others their turn.
std::size_t group_bytes_max(const CoreOptions& options) {
  constexpr std::size_t kFraction = 16;
  return std::min(options.append_bytes_max, options.uncommitted_bytes_max / kFraction);
}

}  // namespace

void Driver::ask(Request request) {
  const bool has_bound = !std::holds_alternative<TransferRequest>(request);  // stop() needs one, whatever waits
  if (has_bound && requests_waiting() >= options_.inbox_messages_max) return end_with(request, errc::overloaded);
  std::visit([this](auto& alternative) { take(std::move(alternative)); }, request);
  if (!is_running_ && !is_in_round_) run();
}

void Driver::take(ProposeRequest request) {
  hand_over_reads();
  if (request.command.size() > options_.core.command_bytes_max) {
    ++reporter_.metrics().proposals_refused;
    return end_with(request.done, errc::command_too_large);
  }
  const std::size_t bytes = request.command.size() + kEntryOverheadBytes;
  ProposalGroup& group = proposals_group_;
  const bool joins =
      group.only_in_term == request.only_in_term && proposals_group_bytes_ + bytes <= group_bytes_max(options_.core);
  if (!group.requests.empty() && !joins) hand_over_proposals();
  group.only_in_term = request.only_in_term;
  group.requests.push_back(std::move(request));
  proposals_group_bytes_ += bytes;
  ++gathered_;
}

void Driver::take(ReadIndexRequest request) {
  hand_over_proposals();
  if (request.consistency == Consistency::local) return request.done({}, apply_.applied().index);
  pending_.add_read(read_group(), std::move(request));
}

void Driver::take(QueryRequest request) {
  hand_over_proposals();
  if (request.consistency == Consistency::local) return pending_.add_local_query(std::move(request));
  pending_.add_read(read_group(), std::move(request));
}

void Driver::take(WaitAppliedRequest request) {
  const LogIndex applied = apply_.applied().index;
  if (request.index <= applied) return request.done({}, applied);
  pending_.add_wait_applied(std::move(request));
}

void Driver::take(WaitLeaderRequest request) {
  if (status_.leader) return request.done({}, *status_.leader);
  pending_.add_wait_leader(std::move(request));
}

void Driver::take(TransferRequest request) {
  hand_over();
  const std::optional<NodeId> target = request.target;
  const RequestId id = pending_.add_transfer(std::move(request));
  deliver(TransferRequested{id, target});
}

void Driver::take(SnapshotRequest request) {
  hand_over();
  const LogIndex applied = apply_.applied().index;
  if (applied == LogIndex{}) return end_with(request.done, errc::no_snapshot);
  if (status_.snapshot.index >= applied) return request.done({}, status_.snapshot);
  pending_.add_wait_snapshot(applied, std::move(request));
  deliver(SnapshotRequested{});
}

// The lifecycle's own: they don't come here.
void Driver::take(StartRequest request) {
  end_with(request.done, errc::invalid_argument);
}

void Driver::take(StopRequest request) {
  end_with(request.done, errc::invalid_argument);
}

RequestId Driver::read_group() {
  if (!read_group_) read_group_ = pending_.begin_read_group();
  return *read_group_;
}

void Driver::hand_over() {
  hand_over_proposals();
  hand_over_reads();
}

void Driver::hand_over_proposals() {
  if (proposals_group_.requests.empty()) return;
  Propose event;
  event.only_in_term = proposals_group_.only_in_term;
  event.commands.reserve(proposals_group_.requests.size());
  for (ProposeRequest& request : proposals_group_.requests) event.commands.push_back(std::move(request.command));
  proposals_.push_back(std::exchange(proposals_group_, {}));
  proposals_group_bytes_ = 0;
  events_.emplace_back(std::move(event));
}

void Driver::hand_over_reads() {
  if (!read_group_) return;
  events_.emplace_back(ReadIndexRequested{*read_group_});
  read_group_.reset();
}

}  // namespace libraft::node
