// snapshot.json: a snapshot as people can read it.
//
// A text is written as an array of its lines, other bytes in base64. The whole snapshot is in memory while it is
// written and for as long as it is the newest: the kvserver's state is there anyway.
#pragma once

#include "storage/json_file_storage_format.hpp"

#include <libraft/file_system.hpp>
#include <libraft/message.hpp>
#include <libraft/result.hpp>
#include <libraft/storage.hpp>
#include <libraft/transport.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace kvserver::storage {

/// Immutable, shared by its readers.
struct Snapshot {
  libraft::SnapshotMeta meta;
  std::string data;
};

/// A larger file can't be read back: RapidJSON counts in 32 bits.
inline constexpr std::uint64_t kSnapshotFileBytesMax = 0xFFFF'0000u;

/// Writes the text of `snapshot` to `file` and syncs it. errc::message_too_large beyond kSnapshotFileBytesMax.
[[nodiscard]] std::error_code write_snapshot(libraft::File& file, const Snapshot& snapshot,
                                             const libraft::Identity& identity, const NodeNaming& name_of);

/// Checks seal, cluster, size and digest. On an error `why` tells.
[[nodiscard]] libraft::Result<Snapshot> read_snapshot(std::string text, const libraft::Identity& identity,
                                                      std::string& why);

/// Reads from memory.
[[nodiscard]] std::shared_ptr<libraft::SnapshotReader> reader_of(std::shared_ptr<const Snapshot> snapshot);

/// Gathers a snapshot in memory, and writes it to a temporary file when it is finished.
class SnapshotDraft final : public libraft::SnapshotWriter {
 public:
  /// What the writers of one storage share. Each is given up when the next one begins.
  struct Shared {
    libraft::FileSystem* files = nullptr;
    std::string directory;
    libraft::Identity identity;
    NodeNaming name_of;
    std::atomic<std::uint64_t> newest{0};
  };

  SnapshotDraft(std::shared_ptr<Shared> shared, std::uint64_t number);
  SnapshotDraft(const SnapshotDraft&) = delete;
  SnapshotDraft& operator=(const SnapshotDraft&) = delete;
  ~SnapshotDraft() override;

  std::error_code write(std::string_view bytes) override;
  std::error_code finish(const libraft::SnapshotMeta& meta) override;

  /// Finished, and not given up.
  [[nodiscard]] bool may_publish(const Shared& storage) const;
  [[nodiscard]] const libraft::SnapshotMeta& meta() const { return snapshot_.meta; }
  /// Gives the temporary file its name. The caller syncs the directory.
  [[nodiscard]] std::error_code rename_into_place();
  [[nodiscard]] Snapshot take() { return std::move(snapshot_); }

 private:
  [[nodiscard]] bool given_up() const { return shared_->newest.load() != number_; }

  std::shared_ptr<Shared> shared_;
  std::uint64_t number_;
  std::string temporary_path_;
  Snapshot snapshot_;
  bool has_file_ = false;
  bool finished_ = false;
};

}  // namespace kvserver::storage
