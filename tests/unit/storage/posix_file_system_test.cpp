// What only real files have: modes, links, pipes, and the meaning of errno.
#include <libraft/error.hpp>
#include <libraft/storage/posix_file_system.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "storage/posix_error.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace libraft;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("files are made for their owner only") {
  const test::TemporaryDirectory folder;
  const auto files = posix_file_system();
  REQUIRE_FALSE(files->create_directories(folder / "a/b"));
  REQUIRE(files->open(folder / "a/b/f", OpenMode::create));
  REQUIRE(files->lock(folder / "a/b/LOCK"));
  CHECK(mode_of(folder / "a") == 0700);
  CHECK(mode_of(folder / "a/b") == 0700);
  CHECK(mode_of(folder / "a/b/f") == 0600);
  CHECK(mode_of(folder / "a/b/LOCK") == 0600);
}

TEST_CASE("a symbolic link is not a file, but a folder may be one") {
  const test::TemporaryDirectory folder;
  const auto files = posix_file_system();
  REQUIRE_FALSE(files->create_directories(folder / "real"));
  REQUIRE(files->open(folder / "real/f", OpenMode::create));
  REQUIRE(::symlink((folder / "real/f").c_str(), (folder / "real/link").c_str()) == 0);
  REQUIRE(::symlink((folder / "real").c_str(), (folder / "alias").c_str()) == 0);

  CHECK(files->open(folder / "real/link", OpenMode::write).error() == std::errc::too_many_symbolic_link_levels);
  CHECK(files->lock(folder / "real/link").error() == std::errc::too_many_symbolic_link_levels);
  CHECK(files->open(folder / "alias/f", OpenMode::write));
  CHECK_FALSE(files->sync_directory(folder / "alias"));
  CHECK_FALSE(files->create_directories(folder / "alias"));
  CHECK_FALSE(files->create_directories(folder / "alias/more"));
  CHECK(*files->list(folder / "alias") == std::vector<std::string>{"f"});
}

TEST_CASE("a pipe is refused without waiting for its other end") {
  const test::TemporaryDirectory folder;
  const auto files = posix_file_system();
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(files->open(folder / "pipe", OpenMode::read).error() == std::errc::invalid_argument);
  CHECK(*files->list(folder.path()) == std::vector<std::string>{});
}

TEST_CASE("an offset that files can't have is an error") {
  const test::TemporaryDirectory folder;
  auto file = posix_file_system()->open(folder / "f", OpenMode::create);
  REQUIRE(file);
  char byte = 0;
  CHECK((*file)->write_at(UINT64_MAX, "x") == std::errc::file_too_large);
  CHECK((*file)->write_at(INT64_MAX, "x") == std::errc::file_too_large);
  CHECK((*file)->truncate(UINT64_MAX) == std::errc::file_too_large);
  CHECK((*file)->read_at(UINT64_MAX, {&byte, 1}).error() == std::errc::value_too_large);
}

#if defined(__linux__)
TEST_CASE("a sync reaches the system, and tells what it says") {
  const auto files = posix_file_system();
  // These can't be synced, and the system says so to whoever asks.
  auto file = files->open("/proc/self/comm", OpenMode::read);
  REQUIRE(file);
  CHECK((*file)->sync() == std::errc::invalid_argument);
  CHECK(files->sync_directory("/proc/self") == std::errc::invalid_argument);
}
#endif

TEST_CASE("another process that holds the lock keeps us out until it dies") {
  const test::TemporaryDirectory folder;
  const auto files = posix_file_system();
  int ready[2];
  int end[2];
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(end) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto held = files->lock(folder / "LOCK");
    char byte = held ? '+' : '-';
    static_cast<void>(::write(ready[1], &byte, 1) + ::read(end[0], &byte, 1));
    ::_exit(0);  // without destructors: as a killed process would
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(byte == '+');
  CHECK(files->lock(folder / "LOCK").error() == errc::locked);
  CHECK(::write(end[1], &byte, 1) == 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(files->lock(folder / "LOCK"));
  for (const int descriptor : {ready[0], ready[1], end[0], end[1]}) ::close(descriptor);
}

TEST_CASE("a full device or quota is no_space, everything else keeps its number") {
  CHECK(storage::posix_error(ENOSPC) == errc::no_space);
  CHECK(storage::posix_error(EDQUOT) == errc::no_space);
  CHECK(storage::posix_error(EIO) == std::error_code(EIO, std::system_category()));
  CHECK(storage::posix_error(EFBIG) == std::errc::file_too_large);
}
