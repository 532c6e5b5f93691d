// What the tests of JsonFileStorage share: a storage on a faulty disk, and short ways to write to it.
#pragma once

#include "storage/json_file_storage.hpp"
#include "storage/json_file_storage_format.hpp"
#include "support/catch.hpp"

#include <libraft/storage.hpp>
#include <libraft/testkit/fault_file_system.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvserver::test {

using libraft::Entry;
using libraft::errc;
using libraft::LogId;
using libraft::LogIndex;
using libraft::NodeId;
using libraft::Term;
using libraft::WriteBatch;
using libraft::testkit::FaultFileSystem;
using libraft::testkit::FileCall;

inline const std::string kFolder = "/data/n1";
inline const std::string kStatePath = kFolder + "/raft_state.json";
inline const std::string kLogPath = kFolder + "/raft_log.jsonl";
inline const std::string kSnapshotPath = kFolder + "/snapshot.json";

inline LogId log_id(std::uint64_t index, std::uint64_t term) {
  return {LogIndex{index}, Term{term}};
}

inline Entry command(std::uint64_t index, std::uint64_t term, std::string data) {
  return {log_id(index, term), libraft::EntryKind::command, libraft::Bytes(std::move(data))};
}

inline Entry noop(std::uint64_t index, std::uint64_t term) {
  return {log_id(index, term), libraft::EntryKind::noop, {}};
}

/// Commands `first` to `last`, "c1", "c2"...
inline std::vector<Entry> commands(std::uint64_t first, std::uint64_t last, std::uint64_t term) {
  std::vector<Entry> entries;
  for (auto i = first; i <= last; ++i) entries.push_back(command(i, term, "c" + std::to_string(i)));
  return entries;
}

inline libraft::Identity identity() {
  return {libraft::ClusterId{0xC1}, libraft::GroupId{0}, NodeId{1}, libraft::Incarnation{0xABCD}};
}

inline libraft::Configuration genesis() {
  return {{{NodeId{1}, "http://localhost:9081"}, {NodeId{2}, "http://localhost:9082"}}, {}, {}};
}

inline std::unique_ptr<libraft::Storage> make_storage(libraft::FileSystem& files, const std::string& folder = kFolder,
                                                      std::function<void(const std::string&)> warn = nullptr) {
  JsonFileStorageOptions options;
  options.directory = folder;
  options.name_of = [](NodeId id) { return "n" + std::to_string(id.value); };
  options.warn = std::move(warn);
  return json_file_storage(files, std::move(options));
}

inline libraft::SnapshotMeta meta_of(std::uint64_t index, std::uint64_t term, std::string_view data) {
  return {log_id(index, term), {{}, genesis()}, data.size(), storage::digest_of(data)};
}

inline std::error_code write_entries(libraft::Storage& to, const std::vector<Entry>& entries) {
  WriteBatch batch;
  batch.entries = entries;
  return to.write(batch);
}

inline std::error_code publish(libraft::Storage& to, const libraft::SnapshotMeta& meta, std::string_view data,
                               const WriteBatch& with) {
  auto writer = to.create_snapshot(meta);
  if (!writer) return writer.error();
  if (const auto error = (*writer)->write(data)) return error;
  if (const auto error = (*writer)->finish(meta)) return error;
  return to.publish(std::move(*writer), with);
}

inline std::string snapshot_data(libraft::Storage& from) {
  const auto reader = from.newest_snapshot();
  REQUIRE(reader);
  std::string data((*reader)->meta().size, '\0');
  const auto count = (*reader)->read_at(0, data);
  REQUIRE(count);
  REQUIRE(*count == data.size());
  return data;
}

/// An open storage on a disk of its own.
struct Node {
  Node() { storage = make_storage(disk); }

  /// A formatted one, with the term of 1.
  static std::unique_ptr<Node> formatted() {
    auto node = std::make_unique<Node>();
    const auto opened = node->storage->open();
    INFO(node->storage->error_detail());
    REQUIRE(opened);
    REQUIRE_FALSE(*opened);
    REQUIRE_FALSE(node->storage->format(identity(), genesis()));
    return node;
  }

  libraft::RecoveredState reopen() {
    storage = nullptr;
    warnings.clear();
    storage = make_storage(disk, kFolder, [this](const std::string& sentence) { warnings.push_back(sentence); });
    const auto opened = storage->open();
    INFO(storage->error_detail());
    REQUIRE(opened);
    REQUIRE(*opened);
    return **opened;
  }

  /// Why open() refuses.
  std::pair<std::error_code, std::string> refusal() {
    storage = nullptr;
    storage = make_storage(disk);
    const auto opened = storage->open();
    REQUIRE_FALSE(opened);
    return {opened.error(), storage->error_detail()};
  }

  std::vector<Entry> all(const libraft::RecoveredState& state) {
    if (state.last.index == state.start.index) return {};
    const auto entries = storage->read(next(state.start.index), state.last.index, SIZE_MAX);
    INFO(storage->error_detail());
    REQUIRE(entries);
    return *entries;
  }

  std::string file(const std::string& path) { return disk.contents(path).value_or("(none)"); }

  FaultFileSystem disk;
  std::unique_ptr<libraft::Storage> storage;
  std::vector<std::string> warnings;  ///< of the last reopen()
};

}  // namespace kvserver::test
