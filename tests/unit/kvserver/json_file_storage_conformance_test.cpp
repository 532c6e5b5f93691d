// JsonFileStorage keeps the rules that libraft's conformance suite checks, on real files and on a disk that fails.
#include "json_file_storage_fixture.hpp"
#include "storage/early_open_storage.hpp"
#include "support/effort.hpp"
#include "support/temporary_directory.hpp"

#include <libraft/storage/posix_file_system.hpp>
#include <libraft/testkit/storage_conformance.hpp>

#include <iostream>
#include <memory>

namespace kvserver::test {
namespace {

void report(const libraft::testkit::ConformanceCheck& check) {
  INFO(check.name << ": " << check.detail);
  CHECK(check.passed);
  if (!check.covered.empty()) std::cout << check.covered << "\n";
}

TEST_CASE("json storage: conforms to Storage on POSIX files") {
  const auto files = libraft::posix_file_system();
  libraft::testkit::run_storage_conformance(
      [&files] {
        auto folder = std::make_shared<libraft::test::TemporaryDirectory>();
        libraft::testkit::StorageMedium medium;
        medium.make = [folder, files] { return make_storage(*files, *folder / "parent/n1"); };
        return medium;
      },
      report);
}

TEST_CASE("json storage: conforms to Storage also where it may be opened early") {
  libraft::testkit::run_file_storage_conformance(
      [](libraft::FileSystem& files) { return std::make_unique<EarlyOpenStorage>(make_storage(files)); }, report);
}

TEST_CASE("json storage: conforms to Storage with a crash and a failure at each call") {
  libraft::testkit::run_file_storage_conformance([](libraft::FileSystem& files) { return make_storage(files); },
                                                 report);
}

TEST_CASE("json storage: recovers from all that a power cut leaves of short programs") {
  libraft::testkit::CrashStateBounds bounds;
  if (libraft::test::kIsSlowBuild) bounds = libraft::test::slow_build_bounds();
  libraft::testkit::run_crash_state_conformance([](libraft::FileSystem& files) { return make_storage(files); }, bounds,
                                                report);
}

}  // namespace
}  // namespace kvserver::test
