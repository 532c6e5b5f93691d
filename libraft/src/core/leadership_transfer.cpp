#include "core/leadership_transfer.hpp"

#include "core/election.hpp"

namespace libraft::core {

namespace {

/// The voter that has most of the log, heard lately.
std::optional<NodeId> most_advanced(const Context& context, const Leader& leader) {
  std::optional<NodeId> best;
  LogIndex best_match;
  for (const auto& [id, progress] : leader.followers) {
    const bool is_active = context.now - progress.heard_at() < context.state.options.election_timeout;
    if (!is_active || !contains(context.state.configuration.voters, id)) continue;
    if (!best || progress.match() > best_match) {
      best = id;
      best_match = progress.match();
    }
  }
  return best;
}

void fail(Context& context, RequestId id, errc error) {
  context.effects.transfers.push_back({id, make_error_code(error)});
}

}  // namespace

void on_transfer_requested(Context& context, const TransferRequested& request) {
  Leader* leader = context.leader();
  if (leader == nullptr) return fail(context, request.id, errc::not_leader);
  if (leader->transfer) return fail(context, request.id, errc::transfer_in_progress);
  const auto target = request.target ? request.target : most_advanced(context, *leader);
  if (!target) return fail(context, request.id, errc::transfer_failed);
  if (*target == context.state.self) {
    context.effects.transfers.push_back({request.id, {}});
    return;
  }
  if (!contains(context.state.configuration.voters, *target)) return fail(context, request.id, errc::invalid_argument);
  // One election timeout: longer, and refusing proposals would cost more than an election (§3.10).
  leader->transfer = Transfer{request.id, *target, context.now + context.state.options.election_timeout, false};
}

void advance_transfer(Context& context) {
  Leader* leader = context.leader();
  if (!leader->transfer) return;
  Transfer& transfer = *leader->transfer;
  if (context.now >= transfer.deadline) {
    context.mark(Mark::transfer_timed_out);
    fail(context, transfer.id, errc::transfer_failed);
    leader->transfer.reset();
    return;
  }
  const Progress* target = leader->followers.find(transfer.target);
  if (transfer.is_asked || target == nullptr || target->match() != context.state.log.last().index) return;
  transfer.is_asked = true;
  context.mark(Mark::transfer_asked);
  send(context, transfer.target, TimeoutNow{context.state.term}, Rests::on_term_write);
}

void repeat_transfer_request(Context& context) {
  Leader* leader = context.leader();
  if (leader->transfer) leader->transfer->is_asked = false;
}

void on_timeout_now(Context& context, const Routing& route) {
  reply(context, route, TimeoutNowReply{context.state.term}, Rests::on_term_write);
  const bool is_free =
      std::holds_alternative<Follower>(context.state.role) || std::holds_alternative<PreCandidate>(context.state.role);
  if (!is_free || !is_voter(context.state.configuration, context.state.self)) return;
  context.mark(Mark::transfer_obeyed);
  campaign(context, true);
}

}  // namespace libraft::core
