// FaultFileSystem: a disk in memory that loses power, tears writes, fills up and fails, all on demand and repeatably.
//
//     FaultFileSystem disk;
//     { MyStorage storage(disk, "/data"); ... }            // every call counts: disk.calls()
//     disk.power_off_at(17);                               // the 17th call and all after it fail
//     { MyStorage storage(disk, "/data"); ... }            // runs into it
//     disk.crash(42);                                      // power is back; what was not synced is partly gone
//     { MyStorage storage(disk, "/data"); ... }            // must find what it had promised
//
// The model, stricter than most real file systems on purpose:
//   - A write or a truncation is pending until File::sync on its file; sync says nothing about the file's name.
//   - A creation, rename or removal is pending until sync_directory on the directory (of the new name, for a rename).
//   - A crash keeps any subset of what is pending: of a write, any subset of its 512-byte sectors, and perhaps only the
//     growth of the file (zeros). A rename is kept or lost whole. create_directories is durable at once.
//   - A failed sync loses what was pending and leaves it readable until the next crash, as kernels do: a second sync
//     then succeeds and proves nothing.
//
// Thread-safe. The same calls and seeds give the same bytes. Relative paths are fine; "/", "." and "" exist.
#pragma once

#include <libraft/export.hpp>
#include <libraft/file_system.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace libraft::testkit {

/// The calls of File and FileSystem, for counts and faults.
enum class FileCall {
  open,
  exists,
  rename,
  remove,
  create_directories,
  list,
  sync_directory,
  lock,
  write_at,
  read_at,
  size,
  truncate,
  sync,
};

/// Something pending that a crash keeps or loses by itself.
struct PendingChange {
  /// What a change may be.
  enum class Kind {
    sector,      ///< bytes of one write within one sector
    growth,      ///< the new size of a file that was written beyond its end; without the bytes it is zeros
    truncation,  ///< of a file's contents
    name,        ///< a creation, rename or removal
  };
  Kind kind = Kind::sector;  ///< what it is about
  std::string path;          ///< of the file; of a name: the new one
};

/// Of a disk's names and contents: equal disks have equal digests.
using DiskDigest = std::array<std::uint64_t, 2>;

/// Everything that a disk holds, durable or pending. Cheap to copy.
class LIBRAFT_EXPORT DiskImage {
 public:
  struct Contents;  ///< of the implementation
  explicit DiskImage(std::shared_ptr<const Contents> contents) : contents_(std::move(contents)) {}
  /// For the implementation.
  [[nodiscard]] const Contents& contents() const { return *contents_; }

 private:
  std::shared_ptr<const Contents> contents_;
};

/// A disk in memory. See the head of this file.
class LIBRAFT_EXPORT FaultFileSystem final : public FileSystem {
 public:
  FaultFileSystem();
  ~FaultFileSystem() override;
  FaultFileSystem(const FaultFileSystem&) = delete;
  FaultFileSystem& operator=(const FaultFileSystem&) = delete;

  // Faults. Calls are numbered from 1, over all kinds; a call that fails counts too.

  /// The call with this number fails with `error` and does nothing, but: a write_at leaves half of its bytes pending,
  /// and a sync loses what was pending.
  void fail_at(std::uint64_t call, std::error_code error);
  /// As fail_at, for the next call of this kind once `skip` of them have passed. One of them waits at a time.
  void fail_next(FileCall kind, std::error_code error, std::uint64_t skip = 0);
  /// At the call with this number, power goes: it and all later ones fail with errc::io_error. What it was about to
  /// write is pending; a sync has made nothing durable.
  void power_off_at(std::uint64_t call);
  /// From now on all calls fail.
  void power_off();
  /// Forgets the faults that have not happened yet. Power that is off stays off.
  void clear_faults();

  /// Power is cut (if it is not off yet) and comes back: what was durable is there, of what was pending a subset drawn
  /// by `seed`. Seed 0 keeps nothing of it, seed 1 all. Files that are open fail from now on, locks are released.
  void crash(std::uint64_t seed);
  /// What is pending, in the order in which crash_keeping() takes it.
  [[nodiscard]] std::vector<PendingChange> pending() const;
  /// As crash(), but keeps of what is pending what `kept` says, one flag for each of pending(); missing flags are lost.
  /// For going through all that a crash may leave: 2^n subsets for n pending changes.
  void crash_keeping(const std::vector<bool>& kept);
  /// Only the process dies: files that are open fail from now on, locks are released. What is pending stays pending,
  /// and what a failed sync left stays readable.
  void kill();
  /// True from power_off_at's call until crash() or restore().
  [[nodiscard]] bool power_is_off() const;

  /// Room for the contents of files. A write that does not fit leaves what fits and fails with errc::no_space.
  void set_bytes_max(std::uint64_t bytes_max);
  /// No room beyond what is used now.
  void set_full();
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();  ///< for set_bytes_max

  // Counts.

  /// Of all kinds so far.
  [[nodiscard]] std::uint64_t calls() const;
  /// Of one kind so far.
  [[nodiscard]] std::uint64_t calls(FileCall kind) const;
  /// By all calls of write_at.
  [[nodiscard]] std::uint64_t bytes_written() const;
  /// By the contents of all files.
  [[nodiscard]] std::uint64_t bytes_used() const;

  // What is on the disk. These are not calls: they are not counted and don't fail.

  /// Of all files, sorted.
  [[nodiscard]] std::vector<std::string> paths() const;
  /// As a reader sees it now; nullopt when there is no such file.
  [[nodiscard]] std::optional<std::string> contents(const std::string& path) const;
  /// As a crash that keeps nothing pending would leave it.
  [[nodiscard]] std::optional<std::string> durable_contents(const std::string& path) const;
  /// Damages a file: these bytes are durably there now, and count as never written by anybody. False without the file.
  bool overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes);
  /// Keeps an eye on one byte of a file, and on no other any more, whatever the file is called; restore() forgets it.
  /// False without the file.
  bool watch(const std::string& path, std::uint64_t offset);
  /// A durable name of the watched byte's file; nullopt: there is none any more.
  [[nodiscard]] std::optional<std::string> watched_path() const;
  /// True once a read_at has returned that byte since.
  [[nodiscard]] bool watched_was_read() const;
  /// As overwrite, in the watched byte's file.
  bool overwrite_watched(std::uint64_t offset, std::string_view bytes);
  /// Replaces a file durably, or makes one.
  void put(const std::string& path, std::string contents);

  /// Of paths() and contents().
  [[nodiscard]] DiskDigest digest() const;

  /// What the disk holds now, and back to it. Files that are open fail after restore, locks are released, power is on.
  [[nodiscard]] DiskImage image() const;
  /// Back to `image`.
  void restore(const DiskImage& image);

  // FileSystem
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  [[nodiscard]] Result<bool> exists(const std::string& path) override;
  [[nodiscard]] std::error_code rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] std::error_code remove(const std::string& path) override;
  [[nodiscard]] std::error_code create_directories(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override;
  [[nodiscard]] std::error_code sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

  struct Impl;  ///< of the implementation

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace libraft::testkit
