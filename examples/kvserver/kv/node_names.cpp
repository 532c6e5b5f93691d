#include "kv/node_names.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace kvserver {

libraft::NodeId node_id_of(std::string_view name) {
  const auto hash = XXH3_64bits(name.data(), name.size());
  return {hash == 0 ? 1 : hash};
}

libraft::ClusterId cluster_id_of(std::string_view name) {
  return {node_id_of(name).value};
}

libraft::Result<std::map<libraft::NodeId, NodeCard>> NodeNames::table_of(const std::vector<std::string>& names,
                                                                         std::string& clash) {
  std::map<libraft::NodeId, NodeCard> cards;
  for (const std::string& name : names) {
    const auto [at, is_new] = cards.emplace(node_id_of(name), NodeCard{name, name, {}});
    if (is_new) continue;
    clash = at->second.name == name
                ? fmt::format("two nodes are called \"{}\"", name)
                : fmt::format("the names \"{}\" and \"{}\" have the same hash; rename one of the nodes",
                              at->second.name, name);
    return libraft::errc::invalid_argument;
  }
  return cards;
}

void NodeNames::learn(libraft::NodeId id, std::string_view display_name, std::string_view client_url) {
  const std::lock_guard lock(mutex_);
  const auto at = cards_.find(id);
  if (at == cards_.end()) return;
  if (!display_name.empty()) at->second.display_name = display_name;
  if (!client_url.empty()) at->second.client_url = client_url;
}

std::optional<NodeCard> NodeNames::card(libraft::NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto at = cards_.find(id);
  return at == cards_.end() ? std::nullopt : std::optional(at->second);
}

namespace {

std::string number(libraft::NodeId id) {
  return fmt::format("{:016x}", id.value);
}

}  // namespace

std::string NodeNames::name(std::optional<libraft::NodeId> id) const {
  if (!id) return {};
  const auto known = card(*id);
  return known ? known->name : number(*id);
}

std::string NodeNames::display_name(std::optional<libraft::NodeId> id) const {
  if (!id) return {};
  const std::lock_guard lock(mutex_);
  const auto at = cards_.find(*id);
  if (at == cards_.end()) return number(*id);
  const std::string& shown = at->second.display_name;
  const auto is_shared = [&](const auto& other) { return other.first != *id && other.second.display_name == shown; };
  return std::any_of(cards_.begin(), cards_.end(), is_shared) ? at->second.name : shown;
}

std::string NodeNames::client_url(std::optional<libraft::NodeId> id) const {
  if (!id) return {};
  const auto known = card(*id);
  return known ? known->client_url : std::string();
}

std::vector<NodeCard> NodeNames::heard_of() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodeCard> cards;
  for (const auto& [id, card] : cards_) {
    if (!card.client_url.empty()) cards.push_back(card);
  }
  return cards;
}

std::optional<libraft::NodeId> NodeNames::id(std::string_view name) const {
  const libraft::NodeId wanted = node_id_of(name);
  const auto known = card(wanted);
  return known && known->name == name ? std::optional(wanted) : std::nullopt;
}

}  // namespace kvserver
