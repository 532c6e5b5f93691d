// A storage on files, with a fault at each of its calls to the file system in turn.
//
// A history of commands is run up to the fault. Then the disk is taken as the fault left it, and for each of several
// crashes the storage must open with what a crash may leave: all that was acknowledged, and a prefix of the command
// that was under way.
#include <libraft/error.hpp>
#include <libraft/testkit/fault_file_system.hpp>

#include <algorithm>
#include <array>
#include <memory>

#include "testkit/conformance/storage_trial.hpp"

namespace libraft::testkit {
namespace {

/// 0 loses all that was not synced, 1 nothing; the others a part.
constexpr std::uint64_t kSeeds = 8;
constexpr std::uint64_t kCallsMax = 100'000;

/// Every kind of command in every place where one kind may trip another: across sectors, after compaction, after an
/// install, with the log empty.
std::vector<StorageCommand> history() {
  return {
      Do().format(),
      Do().hard_state(1, NodeId{3}),
      Do().entries(1, 3, 1),
      Do().hard_state(2, std::nullopt).entries(4, 5, 2),
      Do().hard_state(3, NodeId{1}).truncate(4).entries(4, 6, 3),
      Do().snapshot(3, 1, std::string(1500, 's')).start(3, 1),
      Do().entry(sample_entry(7, 3, std::string(1300, 'x'))).entries(8, 9, 3),
      Do().truncate(8),
      Do().snapshot(20, 4, "installed").hard_state(4, std::nullopt).truncate(4).start(20, 4),
      Do().entries(21, 22, 4),
      Do().snapshot(22, 4, "taken").start(21, 4).entries(23, 23, 4),
      Do().truncate(22).entries(22, 23, 5),
  };
}

std::string call_text(std::uint64_t call) {
  return "call " + std::to_string(call);
}

/// Invariant: the disk holds what `states` allow: the last of all that was acknowledged, then what the command under
/// way may have added.
class FaultRun {
 public:
  explicit FaultRun(const FileStorageFactory& make) : make_(make) {}

  [[nodiscard]] std::unique_ptr<Storage> storage() { return make_(disk); }

  enum class NoSpace { ends, is_tried_again };

  /// Runs the history until a command fails. True when none did.
  bool run_history(Storage& storage, NoSpace no_space = NoSpace::ends) {
    states_ = {StorageModel()};
    under_way_ = "opening";
    if (const auto found = storage.open(); !found) {
      error_ = found.error();
      return false;
    }
    std::size_t number = 0;
    for (const StorageCommand& command : history()) {
      under_way_ = "step " + std::to_string(number++);
      const StorageModel before = states_.front();
      states_ = before.prefixes(command);
      error_ = perform(storage, command);
      if (error_ == errc::no_space && !command.is_format) {
        if (!command.snapshot) states_ = {before};  // nothing of a batch stays
        if (no_space == NoSpace::is_tried_again) try_again(storage, before, command);
      }
      if (error_) return false;
      states_ = {states_.back()};
    }
    under_way_ = "the end";
    return true;
  }

  enum class Told { is_durable, may_be_lost };

  /// Opens the storage and requires one of the states that are allowed. What it tells must then be durable. (Not after
  /// a failed sync and a mere restart: the kernel goes on showing what it has lost, and nobody can know.)
  void require_allowed(const std::string& when, Told told = Told::is_durable) {
    auto storage = make_(disk);
    const auto seen = open_and_observe(*storage);
    const std::string where = when + " (" + under_way_ + ")";
    require_success(seen.error(), where + ": opening and reading all of it");
    require(is_allowed(*seen), where + ": " + difference(states_.front().expected(), *seen) +
                                   "(Compared with what was acknowledged before.)");
    if (told == Told::may_be_lost) return;
    disk.power_off();  // without a goodbye
    storage.reset();
    disk.crash(0);
    storage = make_(disk);
    const auto again = open_and_observe(*storage);
    require_success(again.error(), where + ": opening once more after another crash");
    const std::string changed = difference(*seen, *again);
    require(changed.empty(), where + ": what open() told was not durable. " + changed);
    require_usable(*storage, *again, where);
  }

  /// With a crash at each call of the recovery, on the disk as it is.
  void require_recovery_survives_crashes(const std::string& when) {
    const DiskImage before = disk.image();
    for (std::uint64_t call = 1; call < kCallsMax; ++call) {
      disk.restore(before);
      disk.power_off_at(disk.calls() + call);
      auto storage = make_(disk);
      static_cast<void>(storage->open());
      const bool was_cut = disk.power_is_off();
      disk.clear_faults();
      disk.power_off();
      storage.reset();
      disk.crash(call);
      if (!was_cut) return;
      storage = make_(disk);
      const auto seen = open_and_observe(*storage);
      const std::string where = when + ", then a crash at " + call_text(call) + " of the recovery (" + under_way_ + ")";
      require_success(seen.error(), where + ": opening and reading all of it");
      require(is_allowed(*seen), where + ": " + difference(states_.front().expected(), *seen));
    }
  }

  [[nodiscard]] std::error_code error() const { return error_; }
  [[nodiscard]] const std::string& under_way() const { return under_way_; }

  FaultFileSystem disk;

 private:
  [[nodiscard]] bool is_allowed(const Observation& seen) const {
    return std::any_of(states_.begin(), states_.end(),
                       [&](const StorageModel& state) { return state.expected() == seen; });
  }

  void try_again(Storage& storage, const StorageModel& before, const StorageCommand& command) {
    const LogIndex beyond = next(before.last().index);
    require_error(storage.read(beyond, beyond, 1).error(), errc::unavailable,
                  under_way_ + ": reading beyond the end after no_space");
    states_ = before.prefixes(command);
    error_ = perform(storage, command);
    // The snapshot may have been published before its batch found no room.
    if (error_ == errc::snapshot_stale) error_ = storage.write(command.batch());
    require_success(error_, under_way_ + ": the same command again after no_space");
  }

  /// After a recovery the storage goes on: it takes a write and keeps it.
  void require_usable(Storage& storage, const Observation& now, const std::string& where) {
    if (!now.recovered) {
      require_success(perform(storage, Do().format()), where + ": format() after a crash during the first one");
      return;
    }
    const LogIndex index = next(now.recovered->last.index);
    const Entry entry = sample_entry(index.value, 9, "after recovery");
    require_success(perform(storage, Do().entry(entry)), where + ": appending after the recovery");
    const auto read = storage.read(index, index, SIZE_MAX);
    require_success(read.error(), where + ": reading what was appended after the recovery");
    require(*read == std::vector<Entry>{entry}, where + ": what was appended after the recovery reads differently.");
  }

  const FileStorageFactory& make_;
  std::vector<StorageModel> states_;  ///< never empty while running
  std::string under_way_;
  std::error_code error_;
};

void crash_at_each_call(const FileStorageFactory& make) {
  for (std::uint64_t call = 1; call < kCallsMax; ++call) {
    FaultRun run(make);
    run.disk.power_off_at(call);
    auto storage = run.storage();
    const bool finished = run.run_history(*storage);
    const bool was_cut = run.disk.power_is_off();
    if (!was_cut) require_success(run.error(), "the history without a fault, at " + run.under_way());
    run.disk.clear_faults();
    run.disk.power_off();
    storage.reset();
    const DiskImage left = run.disk.image();
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const std::string when = "a crash at " + call_text(call) + ", seed " + std::to_string(seed);
      run.disk.restore(left);
      run.disk.crash(seed + (seed > 1 ? 16 * call : 0));
      const DiskImage crashed = run.disk.image();
      run.require_allowed(when);
      if (seed == 2) {
        run.disk.restore(crashed);
        run.require_recovery_survives_crashes(when);
      }
    }
    if (finished && !was_cut) return;
  }
}

void kill_at_each_call(const FileStorageFactory& make) {
  for (std::uint64_t call = 1; call < kCallsMax; ++call) {
    FaultRun run(make);
    run.disk.power_off_at(call);
    auto storage = run.storage();
    static_cast<void>(run.run_history(*storage));
    const bool was_cut = run.disk.power_is_off();
    run.disk.clear_faults();
    run.disk.power_off();
    storage.reset();
    run.disk.kill();
    run.require_allowed("a kill at " + call_text(call));
    if (!was_cut) return;
  }
}

/// The disk after a failed call, as left by the process and by crashes.
void require_allowed_after(FaultRun& run, const std::string& fault) {
  const DiskImage left = run.disk.image();
  run.disk.restore(left);
  run.require_allowed("after " + fault + " and a restart", FaultRun::Told::may_be_lost);
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    run.disk.restore(left);
    run.disk.crash(seed);
    run.require_allowed("after " + fault + " and a crash, seed " + std::to_string(seed));
  }
}

void fail_each_call(const FileStorageFactory& make, std::error_code error, FaultRun::NoSpace no_space) {
  for (std::uint64_t call = 1; call < kCallsMax; ++call) {
    const std::string fault = "\"" + error.message() + "\" at " + call_text(call);
    FaultRun run(make);
    run.disk.fail_at(call, error);
    auto storage = run.storage();
    static_cast<void>(run.run_history(*storage, no_space));
    const bool has_failed = run.disk.calls() >= call;
    require(error == errc::no_space || run.error() != errc::no_space, fault + " was told as no_space.");
    storage.reset();
    run.disk.clear_faults();
    require_allowed_after(run, fault);
    if (!has_failed) return;
  }
}

void io_error_at_each_call(const FileStorageFactory& make) {
  fail_each_call(make, errc::io_error, FaultRun::NoSpace::ends);
}

void no_space_at_each_call(const FileStorageFactory& make) {
  fail_each_call(make, errc::no_space, FaultRun::NoSpace::ends);
}

void no_space_and_try_again_at_each_call(const FileStorageFactory& make) {
  fail_each_call(make, errc::no_space, FaultRun::NoSpace::is_tried_again);
}

StorageMedium faulty_medium(const FileStorageFactory& make) {
  const auto disk = std::make_shared<FaultFileSystem>();
  StorageMedium medium;
  medium.make = [make, disk] { return make(*disk); };
  medium.cut_power = [disk] { disk->power_off(); };
  medium.restore_power = [disk](std::uint64_t seed) { disk->crash(seed); };
  medium.set_full = [disk](bool full) {
    if (full) {
      disk->set_full();
    } else {
      disk->set_bytes_max(FaultFileSystem::kUnlimited);
    }
  };
  return medium;
}

}  // namespace

void run_file_storage_conformance(const FileStorageFactory& make, const ConformanceReport& report) {
  run_storage_conformance([&] { return faulty_medium(make); }, report);
  struct Rule {
    const char* name;
    void (*run)(const FileStorageFactory&);
  };
  constexpr std::array kFaultRules{
      Rule{"a power cut at any call leaves what was acknowledged and a prefix of the batch under way",
           crash_at_each_call},
      Rule{"a kill at any call does too, and what open tells then is durable", kill_at_each_call},
      Rule{"an I/O error at any call is told, and loses nothing that was acknowledged", io_error_at_each_call},
      Rule{"a full disk at any call loses nothing, and leaves nothing of a write that says no_space",
           no_space_at_each_call},
      Rule{"a write that said no_space at any call can be tried again", no_space_and_try_again_at_each_call},
  };
  for (const Rule& rule : kFaultRules) {
    report_check(rule.name, report, [&] { rule.run(make); });
  }
}

}  // namespace libraft::testkit
