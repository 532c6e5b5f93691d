// The enumeration of crash states passes storages that keep the rules, and finds what others lose.
#include <libraft/testkit/storage_conformance.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "plain_log_storage.hpp"
#include "support/catch.hpp"
#include "support/effort.hpp"
#include "whole_file_storage.hpp"

using namespace libraft;
using test::Flaw;
using test::LogFlaw;
using testkit::ConformanceCheck;
using testkit::CrashStateBounds;

namespace {

CrashStateBounds bounds_of(std::size_t operations_max) {
  if (test::kIsSlowBuild) return test::slow_build_bounds();
  CrashStateBounds bounds;
  bounds.operations_max = operations_max;
  return bounds;
}

/// The names of the checks that fail, each with its detail printed when the test fails.
std::set<std::string> failures_of(const testkit::FileStorageFactory& make, std::size_t operations_max = 2) {
  std::set<std::string> failed;
  testkit::run_crash_state_conformance(make, bounds_of(operations_max), [&](const ConformanceCheck& check) {
    CHECK(check.passed == check.detail.empty());
    if (check.passed) return;
    UNSCOPED_INFO(check.name << ": " << check.detail);
    failed.insert(check.name);
  });
  return failed;
}

std::set<std::string> failures_of(LogFlaw flaw) {
  return failures_of([=](FileSystem& files) { return test::plain_log_storage(files, flaw); });
}

const std::string kPrefix =
    "every state that a power cut leaves recovers to what was acknowledged and a prefix of the rest";
const std::string kTwice = "recovering twice from it gives the same state and the same bytes, durably";
const std::string kUsable = "the recovered storage takes a write and keeps it";
const std::string kAgain = "a second power cut, within a recovery or the write after it, does no more";
const std::string kError = "an I/O error at any call of a program loses nothing that was acknowledged";
const std::string kNoSpace = "a full disk at any call of a program leaves nothing of the write that it refuses";

}  // namespace

TEST_CASE("crash states: a file that is replaced whole keeps the rules") {
  CHECK(failures_of([](FileSystem& files) { return test::whole_file_storage(files); }, 3).empty());
}

TEST_CASE("crash states: a log that is appended to and cut in place keeps the rules") {
  CHECK(failures_of([](FileSystem& files) { return test::plain_log_storage(files); }, 3).empty());
}

TEST_CASE("crash states: the first check says how many there were") {
  std::vector<ConformanceCheck> checks;
  CrashStateBounds bounds;
  bounds.operations_max = 1;
  testkit::run_crash_state_conformance([](FileSystem& files) { return test::whole_file_storage(files); }, bounds,
                                       [&](const ConformanceCheck& check) { checks.push_back(check); });
  REQUIRE(checks.size() == 6);
  CHECK(checks.front().covered.substr(0, 13) == "30 programs, ");
  CHECK(checks.back().covered.empty());
}

TEST_CASE("crash states: a storage that syncs no directory is caught") {
  CHECK(failures_of(LogFlaw::syncs_no_directory).count(kPrefix) == 1);
}

TEST_CASE("crash states: a storage that acknowledges before its sync is caught") {
  CHECK(failures_of(LogFlaw::syncs_no_file).count(kPrefix) == 1);
  CHECK(failures_of([](FileSystem& files) {
          return test::whole_file_storage(files, Flaw::syncs_no_file);
        }).count(kPrefix) == 1);
}

TEST_CASE("crash states: a storage that renames before it syncs is caught") {
  CHECK(failures_of(LogFlaw::renames_before_sync).count(kPrefix) == 1);
}

TEST_CASE("crash states: a storage that appends behind a cut which is not durable is caught") {
  CHECK(failures_of(LogFlaw::cuts_without_sync).count(kPrefix) == 1);
}

TEST_CASE("crash states: a storage that leaves a torn tail behind its end is caught") {
  const auto failed = failures_of(LogFlaw::leaves_the_torn_tail);
  CHECK(failed.count(kUsable) + failed.count(kAgain) > 0);
}

TEST_CASE("crash states: a storage that takes torn records is caught") {
  CHECK(failures_of(LogFlaw::checks_no_sums).count(kPrefix) == 1);
}

TEST_CASE("crash states: a storage that tells what is not durable is caught") {
  const auto make = [](FileSystem& files) { return test::whole_file_storage(files, Flaw::believes_what_it_reads); };
  CHECK(failures_of(make).count(kTwice) == 1);
}

TEST_CASE("crash states: a storage that ignores a failed sync is caught") {
  CHECK(failures_of(LogFlaw::ignores_a_failed_sync) == std::set<std::string>{kError, kNoSpace});
}

TEST_CASE("crash states: a storage that keeps what found no room is caught") {
  CHECK(failures_of(LogFlaw::keeps_what_has_no_room) == std::set<std::string>{kNoSpace});
}

TEST_CASE("crash states: a storage whose batches are torn the wrong way round is caught") {
  const auto make = [](FileSystem& files) { return test::whole_file_storage(files, Flaw::writes_out_of_order); };
  CHECK(failures_of(make).count(kPrefix) == 1);
}
