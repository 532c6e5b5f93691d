// What a node finds in its folder when it starts, checked before anything else is done.
#pragma once

#include "config.hpp"
#include "kv/node_names.hpp"
#include "storage/early_open_storage.hpp"

#include <libraft/file_system.hpp>
#include <libraft/storage.hpp>

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

/// Opens the storage for the node, and compares what it holds with the configuration. nullopt in place of a state: a
/// first start. A refusal names the file, and the storage is closed.
[[nodiscard]] std::variant<std::optional<libraft::RecoveredState>, StartRefused> inspect_data(EarlyOpenStorage& storage,
                                                                                              const Config& config,
                                                                                              const NodeNames& names);

/// Why data that could be read are not this node's; nullopt when they are.
[[nodiscard]] std::optional<StartRefused> compare_with(const Config& config, const NodeNames& names,
                                                       const libraft::RecoveredState& state);

/// The refusal for an error of Storage::open.
[[nodiscard]] StartRefused data_refusal(const Config& config, std::error_code error, const std::string& detail);

}  // namespace kvserver
