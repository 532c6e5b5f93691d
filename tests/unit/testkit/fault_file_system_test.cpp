// What a crash keeps and loses, and how calls fail. (What it has in common with real files: unit/storage.)
#include <libraft/error.hpp>
#include <libraft/testkit/fault_file_system.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace libraft;
using testkit::FaultFileSystem;
using testkit::FileCall;
using testkit::PendingChange;

namespace {

std::unique_ptr<File> opened(FaultFileSystem& disk, const std::string& path, OpenMode mode = OpenMode::write) {
  auto file = disk.open(path, mode);
  REQUIRE(file);
  return *std::move(file);
}

/// All that crashes with seeds 0..seeds-1 leave of `path`; "-" for no file. The disk is then as before, files closed.
std::set<std::string> outcomes(FaultFileSystem& disk, const std::string& path, std::uint64_t seeds = 300) {
  std::set<std::string> found;
  const auto before = disk.image();
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    disk.restore(before);
    disk.crash(seed);
    found.insert(disk.contents(path).value_or("-"));
  }
  disk.restore(before);
  return found;
}

/// All that any subset of what is pending leaves of `path`; "-" for no file. The disk is then as before, files closed.
std::set<std::string> all_outcomes(FaultFileSystem& disk, const std::string& path) {
  std::set<std::string> found;
  const auto before = disk.image();
  const std::size_t count = disk.pending().size();
  for (std::uint64_t subset = 0; subset < std::uint64_t{1} << count; ++subset) {
    std::vector<bool> kept;
    for (std::size_t i = 0; i < count; ++i) kept.push_back((subset >> i & 1) != 0);
    disk.restore(before);
    disk.crash_keeping(kept);
    found.insert(disk.contents(path).value_or("-"));
  }
  disk.restore(before);
  return found;
}

std::vector<PendingChange::Kind> pending_kinds(const FaultFileSystem& disk) {
  std::vector<PendingChange::Kind> kinds;
  for (const PendingChange& change : disk.pending()) kinds.push_back(change.kind);
  return kinds;
}

}  // namespace

TEST_CASE("a synced write survives every crash, an unsynced one some") {
  FaultFileSystem disk;
  disk.put("f", "old");
  const auto file = opened(disk, "f");
  CHECK_FALSE(file->write_at(0, "new"));
  CHECK(disk.contents("f") == "new");
  CHECK(disk.durable_contents("f") == "old");
  CHECK(outcomes(disk, "f") == std::set<std::string>{"old", "new"});

  disk.crash(1);
  const auto again = opened(disk, "f");
  CHECK_FALSE(again->write_at(0, "now"));
  CHECK_FALSE(again->sync());
  CHECK(outcomes(disk, "f") == std::set<std::string>{"now"});
}

TEST_CASE("a kill takes nothing and makes nothing durable") {
  FaultFileSystem disk;
  disk.put("f", "old");
  disk.put("g", "old");
  const auto file = opened(disk, "f");
  CHECK_FALSE(file->write_at(0, "new"));
  const auto failing = opened(disk, "g");
  CHECK_FALSE(failing->write_at(0, "new"));
  disk.fail_next(FileCall::sync, errc::io_error);
  CHECK(failing->sync() == errc::io_error);
  disk.kill();
  CHECK(file->sync() == errc::io_error);
  for (const char* name : {"f", "g"}) {
    CHECK(disk.contents(name) == "new");
    CHECK(disk.durable_contents(name) == "old");
  }
  disk.crash(1);
  CHECK(disk.contents("f") == "new");
  CHECK(disk.contents("g") == "old");
}

TEST_CASE("of unsynced writes any subset survives, torn at sectors") {
  FaultFileSystem disk;
  disk.put("f", std::string(1024, '.'));
  const auto file = opened(disk, "f");
  CHECK_FALSE(file->write_at(500, std::string(24, 'x')));
  std::string neither(1024, '.');
  std::string left = neither;
  left.replace(500, 12, 12, 'x');
  std::string right = neither;
  right.replace(512, 12, 12, 'x');
  std::string both = left;
  both.replace(512, 12, 12, 'x');
  CHECK(outcomes(disk, "f") == std::set<std::string>{neither, left, right, both});
}

TEST_CASE("a file may have grown without its bytes") {
  FaultFileSystem disk;
  disk.put("f", "");
  CHECK_FALSE(opened(disk, "f")->write_at(0, "ab"));
  CHECK(outcomes(disk, "f") == std::set<std::string>{"", std::string(2, '\0'), "ab"});
}

TEST_CASE("an unsynced truncation is kept or lost, whatever was written after it") {
  FaultFileSystem disk;
  disk.put("f", "abcd");
  const auto file = opened(disk, "f");
  CHECK_FALSE(file->truncate(2));
  CHECK_FALSE(file->write_at(2, "X"));
  const auto found = outcomes(disk, "f");
  CHECK(found.count("abcd") == 1);
  CHECK(found.count("ab") == 1);
  CHECK(found.count("abX") == 1);
  CHECK(found.count("abXd") == 1);
}

TEST_CASE("a name is durable only after its directory is synced, though the file was") {
  FaultFileSystem disk;
  REQUIRE_FALSE(disk.create_directories("d"));
  const auto file = opened(disk, "d/f", OpenMode::create);
  CHECK_FALSE(file->write_at(0, "x"));
  CHECK_FALSE(file->sync());
  CHECK(outcomes(disk, "d/f") == std::set<std::string>{"-", "x"});
  disk.crash(1);
  CHECK_FALSE(disk.remove("d/f"));
  CHECK(outcomes(disk, "d/f") == std::set<std::string>{"-", "x"});
  disk.crash(0);
  CHECK_FALSE(disk.remove("d/f"));
  CHECK_FALSE(disk.sync_directory("d"));
  CHECK(outcomes(disk, "d/f") == std::set<std::string>{"-"});
}

TEST_CASE("a rename is atomic, and shows what was not synced in the file") {
  FaultFileSystem disk;
  disk.put("f", "old");
  const auto file = opened(disk, "f.tmp", OpenMode::create);
  CHECK_FALSE(file->write_at(0, "new"));
  CHECK_FALSE(disk.rename("f.tmp", "f"));
  CHECK(outcomes(disk, "f") == std::set<std::string>{"old", "", std::string(3, '\0'), "new"});
  disk.crash(1);
  CHECK(disk.paths() == std::vector<std::string>{"f"});
}

TEST_CASE("the same seed leaves the same bytes") {
  const auto run = [](std::uint64_t seed) {
    FaultFileSystem disk;
    disk.put("f", "");
    const auto file = opened(disk, "f");
    for (std::uint64_t i = 0; i < 20; ++i) CHECK_FALSE(file->write_at(i * 700, std::string(700, char('a' + i))));
    disk.crash(seed);
    return *disk.contents("f");
  };
  for (std::uint64_t seed = 0; seed < 10; ++seed) CHECK(run(seed) == run(seed));
  CHECK(run(0).empty());
  CHECK(run(1).size() == 14'000);
}

TEST_CASE("when power goes, the call and all after it fail, and open files are void when it is back") {
  FaultFileSystem disk;
  disk.put("f", "old");
  auto file = opened(disk, "f");
  auto lock = disk.lock("LOCK");
  REQUIRE(lock);
  disk.power_off_at(disk.calls() + 2);
  CHECK_FALSE(file->write_at(0, "new"));
  CHECK(file->sync() == errc::io_error);
  CHECK(disk.power_is_off());
  CHECK(file->read_at(0, {}).error() == errc::io_error);
  CHECK(disk.open("f", OpenMode::read).error() == errc::io_error);
  CHECK(outcomes(disk, "f") == std::set<std::string>{"old", "new"});

  disk.crash(0);
  CHECK_FALSE(disk.power_is_off());
  CHECK(file->write_at(0, "x") == errc::io_error);
  const auto second = disk.lock("LOCK");
  CHECK(second);
  (*lock).reset();  // of a process that is gone: releases nothing
  CHECK(disk.lock("LOCK").error() == errc::locked);
}

TEST_CASE("a failed sync loses the data, and the next sync does not bring it back") {
  FaultFileSystem disk;
  disk.put("f", "old");
  const auto file = opened(disk, "f");
  CHECK_FALSE(file->write_at(0, "new"));
  disk.fail_next(FileCall::sync, errc::io_error);
  CHECK(file->sync() == errc::io_error);
  CHECK_FALSE(file->sync());
  CHECK(disk.contents("f") == "new");
  CHECK(outcomes(disk, "f") == std::set<std::string>{"old"});
}

TEST_CASE("calls fail by number and by kind") {
  FaultFileSystem disk;
  disk.put("f", "");
  const auto file = opened(disk, "f");
  CHECK(disk.calls() == 1);
  disk.fail_at(3, errc::no_space);
  CHECK_FALSE(file->write_at(0, "abcd"));
  CHECK(file->write_at(4, "efgh") == errc::no_space);
  CHECK(disk.contents("f") == "abcdef");
  CHECK(disk.bytes_written() == 6);

  disk.fail_next(FileCall::truncate, std::make_error_code(std::errc::read_only_file_system), 1);
  CHECK_FALSE(file->truncate(5));
  CHECK(file->truncate(1) == std::errc::read_only_file_system);
  CHECK_FALSE(file->truncate(3));
  CHECK(disk.contents("f") == "abc");
  CHECK(disk.calls(FileCall::truncate) == 3);

  disk.fail_at(disk.calls() + 1, errc::io_error);
  disk.clear_faults();
  CHECK_FALSE(file->sync());
}

TEST_CASE("a full disk takes what fits, overwrites and nothing more, until there is room") {
  FaultFileSystem disk;
  disk.put("f", "0123");
  const auto file = opened(disk, "f");
  disk.set_bytes_max(6);
  CHECK(file->write_at(2, "abcdef") == errc::no_space);
  CHECK(disk.contents("f") == "01abcd");
  disk.set_full();
  CHECK_FALSE(file->write_at(0, "ABCDEF"));
  CHECK(file->write_at(6, "x") == errc::no_space);
  CHECK_FALSE(file->truncate(2));
  CHECK_FALSE(file->write_at(2, "xyz"));
  disk.set_bytes_max(FaultFileSystem::kUnlimited);
  CHECK_FALSE(file->write_at(5, "more"));
  CHECK(disk.contents("f") == "ABxyzmore");
  CHECK(disk.bytes_used() == 9);
}

TEST_CASE("bytes can be damaged, and an image brought back") {
  FaultFileSystem disk;
  disk.put("d/f", "good");
  const auto image = disk.image();
  CHECK(disk.overwrite("d/f", 1, "AA"));
  CHECK_FALSE(disk.overwrite("d/g", 1, "AA"));
  disk.crash(0);
  CHECK(disk.contents("d/f") == "gAAd");
  disk.restore(image);
  CHECK(disk.contents("./d//f") == "good");
}

TEST_CASE("what is pending is told in the order in which a chosen crash takes it") {
  using Kind = PendingChange::Kind;
  FaultFileSystem disk;
  disk.put("f", std::string(600, '.'));
  const auto file = opened(disk, "f");
  CHECK(disk.pending().empty());
  CHECK_FALSE(file->write_at(500, std::string(600, 'x')));
  CHECK_FALSE(file->truncate(3));
  CHECK_FALSE(disk.rename("f", "g"));
  CHECK(pending_kinds(disk) ==
        std::vector{Kind::sector, Kind::sector, Kind::sector, Kind::growth, Kind::truncation, Kind::name});
  CHECK(disk.pending().front().path == "g");
  CHECK(disk.pending().back().path == "g");

  disk.crash_keeping({false, true, false, false, false, true});
  CHECK(disk.pending().empty());
  CHECK(disk.paths() == std::vector<std::string>{"g"});
  CHECK(disk.contents("g") == std::string(512, '.') + std::string(512, 'x'));
}

TEST_CASE("a chosen crash reaches every subset of what is pending and nothing else") {
  FaultFileSystem disk;
  disk.put("f", "old");
  const auto file = opened(disk, "f");
  CHECK_FALSE(file->write_at(0, "new"));
  CHECK_FALSE(file->write_at(3, "er"));
  CHECK(all_outcomes(disk, "f") ==
        std::set<std::string>{"old", "new", "older", "newer", std::string("old\0\0", 5), std::string("new\0\0", 5)});
  const auto drawn = outcomes(disk, "f");
  const auto all = all_outcomes(disk, "f");
  CHECK(std::includes(all.begin(), all.end(), drawn.begin(), drawn.end()));

  const auto again = opened(disk, "f");
  CHECK_FALSE(again->sync());
  CHECK_FALSE(disk.remove("f"));
  CHECK(all_outcomes(disk, "f") == std::set<std::string>{"newer", "-"});
}

TEST_CASE("what a file wrote that no name leads to is not pending") {
  FaultFileSystem disk;
  {
    const auto file = opened(disk, "f", OpenMode::create);
    CHECK_FALSE(file->write_at(0, "x"));
  }
  CHECK(disk.pending().size() == 3);
  disk.put("f", "y");  // settles the name
  CHECK(disk.pending().empty());
}

TEST_CASE("equal disks have equal digests, others not") {
  FaultFileSystem one;
  FaultFileSystem other;
  CHECK(one.digest() == other.digest());
  one.put("ab", "c");
  other.put("a", "bc");
  CHECK(one.digest() != other.digest());
  const auto before = one.digest();
  one.put("ab", "d");
  CHECK(one.digest() != before);
  one.put("ab", "c");
  CHECK(one.digest() == before);
}
