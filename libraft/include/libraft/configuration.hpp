// Who takes part in a cluster.
#pragma once

#include <libraft/types.hpp>

#include <string>
#include <vector>

namespace libraft {

/// A member and where to reach it. What an address means is between the user and the Transport: libraft never reads it.
struct Peer {
  NodeId id;            ///< not zero
  std::string address;  ///< in the transport's form

  friend bool operator==(const Peer&, const Peer&) = default;
};

/// The members of a cluster (thesis §4).
///
/// `voters` decide. While a change by joint consensus is under way (§4.3), decisions need a majority of `voters` and,
/// apart from it, of `outgoing_voters`. `learners` receive the log and are never counted.
struct Configuration {
  std::vector<Peer> voters;           ///< decide; while a change is under way, the new ones
  std::vector<Peer> outgoing_voters;  ///< while a change is under way, the old voters; else empty
  std::vector<Peer> learners;         ///< receive the log, are never counted

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

/// A configuration and the entry that brought it. A cluster's first one, from bootstrap, has a zero LogId.
struct ConfigurationAt {
  LogId at;             ///< the entry
  Configuration value;  ///< in force from that entry on

  friend bool operator==(const ConfigurationAt&, const ConfigurationAt&) = default;
};

}  // namespace libraft
