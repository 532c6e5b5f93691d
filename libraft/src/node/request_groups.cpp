#include "node/request_groups.hpp"

#include "util/assert.hpp"

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

void RequestGroups::add(ProposeRequest request) {
  hand_over_reads();
  if (request.command.size() > options_.command_bytes_max) {
    ++metrics_.proposals_refused;
    return end_with(request.done, errc::command_too_large);
  }
  const std::size_t bytes = request.command.size() + kEntryOverheadBytes;
  const bool joins =
      proposals_.only_in_term == request.only_in_term && proposals_bytes_ + bytes <= group_bytes_max(options_);
  if (!proposals_.requests.empty() && !joins) hand_over_proposals();
  proposals_.only_in_term = request.only_in_term;
  proposals_.requests.push_back(std::move(request));
  proposals_bytes_ += bytes;
  ++size_;
}

RequestId RequestGroups::read_group() {
  hand_over_proposals();
  if (!read_group_) read_group_ = pending_.begin_read_group();
  return *read_group_;
}

void RequestGroups::hand_over() {
  hand_over_proposals();
  hand_over_reads();
}

void RequestGroups::hand_over_proposals() {
  if (proposals_.requests.empty()) return;
  Propose event;
  event.only_in_term = proposals_.only_in_term;
  event.commands.reserve(proposals_.requests.size());
  for (ProposeRequest& request : proposals_.requests) event.commands.push_back(std::move(request.command));
  handed_over_.push_back(std::exchange(proposals_, {}));
  proposals_bytes_ = 0;
  events_.push(std::move(event));
}

void RequestGroups::hand_over_reads() {
  if (!read_group_) return;
  events_.push(ReadIndexRequested{*read_group_});
  read_group_.reset();
}

void RequestGroups::settle(const ProposalOutcome& outcome) {
  RAFT_ASSERT(!handed_over_.empty(), "the core speaks only on what it was asked");
  ProposalGroup group = std::move(handed_over_.front());
  handed_over_.pop_front();
  size_ -= group.requests.size();
  (outcome.error ? metrics_.proposals_refused : metrics_.proposals) += group.requests.size();
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

void RequestGroups::end_all(std::error_code error) {
  if (!proposals_.requests.empty()) handed_over_.push_back(std::exchange(proposals_, {}));
  proposals_bytes_ = 0;
  size_ = 0;
  std::deque<ProposalGroup> groups;
  groups.swap(handed_over_);
  for (ProposalGroup& group : groups) {
    for (ProposeRequest& request : group.requests) end_with(request.done, error);
  }
}

}  // namespace libraft::node
