// Winning and giving votes (thesis §3.4, §3.6.1, §4.2.3, §9.6).
#pragma once

#include "core/context.hpp"

namespace libraft::core {

/// No leader was heard for too long: ask for pre-votes, or campaign at once where pre-vote is off.
void on_election_timeout(Context& context);
/// Campaigns without asking first. `is_transfer`: the leader asked for it (§3.10).
void campaign(Context& context, bool is_transfer);

void on_pre_vote(Context& context, const Routing& route, const PreVote& request);
void on_pre_vote_reply(Context& context, const Routing& route, const PreVoteReply& answer);
/// Before the term gate: true when the request is to be denied because a leader is there.
[[nodiscard]] bool is_disruptive(const Context& context, const RequestVote& request);
void deny_vote(Context& context, const Routing& route);
void on_request_vote(Context& context, const Routing& route, const RequestVote& request);
void on_request_vote_reply(Context& context, const Routing& route, const RequestVoteReply& answer);

/// The own vote became durable: it counts now.
void on_vote_persisted(Context& context, PersistId upto);
/// Moves on where an election is won. True when this node has just become leader.
bool conclude_election(Context& context);

}  // namespace libraft::core
