// The safety rules: each is broken once, beside the nearest thing that is allowed.
#include "support/catch.hpp"
#include "unit/testkit/checks_stage.hpp"

using namespace libraft;
using namespace libraft::test;

TEST_CASE("iS1: a second leader of a term is seen and a leader of the next term is fine") {
  Stage stage;
  stage.set_scene();
  stage.set_term(kTwo, 2, 2);
  stage.set_leader(kTwo);
  CHECK(stage.verdict().empty());
  SECTION("by its role") {
    stage.set_term(kThree, 2, 3);
    stage.set_leader(kThree);
    CHECK(stage.verdict() == "iS1");
  }
  SECTION("by its messages though it crashed before anybody looked") {
    stage.write_term(kThree, 2, 3);
    stage.send(kThree, kOne, AppendEntries{{2}, {}, {}, {}, 0});
    CHECK(stage.verdict() == "iS1");
  }
}

TEST_CASE("iS2: a leader that cuts its log is seen") {
  Stage stage;
  stage.set_scene();
  stage.append(kOne, {Stage::entry(3, 1, "b")});
  CHECK(stage.verdict().empty());
  stage.memory(kOne).log.truncate_from({3});
  SECTION("by what is missing") {
    stage.step(kOne);
    CHECK(stage.verdict() == "iS2");
  }
  SECTION("by what is written in its place in the same term") {
    stage.append(kOne, {Stage::entry(3, 1, "c")});
    stage.write(kOne, {Stage::entry(3, 1, "c")});
    CHECK(stage.verdict() == "iS3");
  }
}

TEST_CASE("iS3: two entries with one index and term must be the same and have the same past") {
  Stage stage;
  stage.set_scene();
  stage.append(kOne, {Stage::entry(3, 1, "b")});
  CHECK(stage.verdict().empty());
  SECTION("the same entry elsewhere") {
    stage.append(kTwo, {Stage::entry(3, 1, "b")});
    CHECK(stage.verdict().empty());
  }
  SECTION("another command in memory") {
    stage.append(kTwo, {Stage::entry(3, 1, "c")});
    CHECK(stage.verdict() == "iS3");
  }
  SECTION("another command on disk") {
    stage.write(kTwo, {Stage::entry(3, 1, "c")});
    CHECK(stage.verdict() == "iS3");
  }
  SECTION("the same entry with another past") {
    Stage other;
    other.set_scene();
    other.set_term(kTwo, 2, 2);
    other.set_leader(kTwo);
    other.append(kTwo, {Stage::entry(3, 2), Stage::entry(4, 2, "x")});
    CHECK(other.verdict().empty());
    other.append(kThree, {Stage::entry(3, 1, "y")});
    other.append(kThree, {Stage::entry(4, 2, "x")});
    CHECK(other.verdict() == "iS3");
  }
  SECTION("an entry that nobody made is found after a crash") {
    RecoveredState found = stage.found_nothing(kThree);
    found.hard_state = {{9}, {}};
    found.last = {{3}, {9}};
    found.term_runs = {{{2}, {1}}, {{3}, {9}}};
    stage.crash(kThree);
    stage.start(kThree, found);
    CHECK(stage.verdict() == "iS3");
  }
  SECTION("an entry of a write that failed is found after a crash") {
    const std::vector<Entry> entries{Stage::entry(3, 9)};
    WriteBatch batch;
    batch.hard_state = HardState{{9}, {}};
    batch.entries = entries;
    stage.disks.on_written(kThree, batch, errc::io_error);
    RecoveredState found = stage.found_nothing(kThree);
    found.hard_state = {{9}, {}};
    found.last = {{3}, {9}};
    found.term_runs = {{{2}, {1}}, {{3}, {9}}};
    stage.crash(kThree);
    stage.start(kThree, found);
    CHECK(stage.verdict().empty());
  }
}

TEST_CASE("iS4: what is committed stays as it is") {
  Stage stage;
  stage.set_scene();
  stage.commit(kOne, 2);
  stage.commit(kTwo, 2);
  CHECK(stage.verdict().empty());
  SECTION("another entry is committed there") {
    stage.set_term(kThree, 2, 0);
    stage.memory(kThree).log.truncate_from({2});
    stage.memory(kThree).log.append(Stage::entry(2, 2));
    stage.commit(kThree, 2);
    CHECK(stage.verdict() == "iS4");
  }
  SECTION("it is cut from a log") {
    stage.memory(kThree).log.truncate_from({2});
    stage.memory(kThree).term = {2};
    stage.append(kThree, {Stage::entry(2, 2)});
    CHECK(stage.verdict() == "iS4");
  }
}

TEST_CASE("iS5: a leader without a committed entry is seen") {
  Stage stage;
  stage.set_scene();
  stage.commit(kOne, 2);
  SECTION("it has all") {
    stage.set_term(kTwo, 2, 2);
    stage.set_leader(kTwo);
    CHECK(stage.verdict().empty());
  }
  SECTION("it lacks one") {
    Stage poor;
    for (const NodeId id : {kOne, kTwo}) {
      poor.set_term(id, 1, 1);
      poor.write_term(id, 1, 1);
    }
    poor.set_leader(kOne);
    poor.have(kOne, {Stage::entry(1, 1)});
    poor.have(kTwo, {Stage::entry(1, 1)});
    poor.commit(kOne, 1);
    CHECK(poor.verdict().empty());
    poor.set_term(kThree, 2, 3);
    poor.set_leader(kThree);
    CHECK(poor.verdict() == "iS5");
  }
  SECTION("it leads a term before the one that committed: it knows nothing of that") {
    Stage late;
    late.set_term(kThree, 1, 3);
    for (const NodeId id : {kOne, kTwo}) {
      late.set_term(id, 2, 1);
      late.write_term(id, 2, 1);
    }
    late.set_leader(kOne);
    late.have(kOne, {Stage::entry(1, 2)});
    late.have(kTwo, {Stage::entry(1, 2)});
    late.commit(kOne, 1);
    late.set_leader(kThree);
    CHECK(late.verdict().empty());
    CHECK(late.ledger.marks.count(testkit::CheckMark::two_leaders_at_once) == 1);
  }
}

TEST_CASE("iS6: a leader commits what is of its term and on the disks of a quorum") {
  Stage stage;
  stage.set_scene();
  stage.append(kOne, {Stage::entry(3, 1, "b")});
  SECTION("on two other disks and not on its own") {
    stage.have(kTwo, {Stage::entry(3, 1, "b")});
    stage.have(kThree, {Stage::entry(3, 1, "b")});
    stage.commit(kOne, 3);
    CHECK(stage.verdict().empty());
  }
  SECTION("on one disk and in its own memory") {
    stage.have(kTwo, {Stage::entry(3, 1, "b")});
    stage.commit(kOne, 3);
    CHECK(stage.verdict() == "iS6");
  }
  SECTION("of an older term") {
    stage.set_term(kTwo, 2, 2);
    stage.set_leader(kTwo);
    stage.commit(kTwo, 2);
    CHECK(stage.verdict() == "iS6");
  }
  SECTION("of an older term behind one of its own") {
    for (const NodeId id : {kTwo, kThree}) stage.set_term(id, 2, 2);
    stage.set_leader(kTwo);
    for (const NodeId id : {kTwo, kThree}) stage.have(id, {Stage::entry(3, 2)});
    stage.commit(kTwo, 3);
    CHECK(stage.verdict().empty());
  }
}

TEST_CASE("iS7: state machines apply what is committed once and in order and alike") {
  Stage stage;
  stage.set_scene();
  for (const NodeId id : {kOne, kTwo}) stage.have(id, {Stage::entry(3, 1, "b"), Stage::entry(4, 1, "c")});
  stage.commit(kOne, 3);
  const auto apply = [&](NodeId node, std::uint64_t index, const char* command, const char* reply) {
    stage.safety.on_applied(node, {{index}, {1}}, Bytes(command), Bytes(reply));
  };
  apply(kOne, 2, "a", "1");
  apply(kOne, 3, "b", "2");
  apply(kTwo, 2, "a", "1");
  CHECK(stage.verdict().empty());
  SECTION("not committed") {
    apply(kOne, 4, "c", "3");
  }
  SECTION("left out") {
    apply(kThree, 3, "b", "2");
  }
  SECTION("twice") {
    apply(kTwo, 2, "a", "1");
  }
  SECTION("another command") {
    apply(kTwo, 3, "x", "2");
  }
  SECTION("another reply") {
    apply(kTwo, 3, "b", "3");
  }
  SECTION("another state in the snapshot") {
    SnapshotMeta meta;
    meta.last = {{3}, {1}};
    meta.size = 7;
    stage.disks.on_published(kOne, meta, {}, {});
    stage.disks.on_published(kTwo, meta, {}, {});
    CHECK(stage.verdict().empty());
    meta.digest = {1, 2};
    stage.disks.on_published(kThree, meta, {}, {});
  }
  SECTION("a snapshot of what is not committed") {
    SnapshotMeta meta;
    meta.last = {{4}, {1}};
    stage.safety.on_restored(kThree, meta);
  }
  CHECK(stage.verdict() == "iS7");
}

TEST_CASE("iS7: a restored snapshot stands for all entries up to it") {
  Stage stage;
  stage.set_scene();
  for (const NodeId id : {kOne, kTwo}) stage.have(id, {Stage::entry(3, 1, "b")});
  stage.commit(kOne, 3);
  SnapshotMeta meta;
  meta.last = {{2}, {1}};
  stage.safety.on_restored(kThree, meta);
  stage.safety.on_applied(kThree, {{3}, {1}}, Bytes("b"), Bytes("2"));
  CHECK(stage.verdict().empty());
}

TEST_CASE("iS8: indexes that are out of order are seen") {
  Stage stage;
  stage.set_scene();
  stage.commit(kOne, 2);
  SECTION("in memory") {
    stage.memory(kOne).applying.applied = {3};
    stage.step(kOne);
  }
  SECTION("on disk") {
    stage.write(kOne, {Stage::entry(4, 1, "c")});
  }
  CHECK(stage.verdict() == "iS8");
}

TEST_CASE("iS9: term and vote and commit never go back") {
  Stage stage;
  stage.set_scene();
  stage.commit(kOne, 2);
  SECTION("another vote in memory") {
    stage.set_term(kTwo, 1, 3);
  }
  SECTION("a lower term in memory") {
    stage.set_term(kTwo, 0, 0);
  }
  SECTION("another vote on disk") {
    stage.write_term(kTwo, 1, 3);
  }
  SECTION("a lower commit index") {
    stage.commit(kOne, 1);
  }
  CHECK(stage.verdict() == "iS9");
}

TEST_CASE("iS9: an entry leaves a log only for another one in its place") {
  Stage stage;
  stage.set_scene();
  stage.set_term(kThree, 2, 0);
  SECTION("cut for nothing") {
    stage.memory(kThree).log.truncate_from({2});
    stage.step(kThree);
    CHECK(stage.verdict() == "iS9");
  }
  SECTION("replaced by a newer leader's") {
    stage.memory(kThree).log.truncate_from({2});
    stage.append(kThree, {Stage::entry(2, 2)});
    CHECK(stage.verdict().empty());
  }
  SECTION("dropped by a snapshot that its log holds") {
    stage.memory(kThree).log.reset_to({{1}, {1}});
    stage.memory(kThree).applying.commit = {1};
    stage.step(kThree);
    CHECK(stage.verdict() == "iS9");
  }
}
