// Snapshots: writing, publishing, giving up, reading.
#include <libraft/error.hpp>

#include <array>
#include <thread>
#include <utility>

#include "testkit/conformance/storage_trial.hpp"

namespace libraft::testkit {
namespace {

std::string long_text() {
  std::string text;
  for (std::size_t i = 0; text.size() < 200'000; ++i) text += std::to_string(i * i) + std::string(1, char(i % 256));
  return text;
}

std::unique_ptr<SnapshotWriter> begun(StorageTrial& t, const SnapshotData& snapshot, std::string_view bytes) {
  auto writer = t.storage->create_snapshot(snapshot.meta);
  require_success(writer.error(), "create_snapshot()");
  require_success((*writer)->write(bytes), "writing a snapshot");
  return *std::move(writer);
}

void a_published_snapshot_is_the_newest(StorageTrial& t) {
  t.begin();
  t.append(1, 10, 1);
  require_error(t.storage->newest_snapshot().error(), errc::no_snapshot, "newest_snapshot() without one");
  t.run(Do().snapshot(4, 1, "first state"), "publishing a snapshot at 4");
  t.verify("with a snapshot at 4");
  t.run(Do().snapshot(5, 1, std::string("\0\xff\n", 3)), "publishing a snapshot at 5");
  t.verify_open("with a snapshot at 5");
  t.run(Do().snapshot(10, 1, long_text()), "publishing a long snapshot at 10");
  t.verify("with a long snapshot");
}

void an_empty_snapshot_is_one(StorageTrial& t) {
  t.begin();
  t.append(1, 2, 1);
  t.run(Do().snapshot(2, 1, ""), "publishing a snapshot without bytes");
  t.verify("with an empty snapshot");
}

void a_snapshot_on_an_empty_log(StorageTrial& t) {
  t.begin();
  t.run(Do().snapshot(1000, 12, "installed").hard_state(12, std::nullopt).start(1000, 12), "installing a snapshot");
  t.verify("with an installed snapshot");
  t.append(1001, 1003, 12);
  t.verify("when the log grew on");
}

void publish_does_its_batch_too(StorageTrial& t) {
  t.begin();
  t.append(1, 10, 1);
  t.run(Do().snapshot(6, 1, "at 6").start(6, 1), "publishing and compacting");
  t.verify("after publishing and compacting");
  t.run(Do().snapshot(9, 4, "at 9").hard_state(4, NodeId{2}).truncate(7).start(9, 4),
        "installing a snapshot that does not match the log");
  t.verify("after installing a snapshot that does not match the log");
  t.append(10, 12, 4);
  t.run(Do().snapshot(11, 4, "at 11").start(10, 4).entries(13, 14, 4), "publishing with entries");
  t.verify("after publishing with entries");
}

void an_unpublished_snapshot_leaves_nothing(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  t.run(Do().snapshot(2, 1, "kept"), "publishing a snapshot at 2");
  SnapshotData other = sample_snapshot(4, 1, "given up");
  begun(t, other, "given").reset();
  t.verify("when a snapshot was given up half-way");
  auto writer = begun(t, other, other.bytes);
  require_success(writer->finish(other.meta), "finishing a snapshot");
  writer.reset();
  t.verify("when a finished snapshot was given up");
  t.run(Do().snapshot(4, 1, "at last"), "publishing a snapshot at the same index");
  t.verify("when another one was published there");
}

void a_snapshot_open_at_close_leaves_nothing(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  const SnapshotData other = sample_snapshot(4, 1, "cut off");
  auto writer = begun(t, other, other.bytes);
  t.storage->close();
  writer.reset();
  t.reopen("when the storage was closed while a snapshot was being written");
  t.run(Do().snapshot(4, 1, "whole"), "publishing one afterwards");
  t.verify("with that one");
}

void another_unpublished_snapshot_is_given_up(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  const SnapshotData local = sample_snapshot(3, 1, "local");
  const auto writer = begun(t, local, "loc");
  t.run(Do().snapshot(5, 1, "incoming"), "publishing another snapshot while one is unfinished");
  t.verify_open("when another snapshot was published first");
  t.verify("when another snapshot was published first");
}

void a_stale_snapshot_is_refused(StorageTrial& t) {
  t.begin();
  t.append(1, 9, 1);
  t.run(Do().snapshot(5, 1, "at 5"), "publishing a snapshot at 5");
  for (const std::uint64_t index : std::array<std::uint64_t, 2>{5, 4}) {
    const StorageCommand stale =
        Do().snapshot(index, 1, "another").hard_state(99, std::nullopt).truncate(8).entries(8, 8, 99);
    require_error(perform(*t.storage, stale), errc::snapshot_stale,
                  "publishing at " + std::to_string(index) + " when the newest is at 5");
    t.verify_open("after a stale snapshot");
  }
  t.append(10, 10, 1);
  t.run(Do().snapshot(6, 1, "at 6"), "publishing a snapshot at 6");
  t.verify("after stale snapshots");
}

void readers_stay_valid(StorageTrial& t) {
  t.begin();
  t.append(1, 9, 1);
  const std::string text = long_text();
  t.run(Do().snapshot(3, 1, text), "publishing a snapshot at 3");
  const auto reader = t.storage->newest_snapshot();
  require_success(reader.error(), "newest_snapshot()");
  const auto require_readable = [&](const std::string& when) {
    std::string some(1000, '?');
    const auto count = (*reader)->read_at(150'000, some);
    require_success(count.error(), "reading an older snapshot " + when);
    require(*count == some.size() && some == text.substr(150'000, 1000), "An older snapshot reads differently " + when);
    require((*reader)->meta().last == LogId{{3}, {1}}, "An older snapshot has another meta " + when);
  };
  t.run(Do().snapshot(6, 1, "newer").start(6, 1), "publishing a snapshot at 6");
  require_readable("when a newer one was published.");
  t.run(Do().snapshot(7, 1, "newest"), "publishing a snapshot at 7");
  require_readable("when two newer ones were published.");
  t.storage->close();
  require_readable("when the storage was closed.");
  t.reopen("while an older snapshot is being read");
  require_readable("when the storage was opened again.");
}

void reading_a_snapshot_at_any_offset(StorageTrial& t) {
  t.begin();
  t.append(1, 3, 1);
  const std::string text = long_text();
  t.run(Do().snapshot(3, 1, text), "publishing a snapshot");
  const auto reader = t.storage->newest_snapshot();
  require_success(reader.error(), "newest_snapshot()");
  const std::size_t size = text.size();
  const std::array<std::pair<std::size_t, std::size_t>, 9> ranges{{{0, 0},
                                                                   {0, 1},
                                                                   {0, size},
                                                                   {0, size + 10},
                                                                   {size - 1, 1},
                                                                   {size - 1, 100},
                                                                   {size, 10},
                                                                   {size + 1000, 10},
                                                                   {4095, 70'000}}};
  for (const auto& [offset, length] : ranges) {
    std::string into(length, '?');
    const std::string call = "read_at(" + std::to_string(offset) + ", " + std::to_string(length) + " bytes)";
    const auto count = (*reader)->read_at(offset, into);
    require_success(count.error(), call);
    const std::string expected = offset < size ? text.substr(offset, length) : "";
    require(*count == expected.size() && into.substr(0, *count) == expected, call + " gives other bytes.");
  }
}

/// A thread that is waited for also when something throws.
class Beside {
 public:
  template <class Task>
  explicit Beside(Task task) : thread_(std::move(task)) {}
  ~Beside() { thread_.join(); }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

 private:
  std::thread thread_;
};

std::error_code write_whole(SnapshotWriter& writer, const SnapshotData& snapshot) {
  const std::string_view bytes = snapshot.bytes;
  for (std::size_t done = 0; done < bytes.size(); done += 4000) {
    if (const auto error = writer.write(bytes.substr(done, 4000))) return error;
  }
  return writer.finish(snapshot.meta);
}

std::string read_in_pieces(SnapshotReader& reader, const std::string& text) {
  std::string piece(3000, '?');
  for (std::size_t offset = 0; offset < text.size(); offset += piece.size()) {
    const auto count = reader.read_at(offset, piece);
    if (!count) return "read_at() beside other calls failed: " + count.error().message();
    if (piece.substr(0, *count) != text.substr(offset, piece.size())) return "read_at() beside other calls differs.";
  }
  return {};
}

void snapshots_live_beside_writes(StorageTrial& t) {
  t.begin();
  t.append(1, 10, 1);
  const std::string text = long_text();
  t.run(Do().snapshot(5, 1, text), "publishing a snapshot at 5");
  auto reader = t.storage->newest_snapshot();
  require_success(reader.error(), "newest_snapshot()");
  const SnapshotData next_one = sample_snapshot(10, 1, text + text);
  auto writer = t.storage->create_snapshot(next_one.meta);
  require_success(writer.error(), "create_snapshot()");

  std::error_code written;
  std::array<std::string, 2> problems;
  {
    const Beside writing([&] { written = write_whole(**writer, next_one); });
    const Beside first([&] { problems[0] = read_in_pieces(**reader, text); });
    const Beside second([&] { problems[1] = read_in_pieces(**reader, text); });
    for (std::uint64_t index = 11; index <= 40; ++index) t.append(index, index, 2);
  }
  require_success(written, "writing a snapshot beside write()");
  require(problems[0].empty() && problems[1].empty(), problems[0] + problems[1]);
  require_success(t.storage->publish(*std::move(writer), {}), "publishing what was written beside write()");
  t.model.apply(Do().snapshot(10, 1, text + text));
  t.verify("after a snapshot was written beside write()");
}

constexpr std::array kSnapshotRules{
    StorageRule{"a published snapshot is the newest", a_published_snapshot_is_the_newest},
    StorageRule{"a snapshot may be empty", an_empty_snapshot_is_one},
    StorageRule{"a snapshot may come before any entry", a_snapshot_on_an_empty_log},
    StorageRule{"publish does its batch after the snapshot", publish_does_its_batch_too},
    StorageRule{"a snapshot that is not published leaves nothing", an_unpublished_snapshot_leaves_nothing},
    StorageRule{"closing while a snapshot is written leaves nothing of it", a_snapshot_open_at_close_leaves_nothing},
    StorageRule{"beginning a snapshot gives another unpublished one up", another_unpublished_snapshot_is_given_up},
    StorageRule{"a snapshot at or below the newest is refused and changes nothing", a_stale_snapshot_is_refused},
    StorageRule{"a reader stays valid when newer snapshots come and when the storage closes", readers_stay_valid},
    StorageRule{"snapshots are written and read beside writes", snapshots_live_beside_writes},
    StorageRule{"a snapshot is read at any offset", reading_a_snapshot_at_any_offset},
};

}  // namespace

std::span<const StorageRule> storage_snapshot_rules() {
  return kSnapshotRules;
}

}  // namespace libraft::testkit
