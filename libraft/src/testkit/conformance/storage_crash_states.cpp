// All crash states of all short programs: runs them, stops at each call, and hands what a crash leaves to Recoveries.
//
// A program's last step is the one under test: the steps before it were the last ones of shorter programs. For each
// moment within it, the disk is taken as it was then, and every subset of what was pending is kept in turn.
#include <libraft/error.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "testkit/conformance/storage_programs.hpp"
#include "testkit/conformance/storage_recorder.hpp"
#include "testkit/conformance/storage_recoveries.hpp"
#include "testkit/conformance/storage_trial.hpp"
#include "testkit/disk/crash_subsets.hpp"

namespace libraft::testkit {
namespace {

struct Counts {
  std::uint64_t programs = 0;
  std::uint64_t moments = 0;
  std::uint64_t states = 0;         ///< different ones within a step
  std::uint64_t second_states = 0;  ///< after a second crash
  std::uint64_t kills = 0;          ///< with something pending
  std::uint64_t failures = 0;       ///< calls that failed
  std::uint64_t partly = 0;         ///< moments with too much pending for all subsets
  std::size_t pending_most = 0;
};

struct Base {
  std::string name;
  DiskImage image;
  StorageModel model;
};

/// A disk, a storage on it, and what they should hold.
struct Running {
  Running(const FileStorageFactory& factory, const Base& base) : make(factory), model(base.model) {
    disk.restore(base.image);
    storage = make(files);
    require_success(storage->open().error(), "open()");
  }

  /// Does it. The model follows when there was no error.
  std::error_code take(const ProgramStep& step) {
    if (step.command) {
      const auto error = perform(*storage, *step.command);
      if (!error) model.apply(*step.command);
      return error;
    }
    storage.reset();
    storage = make(files);
    const auto seen = open_and_observe(*storage);
    if (!seen) return seen.error();
    const std::string found = difference(model.expected(), *seen);
    require(found.empty(), "opened again: " + found);
    return {};
  }

  const FileStorageFactory& make;
  FaultFileSystem disk;
  RecordingFiles files{disk};
  std::unique_ptr<Storage> storage;
  StorageModel model;
};

/// What a crash within `step` may leave.
AllowedStates during(const StorageModel& before, const ProgramStep& step) {
  return AllowedStates(step.command ? before.prefixes(*step.command) : std::vector{before});
}

/// The disk as it was after each call.
class Moments {
 public:
  explicit Moments(Running& run) : run_(run) {
    run_.files.changed = [this] { images_.push_back(run_.disk.image()); };
  }
  ~Moments() { run_.files.changed = {}; }
  Moments(const Moments&) = delete;
  Moments& operator=(const Moments&) = delete;

  void add() { images_.push_back(run_.disk.image()); }
  [[nodiscard]] std::vector<DiskImage> take() { return std::exchange(images_, {}); }

 private:
  Running& run_;
  std::vector<DiskImage> images_;
};

class CrashStates {
 public:
  CrashStates(const FileStorageFactory& make, const CrashStateBounds& bounds) : make_(make), bounds_(bounds) {}

  void run() {
    for (const ProgramBase& base : program_bases()) {
      try {
        const Base made = prepared(base);
        program_.clear();
        explore(made, made.model);
      } catch (const CheckFailed& failed) {
        findings_.add(CrashProperty::prefix, "From " + base.name + " without any fault: " + failed.detail);
      }
    }
  }

  [[nodiscard]] const CrashFindings& findings() const { return findings_; }
  [[nodiscard]] std::string covered() const;

 private:
  /// Places that a state was found in. The same disk may be legal in one and not in another.
  using Seen = std::set<DiskDigest>;

  struct Context {
    const AllowedStates& allowed;
    CrashProperty property;
    std::string moment;
    Seen& seen;
    std::uint64_t& states;
    bool is_crashed_again;  ///< a second crash follows each state
  };

  [[nodiscard]] Base prepared(const ProgramBase& base) const {
    const FaultFileSystem empty;
    Running run(make_, Base{base.name, empty.image(), {}});
    for (const StorageCommand& command : base.commands) require_success(run.take({"", command}), "preparing the base");
    run.storage.reset();
    return {base.name, run.disk.image(), run.model};
  }

  void explore(const Base& base, const StorageModel& model) {
    if (program_.size() == bounds_.operations_max) return;
    for (ProgramStep& step : next_steps(model)) {
      program_.push_back(std::move(step));
      ++counts_.programs;
      StorageModel after = model;
      if (program_.back().command) after.apply(*program_.back().command);
      cut_power_in_last_step(base, after);
      if (program_.size() <= bounds_.failure_operations_max) {
        fail_in_last_step(base, errc::io_error, CrashProperty::io_error);
        fail_in_last_step(base, errc::no_space, CrashProperty::no_space);
      }
      explore(base, after);
      program_.pop_back();
    }
  }

  void cut_power_in_last_step(const Base& base, const StorageModel& after);
  void crash_at(const DiskImage& image, const Context& context);
  void kill_at(const DiskImage& image, const AllowedStates& allowed, const std::string& moment);
  void crash_again(const DiskImage& crashed, const AllowedStates& allowed, const std::string& moment);

  void fail_in_last_step(const Base& base, std::error_code error, CrashProperty property);
  bool fail_call(const Base& base, std::uint64_t call, std::error_code error, CrashProperty property);
  void judge_after_failure(const DiskImage& left, const AllowedStates& allowed, CrashProperty property,
                           const std::string& moment);
  void try_again(Running& run, const StorageModel& before, CrashProperty property, const std::string& moment);

  /// With all steps but the last one done.
  std::unique_ptr<Running> replayed(const Base& base) const {
    auto run = std::make_unique<Running>(make_, base);
    for (std::size_t i = 0; i + 1 < program_.size(); ++i) require_success(run->take(program_[i]), text_of(base));
    return run;
  }

  [[nodiscard]] std::string text_of(const Base& base) const {
    std::string text = "From " + base.name + ": ";
    for (std::size_t i = 0; i < program_.size(); ++i) text += (i == 0 ? "" : "; ") + program_[i].name;
    return text;
  }

  const FileStorageFactory& make_;
  const CrashStateBounds bounds_;
  CrashFindings findings_;
  Recoveries recoveries_{make_, findings_};
  std::vector<ProgramStep> program_;
  Seen crashed_again_;
  Counts counts_;
};

void CrashStates::cut_power_in_last_step(const Base& base, const StorageModel& after) {
  const std::unique_ptr<Running> run = replayed(base);
  const ProgramStep& step = program_.back();
  const AllowedStates within = during(run->model, step);
  const AllowedStates done({after});
  Moments moments(*run);
  require_success(run->take(step), text_of(base));
  const std::vector<DiskImage> before_return = moments.take();
  moments.add();
  run->storage.reset();
  const std::vector<DiskImage> after_return = moments.take();

  const bool is_crashed_again = program_.size() <= bounds_.second_crash_operations_max;
  const auto crash = [&](const std::vector<DiskImage>& images, const AllowedStates& allowed, const char* when) {
    Seen seen;
    for (std::size_t i = 0; i < images.size(); ++i) {
      const std::string moment = text_of(base) + "; a power cut " + when + " (moment " + std::to_string(i + 1) + ")";
      crash_at(images[i], {allowed, CrashProperty::prefix, moment, seen, counts_.states, is_crashed_again});
      kill_at(images[i], allowed, moment);
    }
  };
  crash(before_return, within, "within the last of it");
  crash(after_return, done, "after it");
}

void CrashStates::crash_at(const DiskImage& image, const Context& context) {
  FaultFileSystem disk;
  disk.restore(image);
  const std::vector<PendingChange> pending = disk.pending();
  counts_.pending_most = std::max(counts_.pending_most, pending.size());
  ++counts_.moments;
  const SubsetBounds bounds{bounds_.pending_max, bounds_.drawn};
  const bool all = for_each_subset(pending.size(), bounds, [&](const std::vector<bool>& kept) {
    disk.restore(image);
    disk.crash_keeping(kept);
    if (!context.seen.insert(disk.digest()).second) return;
    ++context.states;
    std::optional<DiskImage> crashed;
    if (context.is_crashed_again) crashed = disk.image();
    const Where where = [&] { return context.moment + " that keeps " + subset_text(pending, kept); };
    recoveries_.judge(disk, context.allowed, context.property, where);
    if (crashed) crash_again(*crashed, context.allowed, where());
  });
  if (!all) ++counts_.partly;
}

/// Only the process ends: what it wrote is there to read, and a later power cut may still take it.
void CrashStates::kill_at(const DiskImage& image, const AllowedStates& allowed, const std::string& moment) {
  FaultFileSystem disk;
  disk.restore(image);
  if (disk.pending().empty()) return;  // a power cut would leave the same
  ++counts_.kills;
  const Where where = [&] { return moment + ", of the process only"; };
  recoveries_.judge_kill(disk, allowed, CrashProperty::prefix, where);
}

/// A second crash, within the recovery from the first one and within a write that follows it.
void CrashStates::crash_again(const DiskImage& crashed, const AllowedStates& allowed, const std::string& moment) {
  FaultFileSystem probe;
  probe.restore(crashed);
  DiskDigest key = probe.digest();
  key[0] ^= allowed.digest()[0];
  if (!crashed_again_.insert(key).second || findings_.has(CrashProperty::crash_again)) return;

  RecordingFiles files(probe);
  std::vector<DiskImage> images;
  files.changed = [&] { images.push_back(probe.image()); };
  auto storage = make_(files);
  const auto seen = open_and_observe(*storage);
  const StorageModel* const model = seen ? allowed.find(digest_of(*seen)) : nullptr;
  if (model == nullptr) return;  // the first crash was judged already
  const std::vector<DiskImage> in_recovery = std::exchange(images, {});
  const DiskImage recovered = probe.image();
  const StorageCommand command = another_write(*model);
  if (perform(*storage, command)) return;  // judged as a recovery that can't be used
  const std::vector<DiskImage> in_write = std::exchange(images, {});
  StorageModel after = *model;
  after.apply(command);

  const auto crash = [&](const std::vector<DiskImage>& at, const AllowedStates& states, const char* when) {
    const std::string second = moment + ", then a second one " + when;
    Seen places;
    for (const DiskImage& image : at) {
      crash_at(image, {states, CrashProperty::crash_again, second, places, counts_.second_states, false});
    }
  };
  crash(in_recovery, allowed, "within the recovery");
  crash({recovered}, AllowedStates({*model}), "after the recovery");
  crash(in_write, AllowedStates(model->prefixes(command)), "within a write after the recovery");
  crash({probe.image()}, AllowedStates({after}), "after a write after the recovery");
}

void CrashStates::fail_in_last_step(const Base& base, std::error_code error, CrashProperty property) {
  if (findings_.has(property)) return;
  try {
    for (std::uint64_t call = 1; fail_call(base, call, error, property); ++call) ++counts_.failures;
  } catch (const CheckFailed& failed) {
    findings_.add(property, text_of(base) + "; \"" + error.message() + "\" at one of its calls: " + failed.detail);
  }
}

/// False when the last step makes fewer calls.
bool CrashStates::fail_call(const Base& base, std::uint64_t call, std::error_code error, CrashProperty property) {
  const std::unique_ptr<Running> run = replayed(base);
  const ProgramStep& step = program_.back();
  const StorageModel before = run->model;
  const std::uint64_t at = run->disk.calls() + call;
  run->disk.fail_at(at, error);
  const std::error_code told = run->take(step);
  if (run->disk.calls() < at) return false;
  run->disk.clear_faults();

  const std::string moment =
      text_of(base) + "; \"" + error.message() + "\" at call " + std::to_string(call) + " of its last step";
  if (told == errc::no_space && error != errc::no_space) findings_.add(property, moment + " was told as no_space.");
  const bool nothing_stays =
      told == errc::no_space && step.command && !step.command->snapshot && !step.command->is_format;
  const AllowedStates allowed = !told           ? AllowedStates({run->model})
                                : nothing_stays ? AllowedStates({before})
                                                : during(before, step);
  judge_after_failure(run->disk.image(), allowed, property, moment);
  if (told == errc::no_space && step.command && !step.command->is_format) try_again(*run, before, property, moment);
  return true;
}

/// What a restart finds, and what a crash leaves.
void CrashStates::judge_after_failure(const DiskImage& left, const AllowedStates& allowed, CrashProperty property,
                                      const std::string& moment) {
  Seen seen;
  crash_at(left, {allowed, property, moment + ", and a power cut", seen, counts_.states, false});

  FaultFileSystem disk;  // a mere restart shows what a failed sync lost, and nobody can know
  disk.restore(left);
  const auto storage = make_(disk);
  const auto found = open_and_observe(*storage);
  if (!found) {
    findings_.add(property, moment + ", and a restart: opening failed: " + found.error().message());
  } else if (allowed.find(digest_of(*found)) == nullptr) {
    findings_.add(property, moment + ", and a restart: " + difference(allowed.first().expected(), *found));
  }
}

void CrashStates::try_again(Running& run, const StorageModel& before, CrashProperty property,
                            const std::string& moment) {
  const ProgramStep& step = program_.back();
  run.model = before;
  std::error_code error = perform(*run.storage, *step.command);
  // The snapshot may have been published before its batch found no room.
  if (error == errc::snapshot_stale) error = run.storage->write(step.command->batch());
  if (error) return findings_.add(property, moment + ", and the same again: " + error.message());
  run.model.apply(*step.command);
  Seen seen;
  crash_at(run.disk.image(), {AllowedStates({run.model}), property, moment + ", the same again, and a power cut", seen,
                              counts_.states, false});
}

std::string CrashStates::covered() const {
  return std::to_string(counts_.programs) + " programs, " + std::to_string(counts_.moments) + " moments, " +
         std::to_string(counts_.states) + " crash states and " + std::to_string(counts_.second_states) +
         " after a second crash, " + std::to_string(counts_.kills) + " kills, " + std::to_string(counts_.failures) +
         " failed calls; " + std::to_string(recoveries_.count()) + " different disks; at most " +
         std::to_string(counts_.pending_most) + " changes pending, not all subsets of them at " +
         std::to_string(counts_.partly) + " moments";
}

struct NamedProperty {
  CrashProperty property;
  const char* name;
};

constexpr std::array kNames{
    NamedProperty{CrashProperty::prefix,
                  "every state that a power cut leaves recovers to what was acknowledged and a prefix of the rest"},
    NamedProperty{CrashProperty::twice, "recovering twice from it gives the same state and the same bytes, durably"},
    NamedProperty{CrashProperty::usable, "the recovered storage takes a write and keeps it"},
    NamedProperty{CrashProperty::crash_again,
                  "a second power cut, within a recovery or the write after it, does no more"},
    NamedProperty{CrashProperty::io_error, "an I/O error at any call of a program loses nothing that was acknowledged"},
    NamedProperty{CrashProperty::no_space,
                  "a full disk at any call of a program leaves nothing of the write that it refuses"},
};
static_assert(kNames.size() == kCrashProperties);

}  // namespace

void run_crash_state_conformance(const FileStorageFactory& make, const CrashStateBounds& bounds,
                                 const ConformanceReport& report) {
  CrashStates states(make, bounds);
  std::string thrown;
  try {
    states.run();
  } catch (const std::exception& error) {
    thrown = std::string("It threw: ") + error.what();
  }
  for (const NamedProperty& each : kNames) {
    ConformanceCheck check{each.name, false, states.findings().of(each.property), {}};
    if (check.detail.empty()) check.detail = thrown;
    check.passed = check.detail.empty();
    if (each.property == CrashProperty::prefix) check.covered = states.covered();
    report(check);
  }
}

}  // namespace libraft::testkit
