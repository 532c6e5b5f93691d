// MemoryStorage: a Storage without files, for examples, tests and nodes that may forget everything.
//
//     auto storage = libraft::memory_storage();              // forgotten with the node
//
//     auto disk = std::make_shared<libraft::MemoryDisk>();   // outlives the node: "crash and restart"
//     auto before = libraft::memory_storage(disk);
//     ...
//     before.reset();
//     auto after = libraft::memory_storage(disk);            // open() tells what `before` wrote
//
// What it holds is gone with the process. A node that lost its storage may have voted before and would vote again:
// a cluster of such nodes keeps its promises only while fewer than half of them have ever been restarted empty.
#pragma once

#include <libraft/export.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

namespace libraft {

/// What a MemoryStorage writes on. Thread-safe.
class LIBRAFT_EXPORT MemoryDisk {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();  ///< for set_bytes_max

  MemoryDisk();
  ~MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  /// Room for entries (charged_bytes each) and snapshots, in bytes; what would not fit is errc::no_space. Below
  /// bytes_used(), nothing more fits.
  void set_bytes_max(std::uint64_t bytes_max);
  /// What entries and snapshots take up now.
  [[nodiscard]] std::uint64_t bytes_used() const;

  struct Contents;  ///< of the implementation

 private:
  friend LIBRAFT_EXPORT std::unique_ptr<Storage> memory_storage(std::shared_ptr<MemoryDisk> disk);

  std::unique_ptr<Contents> contents_;
};

/// A storage on `disk`, which is locked while one is open. Writes are atomic. A batch that breaks the rules of
/// WriteBatch is errc::invalid_argument, changes nothing and is final for the instance, as storage.hpp says.
[[nodiscard]] LIBRAFT_EXPORT std::unique_ptr<Storage> memory_storage(std::shared_ptr<MemoryDisk> disk);
/// A storage on a disk of its own.
[[nodiscard]] LIBRAFT_EXPORT std::unique_ptr<Storage> memory_storage();

/// A storage for each node that is asked for, on a disk of the node's own which outlives the storage: what a simulation
/// of a cluster restarts from. The disks live as long as a copy of the function.
[[nodiscard]] LIBRAFT_EXPORT std::function<std::unique_ptr<Storage>(NodeId)> memory_storages();

}  // namespace libraft
