// RecordingFiles: a FileSystem that tells after each call that may have changed the disk.
#pragma once

#include <libraft/file_system.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace libraft::testkit {

/// Passes every call on. `changed` is called in the calling thread; it may be empty, and may be replaced at any time.
class RecordingFiles final : public FileSystem {
 public:
  explicit RecordingFiles(FileSystem& files) : files_(files) {}

  std::function<void()> changed;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = files_.open(path, mode);
    if (mode == OpenMode::create || mode == OpenMode::create_or_truncate) tell();
    if (!file) return file.error();
    return std::make_unique<Recorded>(*this, *std::move(file));
  }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  std::error_code rename(const std::string& from, const std::string& to) override {
    return told(files_.rename(from, to));
  }
  std::error_code remove(const std::string& path) override { return told(files_.remove(path)); }
  std::error_code create_directories(const std::string& path) override { return told(files_.create_directories(path)); }
  Result<std::vector<std::string>> list(const std::string& path) override { return files_.list(path); }
  std::error_code sync_directory(const std::string& path) override { return told(files_.sync_directory(path)); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    auto lock = files_.lock(path);
    tell();
    return lock;
  }

 private:
  class Recorded final : public File {
   public:
    Recorded(RecordingFiles& owner, std::unique_ptr<File> file) : owner_(owner), file_(std::move(file)) {}

    std::error_code write_at(std::uint64_t offset, std::string_view bytes) override {
      return owner_.told(file_->write_at(offset, bytes));
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
      return file_->read_at(offset, into);
    }
    Result<std::uint64_t> size() override { return file_->size(); }
    std::error_code truncate(std::uint64_t size) override { return owner_.told(file_->truncate(size)); }
    std::error_code sync() override { return owner_.told(file_->sync()); }

   private:
    RecordingFiles& owner_;
    std::unique_ptr<File> file_;
  };

  void tell() const {
    if (changed) changed();
  }
  std::error_code told(std::error_code error) const {
    tell();
    return error;
  }

  FileSystem& files_;
};

}  // namespace libraft::testkit
