// Majorities, for elections, commit and reads alike: one function for all of them, so that they can't disagree.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/types.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace libraft::core {

/// How many of `members` make a majority.
constexpr std::size_t majority(std::size_t members) {
  return members / 2 + 1;
}

[[nodiscard]] bool contains(const std::vector<Peer>& members, NodeId id);
/// In `voters` or `outgoing_voters`: its word counts.
[[nodiscard]] bool is_voter(const Configuration& configuration, NodeId id);
/// Anybody in the configuration, each once, ascending by id.
[[nodiscard]] std::vector<NodeId> members(const Configuration& configuration);

namespace detail {

template <class Value, class ValueOf>
Value majority_value(const std::vector<Peer>& voters, const ValueOf& value_of) {
  std::vector<Value> values;
  values.reserve(voters.size());
  for (const Peer& peer : voters) values.push_back(value_of(peer.id));
  std::sort(values.begin(), values.end(), std::greater<>());
  return values[majority(values.size()) - 1];
}

}  // namespace detail

/// The greatest value that a quorum has reached: a majority of the voters and, in a joint configuration, a majority of
/// the outgoing voters too (thesis §4.3). `value_of(id)` is what a member has reached. `none` without voters.
template <class Value, class ValueOf>
Value quorum_value(const Configuration& configuration, Value none, const ValueOf& value_of) {
  if (configuration.voters.empty()) return none;
  const Value incoming = detail::majority_value<Value>(configuration.voters, value_of);
  if (configuration.outgoing_voters.empty()) return incoming;
  return std::min(incoming, detail::majority_value<Value>(configuration.outgoing_voters, value_of));
}

}  // namespace libraft::core
