#include "core/quorum.hpp"

namespace libraft::core {

bool contains(const std::vector<Peer>& members, NodeId id) {
  return std::any_of(members.begin(), members.end(), [id](const Peer& peer) { return peer.id == id; });
}

bool is_voter(const Configuration& configuration, NodeId id) {
  return contains(configuration.voters, id) || contains(configuration.outgoing_voters, id);
}

std::vector<NodeId> members(const Configuration& configuration) {
  std::vector<NodeId> ids;
  for (const auto* group : {&configuration.voters, &configuration.outgoing_voters, &configuration.learners}) {
    for (const Peer& peer : *group) ids.push_back(peer.id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace libraft::core
