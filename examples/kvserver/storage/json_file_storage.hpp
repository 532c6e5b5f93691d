// JsonFileStorage: a node's durable state in three files that people can read.
//
//     raft_state.json   term, vote, base of the log, configuration; replaced as a whole
//     raft_log.jsonl    a line for each entry, appended with one sync a batch; rewritten when it is compacted
//     snapshot.json     the newest snapshot; replaced as a whole
//
// A write of entries costs what it adds, whatever is in the log already. A change of term or vote replaces
// raft_state.json, which is a small file. docs/formats.md has the formats, and what is done after which crash.
#pragma once

#include <libraft/file_system.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace kvserver {

struct JsonFileStorageOptions {
  /// The node's own folder; made when it is not there. Missing parents too.
  std::string directory;
  /// What people call a node: written beside its id, which alone counts. Without it the id is shown twice.
  std::function<std::string(libraft::NodeId)> name_of;
  /// Told what open() mended, a sentence that names the file: which torn tail was cut. Called inside open().
  std::function<void(const std::string&)> warn = nullptr;
};

/// `files` outlives the storage, its snapshot writers and its readers. Like every Storage it takes the folder over in
/// open() and gives it back in close(): errc::locked while another process has it.
///
/// Of open(): errc::corrupt_data when a file is damaged other than by a power cut, or missing while another one needs
/// it; errc::unsupported_version; errc::identity_mismatch when files of different nodes or clusters are mixed. Then
/// nothing was changed, and error_detail() names the file, the place and the reason.
[[nodiscard]] std::unique_ptr<libraft::Storage> json_file_storage(libraft::FileSystem& files,
                                                                  JsonFileStorageOptions options);

/// The names that stand beside ids in the folder's raft_state.json, to be shown to people only: nothing has checked
/// that they are those of the ids. Empty when the file can't be read. Changes nothing, and takes no lock.
[[nodiscard]] std::map<libraft::NodeId, std::string> stored_names(libraft::FileSystem& files,
                                                                  const std::string& directory);

}  // namespace kvserver
