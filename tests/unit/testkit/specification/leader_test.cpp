// The rules for leaders, the state machine and snapshots: what Raft allows, and what lies beside it.
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "unit/testkit/specification/stage.hpp"

using namespace libraft;
using namespace libraft::test;
using namespace libraft::test::specification;

TEST_CASE("specification: a leader commits what a quorum has of its own term") {
  Stage stage(3, {1, 2});
  stage.lead();
  stage.allow(stage.proposed(3));
  // Entry 3 is the no-op, 4 the command; neither is on the own disk yet.
  stage.refuse(stage.acknowledged({2}, 2, 2), "the commit index is 2, and must be 0");
  stage.allow(stage.acknowledged({2}, 2, 0));
  stage.refuse(stage.acknowledged({2}, 3, 3), "the commit index is 3, and must be 0");
  stage.allow(stage.acknowledged({2}, 4, 0));
  Step persisted = stage.step(Persisted{{2}});
  persisted.after.durable = {3};
  stage.refuse(persisted, "the commit index is 0, and must be 3");
  persisted.after.commit = {3};
  stage.refuse_if(
      persisted, [](Step& step) { step.after.commit = {4}; }, "the commit index is 4, and must be 3");
  stage.allow(persisted);
  stage.refuse(stage.acknowledged({3}, 3, 4), "must be 3");
  stage.refuse(stage.acknowledged({9}, 4, 4), "must be 3");
  Step old = stage.acknowledged({3}, 4, 4);
  std::get<AppendEntriesReply>(std::get<MessageReceived>(old.event).message.body).term = {3};
  stage.refuse(old, "must be 3");
  stage.allow(stage.acknowledged({3}, 4, 4));
}

TEST_CASE("specification: only a leader takes proposals and all or none") {
  Stage stage(3, {1});
  stage.refuse(stage.proposed(1), "does not lead takes a proposal");
  stage.lead();
  const Step proposed = stage.proposed(3);
  stage.refuse_if(
      proposed, [](Step& step) { step.effects.proposal->count = 0; }, "0 of 1 commands");
  stage.refuse_if(
      proposed, [](Step& step) { step.effects.proposal->first.index = {4}; }, "said to begin at 4");
  stage.refuse_if(
      proposed, [](Step& step) { step.effects.proposal->error = errc::overloaded; },
      "1 entries are written, and must be 0");
  stage.refuse_if(
      proposed, [](Step& step) { step.effects.persist->entries = {}; }, "0 entries are written");
  stage.refuse_if(
      proposed, [](Step& step) { step.effects.proposal.reset(); }, "a proposal has no outcome");
  stage.allow(proposed);
}

TEST_CASE("specification: a leader sends what its log has") {
  Stage stage(3, {1});
  stage.lead();
  Step sends = stage.step(TimeAdvanced{});
  sends.send({2}, append_of(4, {{1}, {1}}, {4}), 1);
  stage.refuse_if(
      sends, [](Step& step) { step.sent<AppendEntries>().previous.term = {2}; }, "entries follow 1 of term 2");
  stage.refuse_if(
      sends, [](Step& step) { step.sent<AppendEntries>().commit = {1}; }, "said to be committed");
  stage.refuse_if(
      sends, [](Step& step) { step.sent<AppendEntries>().entries = Entries(entries_after(1, {3})); },
      "entry 2 of term 3");
  stage.refuse_if(
      sends, [](Step& step) { step.effects.messages[0].message.route.to = {7}; }, "which is no member");
  stage.refuse_if(
      sends, [](Step& step) { step.send({2}, TimeoutNow{{4}}); }, "has not the whole log");
  stage.allow(sends);
}

TEST_CASE("specification: a read is confirmed by a quorum that answered after it was asked") {
  Stage stage(3, {1});
  stage.lead();
  Step asked = stage.step(ReadIndexRequested{{7}});
  for (const std::uint64_t to : {2u, 3u}) asked.send({to}, AppendEntries{{4}, {}, {}, {}, 1}, 1);
  Step early = asked;
  early.effects.reads = {{{7}, {}, {}}};
  stage.refuse(early, "before the leader of term 4 committed in it");
  stage.allow(asked);
  early = stage.acknowledged({2}, 1, 0, 1);
  early.effects.reads = {{{7}, {}, {1}}};
  stage.refuse(early, "before the leader of term 4 committed in it");
  stage.allow(stage.acknowledged({2}, 2, 0));
  Step committed = stage.persisted(2);
  committed.after.commit = {2};
  committed.effects.apply = {Entries(entries_after(0, {1, 4}))};
  Step unconfirmed = committed;
  unconfirmed.effects.reads = {{{7}, {}, {2}}};
  stage.refuse(unconfirmed, "no quorum answered");
  stage.allow(committed);
  Step confirmed = stage.acknowledged({2}, 2, 2, 1);
  confirmed.effects.reads = {{{7}, {}, {2}}};
  stage.refuse_if(
      confirmed, [](Step& step) { step.effects.reads[0].index = {1}; }, "with index 1");
  stage.refuse_if(
      confirmed, [](Step& step) { step.effects.reads[0].id = {8}; }, "which does not wait");
  stage.refuse_if(
      confirmed, [](Step& step) { step.effects.reads.push_back(step.effects.reads[0]); }, "does not wait");
  stage.allow(confirmed);

  // What was sent before the second read proves nothing for it.
  stage.allow(stage.step(ReadIndexRequested{{9}}));
  Step stale = stage.acknowledged({3}, 2, 2, 1);
  stale.effects.reads = {{{9}, {}, {2}}};
  stage.refuse(stale, "no quorum answered");
  Step lost = stage.step(StepDownRequested{});
  lost.after.role = Role::follower;
  lost.after.leader.reset();
  stage.refuse(lost, "a read goes on");
  lost.effects.reads = {{{9}, make_error_code(errc::not_leader), {}}};
  stage.allow(lost);
}

TEST_CASE("specification: a leader that hands over takes no proposals and a transfer ends with its leadership") {
  Stage stage(3, {1});
  stage.lead();
  stage.allow(stage.step(TransferRequested{{7}, NodeId{2}}));
  stage.refuse(stage.proposed(3), "while leadership is handed over");
  Step asks = stage.step(TimeAdvanced{});
  asks.send({2}, TimeoutNow{{4}});
  stage.refuse(asks, "has not the whole log");
  Step acknowledged = stage.acknowledged({2}, 2, 0);
  acknowledged.send({3}, TimeoutNow{{4}});
  stage.refuse(acknowledged, "node 3 is told to campaign");
  Step early = stage.acknowledged({2}, 1, 0);
  early.effects.transfers.push_back({{7}, {}});
  stage.refuse(early, "transfer 7 is said to be done");

  Step deposed = stage.message({3}, RequestVoteReply{{9}, false});
  deposed.after.role = Role::follower;
  deposed.after.term = {9};
  deposed.after.vote.reset();
  deposed.after.leader.reset();
  deposed.write(3).hard_state = HardState{{9}, {}};
  stage.refuse(deposed, "a transfer goes on though the node does not lead");
  deposed.effects.transfers.push_back({{7}, {}});
  stage.refuse(deposed, "transfer 7 is said to be done");
  deposed.effects.transfers[0].error = errc::transfer_failed;
  stage.allow(deposed);
}

TEST_CASE("specification: the machine gets what is committed in order and once") {
  Stage stage(3, {1, 2, 3});
  Step heard = stage.append({2}, append_of(3, {{2}, {2}}, {}, 2), {{3}, {3}}, 2, 0);
  heard.effects.apply = {Entries(entries_after(0, {1, 2}))};
  stage.refuse_if(
      heard,
      [](Step& step) {
        step.effects.apply = {Entries(entries_after(0, {1, 2, 3}))};
      },
      "committed is 2");
  stage.refuse_if(
      heard, [](Step& step) { step.effects.apply = {Entries(entries_after(1, {2}))}; }, "applied after 0");
  stage.refuse_if(
      heard, [](Step& step) { step.effects.apply = {Entries(entries_after(0, {2}))}; }, "which the log has not");
  stage.allow(heard);
  Step again = stage.step(TimeAdvanced{});
  again.effects.apply = {Entries(entries_after(1, {2}))};
  stage.refuse(again, "entry 2 is applied after 2");
  Step applied = stage.step(EntriesApplied{{2}});
  stage.refuse(applied, "applied is 0, and must be 2");
  applied.after.applied = {2};
  stage.allow(applied);
}

TEST_CASE("specification: a log starts after a snapshot that is on disk") {
  Stage stage(3, {1, 2, 3});
  Step heard = stage.append({2}, append_of(3, {{2}, {2}}, {}, 2), {{3}, {3}}, 2, 0);
  heard.effects.apply = {Entries(entries_after(0, {1, 2}))};
  stage.allow(heard);
  Step takes = stage.step(SnapshotRequested{});
  takes.effects.take_snapshot = TakeSnapshot{{{2}, {2}}, three_voters()};
  stage.refuse_if(
      takes,
      [](Step& step) {
        step.effects.take_snapshot->last = {{1}, {1}};
      },
      "of a machine that has 2");
  stage.allow(takes);
  stage.refuse(takes, "a snapshot is taken while another one is");

  const SnapshotMeta meta{{{2}, {2}}, three_voters(), 10, {}};
  Step saved = stage.step(SnapshotSaved{{}, meta});
  stage.refuse(saved, "is saved and not published");
  saved.write(1).publish = meta;
  saved.effects.persist->new_start = meta.last;
  stage.refuse_if(
      saved, [](Step& step) { step.effects.persist->publish.reset(); }, "not published");
  stage.refuse_if(
      saved,
      [](Step& step) {
        step.effects.persist->new_start = LogId{{3}, {3}};
      },
      "reaches to 2");
  stage.refuse_if(
      saved,
      [](Step& step) {
        step.after.log_start = {{2}, {2}};
      },
      "the log starts after 2");
  stage.allow(saved);
  Step persisted = stage.persisted(1);
  persisted.after.log_start = persisted.after.snapshot = meta.last;
  stage.refuse_if(
      persisted, [](Step& step) { step.after.snapshot = {}; }, "the newest snapshot is said to cover 0");
  stage.allow(persisted);
}

TEST_CASE("specification: a received snapshot replaces a log that has not what it covers") {
  Stage stage(3, {1, 2, 3});
  const SnapshotMeta meta{{{9}, {3}}, three_voters(), 10, {}};
  const InstallSnapshot chunk{{3}, meta, 0, Bytes("0123456789")};
  Step stores = stage.message({2}, chunk);
  stores.after.leader = NodeId{2};
  stage.refuse(stores, "0 replies leave, and must be 1");
  stores.effects.snapshot_store = StoreSnapshotChunk{chunk};
  stage.refuse_if(
      stores,
      [](Step& step) {
        step.send({2}, InstallSnapshotReply{{3}, {{9}, {3}}, true, 0});
      },
      "is said to be installed, and is not");
  stage.allow(stores);
  stage.refuse(stores, "while another one is");

  Step stored = stage.step(SnapshotChunkStored{{}, meta.last, 10});
  stored.after.log_start = stored.after.log_last = meta.last;
  stored.after.commit = meta.last.index;
  stored.write(1).publish = meta;
  stored.effects.persist->truncate_from = LogIndex{1};
  stored.effects.persist->new_start = meta.last;
  stored.after.durable = meta.last.index;
  stored.send({2}, InstallSnapshotReply{{3}, meta.last, true, 10}, 1);
  stage.refuse_if(
      stored, [](Step& step) { step.effects.messages[0].after = {}; }, "what the snapshot covers");
  stage.refuse_if(
      stored, [](Step& step) { step.effects.messages.clear(); }, "0 replies leave");
  stage.refuse_if(
      stored, [](Step& step) { step.effects.persist->publish.reset(); }, "is not installed");
  stage.refuse_if(
      stored, [](Step& step) { step.effects.persist->new_start.reset(); }, "starts after 0");
  stage.refuse_if(
      stored, [](Step& step) { step.after.commit = {}; }, "must be 9");
  stage.refuse_if(
      stored, [&](Step& step) { step.effects.restore = RestoreSnapshot{meta}; }, "on disk covers 0");
  stage.refuse_if(
      stored, [](Step& step) { step.after.durable = {}; }, "and is up to 9");
  stage.allow(stored);
  stage.allow(stage.append({2}, append_of(3, meta.last, {3, 3}), {{11}, {3}}, 9, 2));
  Step again = stage.message({2}, append_of(3, {{11}, {3}}, {}));
  again.send({2}, AppendEntriesReply{{3}, true, {9}, {}, {}, 0}, 1);
  stage.refuse_if(
      again, [](Step& step) { step.effects.messages[0].after = {}; }, "what it accepts");
  stage.allow(again);
  Step persisted = stage.persisted(1);
  persisted.after.durable = meta.last.index;
  persisted.after.snapshot = meta.last;
  persisted.effects.restore = RestoreSnapshot{meta};
  stage.allow(persisted);
  Step restored = stage.step(EntriesApplied{{9}});
  restored.after.applied = {9};
  stage.allow(restored);
}
