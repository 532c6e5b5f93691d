// Bounds of queues, progress of the healed, and all checks together.
#include "node/gauges.hpp"
#include "node/send_pipeline.hpp"
#include "support/catch.hpp"
#include "testkit/checks/checks.hpp"
#include "unit/testkit/checks_stage.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <set>

using namespace libraft;
using namespace libraft::test;
using namespace std::chrono_literals;
using testkit::BoundsCheck;
using testkit::Checks;

namespace {

/// A stage where 1 leads, watched for bounds.
struct Bounds {
  Bounds() {
    stage.set_scene();
    options().in_flight_messages_max = 2;
    options().apply_entries_max = 2;
    options().reads_waiting_max = 2;
    options().uncommitted_bytes_max = 100;
    options().entry_cache_bytes = 1000;
    options().append_entries_max = 2;
    options().append_bytes_max = 100;
    options().snapshot_chunk_bytes = 4;
  }
  CoreOptions& options() { return stage.memory(kOne).options; }
  core::Leader& leader() { return std::get<core::Leader>(stage.memory(kOne).role); }
  std::string look() {
    check.on_stepped(kOne, stage.cores.at(kOne));
    return stage.verdict();
  }
  /// A message for each of `sizes` is on its way to 2.
  void fill_window(const std::vector<std::size_t>& sizes) {
    core::Progress progress(LogIndex{1}, {});
    progress.accepted({0}, {0});
    std::uint64_t index = 0;
    for (const std::size_t bytes : sizes) progress.sent({++index}, bytes);
    leader().followers = core::ProgressTracker(stage.configuration, kOne, {1}, {});
    *leader().followers.find(kTwo) = std::move(progress);
  }
  /// What is said of the gauges after a step.
  std::string gauge(const node::Gauges& gauges) {
    look();
    check.on_gauges(kOne, node_options, gauges);
    return stage.verdict();
  }
  std::string send(MessageBody body) {
    look();
    Message message;
    message.route.from = kOne;
    message.body = std::move(body);
    check.on_sent(message);
    return stage.verdict();
  }

  Stage stage;
  NodeOptions node_options;
  BoundsCheck check{stage.ledger, 10};
};

AppendEntries append_of(std::size_t entries, std::size_t size) {
  std::vector<Entry> made;
  for (std::size_t i = 1; i <= entries; ++i) made.push_back(Stage::entry(i, 1, std::string(size, 'x')));
  return {{1}, {}, Entries(std::move(made)), {}, 0};
}

}  // namespace

TEST_CASE("iB1: each queue of a core is held to its bound from both sides") {
  Bounds bounds;
  SECTION("proposals: one is always let in") {
    bounds.leader().proposals.add({3}, 500);
    CHECK(bounds.look().empty());
    bounds.leader().proposals.add({4}, 1);
    CHECK(bounds.look() == "iB1");
  }
  SECTION("reads") {
    bounds.leader().reads.assign(2, {});
    CHECK(bounds.look().empty());
    bounds.leader().reads.assign(3, {});
    CHECK(bounds.look() == "iB1");
  }
  SECTION("entries for the state machine") {
    bounds.stage.memory(kOne).applying.handed_out = {4};
    CHECK(bounds.look().empty());
    bounds.stage.memory(kOne).applying.handed_out = {5};
    CHECK(bounds.look() == "iB1");
  }
  SECTION("bytes for the state machine") {
    bounds.stage.memory(kOne).applying.unapplied.add({1}, std::size_t{64} << 20);
    CHECK(bounds.look() == "iB1");
  }
  SECTION("messages on their way") {
    bounds.fill_window({1, 1});
    CHECK(bounds.look().empty());
    bounds.fill_window({1, 1, 1});
    CHECK(bounds.look() == "iB1");
  }
  SECTION("bytes on their way") {
    const CoreOptions& options = bounds.options();
    const std::size_t bytes_max =
        options.in_flight_bytes_max + options.append_bytes_max + options.command_bytes_max + kEntryOverheadBytes;
    bounds.fill_window({bytes_max});
    CHECK(bounds.look().empty());
    bounds.fill_window({bytes_max, 1});
    CHECK(bounds.look() == "iB1");
  }
  SECTION("durable entries in memory") {
    bounds.options().entry_cache_bytes = bounds.stage.memory(kOne).log.cached_bytes();
    bounds.stage.memory(kOne).log.handed_out({1});
    bounds.stage.memory(kOne).log.persisted({1});
    CHECK(bounds.look().empty());
    --bounds.options().entry_cache_bytes;
    CHECK(bounds.look() == "iB1");
  }
}

TEST_CASE("iB3: below a new snapshot only what may trail it stays") {
  Bounds bounds;
  bounds.options().trailing_entries = 3;
  bounds.options().trailing_entries_for_followers_max = 5;
  bounds.look();
  SnapshotMeta meta;
  meta.last = {{10}, {1}};
  const auto publish_with_start = [&](std::uint64_t start, std::error_code error) {
    bounds.stage.ledger.disks[kOne].log.start_after({{start}, {1}});
    bounds.check.on_published(kOne, meta, {}, error);
    return bounds.stage.verdict();
  };
  CHECK(publish_with_start(10, {}).empty());
  CHECK(publish_with_start(5, {}).empty());
  CHECK(publish_with_start(4, errc::io_error).empty());
  CHECK(publish_with_start(4, {}) == "iB3");
}

TEST_CASE("iB3: a snapshot that is due is asked for once it is late") {
  Bounds bounds;
  bounds.options().snapshot_after_entries = 4;
  bounds.look();
  bounds.stage.ledger.disks[kOne].snapshot = {{10}, {1}};
  bounds.stage.ledger.memories[kOne].applied = {13};
  CHECK(bounds.check.judge_snapshots_taken(true));
  bounds.stage.ledger.memories[kOne].applied = {14};
  CHECK(!bounds.check.judge_snapshots_taken(false));
  CHECK(bounds.stage.verdict().empty());
  CHECK(!bounds.check.judge_snapshots_taken(true));
  CHECK(bounds.stage.verdict() == "iB3");
}

TEST_CASE("iB1: each queue around a core is held to its bound from both sides") {
  Bounds bounds;
  NodeOptions& options = bounds.node_options;
  options.inbox_messages_max = 4;
  options.inbox_bytes_max = 100;
  options.write_bytes_max = 50;
  options.core = bounds.options();
  options.core.apply_bytes_max = 60;
  bounds.options().command_bytes_max = 8;
  node::Gauges legal;
  node::Gauges crime;
  SECTION("messages in the inbox") {
    legal.messages = {4, 100};
    crime.messages = {5, 100};
  }
  SECTION("bytes of messages in the inbox: one message is always let in") {
    legal.messages = {1, 1000};
    crime.messages = {2, 101};
  }
  SECTION("requests in the inbox") {
    legal.requests = {4, 100};
    crime.requests = {5, 100};
  }
  SECTION("bytes of requests in the inbox: one request is always let in") {
    legal.requests = {1, 1000};
    crime.requests = {2, 101};
  }
  SECTION("requests that wait: some transfers are let in beyond") {
    legal.requests_waiting = 4 + 16;
    crime.requests_waiting = 4 + 17;
  }
  SECTION("bytes of a write: one entry is always taken") {
    legal.write = {1, 1000};
    crime.write = {2, 51};
  }
  SECTION("messages that wait for a write") {
    legal.held_messages = node::SendPipeline::kHeldMax;
    crime.held_messages = node::SendPipeline::kHeldMax + 1;
  }
  SECTION("entries at the state machine") {
    legal.apply = {2, 60};
    crime.apply = {3, 60};
  }
  SECTION("bytes at the state machine: one entry is always taken") {
    legal.apply = {1, 1000};
    crime.apply = {2, 61};
  }
  SECTION("entries queued for the state machine") {
    legal.unapplied = {4, 60};
    crime.unapplied = {5, 60};
  }
  SECTION("bytes queued for the state machine") {
    const std::size_t bytes_max = 3 * 60 + options.core.command_bytes_max + kEntryOverheadBytes;
    legal.unapplied = {4, bytes_max};
    crime.unapplied = {4, bytes_max + 1};
  }
  SECTION("queries") {
    legal.queries = 8;
    crime.queries = 9;
  }
  SECTION("chunks to be stored") {
    legal.chunks_to_store = {1, 4};
    crime.chunks_to_store = {2, 4};
  }
  SECTION("bytes of chunks to be stored") {
    legal.chunks_to_store = {1, 4};
    crime.chunks_to_store = {1, 5};
  }
  SECTION("chunks to be sent") {
    legal.chunks_to_send = 3;
    crime.chunks_to_send = 4;
  }
  SECTION("own snapshots to be saved") {
    legal.saves = 1;
    crime.saves = 2;
  }
  CHECK(bounds.gauge(legal).empty());
  CHECK(bounds.gauge(crime) == "iB1");
}

TEST_CASE("iB1: what waits for a disk is bounded by the leaders that there were meanwhile") {
  Bounds bounds;
  CoreOptions& options = bounds.options();
  options.in_flight_bytes_max = 1000;
  options.command_bytes_max = 100;
  const std::size_t window = 1000 + options.append_bytes_max + 100 + kEntryOverheadBytes;
  CHECK(bounds.gauge({}).empty());
  node::Gauges gauges;
  SECTION("bytes of entries") {
    gauges.unwritten = {10, window};
    CHECK(bounds.gauge(gauges).empty());
    bounds.stage.memory(kOne).term = {2};
    gauges.unwritten = {10, 2 * window};
    CHECK(bounds.gauge(gauges).empty());
    gauges.unwritten = {10, 2 * window + 1};
    CHECK(bounds.gauge(gauges) == "iB1");
  }
  SECTION("reads of the log") {
    gauges.log_reads = 3;
    CHECK(bounds.gauge(gauges).empty());
    bounds.stage.memory(kOne).term = {2};
    gauges.log_reads = 6;
    CHECK(bounds.gauge(gauges).empty());
    CHECK(bounds.gauge({}).empty());  // all was read: it begins anew
    gauges.log_reads = 4;
    CHECK(bounds.gauge(gauges) == "iB1");
  }
}

TEST_CASE("iB5: a message carries no more than the options of its sender say") {
  Bounds bounds;
  CHECK(bounds.send(append_of(2, 10)).empty());
  CHECK(bounds.send(append_of(1, 1000)).empty());
  CHECK(bounds.send(InstallSnapshot{{1}, {}, 0, Bytes("four")}).empty());
  SECTION("entries") {
    CHECK(bounds.send(append_of(3, 1)) == "iB5");
  }
  SECTION("bytes") {
    CHECK(bounds.send(append_of(2, 50)) == "iB5");
  }
  SECTION("of a snapshot") {
    CHECK(bounds.send(InstallSnapshot{{1}, {}, 0, Bytes("fives")}) == "iB5");
  }
}

TEST_CASE("iL7: more than so many steps in a second are seen") {
  Bounds bounds;
  for (int second = 0; second < 3; ++second) {
    bounds.check.on_time(TimePoint(std::chrono::seconds(second)));
    for (int i = 0; i < 10; ++i) CHECK(bounds.look().empty());
  }
  CHECK(bounds.look() == "iL7");
}

TEST_CASE("iL1 and iL3: the healed must have a leader and one state in time") {
  Stage stage;
  testkit::LivenessCheck liveness(stage.ledger);
  stage.ledger.verdicts.set_time(TimePoint(1s));
  liveness.begin({kOne, kTwo}, 1s);
  CHECK_FALSE(liveness.judge_leader());
  stage.ledger.verdicts.set_time(TimePoint(11s));
  CHECK_FALSE(liveness.judge_leader());
  CHECK(stage.verdict().empty());
  SECTION("no leader") {
    stage.ledger.verdicts.set_time(TimePoint(12s));
    CHECK_FALSE(liveness.judge_leader());
    CHECK(stage.verdict() == "iL1");
  }
  SECTION("a leader that is not healed itself") {
    stage.set_scene();
    liveness.begin({kTwo, kThree}, 1s);
    CHECK(liveness.judge_leader());
    stage.set_term(kThree, 2, 0);
    CHECK_FALSE(liveness.judge_leader());
  }
  SECTION("a node that failed") {
    stage.set_scene();
    for (const NodeId id : {kOne, kTwo}) {
      stage.commit(id, 2);
      stage.memory(id).applying.applied = {2};
      stage.step(id);
    }
    CHECK(liveness.judge_even(0s));
    liveness.on_failed(kTwo, {});
    CHECK_FALSE(liveness.judge_even(0s));
    liveness.on_started(kTwo, 2);
    CHECK(liveness.judge_even(0s));
  }
  SECTION("a leader and the others of the healed in its term") {
    stage.set_scene();
    stage.ledger.verdicts.set_time(TimePoint(12s));
    CHECK(liveness.judge_leader());
    CHECK_FALSE(liveness.judge_even(0s));  // nothing is committed
    stage.ledger.verdicts.set_time(TimePoint(32s));
    CHECK_FALSE(liveness.judge_even(2s));
    CHECK(stage.verdict().empty());
    CHECK_FALSE(liveness.judge_even(0s));
    CHECK(stage.verdict() == "iL3");
  }
}

TEST_CASE("iL2: operations that waited must end in time") {
  Stage stage;
  testkit::LivenessCheck liveness(stage.ledger);
  stage.ledger.verdicts.set_time(TimePoint(1s));
  liveness.begin({kOne}, 1s);
  CHECK_FALSE(liveness.judge_operations(TimePoint{}));
  CHECK(liveness.judge_operations(TimePoint(2s)));
  CHECK(liveness.judge_operations(kNever));
  stage.ledger.verdicts.set_time(TimePoint(22s));
  CHECK(liveness.judge_operations(TimePoint(2s)));
  CHECK(stage.verdict().empty());
  CHECK_FALSE(liveness.judge_operations(TimePoint{}));
  CHECK(stage.verdict() == "iL2");
}

TEST_CASE("iL6: the healed elect a few leaders and one more for each crash") {
  Stage stage;
  testkit::LivenessCheck liveness(stage.ledger);
  liveness.begin({kOne, kTwo}, 1s);
  for (std::uint64_t term = 1; term <= 6; ++term) {
    stage.set_term(kOne, term, 1);
    stage.set_leader(kOne);
    liveness.on_stepped(kOne, stage.cores.at(kOne));
  }
  CHECK(liveness.elections() == 6);
  SECTION("without a crash") {
    CHECK_FALSE(liveness.judge_elections());
    CHECK(stage.verdict() == "iL6");
  }
  SECTION("with the crash of one that is not healed") {
    liveness.on_crashed(kThree);
    CHECK_FALSE(liveness.judge_elections());
  }
  SECTION("with a crash") {
    liveness.on_crashed(kTwo);
    CHECK(liveness.judge_elections());
    CHECK(stage.verdict().empty());
  }
}

TEST_CASE("iL6: the healed ask for votes in a bounded number of terms") {
  Stage stage;
  testkit::LivenessCheck liveness(stage.ledger);
  liveness.begin({kOne, kTwo}, 1s);
  std::uint64_t term = 0;
  const auto campaign = [&](NodeId node) {
    stage.set_term(node, ++term, node.value);
    stage.memory(node).role = core::Candidate{};
    stage.step(node);
    liveness.on_stepped(node, stage.cores.at(node));
    liveness.on_stepped(node, stage.cores.at(node));  // the same once more
  };
  for (int i = 0; i < 10; ++i) campaign(kOne);
  for (int i = 0; i < 10; ++i) campaign(kTwo);
  SECTION("four for each of five elections") {
    CHECK(liveness.judge_elections());
    CHECK(stage.verdict().empty());
  }
  SECTION("terms that are raised by a node that is not healed") {
    for (int i = 0; i < 100; ++i) campaign(kThree);
    stage.set_term(kOne, term, 0);
    liveness.on_stepped(kOne, stage.cores.at(kOne));
    CHECK(liveness.judge_elections());
  }
  SECTION("one more") {
    campaign(kOne);
    CHECK_FALSE(liveness.judge_elections());
    CHECK(stage.verdict() == "iL6");
  }
  SECTION("one more when a healed node crashed") {
    campaign(kOne);
    liveness.on_crashed(kTwo);
    CHECK(liveness.judge_elections());
  }
}

TEST_CASE("iL6: a leader must be seen to stay for a while") {
  Stage stage;
  testkit::LivenessCheck liveness(stage.ledger);
  liveness.begin({kOne, kTwo}, 1s);
  stage.ledger.verdicts.set_time(TimePoint(6s));
  CHECK_FALSE(liveness.judge_steadiness());
  CHECK(stage.verdict().empty());
  SECTION("the time is over") {
    stage.ledger.verdicts.set_time(TimePoint(6s + 1ms));
    CHECK(liveness.judge_steadiness());
    CHECK(stage.verdict().empty());
  }
  SECTION("leaders follow each other") {
    for (std::uint64_t term = 1; term <= 6; ++term) {
      stage.set_term(kOne, term, 1);
      stage.set_leader(kOne);
      liveness.on_stepped(kOne, stage.cores.at(kOne));
    }
    static_cast<void>(liveness.judge_steadiness());
    CHECK(stage.verdict() == "iL6");
  }
}

TEST_CASE("the first violation stands and later ones are counted") {
  testkit::Verdicts verdicts;
  CHECK_FALSE(verdicts.has_violation());
  verdicts.set_time(TimePoint(3s));
  verdicts.report("iS1", kTwo, "one");
  verdicts.report("iS2", kOne, "two");
  REQUIRE(verdicts.first());
  CHECK(verdicts.first()->invariant == "iS1");
  CHECK(verdicts.first()->node == kTwo);
  CHECK(verdicts.first()->time == TimePoint(3s));
  CHECK(verdicts.first()->sentence == "one");
  CHECK(verdicts.count() == 2);
}

TEST_CASE("a node that fails by a rule of the core is a violation and one whose disk fails is none") {
  Checks checks({});
  checks.on_failed(kOne, {make_error_code(errc::io_error), "the disk failed"});
  CHECK_FALSE(checks.verdicts().has_violation());
  checks.on_failed(kOne, {make_error_code(errc::invariant_violated), "a rule"});
  REQUIRE(checks.verdicts().first());
  CHECK(checks.verdicts().first()->invariant == "core");
}

TEST_CASE("marks are counted over all lives of all nodes under names of their own") {
  Stage stage;
  Checks checks({});
  const auto count = [&](std::string_view name) {
    const auto marks = checks.marks();
    const auto found =
        std::find_if(marks.begin(), marks.end(), [name](const testkit::MarkCount& mark) { return mark.first == name; });
    REQUIRE(found != marks.end());
    return found->second;
  };
  checks.on_started(kOne, 1);
  stage.memory(kOne).marks.hit(core::Mark::window_full);
  checks.on_stepped(kOne, stage.cores.at(kOne));
  stage.memory(kOne).marks.hit(core::Mark::window_full);
  checks.on_stepped(kOne, stage.cores.at(kOne));
  checks.on_stepped(kTwo, stage.cores.at(kTwo));
  CHECK(count("window_full") == 2);
  checks.on_crashed(kOne);
  CHECK(count("window_full") == 2);
  checks.on_started(kOne, 2);
  stage.start(kOne, stage.found_nothing(kOne));
  stage.memory(kOne).marks.hit(core::Mark::window_full);
  checks.on_stepped(kOne, stage.cores.at(kOne));
  CHECK(count("window_full") == 3);
  CHECK(count("disk_full") == 0);
  // Around the core.
  node::Gauges gauges;
  gauges.marks.add(node::Mark::inbox_full, 3);
  checks.on_gauges(kTwo, {}, gauges);
  checks.on_gauges(kTwo, {}, gauges);
  CHECK(count("inbox_full") == 3);
  checks.on_crashed(kTwo);
  checks.on_started(kTwo, 2);
  checks.on_gauges(kTwo, {}, gauges);
  CHECK(count("inbox_full") == 6);
  std::set<std::string_view> names;
  for (const auto& [name, hits] : checks.marks()) names.insert(name);
  CHECK(names.size() == core::kMarkCount + node::kMarkCount + testkit::kCheckMarkCount);
}

TEST_CASE("iD8: what was committed must be on the disks of a quorum at the end") {
  Stage stage;
  Checks checks({});
  const auto written = [&](NodeId node) {
    const std::vector<Entry> entries{Stage::entry(1, 1)};
    WriteBatch batch;
    batch.hard_state = HardState{{1}, kOne};
    batch.entries = entries;
    checks.on_written(node, batch, {});
  };
  for (const NodeId id : {kOne, kTwo, kThree}) checks.on_started(id, 1);
  stage.memory(kOne).term = {1};
  stage.memory(kOne).vote = kOne;
  core::Leader leader;
  leader.term_start = {1};
  stage.memory(kOne).role = leader;
  stage.memory(kOne).log.append(Stage::entry(1, 1));
  checks.on_stepped(kOne, stage.cores.at(kOne));
  written(kOne);
  written(kTwo);
  stage.memory(kOne).applying.commit = {1};
  checks.on_stepped(kOne, stage.cores.at(kOne));
  checks.finish();
  CHECK_FALSE(checks.verdicts().has_violation());
  // The disk is replaced by an empty one: that is seen at once, and at the end.
  checks.on_recovered(kTwo, std::nullopt);
  REQUIRE(checks.verdicts().first());
  CHECK(checks.verdicts().first()->invariant == "iS9");
  const std::size_t before = checks.verdicts().count();
  checks.finish();
  CHECK(checks.verdicts().count() == before + 1);
}
