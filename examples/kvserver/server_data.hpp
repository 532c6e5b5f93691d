// What a node finds in its folder when it starts, checked before anything else is done.
#pragma once

#include "config.hpp"
#include "kv/node_names.hpp"
#include "storage/early_open_storage.hpp"

#include <libraft/file_system.hpp>
#include <libraft/storage.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <variant>

namespace kvserver {

/// Why the server does not start: one sentence, and the exit code.
struct StartRefused {
  int exit_code = 0;
  std::string sentence;
};

/// Makes the folder where it is missing; a refusal when it can't be used.
[[nodiscard]] std::optional<StartRefused> prepare_folder(libraft::FileSystem& files, const Config& config);

/// Reads the names that stand beside ids in the node's files; asked for only when a refusal is to be worded.
using StoredNames = std::function<std::map<libraft::NodeId, std::string>()>;

/// Opens the storage for the node, and compares what it holds with the configuration. nullopt in place of a state: a
/// first start. A refusal names the file, and the storage is closed.
[[nodiscard]] std::variant<std::optional<libraft::RecoveredState>, StartRefused> inspect_data(
    EarlyOpenStorage& storage, const Config& config, const NodeNames& names, const StoredNames& stored);

/// Why data that could be read are not this node's; nullopt when they are. Nodes that `names` does not know are called
/// as in the files where the name's hash is the id, and by their ids where it is not.
[[nodiscard]] std::optional<StartRefused> compare_with(const Config& config, const NodeNames& names,
                                                       const StoredNames& stored, const libraft::RecoveredState& state);

/// The refusal for an error of Storage::open.
[[nodiscard]] StartRefused data_refusal(const Config& config, std::error_code error, const std::string& detail);

}  // namespace kvserver
