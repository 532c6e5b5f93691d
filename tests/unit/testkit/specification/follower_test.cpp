// The rules for followers and candidates: the nearest step that Raft allows, and the ones beside it that it does not.
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "unit/testkit/specification/stage.hpp"

using namespace libraft;
using namespace libraft::test;
using namespace libraft::test::specification;

TEST_CASE("specification: a vote is given once and to a log that ends no earlier") {
  Stage stage(3, {1, 3});
  const Step granted = stage.vote({2}, 4, {{2}, {3}}, 1);
  stage.refuse_if(
      granted,
      [](Step& step) {
        std::get<RequestVote>(std::get<MessageReceived>(step.event).message.body).last = {{1}, {3}};
      },
      "the vote in term 4 is 2, and must be 0");
  Step refused = granted;
  refused.after.vote.reset();
  refused.effects.persist->hard_state->vote.reset();
  refused.sent<RequestVoteReply>().granted = false;
  stage.refuse(refused, "must be 2 (§3.4, §3.6.1)");
  stage.refuse_if(
      granted, [](Step& step) { step.sent<RequestVoteReply>().granted = false; }, "is refused although");
  stage.refuse_if(
      granted, [](Step& step) { step.effects.messages[0].after = {}; }, "is only in write 1");
  stage.refuse_if(
      granted, [](Step& step) { step.effects.persist.reset(); }, "are not written");
  stage.refuse_if(
      granted, [](Step& step) { step.effects.persist->hard_state.reset(); }, "does not say term 4");
  stage.refuse_if(
      granted, [](Step& step) { step.effects.messages.clear(); }, "0 replies leave, and must be 1");
  stage.allow(granted);

  stage.refuse(stage.vote({3}, 4, {{2}, {3}}, 2), "the vote in term 4 is 3, and must be 2");
  Step second = stage.message({3}, RequestVote{{4}, {{9}, {3}}, false});
  second.send({3}, RequestVoteReply{{4}, true}, 1);
  stage.refuse(second, "is granted although");
  second.sent<RequestVoteReply>().granted = false;
  stage.allow(second);
  Step again = stage.message({2}, RequestVote{{4}, {{2}, {3}}, false});
  again.send({2}, RequestVoteReply{{4}, true}, 1);
  stage.allow(again);
}

TEST_CASE("specification: a reply answers what came and only once") {
  Stage stage(3, {1});
  Step vote = stage.vote({2}, 4, {{1}, {1}}, 1);
  stage.refuse_if(
      vote, [](Step& step) { step.effects.messages.push_back(step.effects.messages[0]); }, "2 replies");
  stage.refuse_if(
      vote, [](Step& step) { step.effects.messages[0].message.route.to = {3}; }, "answers nothing");
  stage.refuse_if(
      vote, [](Step& step) { step.effects.messages[0].message.route.exchange = 7; }, "answers nothing");
  stage.refuse_if(
      vote, [](Step& step) { step.sent<RequestVoteReply>().term = {3}; }, "of term 3 leaves in term 4");
  Step nothing = stage.step(TimeAdvanced{});
  nothing.send({2}, RequestVoteReply{{3}, false});
  stage.refuse(nothing, "answers nothing that came");
}

TEST_CASE("specification: terms only rise and a higher one is taken over") {
  Stage stage(3, {1});
  stage.refuse_if(
      stage.step(TimeAdvanced{}), [](Step& step) { step.after.term = {2}; }, "the term is 2");
  stage.lead();
  Step higher = stage.message({3}, AppendEntriesReply{{9}, false, {}, {}, {}, 0});
  stage.refuse(higher, "the term is 4, and must be 9");
  higher.after.role = Role::follower;
  higher.after.term = {9};
  higher.after.vote.reset();
  higher.after.leader.reset();
  stage.refuse(higher, "are not written");
  higher.write(3).hard_state = HardState{{9}, {}};
  stage.refuse_if(
      higher, [](Step& step) { step.after.role = Role::leader; }, "is a leader in term 9");
  stage.allow(higher);
}

TEST_CASE("specification: a candidate becomes leader by a quorum of votes of its term") {
  Stage stage(3, {1});
  const Step campaign = stage.campaign(1);
  stage.refuse_if(
      campaign, [](Step& step) { step.after.term = {5}; }, "the term is 5");
  stage.refuse_if(
      campaign, [](Step& step) { step.effects.messages[1].after = {}; }, "is only in write 1");
  stage.refuse_if(
      campaign,
      [](Step& step) {
        step.sent<RequestVote>().last = {{2}, {1}};
      },
      "asks for a vote");
  stage.allow(campaign);

  // The own vote is not durable: one more vote is no quorum.
  const Step granted = stage.message({2}, RequestVoteReply{{4}, true});
  stage.refuse(stage.elected(granted, 2), "is a leader in term 4");
  const Step late = stage.message({3}, RequestVoteReply{{3}, true});
  stage.refuse(stage.elected(late, 2), "is a leader in term 4");
  stage.allow(late);
  stage.refuse(stage.elected(stage.persisted(1), 2), "is a leader in term 4");
  stage.persist(1);
  stage.refuse(stage.elected(stage.message({9}, RequestVoteReply{{4}, true}), 2), "is a leader in term 4");
  stage.refuse(stage.elected(stage.message({2}, RequestVoteReply{{4}, false}), 2), "is a leader in term 4");
  stage.refuse(granted, "is a candidate in term 4, and must be a leader");
  const Step elected = stage.elected(granted, 2);
  stage.refuse_if(
      elected,
      [](Step& step) {
        step.after.log_last = {{1}, {1}};
        step.effects.persist.reset();
      },
      "entries up to 2");
  stage.refuse_if(
      elected, [](Step& step) { step.effects.persist->id = {3}; }, "write 3 follows write 1");
  stage.allow(elected);
}

TEST_CASE("specification: a pre-vote changes no term and comes before an election") {
  Stage stage(disk_with({3}, {1}), CoreOptions{});
  stage.refuse(stage.campaign(1), "the term is 4, and must be 3");
  Step asks = stage.step(TimeAdvanced{});
  asks.after.role = Role::pre_candidate;
  for (const std::uint64_t to : {2u, 3u}) asks.send({to}, PreVote{{4}, {{1}, {1}}});
  stage.refuse_if(
      asks, [](Step& step) { step.sent<PreVote>().term = {3}; }, "a pre-vote for term 3");
  stage.allow(asks);

  Step other = stage.message({2}, PreVote{{4}, {{1}, {1}}});
  other.send({2}, PreVoteReply{{3}, {4}, true});
  stage.refuse_if(
      other, [](Step& step) { step.sent<PreVoteReply>().granted = false; }, "must be granted");
  stage.refuse_if(
      other, [](Step& step) { step.after.term = {4}; }, "the term is 4");
  stage.allow(other);

  Step raised = stage.campaign(1);
  raised.event = stage.message({3}, PreVoteReply{{3}, {3}, true}).event;
  stage.refuse(raised, "the term is 4, and must be 3");
  raised.event = stage.message({3}, PreVoteReply{{3}, {4}, true}).event;
  stage.refuse(stage.message({3}, PreVoteReply{{3}, {4}, true}), "the term is 3, and must be 4");
  stage.allow(raised);
}

TEST_CASE("specification: a node that the leader hands over to campaigns at once") {
  Stage stage(disk_with({3}, {1}), CoreOptions{});
  stage.allow(stage.append({2}, append_of(3, {{1}, {1}}, {}), {{1}, {1}}, 0, 0));
  Step hears = stage.message({2}, TimeoutNow{{3}});
  hears.send({2}, TimeoutNowReply{{3}});
  stage.refuse(hears, "the term is 3, and must be 4");
  Step campaigns = stage.campaign(1);
  campaigns.event = hears.event;
  campaigns.send({2}, TimeoutNowReply{{4}}, 1);
  stage.refuse(campaigns, "an election in term 4 is not called a transfer");
  for (const std::size_t place : {0u, 1u}) campaigns.sent<RequestVote>(place).leadership_transfer = true;
  stage.allow(campaigns);
}

TEST_CASE("specification: a vote beside a leader may be refused unless that leader asked for it") {
  Stage stage(3, {1});
  stage.allow(stage.append({2}, append_of(3, {{1}, {1}}, {}), {{1}, {1}}, 0, 0));
  Step refused = stage.message({3}, RequestVote{{4}, {{1}, {1}}, false});
  refused.send({3}, RequestVoteReply{{3}, false});
  const auto transfer = [](Step& step) {
    std::get<RequestVote>(std::get<MessageReceived>(step.event).message.body).leadership_transfer = true;
  };
  stage.refuse_if(refused, transfer, "the term is 3, and must be 4");
  stage.allow(refused);
  stage.allow(stage.vote({3}, 4, {{1}, {1}}, 1));
}

TEST_CASE("specification: an append is accepted where the logs agree") {
  Stage stage(3, {1, 1, 3});
  const AppendEntries fits = append_of(3, {{3}, {3}}, {3, 3}, 2);
  const Step accepted = stage.append({2}, fits, {{5}, {3}}, 2, 1);
  stage.refuse_if(
      accepted, [](Step& step) { step.after.commit = {}; }, "the commit index is 0, and must be 2");
  stage.refuse_if(
      accepted, [](Step& step) { step.after.leader.reset(); }, "the leader of term 3");
  stage.refuse_if(
      accepted, [](Step& step) { step.effects.messages[0].after = {}; }, "what it accepts");
  stage.refuse_if(
      accepted, [](Step& step) { step.sent<AppendEntriesReply>().match = {6}; }, "is accepted up to 6");
  stage.refuse_if(
      accepted, [](Step& step) { step.sent<AppendEntriesReply>().match = {4}; }, "is accepted up to 4");
  stage.refuse_if(
      accepted, [](Step& step) { step.sent<AppendEntriesReply>().read_sequence = 1; }, "read sequence");
  stage.refuse_if(
      accepted, [](Step& step) { step.sent<AppendEntriesReply>().accepted = false; }, "is refused");
  stage.refuse_if(
      accepted, [](Step& step) { step.after.durable = {5}; }, "said to be durable up to 5");
  stage.refuse_if(
      accepted, [](Step& step) { step.effects.persist->truncate_from = LogIndex{3}; }, "cut from 3 on");

  const AppendEntries wrong = append_of(3, {{3}, {2}}, {3});
  stage.refuse(stage.append({2}, wrong, {{4}, {3}}, 0, 1), "1 entries are written, and must be 0");
  Step refused = stage.message({2}, wrong);
  refused.after.leader = NodeId{2};
  refused.send({2}, AppendEntriesReply{{3}, false, {}, {3}, {{2}, {1}}, 0});
  stage.refuse_if(
      refused,
      [](Step& step) {
        step.sent<AppendEntriesReply>().hint = {{2}, {2}};
      },
      "hints at 2");
  stage.refuse_if(
      refused, [](Step& step) { step.sent<AppendEntriesReply>().rejected = {2}; }, "a refusal repeats 2");
  stage.allow(refused);
  stage.allow(accepted);
  stage.refuse(stage.append({2}, append_of(3, {{1}, {1}}, {1}, 9), {{5}, {3}}, 5, 2), "must be 0 (§3.5)");
}

TEST_CASE("specification: the commit index of a follower goes no further than what the leader proved") {
  Stage stage(3, {1, 1, 3});
  stage.refuse(stage.append({2}, append_of(3, {{1}, {1}}, {}, 3), {{3}, {3}}, 3, 0), "index is 3, and must be 1");
  stage.allow(stage.append({2}, append_of(3, {{1}, {1}}, {}, 3), {{3}, {3}}, 1, 0));
}

TEST_CASE("specification: the log is cut at the first conflict and nowhere else") {
  Stage stage(3, {1, 1, 3});
  Step agrees = stage.append({2}, append_of(3, {{1}, {1}}, {1}), {{3}, {3}}, 0, 1);
  agrees.effects.persist.reset();
  agrees.effects.messages[0].after = {};
  Step cut = agrees;
  cut.after.log_last = {{2}, {1}};
  cut.write(1).truncate_from = LogIndex{3};
  stage.refuse(cut, "the log is cut from 3 on, and must be from 0 on");
  stage.allow(agrees);

  stage.allow(stage.append({2}, append_of(3, {{2}, {1}}, {}, 2), {{3}, {3}}, 2, 0));
  Step next_term = stage.vote({3}, 5, {{3}, {4}}, 1);
  stage.refuse_if(
      next_term, [](Step& step) { step.after.leader = NodeId{2}; }, "the leader of term 5");
  stage.allow(next_term);
  Step conflict = stage.append({3}, append_of(5, {{2}, {1}}, {4}), {{3}, {4}}, 2, 2);
  stage.refuse(conflict, "the log is cut from 0 on, and must be from 3 on");
  conflict.effects.persist->truncate_from = LogIndex{3};
  stage.refuse(conflict, "said to be durable up to 3, and is up to 2");
  conflict.after.durable = {2};
  stage.allow(conflict);
  stage.refuse(stage.append({3}, append_of(5, {{1}, {1}}, {4}), {{2}, {4}}, 2, 3), "contradicts entry 2");
}

TEST_CASE("specification: a write proves nothing about entries that were replaced since") {
  Stage stage(3, {1});
  stage.allow(stage.append({2}, append_of(3, {{1}, {1}}, {2, 2, 2}), {{4}, {2}}, 0, 1));
  stage.allow(stage.vote({3}, 5, {{4}, {4}}, 2));
  Step replaced = stage.append({3}, append_of(5, {{2}, {2}}, {5, 5}), {{4}, {5}}, 0, 3);
  replaced.effects.persist->truncate_from = LogIndex{3};
  stage.allow(replaced);
  Step persisted = stage.persisted(1);
  stage.refuse(persisted, "said to be durable up to 4, and is up to 2");
  persisted.after.durable = {2};
  stage.allow(persisted);
  stage.persist(3);
}

TEST_CASE("specification: a candidate follows the leader of its term") {
  Stage stage(3, {1});
  stage.allow(stage.campaign(1));
  const Step follows = stage.append({2}, append_of(4, {{1}, {1}}, {}), {{1}, {1}}, 0, 1);
  stage.refuse_if(
      follows, [](Step& step) { step.after.role = Role::candidate; }, "is a candidate in term 4");
  stage.allow(follows);
}

TEST_CASE("specification: nothing changes between two steps") {
  Stage stage(3, {1});
  Step step = stage.step(TimeAdvanced{});
  step.after.commit = {1};
  stage.refuse(step, "the commit index is 1");
  Stage other(4, {1});
  testkit::Specification specification(without_pre_vote(), start_of(disk_with({3}, {1})), stage.status());
  const auto why = specification.judge({step.event, {}, other.status(), other.status()});
  CHECK_THAT(why.value_or("allowed"), contains_text("changed between two steps"));
}
