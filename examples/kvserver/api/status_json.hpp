// What a node says of itself: the bodies of GET /health and GET /raft/status.
#pragma once

#include "config.hpp"
#include "kv/node_names.hpp"

#include <libraft/status.hpp>

#include <string>
#include <string_view>

namespace kvserver {

/// leader, follower or candidate (which a node that asks for pre-votes is, too).
[[nodiscard]] std::string_view state_word(libraft::Role role);

/// The body of GET /health of a node that has not failed.
[[nodiscard]] std::string health_json(const libraft::Status& status, const NodeNames& names);

/// The body of GET /raft/status. Nodes are shown by their display names; ids that are absent are "". nextIndex and
/// matchIndex are there on a leader only.
[[nodiscard]] std::string raft_status_json(const libraft::Status& status, const libraft::Metrics& metrics,
                                           const Config& config, const NodeNames& names);

}  // namespace kvserver
