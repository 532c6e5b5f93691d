// Leader election, by the sentences of the Raft thesis (§3.3, §3.4, §3.6.1, §4.2.3, §6.2, §9.6).
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

#include <set>

using namespace libraft;
using namespace libraft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// The bodies of one kind that are under way.
template <class Body>
std::vector<Body> under_way(CoreCluster& cluster) {
  std::vector<Body> found;
  for (const Message& message : cluster.network()) {
    if (const auto* body = std::get_if<Body>(&message.body)) found.push_back(*body);
  }
  return found;
}

}  // namespace

TEST_CASE("when servers start up, they begin as followers (§3.4)") {
  CoreCluster cluster(3, {}, 1);
  for (CoreNode* node : cluster.nodes()) CHECK(node->core->status().role == Role::follower);
}

TEST_CASE("a cluster elects exactly one leader, and a leader that is heard stays (§3.4)") {
  CoreCluster cluster(5, {}, 1);
  REQUIRE(cluster.elect());
  const NodeId first = cluster.leader()->id;
  const Term term = cluster.leader()->core->status().term;
  cluster.run_for(seconds(60));
  CHECK(cluster.leader()->id == first);
  CHECK(cluster.leader()->core->status().term == term);
  for (CoreNode* node : cluster.nodes()) CHECK(node->core->status().leader == first);
}

TEST_CASE("election timeouts are chosen randomly from one to two times the minimum (§3.4)") {
  std::set<TimePoint> drawn;
  CoreOptions options;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CoreCluster cluster(3, options, seed);
    const TimePoint deadline = cluster.node(1).core->next_deadline();
    CHECK(deadline >= TimePoint{} + options.election_timeout);
    CHECK(deadline < TimePoint{} + 2 * options.election_timeout);
    drawn.insert(deadline);
  }
  CHECK(drawn.size() > 190);
}

TEST_CASE("a server without a leader asks for pre-votes first, and its term stays (§9.6)") {
  CoreCluster cluster(3, {}, 1);
  cluster.time_out(cluster.node(1));
  CHECK(cluster.node(1).core->status().role == Role::pre_candidate);
  CHECK(cluster.node(1).core->status().term == Term{0});
  CHECK(under_way<PreVote>(cluster).size() == 2);
  CHECK(cluster.node(1).writes.empty());
}

TEST_CASE("without pre-vote a follower increments its term, votes for itself and asks for votes (§3.4)") {
  CoreOptions options;
  options.pre_vote = false;
  CoreCluster cluster(3, options, 1);
  cluster.time_out(cluster.node(1));
  CHECK(cluster.node(1).core->status().role == Role::candidate);
  CHECK(cluster.node(1).core->status().term == Term{1});
  CHECK(cluster.network().empty());  // until the vote is durable
  cluster.persist(cluster.node(1));
  CHECK(under_way<RequestVote>(cluster).size() == 2);
}

TEST_CASE("a candidate counts its own vote only once it is durable") {
  CoreCluster cluster(1, {}, 1);
  cluster.time_out(cluster.node(1));
  cluster.step(cluster.node(1), SnapshotRequested{});  // whatever comes before the write is done
  CHECK(cluster.node(1).core->status().role == Role::candidate);
  cluster.persist(cluster.node(1));
  CHECK(cluster.node(1).core->status().role == Role::leader);
  CHECK(cluster.node(1).core->status().commit == LogIndex{0});
  cluster.persist(cluster.node(1));
  CHECK(cluster.node(1).core->status().commit == LogIndex{1});
}

TEST_CASE("each server votes for at most one candidate in a given term, first come first served (§3.4)") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& voter = cluster.node(1);
  cluster.step(voter, received(2, 1, RequestVote{{5}, {}, false}));
  cluster.step(voter, received(3, 1, RequestVote{{5}, {}, false}));
  cluster.persist(voter);
  const auto answers = under_way<RequestVoteReply>(cluster);
  REQUIRE(answers.size() == 2);
  CHECK(std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return answer.granted; }) == 1);
  CHECK(voter.core->status().vote == NodeId{2});
}

TEST_CASE("who asks for pre-votes still has its vote and gives up to campaign with it (§3.4)") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& voter = cluster.node(1);
  cluster.step(voter, received(3, 1, PreVoteReply{{5}, {1}, false}));  // it is behind
  cluster.persist(voter);
  cluster.time_out(voter);
  REQUIRE(voter.core->status().role == Role::pre_candidate);
  cluster.step(voter, received(2, 1, RequestVote{{5}, {}, false}));
  cluster.persist(voter);
  CHECK(under_way<RequestVoteReply>(cluster) == std::vector{RequestVoteReply{{5}, true}});
  CHECK(voter.core->status().vote == NodeId{2});
  cluster.step(voter, received(3, 1, PreVoteReply{{5}, {6}, true}));
  CHECK(voter.core->status().role == Role::follower);
  CHECK(voter.core->status().term == Term{5});
}

TEST_CASE("a vote is given before it is promised: the grant waits for the disk") {
  CoreCluster cluster(3, {}, 1);
  cluster.step(cluster.node(1), received(2, 1, RequestVote{{1}, {}, false}));
  CHECK(cluster.network().empty());
  cluster.persist(cluster.node(1));
  CHECK(under_way<RequestVoteReply>(cluster) == std::vector{RequestVoteReply{{1}, true}});
  CHECK(cluster.node(1).disk.hard_state == HardState{{1}, NodeId{2}});
}

TEST_CASE("a vote survives a restart") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& voter = cluster.node(1);
  cluster.step(voter, received(2, 1, RequestVote{{1}, {}, false}));
  cluster.persist(voter);
  cluster.network().clear();
  cluster.crash(voter);
  cluster.restart(voter);
  cluster.step(voter, received(3, 1, RequestVote{{1}, {}, false}));
  cluster.persist(voter);
  CHECK(under_way<RequestVoteReply>(cluster) == std::vector{RequestVoteReply{{1}, false}});
}

TEST_CASE("the voter denies its vote if its own log is more up-to-date than the candidate's (§3.6.1)") {
  struct Case {
    LogId own, candidate;
    bool granted;
  };
  const std::vector<Case> cases{
      {{{2}, {1}}, {{2}, {1}}, true},  {{{2}, {1}}, {{3}, {1}}, true},  {{{2}, {1}}, {{1}, {1}}, false},
      {{{2}, {1}}, {{1}, {2}}, true},  {{{1}, {2}}, {{2}, {1}}, false}, {{{1}, {1}}, {{1}, {2}}, true},
      {{{1}, {2}}, {{1}, {1}}, false},
  };
  for (const Case& c : cases) {
    CoreCluster cluster(3, {}, 1);
    CoreNode& voter = cluster.node(1);
    voter.disk.hard_state.term = {2};
    for (std::uint64_t i = 1; i <= c.own.index.value; ++i) {
      voter.disk.entries.push_back({{{i}, c.own.term}, EntryKind::noop, {}});
    }
    cluster.crash(voter);
    cluster.restart(voter);
    cluster.step(voter, received(2, 1, RequestVote{{3}, c.candidate, false}));
    cluster.settle();
    CHECK((voter.core->status().vote == NodeId{2}) == c.granted);
  }
}

TEST_CASE("a candidate that hears from the leader of its term returns to follower (§3.4)") {
  CoreOptions options;
  options.pre_vote = false;
  CoreCluster cluster(3, options, 1);
  CoreNode& candidate = cluster.node(1);
  cluster.time_out(candidate);
  REQUIRE(candidate.core->status().role == Role::candidate);
  const Term term = candidate.core->status().term;
  cluster.step(candidate, received(2, 1, AppendEntries{term, {}, {}, {}, 0}));
  CHECK(candidate.core->status().role == Role::follower);
  CHECK(candidate.core->status().leader == NodeId{2});
  CHECK(candidate.core->status().term == term);
}

TEST_CASE("a candidate that can't win puts off nobody else's election (§3.4)") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& voter = cluster.node(1);
  cluster.step(voter, received(2, 1, AppendEntries{{1}, {}, Entries(log_of({1, 1})), {}, 0}));
  cluster.run_for(voter.core->next_deadline() - cluster.now() - milliseconds(1));
  const TimePoint deadline = voter.core->next_deadline();
  cluster.step(voter, received(3, 1, RequestVote{{9}, {{1}, {1}}, false}));
  CHECK(voter.core->status().term == Term{9});
  CHECK(voter.core->next_deadline() == deadline);
}

TEST_CASE("a server that hears a leader ignores a RequestVote, and its term stays (§4.2.3)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  const Term term = cluster.leader()->core->status().term;
  for (CoreNode* node : cluster.nodes()) {
    cluster.step(*node,
                 received(node->id == NodeId{1} ? 2 : 1, node->id.value, RequestVote{{99}, {{99}, {99}}, false}));
    CHECK(node->core->status().term == term);
  }
}

TEST_CASE("the leader's own transfer is let through (§4.2.3, §3.10)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  const NodeId target = leader.id == NodeId{1} ? NodeId{2} : NodeId{1};
  cluster.step(leader, TransferRequested{{7}, target});
  cluster.settle();
  REQUIRE(cluster.leader() != nullptr);
  CHECK(cluster.leader()->id == target);
  CHECK(leader.transfers == std::vector{TransferOutcome{{7}, {}}});
}

TEST_CASE("a transfer to a dead server ends after an election timeout, and the leader goes on") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  CoreNode& target = cluster.node(leader.id == NodeId{1} ? 2 : 1);
  cluster.crash(target);
  cluster.step(leader, TransferRequested{{7}, target.id});
  cluster.step(leader, Propose{{Bytes("x")}, std::nullopt});
  CHECK(leader.proposal->error == errc::transfer_in_progress);
  cluster.run_for(milliseconds(1500));
  CHECK(leader.transfers == std::vector{TransferOutcome{{7}, make_error_code(errc::transfer_failed)}});
  cluster.step(leader, Propose{{Bytes("x")}, std::nullopt});
  CHECK_FALSE(leader.proposal->error);
}

TEST_CASE("if a server's term is out of date, it updates it and reverts to follower (§3.3)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  const std::uint64_t other = leader.id == NodeId{1} ? 2 : 1;
  cluster.step(leader, received(other, leader.id.value, AppendEntriesReply{{50}, false, {}, {}, {}, 0}));
  CHECK(leader.core->status().role == Role::follower);
  CHECK(leader.core->status().term == Term{50});
  CHECK_FALSE(leader.core->status().vote);
}

TEST_CASE("a request with an old term is answered with the new one, a reply is dropped (§3.3)") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& node = cluster.node(1);
  cluster.step(node, received(2, 1, AppendEntries{{5}, {}, {}, {}, 0}));
  cluster.persist(node);
  cluster.network().clear();
  cluster.step(node, received(3, 1, AppendEntries{{4}, {{1}, {1}}, {}, {}, 3}));
  CHECK(under_way<AppendEntriesReply>(cluster) == std::vector{AppendEntriesReply{{5}, false, {}, {1}, {}, 0}});
  cluster.network().clear();
  cluster.step(node, received(3, 1, RequestVoteReply{{4}, true}));
  CHECK(cluster.network().empty());
}

TEST_CASE("a refused pre-vote spreads the higher term, so that a node that is behind catches up") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& behind = cluster.node(1);
  cluster.time_out(behind);
  cluster.step(behind, received(2, 1, PreVoteReply{{8}, {1}, false}));
  CHECK(behind.core->status().term == Term{8});
  CHECK(behind.core->status().role == Role::follower);
}

TEST_CASE("pre-votes are no votes, and votes of an older term are none either") {
  CoreCluster cluster(5, {}, 1);
  CoreNode& node = cluster.node(1);
  cluster.time_out(node);
  cluster.step(node, received(2, 1, PreVoteReply{{0}, {1}, true}));
  cluster.step(node, received(3, 1, PreVoteReply{{0}, {1}, true}));
  CHECK(node.core->status().role == Role::candidate);
  cluster.persist(node);
  cluster.step(node, received(4, 1, PreVoteReply{{0}, {1}, true}));
  cluster.step(node, received(2, 1, PreVoteReply{{0}, {1}, true}));
  CHECK(node.core->status().role == Role::candidate);
  cluster.step(node, received(2, 1, RequestVoteReply{{1}, true}));
  cluster.step(node, received(2, 1, RequestVoteReply{{1}, true}));
  CHECK(node.core->status().role == Role::candidate);
  cluster.step(node, received(3, 1, RequestVoteReply{{1}, true}));
  CHECK(node.core->status().role == Role::leader);
}

TEST_CASE("a leader steps down if an election timeout elapses without a round of heartbeats to a majority (§6.2)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& old = *cluster.leader();
  const NodeId cut = old.id;
  cluster.passes = [cut](const Message& message) { return message.route.from != cut && message.route.to != cut; };
  cluster.run_for(milliseconds(1100));
  CHECK(old.core->status().role != Role::leader);
  cluster.run_for(seconds(5));
  REQUIRE(cluster.leader() != nullptr);
  CHECK(cluster.leader()->id != cut);
}

TEST_CASE("a server that comes back from a partition disturbs nobody (§9.6)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  const NodeId leader = cluster.leader()->id;
  const Term term = cluster.leader()->core->status().term;
  const NodeId cut = leader == NodeId{1} ? NodeId{2} : NodeId{1};
  cluster.passes = [cut](const Message& message) { return message.route.from != cut && message.route.to != cut; };
  cluster.run_for(seconds(30));
  cluster.passes = [](const Message&) { return true; };
  cluster.run_for(seconds(10));
  CHECK(cluster.leader()->id == leader);
  CHECK(cluster.leader()->core->status().term == term);
  CHECK(cluster.node(cut.value).core->status().leader == leader);
}

TEST_CASE("a node without a configuration never campaigns and never votes") {
  RecoveredState empty;
  empty.identity.node = {9};
  Core core({}, CoreStart{empty, {}, false, 1, {}});
  Effects effects;
  core.step(core.next_deadline(), TimeAdvanced{}, effects);
  CHECK(effects.messages.empty());
  CHECK(core.status().role == Role::follower);
  core.step({}, received(1, 9, RequestVote{{1}, {}, false}), effects);
  REQUIRE(effects.messages.size() == 1);
  CHECK(effects.messages[0].message.body == MessageBody(RequestVoteReply{{1}, false}));
}

TEST_CASE("a node without a configuration grants no pre-vote") {
  RecoveredState empty;
  empty.identity.node = {9};
  Core core({}, CoreStart{empty, {}, false, 1, {}});
  Effects effects;
  core.step({}, received(1, 9, PreVote{{1}, {}}), effects);
  REQUIRE(effects.messages.size() == 1);
  CHECK(effects.messages[0].message.body == MessageBody(PreVoteReply{{}, {1}, false}));
}

// Its own configuration may be old: others may know it as a voter, and the candidate as a member (§4.2.1, §4.2.2).
TEST_CASE("a learner never campaigns, and votes for whoever asks and is up to date") {
  RecoveredState learner;
  learner.identity.node = {3};
  learner.configurations = {{{}, {{{{1}, {}}, {{2}, {}}}, {}, {{{3}, {}}}}}};
  Core core({}, CoreStart{learner, {}, false, 1, {}});
  const TimePoint later{seconds(3600)};
  Effects effects;
  core.step(later, TimeAdvanced{}, effects);
  CHECK(effects.messages.empty());
  CHECK(core.status().role == Role::follower);
  for (const std::uint64_t asking : {1u, 7u}) {
    Effects answer;
    core.step(later, received(asking, 3, RequestVote{{asking}, {}, false}), answer);
    REQUIRE(answer.messages.size() == 1);
    CHECK(answer.messages[0].message.body == MessageBody(RequestVoteReply{{asking}, true}));
  }
}

TEST_CASE("two leaders in one term are a broken invariant: the node stops rather than spread it") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& node = cluster.node(1);
  cluster.step(node, received(2, 1, AppendEntries{{5}, {}, {}, {}, 0}));
  CHECK_THROWS_AS(cluster.step(node, received(3, 1, AppendEntries{{5}, {}, {}, {}, 0})), InvariantViolation);
}
