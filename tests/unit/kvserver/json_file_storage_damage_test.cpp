// Which damage is taken for a torn write and cut, and which is refused.
#include "json_file_storage_fixture.hpp"

#include <algorithm>

namespace kvserver::test {
namespace {

using Catch::Matchers::StartsWith;
using libraft::test::contains_text;

/// A log of three batches: entries 1 and 2; 3; 4 to 6.
std::unique_ptr<Node> three_batches() {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 2, 1)));
  REQUIRE_FALSE(write_entries(*node->storage, commands(3, 3, 1)));
  REQUIRE_FALSE(write_entries(*node->storage, commands(4, 6, 1)));
  node->storage->close();
  return node;
}

/// The offset of the line that holds entry `index`.
std::size_t line_of(const std::string& log, std::uint64_t index) {
  const auto at = log.find("{\"index\":" + std::to_string(index) + ",");
  REQUIRE(at != std::string::npos);
  return at;
}

void expect_corrupt(Node& node, const std::string& file, const std::string& what) {
  const auto before = node.disk.contents(file);
  const auto [error, detail] = node.refusal();
  CHECK((error == errc::corrupt_data || error == errc::unsupported_version));
  CHECK_THAT(detail, StartsWith(file + ": ") && contains_text(what));
  CHECK(node.disk.contents(file) == before);
}

TEST_CASE("json storage: a last batch that is cut at any byte is a torn tail") {
  auto node = three_batches();
  const std::string log = node->file(kLogPath);
  for (std::size_t cut = line_of(log, 4); cut < log.size(); ++cut) {
    node->disk.put(kLogPath, log.substr(0, cut));
    INFO("cut at byte " << cut << " of " << log.size());
    auto state = node->reopen();
    CHECK(state.last == log_id(3, 1));
    CHECK(node->file(kLogPath) == log.substr(0, line_of(log, 4)));
    REQUIRE_FALSE(write_entries(*node->storage, commands(4, 4, 2)));
    CHECK(node->reopen().last == log_id(4, 2));
    node->storage->close();
  }
}

TEST_CASE("json storage: any byte of the last batch may be wrong") {
  auto node = three_batches();
  const std::string log = node->file(kLogPath);
  for (std::size_t at = line_of(log, 4); at < log.size(); ++at) {
    for (const char wrong : {'\0', '\n', static_cast<char>(log[at] ^ 1)}) {
      if (log[at] == wrong) continue;
      std::string damaged = log;
      damaged[at] = wrong;
      node->disk.put(kLogPath, damaged);
      INFO("byte " << at << " of " << log.size());
      CHECK(node->reopen().last == log_id(3, 1));
      node->storage->close();
    }
  }
}

TEST_CASE("json storage: a last batch that lost its first page and kept the rest is a torn tail") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 3, 1)));
  REQUIRE_FALSE(write_entries(*node->storage, commands(4, 300, 1)));
  node->storage->close();
  std::string log = node->file(kLogPath);
  const std::size_t start = line_of(log, 4);
  std::fill_n(log.begin() + static_cast<std::ptrdiff_t>(start), 4096, '\0');
  node->disk.put(kLogPath, log);
  CHECK(node->reopen().last == log_id(3, 1));
  CHECK(node->file(kLogPath) == log.substr(0, start));
}

TEST_CASE("json storage: a torn tail is told when it is cut and only then") {
  auto node = three_batches();
  const std::string log = node->file(kLogPath);
  const auto told = [&node](const std::string& contents) {
    node->disk.put(kLogPath, contents);
    (void)node->reopen();
    node->storage->close();
    return node->warnings;
  };
  const auto tail = [](std::size_t offset, std::size_t bytes, int lines, const std::string& batch) {
    return std::vector{kLogPath + ": cut at byte " + std::to_string(offset) + ": " + std::to_string(bytes) +
                       " bytes (" + std::to_string(lines) + (lines == 1 ? " line) of " : " lines) of ") + batch +
                       ", which is torn: a crash in the middle of a write leaves that, and nothing acknowledged is "
                       "lost by it; without a crash the disk has damaged the file"};
  };
  CHECK(told(log).empty());
  const std::size_t last = line_of(log, 4);
  CHECK(told(log.substr(0, last + 1)) == tail(last, 1, 1, "batch 3"));
  CHECK(told(log.substr(0, line_of(log, 5))) == tail(last, line_of(log, 5) - last, 1, "batch 3"));
  CHECK(told(log.substr(0, log.size() - 1)) == tail(last, log.size() - 1 - last, 3, "batch 3"));
  CHECK(told(log.substr(0, last)).empty());
  CHECK(told(log + "x\ny\nz") == tail(log.size(), 5, 3, "batch 4"));
  CHECK(told(log + std::string(10'000, '\0')) == tail(log.size(), 10'000, 1, "batch 4"));
  (void)node->reopen();
  CHECK(node->warnings.empty());  // it is gone
}

TEST_CASE("json storage: a torn header of a new log is told when it is cut") {
  auto node = Node::formatted();
  node->storage->close();
  const std::string log = node->file(kLogPath);
  node->disk.put(kLogPath, log.substr(0, 10));
  (void)node->reopen();
  REQUIRE(node->warnings.size() == 1);
  CHECK_THAT(node->warnings[0], StartsWith(kLogPath + ": cut at byte 0: 10 bytes (1 line) of its header, which is"));
  CHECK(node->file(kLogPath) == log);
}

TEST_CASE("json storage: zeros behind the last batch are a torn tail") {
  auto node = three_batches();
  const std::string log = node->file(kLogPath);
  node->disk.put(kLogPath, log + std::string(10'000, '\0'));
  CHECK(node->reopen().last == log_id(6, 1));
  CHECK(node->file(kLogPath) == log);
}

TEST_CASE("json storage: any wrong byte before the last batch is refused") {
  auto node = three_batches();
  const std::string log = node->file(kLogPath);
  for (std::size_t at = 0; at < line_of(log, 4); ++at) {
    for (const char wrong : {'\0', '\n', static_cast<char>(log[at] ^ 1)}) {
      if (log[at] == wrong) continue;
      std::string damaged = log;
      damaged[at] = wrong;
      node->disk.put(kLogPath, damaged);
      INFO("byte " << at << " of " << log.size());
      expect_corrupt(*node, kLogPath, "line ");
    }
  }
}

TEST_CASE("json storage: the refusal names the line, its place and why it is no torn tail") {
  auto node = three_batches();
  std::string log = node->file(kLogPath);
  log[line_of(log, 3) + 20] = '#';
  node->disk.put(kLogPath, log);
  expect_corrupt(*node, kLogPath,
                 "line 5 (byte " + std::to_string(line_of(log, 4)) + "): intact, of batch 3, but line 4 is damaged");
}

TEST_CASE("json storage: lines that are missing, doubled or in another order are refused, or cut in the last batch") {
  auto node = three_batches();
  const std::string log = node->file(kLogPath);
  const auto line = [&log](std::uint64_t index) {
    const auto at = line_of(log, index);
    return log.substr(at, log.find('\n', at) + 1 - at);
  };
  const std::string head = log.substr(0, line_of(log, 1));
  const auto refused = [&](const std::string& lines) {
    node->disk.put(kLogPath, head + lines);
    expect_corrupt(*node, kLogPath, "where");
  };
  refused(line(1) + line(3) + line(4) + line(5) + line(6));
  refused(line(1) + line(2) + line(4) + line(5) + line(6));
  refused(line(2) + line(1) + line(3));
  refused(line(1) + line(1) + line(2));
  refused(line(1) + line(2) + line(3) + line(3));
  refused(line(1) + line(2) + line(3) + line(5) + line(6));
  node->disk.put(kLogPath, head + line(1) + line(2) + line(3) + line(4) + line(5));
  CHECK(node->reopen().last == log_id(3, 1));
}

TEST_CASE("json storage: entries that a compaction kept were synced before, and damage to them is never a torn tail") {
  auto node = three_batches();
  (void)node->reopen();
  WriteBatch compaction;
  compaction.new_start = log_id(4, 1);
  REQUIRE_FALSE(publish(*node->storage, meta_of(4, 1, "s"), "s", compaction));
  node->storage->close();
  const std::string log = node->file(kLogPath);
  CHECK(log.find("\"index\":4") == std::string::npos);
  for (std::size_t at = 0; at < log.size(); ++at) {
    std::string damaged = log;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    node->disk.put(kLogPath, damaged);
    INFO("byte " << at << " of " << log.size());
    expect_corrupt(*node, kLogPath, "");
    node->disk.put(kLogPath, log.substr(0, at));
    expect_corrupt(*node, kLogPath, "");
  }
}

TEST_CASE("json storage: a log that was emptied or wiped is refused once the node has done anything") {
  auto node = three_batches();
  const std::string log = node->file(kLogPath);
  SECTION("a new node's is made anew") {
    auto fresh = Node::formatted();
    fresh->storage->close();
    const std::string header = fresh->file(kLogPath);
    for (std::size_t size = 0; size < header.size(); ++size) {
      fresh->disk.put(kLogPath, header.substr(0, size));
      CHECK(fresh->reopen().last == LogId{});
      CHECK(fresh->file(kLogPath) == header);
      fresh->storage->close();
    }
    fresh->disk.put(kLogPath, std::string(header.size() + 1, '\0'));
    expect_corrupt(*fresh, kLogPath, "line 1 (byte 0): damaged");
  }
  SECTION("zeros") {
    node->disk.put(kLogPath, std::string(log.size(), '\0'));
    expect_corrupt(*node, kLogPath, "line 1 (byte 0): damaged");
  }
  SECTION("empty") {
    (void)node->reopen();
    WriteBatch batch;
    batch.hard_state = libraft::HardState{Term{1}, std::nullopt};
    REQUIRE_FALSE(node->storage->write(batch));
    node->storage->close();
    node->disk.put(kLogPath, "");
    expect_corrupt(*node, kLogPath, "empty, though raft_state.json is not that of a new node");
  }
}

TEST_CASE("json storage: any wrong byte in raft_state.json and snapshot.json is refused, and any that is missing") {
  auto node = three_batches();
  (void)node->reopen();
  REQUIRE_FALSE(publish(*node->storage, meta_of(4, 1, "a\nb"), "a\nb", {}));
  node->storage->close();
  for (const std::string& path : {kStatePath, kSnapshotPath}) {
    const std::string text = node->file(path);
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (const char wrong : {'\0', ' ', static_cast<char>(text[at] ^ 1)}) {
        if (text[at] == wrong) continue;
        std::string damaged = text;
        damaged[at] = wrong;
        node->disk.put(path, damaged);
        INFO(path << " byte " << at);
        expect_corrupt(*node, path, "");
      }
      node->disk.put(path, text.substr(0, at));
      expect_corrupt(*node, path, "");
    }
    node->disk.put(path, text + "\n");
    expect_corrupt(*node, path, "");
    node->disk.put(path, text);
  }
  CHECK(node->reopen().last == log_id(6, 1));
}

TEST_CASE("json storage: a file that is missing while another one needs it is refused") {
  auto node = three_batches();
  (void)node->reopen();
  WriteBatch compaction;
  compaction.new_start = log_id(4, 1);
  REQUIRE_FALSE(publish(*node->storage, meta_of(4, 1, "s"), "s", compaction));
  node->storage->close();
  SECTION("raft_state.json, with a log") {
    REQUIRE_FALSE(node->disk.remove(kSnapshotPath));
    REQUIRE_FALSE(node->disk.remove(kStatePath));
    expect_corrupt(*node, kStatePath, "missing, though raft_log.jsonl holds data");
  }
  SECTION("raft_state.json, with a snapshot") {
    REQUIRE_FALSE(node->disk.remove(kLogPath));
    REQUIRE_FALSE(node->disk.remove(kStatePath));
    expect_corrupt(*node, kStatePath, "missing, though snapshot.json is there");
  }
  SECTION("raft_log.jsonl") {
    REQUIRE_FALSE(node->disk.remove(kLogPath));
    expect_corrupt(*node, kLogPath, "missing, though raft_state.json is there");
  }
  SECTION("snapshot.json") {
    REQUIRE_FALSE(node->disk.remove(kSnapshotPath));
    expect_corrupt(*node, kSnapshotPath, "missing, though the log starts after entry 4");
  }
  SECTION("all of them: a first start, for now") {
    for (const auto& path : {kStatePath, kLogPath, kSnapshotPath}) REQUIRE_FALSE(node->disk.remove(path));
    node->storage = make_storage(node->disk);
    const auto opened = node->storage->open();
    REQUIRE(opened);
    CHECK_FALSE(*opened);
  }
}

TEST_CASE("json storage: snapshot.json may be absent while the log is whole") {
  auto node = three_batches();
  CHECK_FALSE(node->reopen().snapshot);
}

TEST_CASE("json storage: files from different times are refused") {
  auto node = three_batches();
  (void)node->reopen();
  const std::string old_state = node->file(kStatePath);
  const std::string old_log = node->file(kLogPath);
  WriteBatch compaction;
  compaction.new_start = log_id(4, 1);
  REQUIRE_FALSE(publish(*node->storage, meta_of(4, 1, "s"), "s", compaction));
  const std::string old_snapshot = node->file(kSnapshotPath);
  SECTION("a log that starts above the base") {
    node->storage->close();
    node->disk.put(kStatePath, old_state);
    expect_corrupt(*node, kLogPath, "starts after entry 4, but raft_state.json needs the entries after 0");
  }
  SECTION("a log that starts below the base is that of an interrupted compaction") {
    node->storage->close();
    node->disk.put(kLogPath, old_log);
    const auto state = node->reopen();
    CHECK(state.start == log_id(4, 1));
    CHECK(node->all(state) == commands(5, 6, 1));
  }
  SECTION("a snapshot below the base") {
    compaction.new_start = log_id(5, 1);
    REQUIRE_FALSE(publish(*node->storage, meta_of(5, 1, "s"), "s", compaction));
    node->storage->close();
    node->disk.put(kSnapshotPath, old_snapshot);
    expect_corrupt(*node, kSnapshotPath,
                   "reaches to entry 4 of term 1, but raft_state.json has the log start after 5 of 1");
  }
}

TEST_CASE("json storage: files of another node or cluster are refused") {
  auto node = three_batches();
  (void)node->reopen();
  REQUIRE_FALSE(publish(*node->storage, meta_of(4, 1, "s"), "s", {}));
  node->storage->close();

  Node other;
  REQUIRE(other.storage->open());
  auto stranger = identity();
  stranger.cluster = libraft::ClusterId{0xC2};
  REQUIRE_FALSE(other.storage->format(stranger, genesis()));
  SECTION("a log") {
    other.disk.put(kLogPath, node->file(kLogPath));
  }
  SECTION("a snapshot") {
    other.disk.put(kSnapshotPath, node->file(kSnapshotPath));
  }
  CHECK(other.refusal().first == errc::identity_mismatch);
}

TEST_CASE("json storage: files of a newer release are refused as such") {
  auto node = three_batches();
  (void)node->reopen();
  REQUIRE_FALSE(publish(*node->storage, meta_of(4, 1, "s"), "s", {}));
  node->storage->close();
  const auto newer = [&](const std::string& path, const std::string& format, bool is_line) {
    const std::string text = node->file(path);
    const auto seal = text.find(is_line ? ",\"checksum\"" : ",\n  \"checksum\"");
    std::string object = text.substr(0, seal) + (is_line ? "}" : "\n}");
    object.replace(object.find(format), format.size(), format.substr(0, format.size() - 1) + "2");
    node->disk.put(path, is_line ? storage::sealed_line(object) : storage::sealed_text(object));
    const auto [error, detail] = node->refusal();
    CHECK(error == errc::unsupported_version);
    CHECK_THAT(detail, StartsWith(path) && contains_text("its format is 2, and this release knows 1 only"));
  };
  SECTION("raft_state.json") {
    newer(kStatePath, "\"format\": 1", false);
  }
  SECTION("raft_log.jsonl") {
    newer(kLogPath, "\"format\":1", true);
  }
  SECTION("snapshot.json") {
    newer(kSnapshotPath, "\"format\": 1", false);
  }
}

TEST_CASE("json storage: an entry of a kind that this release does not know is refused, never skipped") {
  auto node = three_batches();
  const std::string line = R"({"index":7,"term":1,"batch":4,"part":1,"parts":1,"kind":"session","data":""})";
  node->disk.put(kLogPath, node->file(kLogPath) + storage::sealed_line(line));
  const auto [error, detail] = node->refusal();
  CHECK(error == errc::unknown_kind);
  CHECK_THAT(detail, contains_text("entry 7 is of the unknown kind `session`"));
}

TEST_CASE("json storage: damage that comes while the node runs is noticed when the entry is read") {
  auto node = three_batches();
  (void)node->reopen();
  const std::string log = node->file(kLogPath);
  REQUIRE(node->disk.overwrite(kLogPath, line_of(log, 2) + 60, "#"));
  CHECK(node->storage->read(LogIndex{2}, LogIndex{3}, SIZE_MAX).error() == errc::corrupt_data);
  CHECK_THAT(node->storage->error_detail(), StartsWith(kLogPath + ": entry 2 (byte "));
  CHECK(node->storage->read(LogIndex{1}, LogIndex{1}, SIZE_MAX));
}

}  // namespace
}  // namespace kvserver::test
