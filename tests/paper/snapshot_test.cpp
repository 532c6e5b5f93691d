// Log compaction and snapshots, by the sentences of the Raft thesis (§5), and what no leader ever sends.
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

using namespace libraft;
using namespace libraft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A follower of node 2 in term 1 whose entries 1 to `durable` are on disk, and those up to `last` on their way there.
CoreNode& follower_with(CoreCluster& cluster, std::uint64_t durable, std::uint64_t last) {
  CoreNode& node = cluster.node(1);
  const std::vector<Entry> all = log_of(std::vector<std::uint64_t>(last, 1));
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(durable);
  cluster.step(node, received(2, 1, AppendEntries{{1}, {}, Entries(std::vector<Entry>(all.begin(), middle)), {}, 0}));
  while (!node.writes.empty()) cluster.persist(node);
  const Entries rest(std::vector<Entry>(middle, all.end()));
  cluster.step(node, received(2, 1, AppendEntries{{1}, {{durable}, {1}}, rest, {}, 0}));
  cluster.network().clear();
  return node;
}

InstallSnapshot snapshot_to(LogId last) {
  SnapshotMeta meta;
  meta.last = last;
  meta.size = 3;
  meta.configuration.value.voters = {{{1}, ""}, {{2}, ""}, {{3}, ""}};
  return {{1}, meta, 0, Bytes("abc")};
}

}  // namespace

TEST_CASE("a follower behind the start of the log gets a snapshot in chunks, then the log (figure 5.3)") {
  CoreOptions options;
  options.snapshot_after_entries = 5;
  options.trailing_entries = 0;
  options.snapshot_chunk_bytes = 3;
  CoreCluster cluster(3, options, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  CoreNode& behind = other_than(cluster, leader);
  cluster.crash(behind);
  for (int i = 0; i < 23; ++i) {
    cluster.step(leader, Propose{{Bytes(std::to_string(i))}, std::nullopt});
    cluster.run_for(milliseconds(200));
  }
  REQUIRE(leader.disk.start.index > LogIndex{10});
  cluster.restart(behind);
  cluster.run_for(seconds(5));
  CHECK(behind.disk.snapshot);
  CHECK(behind.applied == leader.applied);
  CHECK(behind.state == leader.state);
}

TEST_CASE("a snapshot at or below what is committed changes nothing (figure 5.3)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  cluster.run_for(seconds(1));
  CoreNode& leader = *cluster.leader();
  CoreNode& follower = other_than(cluster, leader);
  SnapshotMeta meta;
  meta.last = {{1}, leader.core->status().term};
  meta.size = 3;
  meta.configuration.value = leader.core->configuration();
  cluster.network().clear();
  cluster.step(follower, received(leader.id.value, follower.id.value,
                                  InstallSnapshot{leader.core->status().term, meta, 0, Bytes("abc")}));
  CHECK(follower.jobs.empty());
  CHECK(follower.writes.empty());
  REQUIRE(cluster.network().size() == 1);
  CHECK(std::get<InstallSnapshotReply>(cluster.network().front().body).installed);
}

TEST_CASE("a snapshot of entries that the log holds replaces nothing: what follows may be acknowledged (figure 5.3)") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& node = follower_with(cluster, 10, 20);
  CHECK_FALSE(node.writes.empty());
  Core copy = *node.core;
  Effects effects;
  copy.step(cluster.now(), received(2, 1, snapshot_to({{15}, {1}})), effects);
  CHECK_FALSE(effects.snapshot_store);
  CHECK_FALSE(effects.persist);
  CHECK(copy.status().commit == LogIndex{15});
  CHECK(copy.status().log_last.index == LogIndex{20});
  REQUIRE(effects.messages.size() == 1);
  // "Installed" claims that all of it is durable, so it waits for the write that is under way.
  CHECK(std::get<InstallSnapshotReply>(effects.messages[0].message.body).installed);
  CHECK(effects.messages[0].after == node.writes.back().id);
}

TEST_CASE(
    "a snapshot that appends went past while it was stored is not installed but says what is committed (figure 5.3)") {
  CoreCluster cluster(3, {}, 1);
  Core core = *follower_with(cluster, 2, 2).core;
  Effects effects;
  const InstallSnapshot chunk = snapshot_to({{4}, {1}});
  core.step(cluster.now(), received(2, 1, chunk), effects);
  REQUIRE(effects.snapshot_store);
  const std::vector<Entry> all = log_of({1, 1, 1, 1, 1});
  const Entries rest(std::vector<Entry>(all.begin() + 2, all.end()));
  core.step(cluster.now(), received(2, 1, AppendEntries{{1}, all[1].id, rest, {}, 0}), effects);
  REQUIRE(effects.persist);
  const PersistId write = effects.persist->id;
  REQUIRE(core.status().commit == LogIndex{0});
  core.step(cluster.now(), SnapshotChunkStored{{}, chunk.meta.last, chunk.meta.size}, effects);
  CHECK(core.status().log_last == all.back().id);
  CHECK(core.status().commit == LogIndex{4});
  CHECK_FALSE(effects.persist);
  REQUIRE(effects.messages.size() == 1);
  CHECK(std::get<InstallSnapshotReply>(effects.messages[0].message.body).installed);
  CHECK(effects.messages[0].after == write);
}

TEST_CASE("a node that waits to be admitted learns its cluster from a snapshot (§5.1)") {
  RecoveredState empty;
  empty.identity.node = {1};
  Core core({}, CoreStart{empty, {}, false, 1, {}});
  Effects effects;
  const InstallSnapshot snapshot = snapshot_to({{30}, {1}});
  core.step({}, received(2, 1, snapshot), effects);
  REQUIRE(effects.snapshot_store);
  core.step({}, SnapshotChunkStored{{}, {{30}, {1}}, 3}, effects);
  CHECK(core.configuration() == snapshot.meta.configuration.value);
}

TEST_CASE("chunks of two snapshots are never put together (figure 5.3)") {
  CoreCluster cluster(3, {}, 1);
  Core core = *follower_with(cluster, 1, 2).core;
  Effects effects;
  InstallSnapshot first = snapshot_to({{30}, {1}});
  first.meta.size = 6;
  core.step(cluster.now(), received(2, 1, first), effects);
  REQUIRE(effects.snapshot_store);
  core.step(cluster.now(), SnapshotChunkStored{{}, first.meta.last, 3}, effects);
  InstallSnapshot other = snapshot_to({{60}, {1}});
  other.meta.size = 6;
  other.offset = 3;
  core.step(cluster.now(), received(2, 1, other), effects);
  CHECK_FALSE(effects.snapshot_store);
  REQUIRE(effects.messages.size() == 1);
  CHECK(effects.messages[0].message.body == MessageBody(InstallSnapshotReply{{1}, other.meta.last, false, 0}));
}

TEST_CASE("a second snapshot waits until the state machine has the first (figure 5.3)") {
  CoreCluster cluster(3, {}, 1);
  Core core = *follower_with(cluster, 1, 2).core;
  Effects effects;
  core.step(cluster.now(), received(2, 1, snapshot_to({{30}, {1}})), effects);
  REQUIRE(effects.snapshot_store);
  core.step(cluster.now(), SnapshotChunkStored{{}, {{30}, {1}}, 3}, effects);
  REQUIRE(effects.persist);
  core.step(cluster.now(), Persisted{effects.persist->id}, effects);
  REQUIRE(effects.restore);
  core.step(cluster.now(), received(2, 1, snapshot_to({{60}, {1}})), effects);
  CHECK_FALSE(effects.snapshot_store);
  REQUIRE(effects.messages.size() == 1);
  CHECK_FALSE(std::get<InstallSnapshotReply>(effects.messages[0].message.body).installed);
  core.step(cluster.now(), EntriesApplied{{30}}, effects);
  core.step(cluster.now(), received(2, 1, snapshot_to({{60}, {1}})), effects);
  CHECK(effects.snapshot_store);
}

TEST_CASE("absurd numbers from the network change nothing") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& node = follower_with(cluster, 2, 3);
  const Core before = *node.core;
  const std::uint64_t huge = ~std::uint64_t{0};
  cluster.step(node, received(2, 1, AppendEntries{{huge}, {}, {}, {}, 0}));
  cluster.step(node, received(2, 1, RequestVote{{huge}, {{huge}, {huge}}, true}));
  cluster.step(node, received(2, 1, PreVoteReply{{huge}, {1}, false}));
  CHECK(*node.core == before);
  InstallSnapshot snapshot = snapshot_to({{huge}, {1}});
  cluster.step(node, received(2, 1, snapshot));
  snapshot.meta.last = {{9}, {7}};
  cluster.step(node, received(2, 1, snapshot));
  snapshot = snapshot_to({{9}, {1}});
  snapshot.meta.configuration.value.voters.clear();
  cluster.step(node, received(2, 1, snapshot));
  const Entries wrapped(std::vector{entry(0, 1)});
  cluster.step(node, received(2, 1, AppendEntries{{1}, {{huge}, {1}}, wrapped, {huge}, huge}));
  CHECK(node.jobs.empty());
  CHECK(node.core->status().log_last.index == LogIndex{3});
}

TEST_CASE("late and repeated answers to chunks bring no chunk again") {
  CoreOptions options;
  options.snapshot_after_entries = 5;
  options.trailing_entries = 0;
  options.snapshot_chunk_bytes = 1;
  CoreCluster cluster(3, options, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  CoreNode& behind = other_than(cluster, leader);
  cluster.crash(behind);
  for (int i = 0; i < 12; ++i) {
    cluster.step(leader, Propose{{Bytes("x")}, std::nullopt});
    cluster.run_for(milliseconds(200));
  }
  cluster.restart(behind);
  const auto is_sent_to = [&] {
    for (const PeerProgress& peer : leader.core->progress()) {
      if (peer.id == behind.id) return peer.state == ProgressState::snapshot;
    }
    return false;
  };
  cluster.passes = [](const Message& message) { return !std::holds_alternative<InstallSnapshot>(message.body); };
  for (int i = 0; i < 50 && !is_sent_to(); ++i) cluster.run_for(milliseconds(20));
  REQUIRE(is_sent_to());
  const auto chunks_after = [&](std::uint64_t next_offset) {
    Effects effects;
    const CoreStatus status = leader.core->status();
    leader.core->step(cluster.now(),
                      received(behind.id.value, leader.id.value,
                               InstallSnapshotReply{status.term, status.snapshot, false, next_offset}),
                      effects);
    return effects.snapshot_sends.size();
  };
  CHECK(chunks_after(2) == 1);  // the follower has two bytes: here is the third
  CHECK(chunks_after(2) == 0);
  CHECK(chunks_after(1) == 0);
  CHECK(chunks_after(3) == 1);
  CHECK(chunks_after(2) == 0);
}

TEST_CASE("a snapshot that can't be read is not asked for in a busy loop") {
  CoreOptions options;
  options.snapshot_after_entries = 5;
  options.trailing_entries = 0;
  CoreCluster cluster(3, options, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  CoreNode& behind = other_than(cluster, leader);
  cluster.crash(behind);
  for (int i = 0; i < 12; ++i) {
    cluster.step(leader, Propose{{Bytes("x")}, std::nullopt});
    cluster.run_for(milliseconds(200));
  }
  REQUIRE(leader.disk.start.index > LogIndex{5});
  Effects effects;
  Core core = *leader.core;
  core.step(cluster.now(), SnapshotSendFailed{behind.id, core.status().snapshot}, effects);
  CHECK(effects.snapshot_sends.empty());
}
