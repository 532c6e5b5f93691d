// FileSystem: the files that a storage is written on.
//
// A small view of POSIX files with the durability rules spelled out, so that a test or the simulator can stand in for
// the disk: a crash loses everything that was not synced, in any subset. Shipped: storage/posix_file_system.hpp, and
// testkit/fault_file_system.hpp, which loses, tears and fails on demand.
//
// Thread-safety: calls on different files and paths may run side by side; calls on one File don't.
#pragma once

#include <libraft/export.hpp>
#include <libraft/result.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace libraft {

/// An open file. Closed by the destructor; closing makes nothing durable.
struct File {
  virtual ~File() = default;

  /// Writes all of `bytes` at `offset`, growing the file where needed. errc::no_space: any part may be there.
  [[nodiscard]] virtual std::error_code write_at(std::uint64_t offset, std::string_view bytes) = 0;
  /// Reads up to `into.size()` bytes; fewer only at the end of the file, where it is 0.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;
  /// In bytes, with what is written and not yet durable.
  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
  /// Cuts or grows (with zeros) the file to `size` bytes; durable after sync.
  [[nodiscard]] virtual std::error_code truncate(std::uint64_t size) = 0;
  /// Contents and size are durable when it returns without error (fdatasync). After an error nothing is known about
  /// what is on the disk, and a second call proves nothing: the writer must give the file up.
  [[nodiscard]] virtual std::error_code sync() = 0;
};

/// Keeps a lock for its lifetime.
struct FileLock {
  virtual ~FileLock() = default;
};

/// Whether the file must be there, and whether it may be written to.
enum class OpenMode {
  read,                ///< must exist
  write,               ///< must exist; read and write
  create,              ///< must not exist; read and write
  create_or_truncate,  ///< made, or cut to zero bytes; read and write
};

/// Files by their paths.
struct LIBRAFT_EXPORT FileSystem {
  virtual ~FileSystem() = default;

  /// Opens a regular file, or makes one; a new name is durable after sync_directory.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// True when there is anything of that name.
  [[nodiscard]] virtual Result<bool> exists(const std::string& path) = 0;
  /// Replaces `to` atomically. Durable after sync_directory.
  [[nodiscard]] virtual std::error_code rename(const std::string& from, const std::string& to) = 0;
  /// Durable after sync_directory. A file that is not there is no error.
  [[nodiscard]] virtual std::error_code remove(const std::string& path) = 0;
  /// Makes `path` and its missing parents, durably.
  [[nodiscard]] virtual std::error_code create_directories(const std::string& path) = 0;
  /// Names of the regular files in `path`, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  /// Creations, renames and removals in `path` are durable when it returns without error.
  [[nodiscard]] virtual std::error_code sync_directory(const std::string& path) = 0;
  /// Takes the exclusive lock that `path` stands for (made when absent), or errc::locked while another process or
  /// instance holds it. A crash releases it.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// The whole file, or errc::message_too_large beyond `bytes_max`.
[[nodiscard]] LIBRAFT_EXPORT Result<std::string> read_file(FileSystem&, const std::string& path,
                                                           std::uint64_t bytes_max);

/// Replaces `directory/name` atomically and durably: temporary file (`name` + ".tmp"), sync, rename, directory sync.
/// After an error the file holds the old or the new contents, whole; after errc::no_space the old ones.
[[nodiscard]] LIBRAFT_EXPORT std::error_code replace_file(FileSystem&, const std::string& directory,
                                                          const std::string& name, std::string_view contents);

}  // namespace libraft
