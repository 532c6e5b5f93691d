// FaultFileSystem: calls, counts and faults over a DiskModel.
#include <libraft/error.hpp>
#include <libraft/testkit/fault_file_system.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "testkit/disk/fault_disk.hpp"

namespace libraft::testkit {

struct DiskImage::Contents {
  DiskModel disk;
};

namespace {

constexpr std::size_t kCallKinds = static_cast<std::size_t>(FileCall::sync) + 1;

std::error_code system_error(int number) {
  return {number, std::system_category()};
}

std::string normal(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().generic_string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  if (text.rfind("./", 0) == 0) text.erase(0, 2);
  return text == "." ? "" : text;
}

/// What becomes of a call.
struct Verdict {
  enum class Effect {
    whole,    ///< as asked
    cut_off,  ///< power went in the middle of it: what it writes is pending, what it promises is not kept
    failed,   ///< an injected error: nothing of it, but for writes and syncs
    none,     ///< power was off before
  };
  Effect effect = Effect::whole;
  std::error_code error;

  [[nodiscard]] bool is_without_effect() const { return effect == Effect::none || effect == Effect::failed; }
};

}  // namespace

// All under `mutex`.
struct FaultFileSystem::Impl {
  mutable std::mutex mutex;
  DiskModel disk;
  std::set<std::string> locked;
  std::uint64_t epoch = 0;  ///< rises when all open files and locks become void
  bool power_off = false;
  std::uint64_t bytes_max = kUnlimited;

  std::uint64_t calls = 0;
  std::array<std::uint64_t, kCallKinds> calls_by_kind{};
  std::uint64_t bytes_written = 0;

  std::map<std::uint64_t, std::error_code> failures;  ///< by call number
  std::uint64_t power_off_call = 0;
  struct KindFailure {
    FileCall kind;
    std::error_code error;
    std::uint64_t skip;
  };
  std::optional<KindFailure> kind_failure;

  struct WatchedByte {
    FileNumber file;
    std::uint64_t offset;
    bool was_read = false;
  };
  std::optional<WatchedByte> watched;

  Verdict enter(FileCall kind) {
    ++calls;
    ++calls_by_kind[static_cast<std::size_t>(kind)];
    if (power_off) return {Verdict::Effect::none, errc::io_error};
    if (calls == power_off_call) {
      power_off = true;
      return {Verdict::Effect::cut_off, errc::io_error};
    }
    if (const auto failure = failures.find(calls); failure != failures.end()) {
      const std::error_code error = failure->second;
      failures.erase(failure);
      return {Verdict::Effect::failed, error};
    }
    if (kind_failure && kind_failure->kind == kind && kind_failure->skip-- == 0) {
      const std::error_code error = kind_failure->error;
      kind_failure.reset();
      return {Verdict::Effect::failed, error};
    }
    return {};
  }

  /// Every open file and lock belongs to a process that is gone.
  void end_process() {
    ++epoch;
    locked.clear();
    power_off = false;
    power_off_call = 0;
  }
};

namespace {

using Impl = FaultFileSystem::Impl;

class FaultFile final : public File {
 public:
  FaultFile(std::shared_ptr<Impl> impl, FileNumber file, bool writable)
      : impl_(std::move(impl)), file_(file), epoch_(impl_->epoch), writable_(writable) {}

  std::error_code write_at(std::uint64_t offset, std::string_view bytes) override {
    const std::lock_guard lock(impl_->mutex);
    Verdict verdict = enter(FileCall::write_at);
    if (verdict.effect == Verdict::Effect::none) return verdict.error;
    if (!writable_) return system_error(EBADF);
    if (verdict.effect == Verdict::Effect::failed) bytes = bytes.substr(0, bytes.size() / 2);
    const std::string_view fitting = bytes.substr(0, room(offset, bytes.size()));
    if (fitting.size() < bytes.size() && !verdict.error) verdict.error = errc::no_space;
    if (!fitting.empty()) {
      impl_->disk.write(file_, offset, fitting);
      impl_->bytes_written += fitting.size();
    }
    return verdict.error;
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    const std::lock_guard lock(impl_->mutex);
    if (const Verdict verdict = enter(FileCall::read_at); verdict.error) return verdict.error;
    const std::string& contents = impl_->disk.contents(file_);
    if (offset >= contents.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), contents.size() - offset);
    std::copy_n(contents.data() + offset, count, into.begin());
    auto& watched = impl_->watched;
    if (watched && watched->file == file_ && watched->offset >= offset && watched->offset - offset < count) {
      watched->was_read = true;
    }
    return count;
  }

  Result<std::uint64_t> size() override {
    const std::lock_guard lock(impl_->mutex);
    if (const Verdict verdict = enter(FileCall::size); verdict.error) return verdict.error;
    return std::uint64_t{impl_->disk.contents(file_).size()};
  }

  std::error_code truncate(std::uint64_t size) override {
    const std::lock_guard lock(impl_->mutex);
    const Verdict verdict = enter(FileCall::truncate);
    if (verdict.is_without_effect()) return verdict.error;
    if (!writable_) return system_error(EBADF);
    impl_->disk.truncate(file_, size);
    return verdict.error;
  }

  std::error_code sync() override {
    const std::lock_guard lock(impl_->mutex);
    const Verdict verdict = enter(FileCall::sync);
    if (verdict.effect == Verdict::Effect::whole) impl_->disk.sync(file_);
    if (verdict.effect == Verdict::Effect::failed) impl_->disk.fail_sync(file_);
    return verdict.error;
  }

 private:
  Verdict enter(FileCall kind) {
    const Verdict verdict = impl_->enter(kind);
    if (epoch_ != impl_->epoch) return {Verdict::Effect::none, errc::io_error};
    return verdict;
  }

  /// How many of `length` bytes at `offset` there is room for. Only growth takes room.
  [[nodiscard]] std::size_t room(std::uint64_t offset, std::size_t length) const {
    const std::uint64_t size = impl_->disk.contents(file_).size();
    if (offset + length <= size) return length;
    const std::uint64_t used = impl_->disk.bytes_used();
    const std::uint64_t left = impl_->bytes_max > used ? impl_->bytes_max - used : 0;
    const std::uint64_t growth = offset + length - size;
    if (growth <= left) return length;
    return size + left > offset ? std::min<std::size_t>(size + left - offset, length) : 0;
  }

  const std::shared_ptr<Impl> impl_;
  const FileNumber file_;
  const std::uint64_t epoch_;
  const bool writable_;
};

class FaultLock final : public FileLock {
 public:
  FaultLock(std::shared_ptr<Impl> impl, std::string path)
      : impl_(std::move(impl)), path_(std::move(path)), epoch_(impl_->epoch) {}
  ~FaultLock() override {
    const std::lock_guard lock(impl_->mutex);
    if (epoch_ == impl_->epoch) impl_->locked.erase(path_);
  }

 private:
  const std::shared_ptr<Impl> impl_;
  const std::string path_;
  const std::uint64_t epoch_;
};

/// Finds or makes the file, as `mode` says.
Result<FileNumber> open_file(DiskModel& disk, const std::string& path, OpenMode mode) {
  if (disk.is_directory(path)) return system_error(EISDIR);
  const auto found = disk.find(path);
  if (mode == OpenMode::read || mode == OpenMode::write) {
    if (!found) return system_error(ENOENT);
    return *found;
  }
  if (!found) {
    if (!disk.is_directory(DiskModel::parent_of(path))) return system_error(ENOENT);
    return disk.create(path);
  }
  if (mode == OpenMode::create) return system_error(EEXIST);
  if (!disk.contents(*found).empty()) disk.truncate(*found, 0);
  return *found;
}

}  // namespace

FaultFileSystem::FaultFileSystem() : impl_(std::make_shared<Impl>()) {}
FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::fail_at(std::uint64_t call, std::error_code error) {
  const std::lock_guard lock(impl_->mutex);
  impl_->failures[call] = error;
}

void FaultFileSystem::fail_next(FileCall kind, std::error_code error, std::uint64_t skip) {
  const std::lock_guard lock(impl_->mutex);
  impl_->kind_failure = {kind, error, skip};
}

void FaultFileSystem::power_off_at(std::uint64_t call) {
  const std::lock_guard lock(impl_->mutex);
  impl_->power_off_call = call;
}

void FaultFileSystem::power_off() {
  const std::lock_guard lock(impl_->mutex);
  impl_->power_off = true;
}

void FaultFileSystem::clear_faults() {
  const std::lock_guard lock(impl_->mutex);
  impl_->failures.clear();
  impl_->kind_failure.reset();
  impl_->power_off_call = 0;
}

void FaultFileSystem::crash(std::uint64_t seed) {
  const std::lock_guard lock(impl_->mutex);
  impl_->disk.crash(seed);
  impl_->end_process();
}

std::vector<PendingChange> FaultFileSystem::pending() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->disk.pending();
}

void FaultFileSystem::crash_keeping(const std::vector<bool>& kept) {
  const std::lock_guard lock(impl_->mutex);
  impl_->disk.crash_keeping(kept);
  impl_->end_process();
}

void FaultFileSystem::kill() {
  const std::lock_guard lock(impl_->mutex);
  impl_->end_process();
}

bool FaultFileSystem::power_is_off() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->power_off;
}

void FaultFileSystem::set_bytes_max(std::uint64_t bytes_max) {
  const std::lock_guard lock(impl_->mutex);
  impl_->bytes_max = bytes_max;
}

void FaultFileSystem::set_full() {
  const std::lock_guard lock(impl_->mutex);
  impl_->bytes_max = impl_->disk.bytes_used();
}

std::uint64_t FaultFileSystem::calls() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->calls;
}

std::uint64_t FaultFileSystem::calls(FileCall kind) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->calls_by_kind[static_cast<std::size_t>(kind)];
}

std::uint64_t FaultFileSystem::bytes_written() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->bytes_written;
}

std::uint64_t FaultFileSystem::bytes_used() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->disk.bytes_used();
}

std::vector<std::string> FaultFileSystem::paths() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->disk.paths();
}

std::optional<std::string> FaultFileSystem::contents(const std::string& path) const {
  const std::lock_guard lock(impl_->mutex);
  const auto file = impl_->disk.find(normal(path));
  return file ? std::optional(impl_->disk.contents(*file)) : std::nullopt;
}

std::optional<std::string> FaultFileSystem::durable_contents(const std::string& path) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->disk.durable_contents(normal(path));
}

bool FaultFileSystem::overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(impl_->mutex);
  const auto file = impl_->disk.find(normal(path));
  if (file) impl_->disk.overwrite(*file, offset, bytes);
  return file.has_value();
}

bool FaultFileSystem::watch(const std::string& path, std::uint64_t offset) {
  const std::lock_guard lock(impl_->mutex);
  const auto file = impl_->disk.find(normal(path));
  if (file) impl_->watched = {*file, offset};
  return file.has_value();
}

std::optional<std::string> FaultFileSystem::watched_path() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->watched ? impl_->disk.durable_path(impl_->watched->file) : std::nullopt;
}

bool FaultFileSystem::overwrite_watched(std::uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->watched || !impl_->disk.durable_path(impl_->watched->file)) return false;
  impl_->disk.overwrite(impl_->watched->file, offset, bytes);
  return true;
}

bool FaultFileSystem::watched_was_read() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->watched && impl_->watched->was_read;
}

void FaultFileSystem::put(const std::string& path, std::string contents) {
  const std::lock_guard lock(impl_->mutex);
  const std::string name = normal(path);
  const std::string directory = DiskModel::parent_of(name);
  impl_->disk.add_directory(directory);
  if (impl_->disk.find(name)) impl_->disk.remove(name);
  const FileNumber file = impl_->disk.create(name);
  impl_->disk.sync_directory(directory);
  impl_->disk.overwrite(file, 0, contents);
}

DiskDigest FaultFileSystem::digest() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->disk.digest();
}

DiskImage FaultFileSystem::image() const {
  const std::lock_guard lock(impl_->mutex);
  return DiskImage(std::make_shared<const DiskImage::Contents>(DiskImage::Contents{impl_->disk}));
}

void FaultFileSystem::restore(const DiskImage& image) {
  const std::lock_guard lock(impl_->mutex);
  impl_->disk = image.contents().disk;
  impl_->watched.reset();
  impl_->end_process();
}

Result<std::unique_ptr<File>> FaultFileSystem::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(impl_->mutex);
  const Verdict verdict = impl_->enter(FileCall::open);
  if (verdict.is_without_effect()) return verdict.error;
  const auto file = open_file(impl_->disk, normal(path), mode);
  if (verdict.error) return verdict.error;
  if (!file) return file.error();
  return std::make_unique<FaultFile>(impl_, *file, mode != OpenMode::read);
}

Result<bool> FaultFileSystem::exists(const std::string& path) {
  const std::lock_guard lock(impl_->mutex);
  if (const Verdict verdict = impl_->enter(FileCall::exists); verdict.error) return verdict.error;
  const std::string name = normal(path);
  return impl_->disk.find(name).has_value() || impl_->disk.is_directory(name);
}

std::error_code FaultFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(impl_->mutex);
  const Verdict verdict = impl_->enter(FileCall::rename);
  if (verdict.is_without_effect()) return verdict.error;
  const std::string source = normal(from);
  const std::string target = normal(to);
  if (!impl_->disk.find(source)) return system_error(ENOENT);
  if (impl_->disk.is_directory(target)) return system_error(EISDIR);
  if (!impl_->disk.is_directory(DiskModel::parent_of(target))) return system_error(ENOENT);
  if (source != target) impl_->disk.rename(source, target);
  return verdict.error;
}

std::error_code FaultFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(impl_->mutex);
  const Verdict verdict = impl_->enter(FileCall::remove);
  if (verdict.is_without_effect()) return verdict.error;
  const std::string name = normal(path);
  if (impl_->disk.is_directory(name)) return system_error(EISDIR);
  if (impl_->disk.find(name)) impl_->disk.remove(name);
  return verdict.error;
}

std::error_code FaultFileSystem::create_directories(const std::string& path) {
  const std::lock_guard lock(impl_->mutex);
  const Verdict verdict = impl_->enter(FileCall::create_directories);
  if (verdict.is_without_effect()) return verdict.error;
  std::string name = normal(path);
  if (verdict.effect == Verdict::Effect::cut_off) name = DiskModel::parent_of(name);
  for (std::string part = name; !impl_->disk.is_directory(part); part = DiskModel::parent_of(part)) {
    if (impl_->disk.find(part)) return system_error(ENOTDIR);
  }
  impl_->disk.add_directory(name);
  return verdict.error;
}

Result<std::vector<std::string>> FaultFileSystem::list(const std::string& path) {
  const std::lock_guard lock(impl_->mutex);
  if (const Verdict verdict = impl_->enter(FileCall::list); verdict.error) return verdict.error;
  const std::string name = normal(path);
  if (!impl_->disk.is_directory(name)) return system_error(ENOENT);
  return impl_->disk.names_in(name);
}

std::error_code FaultFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock(impl_->mutex);
  const Verdict verdict = impl_->enter(FileCall::sync_directory);
  if (verdict.error) return verdict.error;
  const std::string name = normal(path);
  if (!impl_->disk.is_directory(name)) return system_error(ENOENT);
  impl_->disk.sync_directory(name);
  return {};
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::lock(const std::string& path) {
  const std::lock_guard lock(impl_->mutex);
  const Verdict verdict = impl_->enter(FileCall::lock);
  if (verdict.is_without_effect()) return verdict.error;
  const std::string name = normal(path);
  if (impl_->locked.count(name) != 0) return errc::locked;
  if (!impl_->disk.find(name)) {
    if (!impl_->disk.is_directory(DiskModel::parent_of(name))) return system_error(ENOENT);
    impl_->disk.create(name);
  }
  if (verdict.error) return verdict.error;
  impl_->locked.insert(name);
  return std::make_unique<FaultLock>(impl_, name);
}

}  // namespace libraft::testkit
