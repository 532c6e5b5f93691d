// Recoveries: opens what a crash left, judges what comes of it, and remembers it by the disk's digest.
#pragma once

#include <libraft/testkit/fault_file_system.hpp>
#include <libraft/testkit/storage_conformance.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "testkit/conformance/storage_model.hpp"

namespace libraft::testkit {

/// What a crash may leave: any of these.
class AllowedStates {
 public:
  explicit AllowedStates(std::vector<StorageModel> models);

  /// The one that looks like this; null when none does.
  [[nodiscard]] const StorageModel* find(const DiskDigest& observed) const;
  [[nodiscard]] const StorageModel& first() const { return models_.front(); }
  /// Of all of them, in order.
  [[nodiscard]] DiskDigest digest() const;

 private:
  std::vector<StorageModel> models_;  ///< never empty
  std::vector<DiskDigest> digests_;
};

/// What is checked of each state that a crash leaves.
enum class CrashProperty { prefix, twice, usable, crash_again, io_error, no_space };
constexpr std::size_t kCrashProperties = 6;

/// The first violation of each property, in words.
class CrashFindings {
 public:
  [[nodiscard]] bool has(CrashProperty property) const { return !of(property).empty(); }
  [[nodiscard]] const std::string& of(CrashProperty property) const {
    return first_[static_cast<std::size_t>(property)];
  }
  void add(CrashProperty property, const std::string& detail);

 private:
  std::array<std::string, kCrashProperties> first_;
};

/// Says where something was found. Only called when it is.
using Where = std::function<std::string()>;

/// See the head of this file.
class Recoveries {
 public:
  Recoveries(const FileStorageFactory& make, CrashFindings& findings) : make_(make), findings_(findings) {}

  /// `disk` has just crashed, and is used up. A recovery that is none of `allowed` violates `property`. What it tells,
  /// if it is allowed; else null.
  const StorageModel* judge(FaultFileSystem& disk, const AllowedStates& allowed, CrashProperty property,
                            const Where& where);

  /// As judge(), but `disk` has not crashed: a process was killed, and what it wrote is there and may not be durable.
  void judge_kill(FaultFileSystem& disk, const AllowedStates& allowed, CrashProperty property, const Where& where);

  /// Different disks that were recovered.
  [[nodiscard]] std::uint64_t count() const { return known_.size(); }

 private:
  struct Found {
    bool is_open = false;
    DiskDigest observed{};
  };

  /// What it tells must be durable. After a crash (else some of the disk may be pending) it must also leave the same
  /// bytes each time.
  enum class After { crash, kill };
  Found recover(FaultFileSystem& disk, After after, const AllowedStates& allowed, const Where& where);
  void recover_again(FaultFileSystem& disk, const Observation& told, const std::optional<DiskDigest>& bytes,
                     const Where& where);
  void write_more(FaultFileSystem& disk, const StorageModel& model, const Where& where);
  const StorageModel* allowed_model(const Found& found, FaultFileSystem& disk, const AllowedStates& allowed,
                                    CrashProperty property, const Where& where);
  [[nodiscard]] std::string explain(FaultFileSystem& disk, const AllowedStates& allowed) const;

  const FileStorageFactory& make_;
  CrashFindings& findings_;
  std::map<DiskDigest, Found> known_;
};

/// Equal observations have equal digests.
DiskDigest digest_of(const Observation& seen);

}  // namespace libraft::testkit
