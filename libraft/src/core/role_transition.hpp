// The only place where role, term and vote change (thesis Figure 3.3).
#pragma once

#include "core/context.hpp"

#include <libraft/error.hpp>

#include <optional>

namespace libraft::core {

/// Follows `leader` (if known) in `term`, which is never lower than the current one. What a leader had in hand ends:
/// reads fail, a transfer completes.
void become_follower(Context& context, Term term, std::optional<NodeId> leader);
/// Asks for pre-votes for the next term.
void become_pre_candidate(Context& context);
/// Begins a new term and votes for itself; the vote counts once it is durable.
void become_candidate(Context& context);
/// Leads, with a no-op as the term's first entry (§6.4).
void become_leader(Context& context);
/// Gives this term's vote to `candidate`; allowed when there is none, or the same one again.
void grant_vote(Context& context, NodeId candidate);

}  // namespace libraft::core
