// RequestGroups: neighbours that ask for the same become one event.
#pragma once

#include "node/event_queue.hpp"
#include "node/pending_requests.hpp"
#include "node/request.hpp"

#include <libraft/effects.hpp>
#include <libraft/options.hpp>
#include <libraft/status.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace libraft::node {

/// Invariant: at most one of the two kinds gathers, and it is handed over before the other begins, so that events keep
/// the order of the requests. For each Propose among the events there is one group in `handed_over_`, in their order.
class RequestGroups {
 public:
  /// Groups are handed over to `events`; what can't be answered before the core has spoken waits in `pending`.
  RequestGroups(const CoreOptions& options, EventQueue& events, PendingRequests& pending, Metrics& metrics)
      : options_(options), events_(events), pending_(pending), metrics_(metrics) {}

  void add(ProposeRequest request);
  void add(ReadIndexRequest request) { pending_.add_read(read_group(), std::move(request)); }
  void add(QueryRequest request) { pending_.add_read(read_group(), std::move(request)); }

  void hand_over();
  void hand_over_proposals();

  /// The core's word on the oldest Propose.
  void settle(const ProposalOutcome& outcome);
  /// Proposals that the core has not spoken on.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Ends the proposals that the core has not spoken on.
  void end_all(std::error_code error);

 private:
  /// Consecutive proposals that become one event.
  struct ProposalGroup {
    std::optional<Term> only_in_term;
    std::vector<ProposeRequest> requests;
  };

  [[nodiscard]] RequestId read_group();
  void hand_over_reads();

  const CoreOptions& options_;
  EventQueue& events_;
  PendingRequests& pending_;
  Metrics& metrics_;

  ProposalGroup proposals_;  // gathering
  std::size_t proposals_bytes_ = 0;
  std::deque<ProposalGroup> handed_over_;
  std::size_t size_ = 0;                 // requests in proposals_ and handed_over_
  std::optional<RequestId> read_group_;  // gathering
};

}  // namespace libraft::node
