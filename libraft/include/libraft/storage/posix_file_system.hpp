// The FileSystem of the machine: POSIX files.
//
//     auto files = libraft::posix_file_system();
//     MyStorage storage(*files, "/var/lib/my-service/node-1");
//
// Made for data that only its own process should touch: files are made with mode 0600 and directories with 0700 (less
// what the umask takes away), symbolic links are not followed, and nothing is inherited by child processes. A full
// device or quota is errc::no_space; every other failure carries the error number of the system
// (std::system_category). On macOS, sync reaches the medium (F_FULLFSYNC).
#pragma once

#include <libraft/export.hpp>
#include <libraft/file_system.hpp>

#include <memory>

namespace libraft {

/// Has no state of its own, so one may serve all storages of a process. `lock` is flock(2): it also refuses a second
/// lock in the same process, and a crash releases it. (A network file system may be weaker: keep logs on local disks.)
[[nodiscard]] LIBRAFT_EXPORT std::shared_ptr<FileSystem> posix_file_system();

}  // namespace libraft
