#include "early_open_storage.hpp"

namespace kvserver {

const EarlyOpenStorage::Opened& EarlyOpenStorage::open_early() {
  return opened_.emplace(storage_->open());
}

EarlyOpenStorage::Opened EarlyOpenStorage::open() {
  if (auto opened = std::exchange(opened_, std::nullopt)) return *std::move(opened);
  return storage_->open();
}

std::error_code EarlyOpenStorage::format(const libraft::Identity& identity, const libraft::Configuration& genesis) {
  return storage_->format(identity, genesis);
}

std::error_code EarlyOpenStorage::write(const libraft::WriteBatch& batch) {
  return storage_->write(batch);
}

libraft::Result<std::vector<libraft::Entry>> EarlyOpenStorage::read(libraft::LogIndex first, libraft::LogIndex last,
                                                                    std::size_t bytes_max) {
  return storage_->read(first, last, bytes_max);
}

libraft::Result<std::unique_ptr<libraft::SnapshotWriter>> EarlyOpenStorage::create_snapshot(
    const libraft::SnapshotMeta& meta) {
  return storage_->create_snapshot(meta);
}

std::error_code EarlyOpenStorage::publish(std::unique_ptr<libraft::SnapshotWriter> snapshot,
                                          const libraft::WriteBatch& with) {
  return storage_->publish(std::move(snapshot), with);
}

libraft::Result<std::shared_ptr<libraft::SnapshotReader>> EarlyOpenStorage::newest_snapshot() {
  return storage_->newest_snapshot();
}

void EarlyOpenStorage::close() noexcept {
  opened_.reset();
  storage_->close();
}

std::string EarlyOpenStorage::error_detail() const {
  return storage_->error_detail();
}

}  // namespace kvserver
