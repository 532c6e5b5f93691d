// Names of nodes, and the numbers that the library knows them by.
//
// libraft identifies a node by a 64-bit number. People call nodes by names, so the number is a stable hash of the name
// (the same on every machine and in every release), and this table leads back from the number to what is shown.
#pragma once

#include <libraft/result.hpp>
#include <libraft/types.hpp>

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

/// The id of the node with this protocol name: XXH3-64, with zero (which means nobody) avoided.
[[nodiscard]] libraft::NodeId node_id_of(std::string_view name);
/// The id of the cluster with this name, by the same hash.
[[nodiscard]] libraft::ClusterId cluster_id_of(std::string_view name);

/// What is known of a node beside its id.
struct NodeCard {
  std::string name;          ///< the protocol name: its hash is the id
  std::string display_name;  ///< shown to people; what the node calls itself (NODE_ID)
  std::string client_url;    ///< where clients reach it; empty until it said so

  friend bool operator==(const NodeCard&, const NodeCard&) = default;
};

/// Who is who. The members are fixed when it is made; what they call themselves and where clients reach them is
/// learned from their messages. Thread-safe.
class NodeNames {
 public:
  /// Every member is first shown by its protocol name. errc::invalid_argument, with `clash` set to a sentence, when two
  /// names are equal or have the same hash.
  [[nodiscard]] static libraft::Result<std::map<libraft::NodeId, NodeCard>> table_of(
      const std::vector<std::string>& names, std::string& clash);

  explicit NodeNames(std::map<libraft::NodeId, NodeCard> cards) : cards_(std::move(cards)) {}

  /// What a member said of itself. Ignored for nodes that are no members, and for empty texts.
  void learn(libraft::NodeId id, std::string_view display_name, std::string_view client_url);

  [[nodiscard]] std::optional<NodeCard> card(libraft::NodeId id) const;
  /// The protocol name, or the number in hexadecimal for an unknown node; empty for nobody.
  [[nodiscard]] std::string name(std::optional<libraft::NodeId> id) const;
  /// The display name (the protocol name when another member calls itself the same), or the number in hexadecimal for
  /// an unknown node; empty for nobody.
  [[nodiscard]] std::string display_name(std::optional<libraft::NodeId> id) const;
  /// Empty while unknown, and for nobody.
  [[nodiscard]] std::string client_url(std::optional<libraft::NodeId> id) const;
  /// The members that have said where clients reach them.
  [[nodiscard]] std::vector<NodeCard> heard_of() const;
  /// The id of a member by its protocol name.
  [[nodiscard]] std::optional<libraft::NodeId> id(std::string_view name) const;

 private:
  mutable std::mutex mutex_;
  std::map<libraft::NodeId, NodeCard> cards_;  // guarded by mutex_
};

}  // namespace kvserver
