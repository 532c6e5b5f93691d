// Does a Storage keep the rules of storage.hpp? Each sentence there is a check here.
//
// For any storage:
//
//     run_storage_conformance([] {
//       auto folder = std::make_shared<TemporaryFolder>();
//       StorageMedium medium;
//       medium.make = [folder] { return std::make_unique<MyStorage>(folder->path()); };
//       return medium;
//     }, report);
//
// For one that is written on a FileSystem, with crashes and failures at each of its calls:
//
//     run_file_storage_conformance([](FileSystem& files) { return std::make_unique<MyStorage>(files, "data"); },
//     report);
//
// A storage that passes the second one keeps its promises through a power cut at any moment, as far as the model of
// fault_file_system.hpp reaches. Neither says anything about damaged files: that is up to your format.
//
// Takes a few seconds. Runs in the calling thread; one check starts a second one to read beside writes.
#pragma once

#include <libraft/export.hpp>
#include <libraft/file_system.hpp>
#include <libraft/storage.hpp>
#include <libraft/testkit/conformance.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace libraft::testkit {

/// What a storage keeps its data on. The functions own what they need.
struct StorageMedium {
  /// An instance that is not open, on the same data each time. Two may exist; one of them is open.
  std::function<std::unique_ptr<Storage>()> make;

  // For media that can crash (both or none): while an instance is open, power goes: nothing reaches the medium any
  // more. The instance is destroyed. Then power comes back: some of what was not durable is lost.
  std::function<void()> cut_power;                        ///< no more calls succeed; may be empty
  std::function<void(std::uint64_t seed)> restore_power;  ///< what was not synced is partly gone, by `seed`

  /// For media that can be full: with true, nothing more fits, with false it does again.
  std::function<void(bool full)> set_full;
};

/// A new and empty medium.
using StorageFactory = std::function<StorageMedium()>;

/// Runs all checks that the medium allows, each on a medium of its own.
LIBRAFT_EXPORT void run_storage_conformance(const StorageFactory& factory, const ConformanceReport& report);

/// A storage on `files`; always at the same place.
using FileStorageFactory = std::function<std::unique_ptr<Storage>(FileSystem& files)>;

/// Runs run_storage_conformance on a FaultFileSystem, and then a history of writes and snapshots again and again: with
/// a power cut at each call to the file system (and again at each call of the recovery), with each call failing, and
/// with each call finding the disk full.
LIBRAFT_EXPORT void run_file_storage_conformance(const FileStorageFactory& make, const ConformanceReport& report);

}  // namespace libraft::testkit
