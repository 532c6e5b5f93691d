// The rules of file_system.hpp that both file systems keep, each checked on both.
#include <libraft/error.hpp>
#include <libraft/file_system.hpp>
#include <libraft/storage/posix_file_system.hpp>
#include <libraft/testkit/fault_file_system.hpp>

#include <string>

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace libraft;

namespace {

/// A file system and a folder on it.
struct Place {
  test::TemporaryDirectory folder;
  std::shared_ptr<FileSystem> files;
};

std::unique_ptr<Place> any_place() {
  auto place = std::make_unique<Place>();
  SECTION("posix") {
    place->files = posix_file_system();
  }
  SECTION("in memory") {
    place->files = std::make_shared<testkit::FaultFileSystem>();
    REQUIRE_FALSE(place->files->create_directories(place->folder.path()));
  }
  return place;
}

std::string text_of(File& file) {
  std::string text(1000, '?');
  const auto count = file.read_at(0, text);
  REQUIRE(count);
  text.resize(*count);
  return text;
}

}  // namespace

TEST_CASE("a file is written, grown, cut and read at any offset") {
  const auto place = any_place();
  if (!place->files) return;
  auto file = place->files->open(place->folder / "f", OpenMode::create);
  REQUIRE(file);
  CHECK_FALSE((*file)->write_at(0, "hello"));
  CHECK_FALSE((*file)->write_at(7, "world"));
  CHECK(text_of(**file) == std::string("hello\0\0world", 12));
  CHECK_FALSE((*file)->write_at(1, "E"));
  CHECK_FALSE((*file)->truncate(4));
  CHECK(text_of(**file) == "hEll");
  CHECK_FALSE((*file)->truncate(6));
  CHECK(text_of(**file) == std::string("hEll\0\0", 6));
  CHECK(*(*file)->size() == 6);
  CHECK_FALSE((*file)->sync());

  std::string some(3, '?');
  CHECK(*(*file)->read_at(2, some) == 3);
  CHECK(some == std::string("ll\0", 3));
  CHECK(*(*file)->read_at(4, some) == 2);
  CHECK(*(*file)->read_at(6, some) == 0);
  CHECK(*(*file)->read_at(100, some) == 0);
}

TEST_CASE("each open mode asks for what it says") {
  const auto place = any_place();
  if (!place->files) return;
  const std::string path = place->folder / "f";
  CHECK(place->files->open(path, OpenMode::read).error() == std::errc::no_such_file_or_directory);
  CHECK(place->files->open(path, OpenMode::write).error() == std::errc::no_such_file_or_directory);
  {
    auto made = place->files->open(path, OpenMode::create);
    REQUIRE(made);
    CHECK_FALSE((*made)->write_at(0, "text"));
  }
  CHECK(place->files->open(path, OpenMode::create).error() == std::errc::file_exists);
  auto reading = place->files->open(path, OpenMode::read);
  REQUIRE(reading);
  CHECK(text_of(**reading) == "text");
  CHECK((*reading)->write_at(0, "x") == std::errc::bad_file_descriptor);
  auto writing = place->files->open(path, OpenMode::write);
  REQUIRE(writing);
  CHECK(text_of(**writing) == "text");
  auto cutting = place->files->open(path, OpenMode::create_or_truncate);
  REQUIRE(cutting);
  CHECK(text_of(**cutting).empty());

  CHECK(place->files->open(place->folder.path(), OpenMode::read).error() == std::errc::is_a_directory);
  CHECK(place->files->open(path + "x/y", OpenMode::create).error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("names can be listed, replaced and removed") {
  const auto place = any_place();
  if (!place->files) return;
  FileSystem& files = *place->files;
  const std::string root = place->folder.path();
  for (const std::string name : {"c", "a", "b.tmp"}) {
    auto file = files.open(root + "/" + name, OpenMode::create);
    REQUIRE(file);
    CHECK_FALSE((*file)->write_at(0, name));
  }
  CHECK_FALSE(files.create_directories(root + "/folder/within"));
  CHECK_FALSE(files.create_directories(root + "/folder/within/"));
  CHECK(*files.list(root) == std::vector<std::string>{"a", "b.tmp", "c"});
  CHECK(*files.list(root + "/folder") == std::vector<std::string>{});

  CHECK_FALSE(files.rename(root + "/b.tmp", root + "/a"));
  CHECK(files.rename(root + "/b.tmp", root + "/a") == std::errc::no_such_file_or_directory);
  CHECK(*read_file(files, root + "/a", 100) == "b.tmp");
  CHECK_FALSE(files.remove(root + "/c"));
  CHECK_FALSE(files.remove(root + "/c"));
  CHECK_FALSE(files.sync_directory(root));
  CHECK(*files.list(root) == std::vector<std::string>{"a"});
  CHECK(*files.exists(root + "/a"));
  CHECK(*files.exists(root + "/folder"));
  CHECK_FALSE(*files.exists(root + "/c"));
  CHECK(files.list(root + "/none").error() == std::errc::no_such_file_or_directory);
  CHECK(files.create_directories(root + "/a/b") == std::errc::not_a_directory);
}

TEST_CASE("an open file stays readable when its name is gone") {
  const auto place = any_place();
  if (!place->files) return;
  const std::string path = place->folder / "f";
  auto file = place->files->open(path, OpenMode::create);
  REQUIRE(file);
  CHECK_FALSE((*file)->write_at(0, "old"));
  CHECK_FALSE(replace_file(*place->files, place->folder.path(), "f", "new"));
  CHECK(text_of(**file) == "old");
  CHECK(*read_file(*place->files, path, 3) == "new");
}

TEST_CASE("a lock is refused while another one is held, also in the same process") {
  const auto place = any_place();
  if (!place->files) return;
  const std::string path = place->folder / "LOCK";
  {
    const auto first = place->files->lock(path);
    REQUIRE(first);
    CHECK(place->files->lock(path).error() == errc::locked);
    CHECK(place->files->lock(path).error() == errc::locked);
    CHECK(place->files->lock(place->folder / "OTHER"));
  }
  CHECK(place->files->lock(path));
}

TEST_CASE("read_file reads a whole file up to its bound") {
  const auto place = any_place();
  if (!place->files) return;
  const std::string text(100'000, 'x');
  CHECK_FALSE(replace_file(*place->files, place->folder.path(), "f", text));
  CHECK(*place->files->list(place->folder.path()) == std::vector<std::string>{"f"});
  CHECK(*read_file(*place->files, place->folder / "f", text.size()) == text);
  CHECK(read_file(*place->files, place->folder / "f", text.size() - 1).error() == errc::message_too_large);
  CHECK(read_file(*place->files, place->folder / "g", 1).error() == std::errc::no_such_file_or_directory);
  CHECK_FALSE(replace_file(*place->files, place->folder.path(), "f", ""));
  CHECK(read_file(*place->files, place->folder / "f", 0)->empty());
}

TEST_CASE("after a crash at any call, a replaced file holds the old or the new contents, whole") {
  testkit::FaultFileSystem disk;
  const std::string before(2000, 'a');
  const std::string after(3000, 'b');
  disk.put("d/f", before);
  const auto start = disk.image();
  REQUIRE_FALSE(replace_file(disk, "d", "f", after));
  const std::uint64_t calls = disk.calls();

  for (std::uint64_t call = 1; call <= calls; ++call) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      disk.restore(start);
      disk.power_off_at(disk.calls() + call);
      CHECK(replace_file(disk, "d", "f", after));
      disk.crash(seed);
      const auto found = disk.contents("d/f");
      REQUIRE(found);
      REQUIRE((*found == before || *found == after));
    }
  }
  disk.restore(start);
  REQUIRE_FALSE(replace_file(disk, "d", "f", after));
  disk.crash(0);
  CHECK(disk.contents("d/f") == after);
}

TEST_CASE("a replacement whose name may not survive does not say no_space") {
  testkit::FaultFileSystem disk;
  disk.put("d/f", "old");
  disk.fail_next(testkit::FileCall::sync_directory, errc::no_space);
  CHECK(replace_file(disk, "d", "f", "new") == errc::io_error);
}

TEST_CASE("a failed replacement leaves the old contents and no temporary file") {
  testkit::FaultFileSystem disk;
  disk.put("d/f", "old");
  SECTION("no room") {
    disk.set_full();
    CHECK(replace_file(disk, "d", "f", "much longer") == errc::no_space);
  }
  SECTION("the sync fails") {
    disk.fail_next(testkit::FileCall::sync, errc::io_error);
    CHECK(replace_file(disk, "d", "f", "new") == errc::io_error);
  }
  SECTION("the rename fails") {
    disk.fail_next(testkit::FileCall::rename, errc::io_error);
    CHECK(replace_file(disk, "d", "f", "new") == errc::io_error);
  }
  CHECK(disk.paths() == std::vector<std::string>{"d/f"});
  CHECK(disk.contents("d/f") == "old");
}
