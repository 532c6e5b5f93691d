// MemoryStorage keeps the rules of storage.hpp.
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/storage_conformance.hpp>

#include "support/catch.hpp"

using namespace libraft;

TEST_CASE("the memory storage conforms") {
  std::size_t checks = 0;
  testkit::run_storage_conformance(
      [] {
        const auto disk = std::make_shared<MemoryDisk>();
        testkit::StorageMedium medium;
        medium.make = [disk] { return memory_storage(disk); };
        medium.cut_power = [] {};
        medium.restore_power = [](std::uint64_t) {};
        medium.set_full = [disk](bool full) {
          disk->set_bytes_max(full ? disk->bytes_used() : MemoryDisk::kUnlimited);
        };
        return medium;
      },
      [&](const testkit::ConformanceCheck& check) {
        INFO(check.name << ": " << check.detail);
        CHECK(check.passed);
        ++checks;
      });
  CHECK(checks >= 35);
}
