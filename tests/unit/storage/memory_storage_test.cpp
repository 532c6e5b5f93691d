// What MemoryStorage does beyond the rules of storage.hpp, which tests/conformance checks.
#include <libraft/error.hpp>
#include <libraft/storage/memory_storage.hpp>

#include "support/catch.hpp"

using namespace libraft;

namespace {

Entry entry(std::uint64_t index, std::uint64_t term, std::string data) {
  return {{{index}, {term}}, EntryKind::command, Bytes(std::move(data))};
}

WriteBatch append(std::span<const Entry> entries) {
  WriteBatch batch;
  batch.entries = entries;
  return batch;
}

SnapshotMeta meta_at(std::uint64_t index, std::uint64_t term, std::uint64_t size) {
  SnapshotMeta meta;
  meta.last = {{index}, {term}};
  meta.size = size;
  return meta;
}

std::unique_ptr<Storage> formatted(const std::shared_ptr<MemoryDisk>& disk) {
  auto storage = memory_storage(disk);
  REQUIRE(storage->open());
  REQUIRE_FALSE(storage->format({{1}, {0}, {2}, {3}}, {{{NodeId{2}, "here"}}, {}, {}}));
  return storage;
}

}  // namespace

TEST_CASE("a memory disk keeps what was written when its storage is gone") {
  const auto disk = std::make_shared<MemoryDisk>();
  const std::vector<Entry> entries{entry(1, 1, "a"), entry(2, 3, "b")};
  REQUIRE_FALSE(formatted(disk)->write(append(entries)));

  const auto after = memory_storage(disk);
  const auto found = after->open();
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->last == LogId{{2}, {3}});
  CHECK((*found)->term_runs == std::vector<LogId>{{{1}, {1}}, {{2}, {3}}});
}

TEST_CASE("a memory storage of its own starts empty each time") {
  for (int i = 0; i < 2; ++i) {
    const auto found = memory_storage()->open();
    REQUIRE(found);
    CHECK_FALSE(*found);
  }
}

TEST_CASE("what does not fit on a memory disk is refused whole, and fits when there is room again") {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto storage = formatted(disk);
  const std::vector<Entry> entries{entry(1, 1, std::string(100, 'x')), entry(2, 1, std::string(100, 'y'))};
  const std::uint64_t needed = charged_bytes(entries[0]) + charged_bytes(entries[1]);

  disk->set_bytes_max(needed - 1);
  CHECK(storage->write(append(entries)) == errc::no_space);
  CHECK(storage->error_detail() == "the memory disk is full");
  CHECK(disk->bytes_used() == 0);

  disk->set_bytes_max(needed);
  CHECK_FALSE(storage->write(append(entries)));
  CHECK(disk->bytes_used() == needed);

  WriteBatch truncation;
  truncation.truncate_from = LogIndex{2};
  CHECK_FALSE(storage->write(truncation));
  CHECK(disk->bytes_used() == charged_bytes(entries[0]));
}

TEST_CASE("a snapshot takes room while it is written, and gives it back when it is given up") {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto storage = formatted(disk);
  disk->set_bytes_max(10);

  auto writer = storage->create_snapshot(meta_at(1, 1, 0));
  REQUIRE(writer);
  CHECK_FALSE((*writer)->write("0123456789"));
  CHECK((*writer)->write("x") == errc::no_space);
  (*writer).reset();
  CHECK(disk->bytes_used() == 0);

  writer = storage->create_snapshot(meta_at(1, 1, 0));
  auto newer = storage->create_snapshot(meta_at(1, 1, 0));
  CHECK((*writer)->write("x") == errc::cancelled);
  CHECK_FALSE((*newer)->write("x"));
  CHECK((*newer)->finish(meta_at(1, 1, 2)) == errc::invalid_argument);
  CHECK_FALSE((*newer)->finish(meta_at(1, 1, 1)));
  CHECK_FALSE(storage->publish(std::move(*newer), {}));
  CHECK(disk->bytes_used() == 1);
}

TEST_CASE("a snapshot that is not finished, or was given up, can't be published") {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto storage = formatted(disk);
  auto unfinished = storage->create_snapshot(meta_at(1, 1, 0));
  CHECK(storage->publish(std::move(*unfinished), {}) == errc::invalid_argument);

  auto older = storage->create_snapshot(meta_at(1, 1, 0));
  CHECK_FALSE((*older)->finish(meta_at(1, 1, 0)));
  const auto newer = storage->create_snapshot(meta_at(1, 1, 0));
  CHECK(storage->publish(std::move(*older), {}) == errc::invalid_argument);
  CHECK(storage->newest_snapshot().error() == errc::no_snapshot);
}

TEST_CASE("a batch that breaks the rules changes nothing and is final for the instance") {
  const auto disk = std::make_shared<MemoryDisk>();
  const std::vector<Entry> first{entry(1, 1, "a"), entry(2, 1, "b")};
  auto storage = formatted(disk);
  REQUIRE_FALSE(storage->write(append(first)));

  WriteBatch bad;
  const std::vector<Entry> gap{entry(4, 1, "d")};
  std::string reason;
  SECTION("entries that leave a gap") {
    bad.entries = gap;
    reason = "the entries don't follow the end of the log";
  }
  SECTION("a truncation beyond the end") {
    bad.truncate_from = LogIndex{4};
    reason = "truncate_from is beyond the end of the log";
  }
  SECTION("a truncation at the start") {
    bad.truncate_from = LogIndex{0};
    reason = "truncate_from is at or below the start of the log";
  }
  SECTION("a start that no snapshot covers") {
    bad.new_start = LogId{{1}, {1}};
    reason = "new_start is above the newest snapshot";
  }
  CHECK(storage->write(bad) == errc::invalid_argument);
  CHECK(storage->error_detail() == reason);
  CHECK(storage->write({}) == errc::invalid_argument);

  storage->close();
  const auto found = storage->open();
  REQUIRE(found);
  CHECK((*found)->last == LogId{{2}, {1}});
  CHECK_FALSE(storage->write({}));
}
