// FileSystem by POSIX calls.
#include <libraft/storage/posix_file_system.hpp>

#include "storage/posix_error.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace libraft {
namespace {

using storage::posix_error;

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

std::error_code last_error() {
  return posix_error(errno);
}

/// Calls until it is not interrupted by a signal.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  // Not repeated after EINTR: the descriptor is gone by then, and its number may be another thread's file.
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool valid() const { return number_ >= 0; }

 private:
  int number_;
};

/// Never waits (opening a pipe would), and takes no symbolic link for a file.
Descriptor open_file(const std::string& path, int flags) {
  return Descriptor(
      uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kFileMode); }));
}

std::error_code sync_descriptor(int descriptor) {
#if defined(__APPLE__)
  // fsync there leaves the data in the drive's cache. Some file systems know no F_FULLFSYNC.
  if (uninterrupted([&] { return ::fcntl(descriptor, F_FULLFSYNC); }) != -1) return {};
  const int result = uninterrupted([&] { return ::fsync(descriptor); });
#else
  const int result = uninterrupted([&] { return ::fdatasync(descriptor); });
#endif
  return result == 0 ? std::error_code{} : last_error();
}

std::error_code sync_directory_at(const std::string& path) {
  // A link to a directory is fine: that is how people move data to another disk.
  const Descriptor directory(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!directory.valid()) return last_error();
  const int result = uninterrupted([&] { return ::fsync(directory.get()); });
  return result == 0 ? std::error_code{} : last_error();
}

/// False for an end that off_t can't express.
bool fits(std::uint64_t offset, std::size_t length) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  return offset <= kMax && length <= kMax - offset;
}

class PosixFile final : public File {
 public:
  explicit PosixFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  std::error_code write_at(std::uint64_t offset, std::string_view bytes) override {
    if (!fits(offset, bytes.size())) return posix_error(EFBIG);
    while (!bytes.empty()) {
      const ssize_t written = uninterrupted(
          [&] { return ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (written < 0) return last_error();
      if (written == 0) return errc::io_error;  // not allowed by POSIX; looping on it would never end
      bytes.remove_prefix(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    if (!fits(offset, into.size())) return posix_error(EOVERFLOW);
    std::size_t done = 0;
    while (done < into.size()) {
      const auto rest = into.subspan(done);
      const ssize_t count = uninterrupted(
          [&] { return ::pread(descriptor_.get(), rest.data(), rest.size(), static_cast<off_t>(offset + done)); });
      if (count < 0) return last_error();
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) return last_error();
    return static_cast<std::uint64_t>(status.st_size);
  }

  std::error_code truncate(std::uint64_t size) override {
    if (!fits(size, 0)) return posix_error(EFBIG);
    const int result = uninterrupted([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); });
    return result == 0 ? std::error_code{} : last_error();
  }

  std::error_code sync() override { return sync_descriptor(descriptor_.get()); }

 private:
  Descriptor descriptor_;
};

/// flock belongs to the open file, so closing it (or dying) releases it.
class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::write:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::create_or_truncate:
      return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// The directory that holds `path`, which has no slash at its end.
std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Whether `descriptor` is still the file that `path` names.
bool is_same_file(const Descriptor& descriptor, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(descriptor.get(), &held) == 0 && ::lstat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    Descriptor descriptor = open_file(path, flags_of(mode));
    if (!descriptor.valid()) return last_error();
    struct stat status {};
    if (::fstat(descriptor.get(), &status) != 0) return last_error();
    if (S_ISDIR(status.st_mode)) return posix_error(EISDIR);
    if (!S_ISREG(status.st_mode)) return posix_error(EINVAL);  // a pipe or a device has no offsets
    return std::make_unique<PosixFile>(std::move(descriptor));
  }

  Result<bool> exists(const std::string& path) override {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return last_error();
  }

  std::error_code rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? std::error_code{} : last_error();
  }

  std::error_code remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return last_error();
  }

  std::error_code create_directories(const std::string& path) override {
    std::string trimmed = path;
    while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
    if (trimmed.empty()) return posix_error(ENOENT);
    return make_directory(trimmed);
  }

  Result<std::vector<std::string>> list(const std::string& path) override;

  std::error_code sync_directory(const std::string& path) override { return sync_directory_at(path); }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    Descriptor descriptor = open_file(path, O_RDWR | O_CREAT);
    if (!descriptor.valid()) return last_error();
    if (uninterrupted([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) != 0) {
      return errno == EWOULDBLOCK ? make_error_code(errc::locked) : last_error();
    }
    // Someone removed or replaced the file after we opened it: then this lock keeps nobody else out.
    if (!is_same_file(descriptor, path)) return errc::locked;
    return std::make_unique<PosixLock>(std::move(descriptor));
  }

 private:
  /// `path` without a slash at its end. Parents first, each synced into the one above before the next is made.
  static std::error_code make_directory(const std::string& path) {
    const std::string parent = parent_of(path);
    if (is_directory(path)) {
      // A crash may have come between an earlier mkdir and its sync. Who may not read the parent did not make it.
      const auto error = sync_directory_at(parent);
      return error == std::errc::permission_denied ? std::error_code{} : error;
    }
    if (!is_directory(parent)) {
      if (const auto error = make_directory(parent)) return error;
    }
    if (::mkdir(path.c_str(), kDirectoryMode) != 0) {
      if (errno != EEXIST) return last_error();
      if (!is_directory(path)) return posix_error(ENOTDIR);
    }
    return sync_directory_at(parent);
  }
};

/// Whether the entry is a regular file. Not all file systems tell it in the entry itself.
bool is_regular(DIR* directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_REG;
  struct stat status {};
  return ::fstatat(::dirfd(directory), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (!directory) return last_error();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (is_regular(directory.get(), *entry)) names.emplace_back(entry->d_name);
    errno = 0;
  }
  if (errno != 0) return last_error();
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::shared_ptr<FileSystem> posix_file_system() {
  return std::make_shared<PosixFileSystem>();
}

}  // namespace libraft
