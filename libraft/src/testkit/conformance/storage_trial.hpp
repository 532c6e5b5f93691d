// StorageTrial: a storage under test beside the model of what it should hold, and the words that checks are written in.
#pragma once

#include <libraft/testkit/storage_conformance.hpp>

#include <memory>
#include <span>
#include <string>

#include "testkit/conformance/storage_model.hpp"

namespace libraft::testkit {

/// Thrown by a check that failed; the runner reports it.
struct CheckFailed {
  std::string detail;
};

inline void require(bool holds, const std::string& otherwise) {
  if (!holds) throw CheckFailed{otherwise};
}
void require_success(std::error_code error, const std::string& call);
void require_error(std::error_code seen, std::error_code expected, const std::string& call);

/// Invariant: `storage` (open, formatted) holds what `model` says.
class StorageTrial {
 public:
  explicit StorageTrial(StorageMedium medium);

  /// Opens and formats.
  void begin();
  /// Does it, requires success, and remembers it.
  void run(const StorageCommand& command, const std::string& what);
  void append(std::uint64_t first, std::uint64_t last, std::uint64_t term);
  /// Reads everything from the open instance, closes, opens another, and requires what was promised each time.
  void verify(const std::string& when);
  void verify_open(const std::string& when);
  /// Cuts the power and requires all that was promised. Only with a medium that can crash.
  void verify_after_crash(std::uint64_t seed, const std::string& when);
  /// Closes and opens another instance, and requires what was promised.
  void reopen(const std::string& when);

  StorageMedium medium;
  std::unique_ptr<Storage> storage;
  StorageModel model;
};

/// A rule and its check. `run` starts with a storage that was made, not opened.
struct StorageRule {
  const char* name;
  void (*run)(StorageTrial&);
};

std::span<const StorageRule> storage_basic_rules();
std::span<const StorageRule> storage_log_rules();
std::span<const StorageRule> storage_snapshot_rules();
/// For media that can be full.
std::span<const StorageRule> storage_space_rules();
/// For media that can crash.
std::span<const StorageRule> storage_crash_rules();

/// Calls `check` and reports what it throws.
void report_check(const std::string& name, const ConformanceReport& report, const std::function<void()>& check);

}  // namespace libraft::testkit
