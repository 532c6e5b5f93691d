#include "server_data.hpp"

#include "server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace kvserver {
namespace {

std::string state_file(const Config& config) {
  return (config.folder() / "raft_state.json").string();
}

std::set<libraft::NodeId> ids_of(const libraft::Configuration& configuration) {
  std::set<libraft::NodeId> ids;
  for (const auto* group : {&configuration.voters, &configuration.outgoing_voters, &configuration.learners}) {
    for (const libraft::Peer& peer : *group) ids.insert(peer.id);
  }
  return ids;
}

// What the configuration calls a node, else what the files call it. They only show names, so one of theirs counts only
// when it is the one that makes the id.
std::string name_of(libraft::NodeId id, const NodeNames& names, const std::map<libraft::NodeId, std::string>& stored) {
  const auto at = stored.find(id);
  const bool is_stored = at != stored.end() && node_id_of(at->second) == id;
  return is_stored && !names.card(id) ? at->second : names.name(id);
}

std::string names_of(const libraft::Configuration& configuration, const NodeNames& names,
                     const std::map<libraft::NodeId, std::string>& stored) {
  std::vector<std::string> shown;
  for (const libraft::Peer& peer : configuration.voters) {
    shown.push_back(fmt::format("{} ({})", name_of(peer.id, names, stored), peer.address));
  }
  std::sort(shown.begin(), shown.end());
  return fmt::format("{}", fmt::join(shown, ", "));
}

StartRefused folder_refusal(const Config& config, std::error_code error) {
  return {kExitConfig,
          fmt::format("RAFT_DATA_DIR: the folder {} can't be used: {}.", config.folder().string(), error.message())};
}

// One of the files with data, by the path that a sentence begins with.
bool names_data_file(const Config& config, std::string_view detail) {
  for (const char* name : {"raft_state.json", "raft_log.jsonl", "snapshot.json"}) {
    if (detail.starts_with((config.folder() / name).string() + ": ")) return true;
  }
  return false;
}

// The kinds of trouble that are mended by choosing another folder, not by mending data. A single file without
// permission in a folder that can be used is none: another folder would be an empty one.
bool is_about_folder(const Config& config, std::error_code error, std::string_view detail) {
  if (error == std::errc::read_only_file_system || error == std::errc::not_a_directory) return true;
  const bool is_forbidden = error == std::errc::permission_denied || error == std::errc::operation_not_permitted;
  return is_forbidden && !names_data_file(config, detail);
}

}  // namespace

std::optional<StartRefused> prepare_folder(libraft::FileSystem& files, const Config& config) {
  if (const std::error_code error = files.create_directories(config.folder().string())) {
    return folder_refusal(config, error);
  }
  // Files that are there may be opened also where none can be replaced, which the first vote would find out.
  if (::access(config.folder().c_str(), R_OK | W_OK | X_OK) != 0) {
    return folder_refusal(config, {errno, std::generic_category()});
  }
  return std::nullopt;
}

std::variant<std::optional<libraft::RecoveredState>, StartRefused> inspect_data(EarlyOpenStorage& storage,
                                                                                const Config& config,
                                                                                const NodeNames& names,
                                                                                const StoredNames& stored) {
  const auto& opened = storage.open_early();
  std::optional<StartRefused> refused;
  if (!opened) {
    refused = data_refusal(config, opened.error(), storage.error_detail());
  } else if (*opened) {
    refused = compare_with(config, names, stored, **opened);
  }
  if (!refused) return *opened;
  storage.close();
  return *std::move(refused);
}

std::optional<StartRefused> compare_with(const Config& config, const NodeNames& names, const StoredNames& stored,
                                         const libraft::RecoveredState& state) {
  const auto refused = [&](const std::string& what) {
    return StartRefused{kExitData, fmt::format("{} {}", state_file(config), what)};
  };
  if (state.identity.node != node_id_of(config.self.name)) {
    return refused(fmt::format("belongs to another node ({}), this one is {}.",
                               name_of(state.identity.node, names, stored()), config.self.name));
  }
  const libraft::Configuration given = config.members();
  const bool has_members = !state.configurations.empty();
  if (has_members && ids_of(state.configurations.back().value) != ids_of(given)) {
    return refused(
        fmt::format("has the members {}, but PEERS and PEER_IDS say {}: the members of a cluster stay as "
                    "they were at its first start (their URLs may change).",
                    names_of(state.configurations.back().value, names, stored()), names_of(given, names, {})));
  }
  if (state.identity.cluster != cluster_id_of(config.cluster)) {
    return refused(config.is_cluster_named
                       ? fmt::format("belongs to another cluster than KV_CLUSTER, which is \"{}\".", config.cluster)
                       : std::string("belongs to a cluster with a name of its own, but KV_CLUSTER is not set."));
  }
  return std::nullopt;
}

StartRefused data_refusal(const Config& config, std::error_code error, const std::string& detail) {
  if (is_about_folder(config, error, detail)) return folder_refusal(config, error);
  const std::string what = detail.empty() ? error.message() : detail;
  const std::string folder = config.folder().string();
  // The sentence must name the file, or at least the folder that it is in.
  if (what.find(folder) != std::string::npos) return {kExitData, what};
  return {kExitData, fmt::format("{}: {}", folder, what)};
}

}  // namespace kvserver
