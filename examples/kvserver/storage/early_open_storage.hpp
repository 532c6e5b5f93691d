// EarlyOpenStorage: a storage that is opened before its node is made, to see whether its data may be used, and that the
// node then finds open.
#pragma once

#include <libraft/result.hpp>
#include <libraft/storage.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace kvserver {

/// Hands everything on to another storage, which it owns; but the first open() after open_early() only tells what that
/// one said. So the data are scanned once, and nobody else can take them over in between.
///
/// open_early() comes before the node gets the storage, and counts as a call on its storage lane.
class EarlyOpenStorage final : public libraft::Storage {
 public:
  using Opened = libraft::Result<std::optional<libraft::RecoveredState>>;

  explicit EarlyOpenStorage(std::unique_ptr<libraft::Storage> storage) : storage_(std::move(storage)) {}

  /// Opens the storage. What it says stays valid until open() or close().
  [[nodiscard]] const Opened& open_early();

  [[nodiscard]] Opened open() override;
  [[nodiscard]] std::error_code format(const libraft::Identity& identity,
                                       const libraft::Configuration& genesis) override;
  [[nodiscard]] std::error_code write(const libraft::WriteBatch& batch) override;
  [[nodiscard]] libraft::Result<std::vector<libraft::Entry>> read(libraft::LogIndex first, libraft::LogIndex last,
                                                                  std::size_t bytes_max) override;
  [[nodiscard]] libraft::Result<std::unique_ptr<libraft::SnapshotWriter>> create_snapshot(
      const libraft::SnapshotMeta& meta) override;
  [[nodiscard]] std::error_code publish(std::unique_ptr<libraft::SnapshotWriter> snapshot,
                                        const libraft::WriteBatch& with) override;
  [[nodiscard]] libraft::Result<std::shared_ptr<libraft::SnapshotReader>> newest_snapshot() override;
  void close() noexcept override;
  [[nodiscard]] std::string error_detail() const override;

 private:
  const std::unique_ptr<libraft::Storage> storage_;
  std::optional<Opened> opened_;  // not told to the node yet
};

}  // namespace kvserver
