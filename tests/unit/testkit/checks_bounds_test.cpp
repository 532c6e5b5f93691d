// Bounds of queues, progress of the healed, and all checks together.
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
  std::string send(MessageBody body) {
    look();
    Message message;
    message.route.from = kOne;
    message.body = std::move(body);
    check.on_sent(message);
    return stage.verdict();
  }

  Stage stage;
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
    core::Progress progress(LogIndex{1}, {});
    progress.accepted({0});
    for (const std::uint64_t index : {1u, 2u, 3u}) {
      progress.sent({index}, 1);
      if (index == 2) {
        bounds.leader().followers = {};
        CHECK(progress.window()->size() == 2);
      }
    }
    CHECK(progress.window()->size() == 3);
    CHECK(progress.window()->bytes() == 3);
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
  std::set<std::string_view> names;
  for (const auto& [name, hits] : checks.marks()) names.insert(name);
  CHECK(names.size() == core::kMarkCount + testkit::kCheckMarkCount);
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
