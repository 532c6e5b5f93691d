// DiskModel: what a disk holds, what is pending on it, and what a crash leaves. A value, without faults or locks.
#pragma once

#include <libraft/testkit/fault_file_system.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace libraft::testkit {

/// SplitMix64: the same numbers on every machine and with every standard library.
class DiskRandom {
 public:
  explicit DiskRandom(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

using FileNumber = std::uint64_t;

/// Invariant: `names` are `durable_names` with `pending_names` applied in order. (For a file's contents the same does
/// not hold after a failed sync, and that is the point of it.)
class DiskModel {
 public:
  DiskModel();

  [[nodiscard]] std::optional<FileNumber> find(const std::string& path) const;
  [[nodiscard]] bool is_directory(const std::string& path) const { return directories_.count(path) != 0; }
  [[nodiscard]] const std::string& contents(FileNumber file) const { return files_.at(file).current; }
  [[nodiscard]] std::optional<std::string> durable_contents(const std::string& path) const;
  /// The first durable name of a file.
  [[nodiscard]] std::optional<std::string> durable_path(FileNumber file) const;
  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] std::vector<std::string> names_in(const std::string& directory) const;
  [[nodiscard]] std::uint64_t bytes_used() const;

  /// `path` is not there, its directory is.
  FileNumber create(const std::string& path);
  void rename(const std::string& from, const std::string& to);
  void remove(const std::string& path);
  void add_directory(const std::string& path);
  void write(FileNumber file, std::uint64_t offset, std::string_view bytes);
  void truncate(FileNumber file, std::uint64_t size);

  void sync(FileNumber file);
  /// What is pending will never be durable, but stays readable.
  void fail_sync(FileNumber file);
  void sync_directory(const std::string& path);

  void overwrite(FileNumber file, std::uint64_t offset, std::string_view bytes);
  /// Keeps of what is pending what `seed` says: 0 nothing, 1 all, else a subset.
  void crash(std::uint64_t seed);

  /// What a crash keeps or loses, each by itself. Of files that no name can lead to: nothing.
  [[nodiscard]] std::vector<PendingChange> pending() const;
  /// Keeps what is pending where `kept` says so, by the order of pending(); what is beyond its end is lost.
  void crash_keeping(const std::vector<bool>& kept);
  /// Of names and contents as a reader sees them.
  [[nodiscard]] DiskDigest digest() const;

  [[nodiscard]] static std::string parent_of(const std::string& path);

 private:
  struct DataChange {
    bool is_truncation = false;
    std::uint64_t offset = 0;  ///< of a truncation: the size
    std::string bytes;
  };
  struct FileState {
    std::string durable;
    std::string current;
    std::vector<DataChange> pending;
  };
  using Names = std::map<std::string, FileNumber>;
  struct NameChange {
    enum class Kind { create, rename, remove } kind = Kind::create;
    std::string path;  ///< of a rename: the old name
    std::string to;
    FileNumber file = 0;

    [[nodiscard]] std::string directory() const { return parent_of(kind == Kind::rename ? to : path); }
  };
  /// Draws what a crash keeps.
  class Survival;

  static void apply(std::string& contents, const DataChange& change);
  static void apply(Names& names, const NameChange& change);
  static void apply_partly(std::string& contents, const DataChange& change, Survival& survival);
  /// Calls `visit(from, to)` for each sector that a write touches.
  template <class Visit>
  static void for_each_sector(const DataChange& change, Visit visit);
  [[nodiscard]] std::map<FileNumber, std::string> possible_names() const;
  void change_name(NameChange change);
  void settle_names();
  void forget_unreachable();

  FileNumber next_file_ = 1;
  std::map<FileNumber, FileState> files_;
  Names names_;
  Names durable_names_;
  std::vector<NameChange> pending_names_;
  std::set<std::string> directories_;
};

}  // namespace libraft::testkit
