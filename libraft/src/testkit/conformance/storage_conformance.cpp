// Runs the rules for storages, and the trial that they are written for.
#include <libraft/testkit/storage_conformance.hpp>

#include <exception>
#include <utility>

#include "testkit/conformance/storage_trial.hpp"

namespace libraft::testkit {
namespace {

void run_rules(std::span<const StorageRule> rules, const StorageFactory& factory, const ConformanceReport& report) {
  for (const StorageRule& rule : rules) {
    report_check(rule.name, report, [&] {
      StorageTrial trial(factory());
      rule.run(trial);
    });
  }
}

std::string describe(std::error_code error) {
  return error.category().name() + std::string(":") + std::to_string(error.value()) + " (" + error.message() + ")";
}

}  // namespace

void require_success(std::error_code error, const std::string& call) {
  require(!error, call + " failed: " + describe(error) + ".");
}

void require_error(std::error_code seen, std::error_code expected, const std::string& call) {
  require(seen == expected,
          call + " should give " + describe(expected) + ", gives " + (seen ? describe(seen) : "success") + ".");
}

void report_check(const std::string& name, const ConformanceReport& report, const std::function<void()>& check) {
  ConformanceCheck outcome{name, false, {}};
  try {
    check();
    outcome.passed = true;
  } catch (const CheckFailed& failed) {
    outcome.detail = failed.detail;
  } catch (const std::exception& thrown) {
    outcome.detail = std::string("It threw: ") + thrown.what();
  } catch (...) {
    outcome.detail = "It threw something that is no std::exception.";
  }
  report(outcome);
}

void run_storage_conformance(const StorageFactory& factory, const ConformanceReport& report) {
  run_rules(storage_basic_rules(), factory, report);
  run_rules(storage_log_rules(), factory, report);
  run_rules(storage_snapshot_rules(), factory, report);
  const StorageMedium abilities = factory();
  if (abilities.set_full) run_rules(storage_space_rules(), factory, report);
  if (abilities.cut_power && abilities.restore_power) run_rules(storage_crash_rules(), factory, report);
}

StorageTrial::StorageTrial(StorageMedium with) : medium(std::move(with)), storage(medium.make()) {}

void StorageTrial::begin() {
  const auto found = storage->open();
  require_success(found.error(), "open() on an empty medium");
  require(!*found, "open() on an empty medium should say nullopt.");
  run(Do().format(), "format()");
}

void StorageTrial::run(const StorageCommand& command, const std::string& what) {
  require_success(perform(*storage, command), what);
  model.apply(command);
}

void StorageTrial::append(std::uint64_t first, std::uint64_t last, std::uint64_t term) {
  run(Do().entries(first, last, term), "appending " + std::to_string(first) + " to " + std::to_string(last));
}

void StorageTrial::verify(const std::string& when) {
  verify_open(when);
  reopen(when);
  reopen(when + ", opened twice");
}

void StorageTrial::verify_open(const std::string& when) {
  const Observation expected = model.expected();
  Observation seen = expected;  // what only open() tells can't differ here
  const auto entries = read_entries(*storage, model.start().index, model.last().index);
  require_success(entries.error(), when + ": read()");
  seen.entries = *entries;
  if (expected.recovered->snapshot) {
    auto snapshot = read_snapshot(*storage);
    require_success(snapshot.error(), when + ": reading the newest snapshot");
    seen.recovered->snapshot = snapshot->meta;
    seen.snapshot = std::move(snapshot->bytes);
  } else {
    require_error(storage->newest_snapshot().error(), errc::no_snapshot, when + ": newest_snapshot()");
  }
  const auto beyond = next(model.last().index);
  require_error(storage->read(beyond, beyond, 1).error(), errc::unavailable, when + ": read() beyond the end");
  const std::string found = difference(expected, seen);
  require(found.empty(), when + ": " + found);
}

void StorageTrial::reopen(const std::string& when) {
  storage->close();
  storage = medium.make();
  const auto seen = open_and_observe(*storage);
  require_success(seen.error(), when + ": opening again and reading all of it");
  const std::string found = difference(model.expected(), *seen);
  require(found.empty(), when + ", opened again: " + found);
}

void StorageTrial::verify_after_crash(std::uint64_t seed, const std::string& when) {
  medium.cut_power();
  storage.reset();
  medium.restore_power(seed);
  storage = medium.make();
  const auto seen = open_and_observe(*storage);
  require_success(seen.error(), when + ", after a crash: opening and reading all of it");
  const std::string found = difference(model.expected(), *seen);
  require(found.empty(), when + ", after a crash: " + found);
}

}  // namespace libraft::testkit
