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
// And that one with all that a power cut can leave, after each call of all short programs of storage calls:
//
//     run_crash_state_conformance([](FileSystem& files) { return std::make_unique<MyStorage>(files, "data"); },
//     CrashStateBounds{}, report);
//
// A storage that passes the last two keeps its promises through a power cut at any moment, as far as the model of
// fault_file_system.hpp reaches. None says anything about damaged files: that is up to your format.
//
// The first two take a few seconds, the last one as long as its bounds say. They run in the calling thread; one check
// starts a second one to read beside writes.
#pragma once

#include <libraft/export.hpp>
#include <libraft/file_system.hpp>
#include <libraft/storage.hpp>
#include <libraft/testkit/conformance.hpp>

#include <cstddef>
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

/// How far run_crash_state_conformance goes. Its time grows about twelvefold with each operation.
struct CrashStateBounds {
  /// Operations in a program; all programs of up to so many are run.
  std::size_t operations_max = 3;
  /// Up to so many pending changes all subsets of them are kept in turn (2^n). Beyond: none, all, each prefix, each one
  /// and each pair alone, all but each one and all but each pair, and some that are drawn.
  std::size_t pending_max = 10;
  /// Subsets drawn where there are too many for all.
  std::size_t drawn = 200;
  /// After a program of up to so many operations, a second power cut comes at each call of the recovery from each state
  /// that the first one left, and of a write after it.
  std::size_t second_crash_operations_max = 2;
  /// In programs of up to so many operations each call of the last one fails: with an I/O error, and for lack of space.
  std::size_t failure_operations_max = 2;
};

/// All programs of up to `operations_max` operations (votes, appends, truncations, snapshots, installs, reopening and
/// formatting), from an empty place, from a log and from a log behind a snapshot. The power goes after each call to the
/// file system, and each state that may then be on the disk is recovered by an instance of its own. Reports six checks;
/// `covered` says how many programs, moments and states there were. Equal disks are recovered once.
LIBRAFT_EXPORT void run_crash_state_conformance(const FileStorageFactory& make, const CrashStateBounds& bounds,
                                                const ConformanceReport& report);

}  // namespace libraft::testkit
