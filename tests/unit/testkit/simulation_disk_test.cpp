// Faults of disks: each happens, is told to the watcher, is drawn from the seed, and loses nothing that was promised.
#include <algorithm>

#include "simulation_fixture.hpp"
#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::test;

namespace {

NodeId follower_of(NodeId leader) {
  return NodeId{leader.value % 3 + 1};
}

/// A cluster with files that has written something.
struct OnDisk : Cluster {
  OnDisk() : Cluster({}, file_storages()) {
    simulation.start_all();
    REQUIRE(write("a"));
    simulation.run_for(1s);
  }
};

}  // namespace

TEST_CASE("a disk outlives the node") {
  OnDisk cluster;
  for (std::uint64_t id = 1; id <= 3; ++id) cluster.simulation.crash({id}, Unsynced::lost);
  cluster.simulation.start_all();
  REQUIRE(cluster.write("b"));
  cluster.simulation.run_for(1s);
  for (std::uint64_t id = 1; id <= 3; ++id) CHECK(cluster.read({id}) == "ab");
  REQUIRE(cluster.simulation.disk({1}) != nullptr);
  CHECK(cluster.simulation.disk({1})->durable_contents("data/state").has_value());
  CHECK(Cluster().simulation.disk({1}) == nullptr);
}

TEST_CASE("a crash may fall into any file call of a write and nothing acknowledged is lost") {
  for (std::uint64_t call = 1; call <= 12; ++call) {
    CAPTURE(call);
    OnDisk cluster;
    const NodeId leader = cluster.elect();
    const NodeId follower = follower_of(leader);
    cluster.simulation.crash_at_file_call(leader, call);
    cluster.simulation.crash_at_file_call(follower, call + 1);
    CHECK(cluster.recorder.faults["disk.crash_at_call"] == 2);
    std::string acknowledged = "a";
    for (const char* command : {"b", "c", "d", "e"}) {
      cluster.simulation.propose(leader, Bytes(command), {}, [&](std::error_code error, const Applied&) {
        if (!error) acknowledged += command;
      });
      cluster.simulation.run_for(200ms);
    }
    CHECK_FALSE(cluster.simulation.is_up(leader));
    for (int i = 0; i < 2; ++i) {  // the follower may have its crash still before it
      cluster.simulation.start_all();
      cluster.simulation.run_for(10s);
    }
    const auto text = cluster.read(follower);
    REQUIRE(text);
    CHECK(text->substr(0, acknowledged.size()) == acknowledged);
    CHECK(cluster.read(leader) == text);
  }
}

TEST_CASE("what a crash leaves of unsynced writes is drawn from the seed") {
  const auto run = [](std::uint64_t seed) {
    SimulationOptions options;
    options.seed = seed;
    Cluster cluster(options, file_storages());
    cluster.simulation.start_all();
    cluster.elect();
    std::vector<std::string> left;
    for (std::uint64_t call = 1; call <= 8; ++call) {
      cluster.simulation.crash_at_file_call({1}, call);
      CHECK(cluster.write("x"));
      cluster.simulation.run_for(2s);
      left.push_back(cluster.simulation.disk({1})->contents("data/state.tmp").value_or("nothing"));
      cluster.simulation.start({1});
      cluster.simulation.run_for(2s);
    }
    return std::pair(cluster.simulation.trace_hash(), left);
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST_CASE("a node whose write or sync failed fails and can be started again") {
  for (const FileCall kind : {FileCall::write_at, FileCall::sync, FileCall::sync_directory, FileCall::rename}) {
    OnDisk cluster;
    const NodeId follower = follower_of(cluster.elect());
    cluster.simulation.fail_file_call(follower, kind, errc::io_error);
    REQUIRE(cluster.write("b"));
    cluster.simulation.run_for(1s);
    CHECK(cluster.recorder.counts["failed"] == 1);
    CHECK(cluster.simulation.status(follower).state == NodeState::failed);
    CHECK(cluster.recorder.failures.front().find("could not write") != std::string::npos);
    const bool is_sync = kind == FileCall::sync || kind == FileCall::sync_directory;
    const char* const name = is_sync ? "disk.sync_error" : kind == FileCall::rename ? "disk.error" : "disk.write_error";
    CHECK(cluster.recorder.faults[name] == 1);
    cluster.simulation.start(follower);
    cluster.simulation.run_for(5s);
    CHECK(cluster.read(follower) == "ab");
  }
}

TEST_CASE("a node with a full disk waits until there is room") {
  OnDisk cluster;
  const NodeId follower = follower_of(cluster.elect());
  cluster.simulation.fill_disk(follower);
  CHECK(cluster.recorder.faults["disk.full"] == 1);
  REQUIRE(cluster.write("b"));
  cluster.simulation.run_for(5s);
  CHECK(cluster.read(follower) == "a");
  CHECK(cluster.recorder.counts["not written"] > 1);
  CHECK(cluster.recorder.counts["failed"] == 0);
  cluster.simulation.free_disk(follower);
  cluster.simulation.run_for(2s);
  CHECK(cluster.read(follower) == "ab");
}

TEST_CASE("a disk that stands still stops its node's writes and no more") {
  OnDisk cluster;
  const NodeId leader = cluster.elect();
  const NodeId follower = follower_of(leader);
  cluster.simulation.stall_disk(follower, 5s);
  CHECK(cluster.recorder.faults["disk.stall"] == 1);
  REQUIRE(cluster.write("b"));
  cluster.simulation.run_for(3s);
  CHECK(cluster.read(follower) == "a");  // it may not claim what is not on its disk, and so is not told of the commit
  CHECK(cluster.recorder.written[follower] < cluster.recorder.written[leader]);
  cluster.simulation.run_for(3s);
  CHECK(cluster.recorder.written[follower] == cluster.recorder.written[leader]);
  CHECK(cluster.read(follower) == "ab");
}

TEST_CASE("a leader whose disk stands still for long gives up leadership and loses nothing") {
  OnDisk cluster;
  const NodeId leader = cluster.elect();
  cluster.simulation.stall_disk(leader, 40s);
  cluster.simulation.propose(leader, Bytes("b"), {}, [](std::error_code, const Applied&) {});
  cluster.simulation.run_for(20s);
  CHECK(cluster.simulation.leader() != leader);
  REQUIRE(cluster.write("c"));
  cluster.simulation.run_for(30s);
  CHECK(cluster.read(leader) == "abc");
}

TEST_CASE("a slow disk makes writes slow") {
  const auto time_of_write = [](std::uint32_t factor) {
    SimulationOptions options;
    options.nodes = 1;
    Cluster cluster(options, file_storages());
    cluster.simulation.start_all();
    cluster.elect();
    cluster.simulation.slow_disk({1}, factor);
    const TimePoint begin = cluster.simulation.now();
    CHECK(cluster.write("x"));
    return cluster.simulation.now() - begin;
  };
  CHECK(time_of_write(1000) > 10 * time_of_write(1));
}

TEST_CASE("a flipped bit is noticed at the next start and can be turned back") {
  OnDisk cluster;
  const NodeId node = follower_of(cluster.elect());
  cluster.simulation.crash(node);
  REQUIRE(cluster.simulation.damage(node, DiskPart::hard_state));
  CHECK(cluster.simulation.is_damaged(node));
  CHECK(cluster.recorder.faults["disk.flip_hard_state"] == 1);
  cluster.simulation.start(node);
  cluster.simulation.run_for(1s);
  CHECK(cluster.simulation.status(node).state == NodeState::failed);
  CHECK(cluster.recorder.failures.front().find("could not be opened") != std::string::npos);
  cluster.simulation.mend(node);
  CHECK_FALSE(cluster.simulation.is_damaged(node));
  cluster.simulation.start(node);
  cluster.simulation.run_for(5s);
  CHECK(cluster.read(node) == "a");
  CHECK(cluster.recorder.faults["disk.damage_overlooked"] == 0);
}

TEST_CASE("damage that is written over is gone") {
  OnDisk cluster;
  const NodeId node = follower_of(cluster.elect());
  REQUIRE(cluster.simulation.damage(node, DiskPart::log_middle));
  CHECK(cluster.simulation.is_damaged(node));
  REQUIRE(cluster.write("b"));
  cluster.simulation.run_for(1s);
  CHECK(cluster.simulation.is_damaged(node));  // nobody has looked yet
  cluster.simulation.crash(node);
  cluster.simulation.start(node);
  cluster.simulation.run_for(1s);
  CHECK_FALSE(cluster.simulation.is_damaged(node));
  CHECK(cluster.recorder.faults["disk.damage_overlooked"] == 0);
}

TEST_CASE("a bit is turned back where it was flipped and nowhere else") {
  // The same bytes stand all over the file: what the flip makes of one is what others are.
  std::string contents;
  for (int i = 0; i < 100; ++i)
    contents += "line " + std::to_string(1000 + i) + ", and nothing else of interest in it\n";
  DiskStorage storage = file_storages();
  storage.make = [&](FileSystem& files, NodeId) {
    auto& disk = static_cast<FaultFileSystem&>(files);
    if (!disk.contents("data/lines")) disk.put("data/lines", contents);
    return whole_file_storage(files);
  };
  storage.find = [&](const FaultFileSystem&, NodeId, DiskPart) -> std::optional<DiskRange> {
    return DiskRange{"data/lines", contents.find("1050"), 4};
  };
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SimulationOptions options;
    options.seed = seed;
    Cluster cluster(options, storage);
    cluster.simulation.start({1});
    cluster.simulation.run_for(1s);
    REQUIRE(cluster.simulation.damage({1}, DiskPart::log_middle));
    CHECK(cluster.simulation.disk({1})->contents("data/lines") != contents);
    cluster.simulation.mend({1});
    REQUIRE(cluster.simulation.disk({1})->contents("data/lines") == contents);
  }
}

TEST_CASE("at most a minority of the disks is damaged") {
  SimulationOptions options;
  options.nodes = 5;
  Cluster cluster(options, file_storages());
  cluster.simulation.start_all();
  REQUIRE(cluster.write("a"));
  for (std::uint64_t id = 1; id <= 5; ++id) cluster.simulation.crash({id});
  CHECK(cluster.simulation.damage({1}, DiskPart::log_middle));
  CHECK_FALSE(cluster.simulation.damage({1}, DiskPart::log_middle));
  CHECK(cluster.simulation.damage({4}, DiskPart::log_tail));
  CHECK_FALSE(cluster.simulation.damage({5}, DiskPart::snapshot));
  cluster.simulation.mend({4});
  CHECK(cluster.simulation.damage({5}, DiskPart::snapshot));
}

TEST_CASE("damage that a storage overlooks is told") {
  DiskStorage storage = file_storages();
  storage.make = [](FileSystem& files, NodeId) {
    auto& disk = static_cast<FaultFileSystem&>(files);
    if (!disk.contents("data/unread")) disk.put("data/unread", "as good as a storage that checks nothing");
    return whole_file_storage(files);
  };
  storage.find = [](const FaultFileSystem&, NodeId, DiskPart) -> std::optional<DiskRange> {
    return DiskRange{"data/unread", 0, 10};
  };
  Cluster cluster({}, storage);
  cluster.simulation.start_all();
  REQUIRE(cluster.write("a"));
  cluster.simulation.crash({1});
  cluster.simulation.start({1});
  REQUIRE(cluster.simulation.damage({1}, DiskPart::hard_state));  // it may have been opened by now
  cluster.simulation.run_for(1s);
  CHECK(cluster.recorder.faults["disk.damage_overlooked"] == 0);
  cluster.simulation.crash({1});
  cluster.simulation.start({1});
  cluster.simulation.run_for(1s);
  CHECK(cluster.recorder.faults["disk.damage_overlooked"] == 1);
}

namespace {

/// Damages a file that no storage looks at, replaces it, and has another file hold what the damaged one did. How often
/// that was told to be damage which a storage overlooked.
int overlooked(bool is_read) {
  const std::string text =
      "the vote is for 3, and this is as much as there has to be around it for it to be told again";
  FaultFileSystem* first = nullptr;
  DiskStorage storage = file_storages();
  storage.make = [&](FileSystem& files, NodeId id) {
    auto& disk = static_cast<FaultFileSystem&>(files);
    if (id == NodeId{1}) first = &disk;
    if (!disk.contents("data/vote")) disk.put("data/vote", text);
    return whole_file_storage(files);
  };
  storage.find = [&](const FaultFileSystem&, NodeId, DiskPart) -> std::optional<DiskRange> {
    return DiskRange{"data/vote", text.find('3'), 1};
  };
  Cluster cluster({}, storage);
  cluster.simulation.start_all();
  REQUIRE(cluster.write("a"));
  REQUIRE(cluster.simulation.damage({1}, DiskPart::hard_state));
  const std::string damaged = *first->contents("data/vote");
  if (is_read) {
    std::string into(100, ' ');
    REQUIRE(first->open("data/vote", OpenMode::read).value()->read_at(0, into).value() > 0);
  }
  cluster.simulation.crash({1});
  first->put("data/vote", "nobody has the vote");
  first->put("data/other", damaged);
  cluster.simulation.start({1});
  cluster.simulation.run_for(1s);
  CHECK(cluster.simulation.is_damaged({1}) == is_read);
  return cluster.recorder.faults["disk.damage_overlooked"];
}

}  // namespace

TEST_CASE("what a file holds by right is not taken for damage: nobody had read it") {
  CHECK(overlooked(false) == 0);
}

TEST_CASE("damage that was copied to another file is told") {
  CHECK(overlooked(true) == 1);
}

TEST_CASE("no bit is flipped where padding would hide it") {
  DiskStorage storage = file_storages();
  storage.make = [&](FileSystem& files, NodeId) {
    auto& disk = static_cast<FaultFileSystem&>(files);
    if (!disk.contents("data/padded")) disk.put("data/padded", "a value: 6" + std::string(200, '.'));
    return whole_file_storage(files);
  };
  std::uint64_t at = 9;
  storage.find = [&](const FaultFileSystem&, NodeId, DiskPart) -> std::optional<DiskRange> {
    return DiskRange{"data/padded", at, 1};
  };
  Cluster cluster({}, storage);
  cluster.simulation.start_all();
  REQUIRE(cluster.write("a"));
  CHECK_FALSE(cluster.simulation.damage({1}, DiskPart::log_middle));
  at = 100;
  CHECK_FALSE(cluster.simulation.damage({1}, DiskPart::log_middle));
}

TEST_CASE("crashes lose writes and names and tear writes and say so") {
  Cluster cluster({}, file_storages());
  cluster.simulation.start_all();
  for (int round = 0; round < 40; ++round) {
    REQUIRE(cluster.write(std::string(700, 'x')));
    cluster.simulation.crash_at_file_call({1}, 1 + static_cast<std::uint64_t>(round) % 7);
    REQUIRE(cluster.write("y"));
    cluster.simulation.run_for(1s);
    for (int i = 0; i < 2; ++i) {  // the crash may fall into the start
      cluster.simulation.start({1});
      cluster.simulation.run_for(1s);
    }
  }
  CHECK(cluster.recorder.faults["disk.lost_write"] > 0);
  CHECK(cluster.recorder.faults["disk.torn_write"] > 0);
  CHECK(cluster.recorder.faults["disk.lost_name"] > 0);
  CHECK(cluster.recorder.counts["failed"] == 0);
}
