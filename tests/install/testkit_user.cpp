// Uses libraft::testkit: a storage of the user's own would be proven as MemoryStorage is here.
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/storage_conformance.hpp>

#include <iostream>
#include <memory>

int main() {
  int failures = 0;
  const auto make_medium = [] {
    const auto disk = std::make_shared<libraft::MemoryDisk>();
    libraft::testkit::StorageMedium medium;
    medium.make = [disk] { return libraft::memory_storage(disk); };
    return medium;
  };
  libraft::testkit::run_storage_conformance(make_medium, [&](const libraft::testkit::ConformanceCheck& check) {
    if (check.passed) return;
    ++failures;
    std::cout << check.name << ": " << check.detail << '\n';
  });
  return failures == 0 ? 0 : 1;
}
