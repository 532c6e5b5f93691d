#include "json_file_storage_fixture.hpp"

namespace kvserver::test {
namespace {

using libraft::test::contains_text;

TEST_CASE("json storage: a first start finds nothing, and format makes a node") {
  Node node;
  const auto opened = node.storage->open();
  REQUIRE(opened);
  CHECK_FALSE(*opened);
  CHECK(node.storage->write({}) == errc::not_formatted);
  REQUIRE_FALSE(node.storage->format(identity(), genesis()));
  CHECK(node.storage->format(identity(), genesis()) == errc::already_formatted);

  const auto state = node.reopen();
  CHECK(state.identity == identity());
  CHECK(state.hard_state == libraft::HardState{});
  CHECK(state.start == LogId{});
  CHECK(state.last == LogId{});
  CHECK(state.term_runs.empty());
  CHECK(state.configurations == std::vector<libraft::ConfigurationAt>{{{}, genesis()}});
  CHECK_FALSE(state.snapshot);
  CHECK(node.storage->newest_snapshot().error() == errc::no_snapshot);
  CHECK(node.storage->read(LogIndex{1}, LogIndex{1}, 1).error() == errc::unavailable);
}

TEST_CASE("json storage: the files are those that docs/formats.md shows") {
  auto node = Node::formatted();
  WriteBatch batch;
  batch.hard_state = libraft::HardState{Term{1}, NodeId{2}};
  const std::vector<Entry> entries{noop(1, 1), command(2, 1, "1 set 4 5 name luffy"), command(3, 1, "\xff\xfe")};
  batch.entries = entries;
  REQUIRE_FALSE(node->storage->write(batch));
  WriteBatch cut;
  cut.truncate_from = LogIndex{3};
  REQUIRE_FALSE(node->storage->write(cut));

  CHECK(node->file(kStatePath) == R"({
  "format": 1,
  "cluster": "00000000000000c1",
  "group": 0,
  "node": "n1",
  "nodeId": "0000000000000001",
  "incarnation": "000000000000abcd",
  "currentTerm": 1,
  "votedFor": "n2",
  "votedForId": "0000000000000002",
  "baseIndex": 0,
  "baseTerm": 0,
  "configuration": {
    "index": 0,
    "term": 0,
    "voters": [
      {
        "name": "n1",
        "id": "0000000000000001",
        "address": "http://localhost:9081"
      },
      {
        "name": "n2",
        "id": "0000000000000002",
        "address": "http://localhost:9082"
      }
    ],
    "outgoingVoters": [],
    "learners": []
  },
  "checksum": "25eef753d44684f4"
}
)");
  CHECK(
      node->file(kLogPath) ==
      R"({"format":1,"cluster":"00000000000000c1","group":0,"node":"n1","nodeId":"0000000000000001","incarnation":"000000000000abcd","baseIndex":0,"baseTerm":0,"batch":0,"keptBytes":0,"checksum":"ad9690f632d577ff"}
{"index":1,"term":1,"batch":1,"part":1,"parts":3,"kind":"noop","data":"","checksum":"ef107adbe350d747"}
{"index":2,"term":1,"batch":1,"part":2,"parts":3,"kind":"command","data":"1 set 4 5 name luffy","checksum":"511ecdf1597761df"}
{"index":3,"term":1,"batch":1,"part":3,"parts":3,"kind":"command","data":"//4=","encoding":"base64","checksum":"68f648b670290867"}
{"truncateFrom":3,"batch":2,"part":1,"parts":1,"checksum":"f7052c75ba1d1897"}
)");

  const std::string data = "kvserver-map 1 1\n4 5 name luffy\n";
  WriteBatch compaction;
  compaction.new_start = log_id(2, 1);
  REQUIRE_FALSE(publish(*node->storage, meta_of(2, 1, data), data, compaction));
  CHECK(node->file(kSnapshotPath) == R"({
  "format": 1,
  "cluster": "00000000000000c1",
  "group": 0,
  "lastIndex": 2,
  "lastTerm": 1,
  "configuration": {
    "index": 0,
    "term": 0,
    "voters": [
      {
        "name": "n1",
        "id": "0000000000000001",
        "address": "http://localhost:9081"
      },
      {
        "name": "n2",
        "id": "0000000000000002",
        "address": "http://localhost:9082"
      }
    ],
    "outgoingVoters": [],
    "learners": []
  },
  "size": 32,
  "digest": "f04d46b9093566304420f781bc907e73",
  "encoding": "lines",
  "data": [
    "kvserver-map 1 1",
    "4 5 name luffy",
    ""
  ],
  "checksum": "8a914a534b029c35"
}
)");
  CHECK(
      node->file(kLogPath) ==
      R"({"format":1,"cluster":"00000000000000c1","group":0,"node":"n1","nodeId":"0000000000000001","incarnation":"000000000000abcd","baseIndex":2,"baseTerm":1,"batch":2,"keptBytes":0,"checksum":"655a2021a8aa36cb"}
)");
}

TEST_CASE("json storage: what was written is there after a restart") {
  auto node = Node::formatted();
  WriteBatch batch;
  batch.hard_state = libraft::HardState{Term{2}, NodeId{2}};
  const std::vector<Entry> entries{noop(1, 1), command(2, 1, ""), command(3, 2, std::string("\0\n\"\\", 4)),
                                   command(4, 2, "\xff")};
  batch.entries = entries;
  REQUIRE_FALSE(node->storage->write(batch));

  auto state = node->reopen();
  CHECK(state.hard_state == libraft::HardState{Term{2}, NodeId{2}});
  CHECK(state.last == log_id(4, 2));
  CHECK(state.term_runs == std::vector<LogId>{log_id(2, 1), log_id(4, 2)});
  CHECK(node->all(state) == entries);

  SECTION("a cut and what replaces it too") {
    WriteBatch replacement;
    replacement.hard_state = libraft::HardState{Term{3}, std::nullopt};
    replacement.truncate_from = LogIndex{3};
    const std::vector<Entry> tail{noop(3, 3)};
    replacement.entries = tail;
    REQUIRE_FALSE(node->storage->write(replacement));
    state = node->reopen();
    CHECK(state.hard_state == libraft::HardState{Term{3}, std::nullopt});
    CHECK(state.term_runs == std::vector<LogId>{log_id(2, 1), log_id(3, 3)});
    CHECK(node->all(state) == std::vector<Entry>{entries[0], entries[1], noop(3, 3)});
  }
  SECTION("a cut of everything too") {
    WriteBatch cut;
    cut.truncate_from = LogIndex{1};
    REQUIRE_FALSE(node->storage->write(cut));
    state = node->reopen();
    CHECK(state.last == LogId{});
    CHECK(state.term_runs.empty());
    REQUIRE_FALSE(write_entries(*node->storage, {noop(1, 3)}));
    CHECK(node->all(node->reopen()) == std::vector<Entry>{noop(1, 3)});
  }
}

TEST_CASE("json storage: entries are found wherever they are in a long log with cuts in it") {
  auto node = Node::formatted();
  std::vector<Entry> model;
  const auto add = [&](std::uint64_t first, std::uint64_t last, std::uint64_t term, bool cut) {
    WriteBatch batch;
    if (cut) batch.truncate_from = LogIndex{first};
    const auto entries = commands(first, last, term);
    batch.entries = entries;
    REQUIRE_FALSE(node->storage->write(batch));
    model.resize(first - 1);
    model.insert(model.end(), entries.begin(), entries.end());
  };
  add(1, 100, 1, false);
  for (std::uint64_t i = 101; i <= 300; ++i) add(i, i, 1, false);
  add(250, 260, 2, true);
  add(255, 400, 3, true);
  add(401, 401, 3, false);

  const auto check_reads = [&](std::uint64_t start) {
    for (std::uint64_t first = start + 1; first <= 401; first += 7) {
      for (const std::uint64_t last : {first, std::min<std::uint64_t>(first + 70, 401), std::uint64_t{401}}) {
        const auto read = node->storage->read(LogIndex{first}, LogIndex{last}, SIZE_MAX);
        INFO(first << " to " << last << ": " << node->storage->error_detail());
        REQUIRE(read);
        CHECK((*read == std::vector<Entry>(model.begin() + static_cast<std::ptrdiff_t>(first - 1),
                                           model.begin() + static_cast<std::ptrdiff_t>(last))));
      }
    }
  };
  check_reads(0);
  SECTION("after a restart") {
    CHECK(node->reopen().term_runs == std::vector<LogId>{log_id(249, 1), log_id(254, 2), log_id(401, 3)});
    check_reads(0);
  }
  SECTION("after a compaction, and a restart after it") {
    WriteBatch compaction;
    compaction.new_start = log_id(251, 2);
    REQUIRE_FALSE(publish(*node->storage, meta_of(300, 3, "x"), "x", compaction));
    check_reads(251);
    CHECK(node->storage->read(LogIndex{251}, LogIndex{252}, 1).error() == errc::compacted);
    CHECK(node->storage->read(LogIndex{400}, LogIndex{402}, 1).error() == errc::unavailable);
    CHECK(node->reopen().start == log_id(251, 2));
    check_reads(251);
  }
  SECTION("as many as fit, but at least one") {
    const std::size_t one = charged_bytes(model[0]);
    CHECK(node->storage->read(LogIndex{1}, LogIndex{9}, 0)->size() == 1);
    CHECK(node->storage->read(LogIndex{1}, LogIndex{9}, 3 * one)->size() == 3);
    CHECK(node->storage->read(LogIndex{1}, LogIndex{9}, 4 * one - 1)->size() == 3);
  }
}

TEST_CASE("json storage: a write costs what it adds, and one sync") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 1000, 1)));
  const auto cost_of = [&](std::uint64_t index) {
    const auto bytes = node->disk.bytes_written();
    const auto calls = node->disk.calls();
    const auto syncs = node->disk.calls(FileCall::sync);
    REQUIRE_FALSE(write_entries(*node->storage, {command(index, 1, "0123456789")}));
    CHECK(node->disk.calls(FileCall::sync) == syncs + 1);
    return std::pair(node->disk.bytes_written() - bytes, node->disk.calls() - calls);
  };
  const auto early = cost_of(1001);
  REQUIRE_FALSE(write_entries(*node->storage, commands(1002, 9001, 1)));
  const auto late = cost_of(9002);
  CHECK(late == early);
  CHECK(early.second == 2);
}

TEST_CASE("json storage: a write of term and vote replaces raft_state.json only") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 3, 1)));
  const std::string log = node->file(kLogPath);
  WriteBatch batch;
  batch.hard_state = libraft::HardState{Term{7}, NodeId{1}};
  REQUIRE_FALSE(node->storage->write(batch));
  CHECK(node->file(kLogPath) == log);
  CHECK_THAT(node->file(kStatePath), contains_text("\"currentTerm\": 7") && contains_text("\"votedFor\": \"n1\""));
  CHECK(node->reopen().hard_state == *batch.hard_state);
}

TEST_CASE("json storage: any bytes come back from a snapshot") {
  auto node = Node::formatted();
  const auto round = [&](std::uint64_t index, const std::string& data) {
    REQUIRE_FALSE(publish(*node->storage, meta_of(index, 1, data), data, {}));
    CHECK((snapshot_data(*node->storage) == data));
    const auto state = node->reopen();
    CHECK(state.snapshot == meta_of(index, 1, data));
    CHECK((snapshot_data(*node->storage) == data));
  };
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += static_cast<char>(i * 7);
  round(1, "");
  round(2, "\n");
  round(3, "one\ntwo\n\n\"three\"");
  round(4, std::string("\0\0\n\0", 4));
  round(5, "\xff");
  round(6, bytes);
  round(7, bytes.substr(0, 3072));
  std::string large(3u << 20u, 'x');
  large.append(100'001, '\n');
  round(8, large);
}

TEST_CASE("json storage: a snapshot's reader keeps its bytes when a newer one comes and when the storage closes") {
  auto node = Node::formatted();
  REQUIRE_FALSE(publish(*node->storage, meta_of(5, 1, "old"), "old", {}));
  const auto reader = *node->storage->newest_snapshot();
  REQUIRE_FALSE(publish(*node->storage, meta_of(6, 1, "newer"), "newer", {}));
  node->storage->close();
  std::string into(2, ' ');
  REQUIRE(reader->read_at(1, into));
  CHECK(into == "ld");
  CHECK(*reader->read_at(3, into) == 0);
}

TEST_CASE(
    "json storage: an older snapshot is refused, and one that is not finished, does not fit its meta or was given up") {
  auto node = Node::formatted();
  REQUIRE_FALSE(publish(*node->storage, meta_of(5, 1, "old"), "old", {}));
  CHECK(publish(*node->storage, meta_of(5, 1, "same"), "same", {}) == errc::snapshot_stale);
  CHECK(publish(*node->storage, meta_of(4, 1, "older"), "older", {}) == errc::snapshot_stale);
  CHECK(publish(*node->storage, meta_of(6, 1, "a"), "b", {}) == errc::invalid_argument);

  const auto meta = meta_of(6, 1, "x");
  auto unfinished = node->storage->create_snapshot(meta);
  CHECK(node->storage->publish(std::move(*unfinished), {}) == errc::invalid_argument);
  auto first = node->storage->create_snapshot(meta);
  REQUIRE_FALSE((*first)->write("x"));
  auto second = node->storage->create_snapshot(meta);
  CHECK((*first)->write("x") == errc::cancelled);
  CHECK((*first)->finish(meta) == errc::cancelled);
  REQUIRE_FALSE((*second)->write("x"));
  REQUIRE_FALSE((*second)->finish(meta));
  first->reset();
  second->reset();

  CHECK(snapshot_data(*node->storage) == "old");
  CHECK(node->reopen().snapshot->last == log_id(5, 1));
  for (const std::string& path : node->disk.paths()) CHECK_THAT(path, !contains_text(".tmp"));
}

TEST_CASE("json storage: an installed snapshot beyond the log, or one that the log contradicts, starts it anew") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 30, 1)));
  WriteBatch with;
  with.hard_state = libraft::HardState{Term{5}, std::nullopt};
  SECTION("beyond the end") {
    with.new_start = log_id(50, 5);
  }
  SECTION("contradicted") {
    with.truncate_from = LogIndex{10};
    with.new_start = log_id(50, 5);
  }
  SECTION("contradicted inside the log") {
    with.truncate_from = LogIndex{1};
    with.new_start = log_id(20, 5);
  }
  const std::uint64_t base = with.new_start->index.value;
  const auto entries = commands(base + 1, base + 2, 5);
  with.entries = entries;
  REQUIRE_FALSE(publish(*node->storage, meta_of(50, 5, "s"), "s", with));
  const auto state = node->reopen();
  CHECK(state.hard_state == *with.hard_state);
  CHECK(state.start == *with.new_start);
  CHECK(node->all(state) == entries);
  REQUIRE_FALSE(write_entries(*node->storage, commands(base + 3, base + 3, 6)));
  CHECK(node->all(node->reopen()).size() == 3);
}

TEST_CASE("json storage: a batch that breaks the rules is refused, changes nothing and is final") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 5, 1)));
  const auto files = node->disk.image();
  const auto refused = [&](const WriteBatch& batch) {
    CHECK(node->storage->write(batch) == errc::invalid_argument);
    CHECK_FALSE(node->storage->error_detail().empty());
    CHECK(write_entries(*node->storage, commands(6, 6, 1)) == errc::invalid_argument);
    CHECK(node->reopen().last == log_id(5, 1));
  };
  WriteBatch batch;
  SECTION("a gap") {
    const auto entries = commands(7, 7, 1);
    batch.entries = entries;
    refused(batch);
  }
  SECTION("a cut beyond the end") {
    batch.truncate_from = LogIndex{7};
    refused(batch);
  }
  SECTION("a start above the snapshot") {
    batch.new_start = log_id(3, 1);
    refused(batch);
  }
}

TEST_CASE("json storage: a second instance is refused while the folder is in use") {
  auto node = Node::formatted();
  auto other = make_storage(node->disk);
  CHECK(other->open().error() == errc::locked);
  CHECK(other->error_detail() == "/data/n1/lock: another process uses this folder");
  node->storage->close();
  CHECK(other->open());
}

TEST_CASE("json storage: temporary files that a crash left behind are removed, files of others are not touched") {
  auto node = Node::formatted();
  for (const char* name : {"/raft_state.json.tmp", "/raft_log.jsonl.tmp", "/snapshot.json.7.tmp", "/notes.tmp"}) {
    node->disk.put(kFolder + name, "x");
  }
  (void)node->reopen();
  CHECK(node->disk.paths() ==
        std::vector<std::string>{kFolder + "/lock", kFolder + "/notes.tmp", kLogPath, kStatePath});
}

TEST_CASE("json storage: the names that are shown beside ids can be read from raft_state.json") {
  auto node = Node::formatted();
  const std::map<NodeId, std::string> wanted{{NodeId{1}, "n1"}, {NodeId{2}, "n2"}};
  CHECK(stored_names(node->disk, kFolder) == wanted);  // also while the folder is locked
  node->disk.put(kStatePath, R"({"nodeId":"0000000000000001","node":"n1","configuration":{"voters":[7]}})");
  CHECK(stored_names(node->disk, kFolder) == std::map<NodeId, std::string>{{NodeId{1}, "n1"}});
  node->disk.put(kStatePath, R"({"nodeId":"1","node":"n1"})");
  CHECK(stored_names(node->disk, kFolder).empty());
  node->disk.put(kStatePath, "{");
  CHECK(stored_names(node->disk, kFolder).empty());
  CHECK(stored_names(node->disk, "/nowhere").empty());
}

TEST_CASE("json storage: on a full disk nothing of a write stays, and it can be tried again") {
  auto node = Node::formatted();
  REQUIRE_FALSE(publish(*node->storage, meta_of(1, 1, "s"), "s", {}));
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 5, 1)));
  const auto before = node->reopen();
  WriteBatch batch;
  const auto entries = commands(6, 60, 2);
  SECTION("of entries") {
    batch.entries = entries;
  }
  SECTION("of a term") {
    batch.hard_state = libraft::HardState{Term{100}, NodeId{2}};
  }
  SECTION("of a compaction") {
    batch.new_start = log_id(1, 1);
  }
  node->disk.set_full();
  CHECK(node->storage->write(batch) == errc::no_space);
  CHECK_FALSE(node->storage->error_detail().empty());
  CHECK(node->reopen() == before);
  CHECK(node->storage->write(batch) == errc::no_space);
  node->disk.set_bytes_max(FaultFileSystem::kUnlimited);
  REQUIRE_FALSE(node->storage->write(batch));
  CHECK(node->reopen() != before);
}

TEST_CASE("json storage: what of a write found room on a full disk does not stay behind a shorter one") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 5, 1)));
  node->disk.set_bytes_max(node->disk.bytes_used() + 1000);  // for some of the lines
  CHECK(write_entries(*node->storage, commands(6, 60, 1)) == errc::no_space);
  node->disk.set_bytes_max(FaultFileSystem::kUnlimited);
  REQUIRE_FALSE(write_entries(*node->storage, commands(6, 6, 1)));
  CHECK(node->reopen().last == log_id(6, 1));
}

TEST_CASE("json storage: on a full disk a term that was written before the entries is taken back") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 5, 1)));
  WriteBatch batch;
  batch.hard_state = libraft::HardState{Term{2}, NodeId{2}};
  const auto entries = commands(6, 9, 2);
  batch.entries = entries;
  node->disk.fail_next(FileCall::write_at, errc::no_space, 1);
  CHECK(node->storage->write(batch) == errc::no_space);
  const auto state = node->reopen();
  CHECK(state.hard_state == libraft::HardState{});
  CHECK(state.last == log_id(5, 1));
  REQUIRE_FALSE(node->storage->write(batch));
  CHECK(node->reopen().last == log_id(9, 2));
}

TEST_CASE("json storage: after an error other than a full disk the instance is used no more") {
  auto node = Node::formatted();
  node->disk.fail_next(FileCall::sync, errc::io_error);
  CHECK(write_entries(*node->storage, commands(1, 1, 1)) == errc::io_error);
  CHECK(write_entries(*node->storage, commands(1, 1, 1)) == errc::io_error);
  CHECK(node->storage->read(LogIndex{1}, LogIndex{1}, 1).error() == errc::io_error);
  CHECK(node->storage->error_detail() == kLogPath + ": " + make_error_code(errc::io_error).message());
  SECTION("a sync that fails for lack of space too: what is on the disk is unknown") {
    const auto last = node->reopen().last.index;
    node->disk.fail_next(FileCall::sync, errc::no_space);
    CHECK(write_entries(*node->storage, commands(last.value + 1, last.value + 1, 1)) == errc::io_error);
  }
  SECTION("what the next instance finds is on the disk, whatever the failed sync lost") {
    const auto state = node->reopen();
    node->disk.crash(0);
    CHECK(node->reopen() == state);
  }
}

}  // namespace
}  // namespace kvserver::test
