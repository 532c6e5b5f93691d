// Log replication, commitment and reads, by the sentences of the Raft thesis (§3.5, §3.6, §6.4).
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

using namespace libraft;
using namespace libraft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::vector<std::uint64_t> terms_of(const CoreNode& node) {
  std::vector<std::uint64_t> terms;
  for (const Entry& e : node.disk.entries) terms.push_back(e.id.term.value);
  return terms;
}

/// Restarts the node with this log and term on its disk.
void reborn(CoreCluster& cluster, std::uint64_t id, const std::vector<std::uint64_t>& terms, std::uint64_t term) {
  CoreNode& node = cluster.node(id);
  cluster.crash(node);
  node.disk.entries = log_of(terms);
  node.disk.hard_state = {{term}, std::nullopt};
  cluster.restart(node);
}

/// What the follower answers to this append, all its writes done.
AppendEntriesReply answer_to(CoreCluster& cluster, CoreNode& node, const AppendEntries& request) {
  cluster.network().clear();
  cluster.step(node, received(2, node.id.value, request));
  while (!node.writes.empty()) cluster.persist(node);
  REQUIRE(cluster.network().size() == 1);
  return std::get<AppendEntriesReply>(cluster.network().front().body);
}

}  // namespace

TEST_CASE("a leader starts its term with a no-op, and its followers get it (§6.4)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  cluster.run_for(seconds(1));
  for (CoreNode* node : cluster.nodes()) {
    REQUIRE(node->disk.entries.size() == 1);
    CHECK(node->disk.entries[0].kind == EntryKind::noop);
    CHECK(node->applied == LogIndex{1});
  }
}

TEST_CASE("a command is committed once a majority has it, and followers apply it (§3.5)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  cluster.step(leader, Propose{{Bytes("x"), Bytes("y")}, std::nullopt});
  CHECK(leader.proposal == ProposalOutcome{{}, {{2}, leader.core->status().term}, 2});
  CHECK(leader.core->status().commit == LogIndex{1});
  cluster.settle();
  for (CoreNode* node : cluster.nodes()) CHECK(node->applied == LogIndex{3});
}

TEST_CASE("a leader sends before its own disk is done, and may commit without it (§10.2.1)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  cluster.step(leader, Propose{{Bytes("x")}, std::nullopt});
  REQUIRE(leader.writes.size() == 1);
  while (!cluster.network().empty()) cluster.deliver(0);
  for (CoreNode* node : cluster.nodes()) {
    if (node != &leader) cluster.persist(*node);
  }
  while (!cluster.network().empty()) cluster.deliver(0);
  CHECK(leader.writes.size() == 1);
  CHECK(leader.core->status().commit == LogIndex{2});
}

TEST_CASE("without a majority nothing is committed (§3.5)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  for (CoreNode* node : cluster.nodes()) {
    if (node != &leader) cluster.crash(*node);
  }
  cluster.step(leader, Propose{{Bytes("x")}, std::nullopt});
  cluster.run_for(milliseconds(900));
  CHECK(leader.core->status().commit == LogIndex{1});
}

TEST_CASE("a follower refuses entries if it does not have the one before them (§3.5)") {
  CoreCluster cluster(3, {}, 1);
  reborn(cluster, 1, {1, 1}, 2);
  CoreNode& node = cluster.node(1);
  const auto gap = answer_to(cluster, node, {{2}, {{5}, {2}}, Entries(std::vector{entry(6, 2)}), {}, 0});
  CHECK(gap == AppendEntriesReply{{2}, false, {}, {5}, {{2}, {1}}, 0});
  const auto wrong_term = answer_to(cluster, node, {{2}, {{2}, {2}}, Entries(std::vector{entry(3, 2)}), {}, 0});
  CHECK_FALSE(wrong_term.accepted);
  CHECK(terms_of(node) == std::vector<std::uint64_t>{1, 1});
}

TEST_CASE("an existing entry that conflicts with a new one is deleted with all that follow it (Figure 3.1)") {
  CoreCluster cluster(3, {}, 1);
  reborn(cluster, 1, {1, 1, 2, 2}, 3);
  CoreNode& node = cluster.node(1);
  const auto done = answer_to(cluster, node, {{3}, {{2}, {1}}, Entries(std::vector{entry(3, 3)}), {}, 0});
  CHECK(done.accepted);
  CHECK(done.match == LogIndex{3});
  CHECK(terms_of(node) == std::vector<std::uint64_t>{1, 1, 3});
}

TEST_CASE("an old append does not truncate what came after it (Figure 3.1)") {
  CoreCluster cluster(3, {}, 1);
  reborn(cluster, 1, {1, 1, 1}, 1);
  CoreNode& node = cluster.node(1);
  const auto done = answer_to(cluster, node, {{1}, {}, Entries(std::vector{entry(1, 1)}), {}, 0});
  CHECK(done.match == LogIndex{1});  // what the request proves, not the whole log
  CHECK(terms_of(node) == std::vector<std::uint64_t>{1, 1, 1});
}

TEST_CASE("a follower commits at most what the request proves (§3.6.2)") {
  CoreCluster cluster(3, {}, 1);
  reborn(cluster, 1, {1, 1, 2}, 3);
  Core core = *cluster.node(1).core;
  Effects effects;
  core.step(cluster.now(), received(2, 1, AppendEntries{{3}, {{1}, {1}}, {}, {3}, 0}), effects);
  CHECK(core.status().commit == LogIndex{1});
}

TEST_CASE("an append is acknowledged when it is durable, a heartbeat with what is durable already") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& node = cluster.node(1);
  cluster.step(node, received(2, 1, AppendEntries{{1}, {}, Entries(std::vector{entry(1, 1)}), {}, 0}));
  CHECK(cluster.network().empty());
  cluster.persist(node);
  REQUIRE(cluster.network().size() == 1);
  cluster.network().clear();
  cluster.step(node, received(2, 1, AppendEntries{{1}, {{1}, {1}}, Entries(std::vector{entry(2, 1)}), {}, 0}));
  cluster.step(node, received(2, 1, AppendEntries{{1}, {{2}, {1}}, {}, {}, 0}));
  REQUIRE(cluster.network().size() == 1);  // the heartbeat's answer does not wait for the disk
  CHECK(std::get<AppendEntriesReply>(cluster.network().front().body).match == LogIndex{1});
}

TEST_CASE("malformed appends are refused and change nothing") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& node = cluster.node(1);
  CHECK_FALSE(answer_to(cluster, node, {{1}, {}, Entries(std::vector{entry(2, 1)}), {}, 0}).accepted);
  CHECK_FALSE(answer_to(cluster, node, {{1}, {}, Entries(std::vector{entry(1, 2)}), {}, 0}).accepted);
  const std::vector<Entry> falling{entry(1, 1), {{{2}, {0}}, EntryKind::noop, {}}};
  CHECK_FALSE(answer_to(cluster, node, {{1}, {}, Entries(falling), {}, 0}).accepted);
  CHECK(node.disk.entries.empty());
}

TEST_CASE("a leader brings every log of Figure 3.6 to its own") {
  const std::vector<std::uint64_t> leader_log{1, 1, 1, 4, 4, 5, 5, 6, 6, 6};
  const std::vector<std::vector<std::uint64_t>> followers{
      {1, 1, 1, 4, 4, 5, 5, 6, 6},          {1, 1, 1, 4},          {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
      {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7}, {1, 1, 1, 4, 4, 4, 4}, {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}};
  for (const auto& follower_log : followers) {
    CoreCluster cluster(3, {}, 1);
    reborn(cluster, 1, leader_log, 7);
    reborn(cluster, 2, leader_log, 7);
    reborn(cluster, 3, follower_log, 7);
    cluster.passes = [](const Message& message) {
      return message.route.from != NodeId{3} && message.route.to != NodeId{3};
    };
    REQUIRE(cluster.elect());
    cluster.passes = [](const Message&) { return true; };
    cluster.run_for(seconds(2));
    CHECK(cluster.node(3).disk.entries == cluster.leader()->disk.entries);
  }
}

TEST_CASE("a long divergent log is found by term, not entry by entry (§3.5)") {
  CoreCluster cluster(3, {}, 1);
  std::vector<std::uint64_t> mine(500, 1), theirs(500, 1);
  mine.insert(mine.end(), 500, 3);
  theirs.insert(theirs.end(), 500, 2);
  reborn(cluster, 1, mine, 3);
  reborn(cluster, 2, mine, 3);
  reborn(cluster, 3, theirs, 3);
  int refusals = 0;
  cluster.passes = [&](const Message& message) {
    const auto* reply = std::get_if<AppendEntriesReply>(&message.body);
    refusals += reply != nullptr && !reply->accepted ? 1 : 0;
    return true;
  };
  REQUIRE(cluster.elect());
  cluster.run_for(seconds(2));
  CHECK(cluster.node(3).disk.entries == cluster.leader()->disk.entries);
  CHECK(refusals <= 3);
}

TEST_CASE("entries of older terms are never committed by counting (Figure 3.7)") {
  CoreCluster cluster(5, {}, 1);
  // Before (c): entry 2 of term 2 is on the first two; the fifth has one of term 3.
  reborn(cluster, 1, {1, 2}, 3);
  reborn(cluster, 2, {1, 2}, 3);
  reborn(cluster, 3, {1}, 3);
  reborn(cluster, 4, {1}, 3);
  reborn(cluster, 5, {1, 3}, 3);
  const auto is_five = [](const Message& message) {
    return message.route.from == NodeId{5} || message.route.to == NodeId{5};
  };
  // (c): the first leads in term 4 and brings entry 2 to a majority, but not its own no-op.
  cluster.passes = [&](const Message& message) {
    const auto* append = std::get_if<AppendEntries>(&message.body);
    const bool carries_noop =
        append != nullptr && !append->entries.empty() && append->entries.back().id.term == Term{4};
    return !is_five(message) && !carries_noop;
  };
  cluster.time_out(cluster.node(1));
  cluster.settle();
  REQUIRE(cluster.node(1).core->status().role == Role::leader);
  // Entry 2, without the no-op behind it, as an append of one entry would carry it.
  for (const std::uint64_t id : {2u, 3u, 4u}) {
    cluster.step(cluster.node(id),
                 received(1, id, AppendEntries{{4}, {{1}, {1}}, Entries(std::vector{entry(2, 2)}), {}, 0}));
  }
  cluster.settle();
  CHECK(cluster.node(3).disk.last() == LogId{{2}, {2}});
  CHECK(cluster.node(1).core->status().commit == LogIndex{0});  // on four disks, and not committed
  // (d): the fifth may still win and overwrite it.
  cluster.crash(cluster.node(1));
  cluster.passes = [](const Message&) { return true; };
  cluster.run_for(seconds(10));
  REQUIRE(cluster.leader() != nullptr);
}

TEST_CASE("a leader commits older entries with the first one of its own term (§3.6.2)") {
  CoreCluster cluster(3, {}, 1);
  reborn(cluster, 1, {1, 2}, 3);
  reborn(cluster, 2, {1, 2}, 3);
  reborn(cluster, 3, {1}, 3);
  REQUIRE(cluster.elect());
  CHECK(cluster.leader()->core->status().commit == LogIndex{3});
}

TEST_CASE("a proposal is refused by those who do not lead, whole, and appends nothing") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  CoreNode& follower = other_than(cluster, leader);
  cluster.step(follower, Propose{{Bytes("x")}, std::nullopt});
  CHECK(follower.proposal->error == errc::not_leader);
  CHECK(follower.core->status().log_last.index == LogIndex{1});
  cluster.step(leader, Propose{{Bytes("x"), Bytes(std::string((1u << 20) + 1, 'x'))}, std::nullopt});
  CHECK(leader.proposal->error == errc::command_too_large);
  CHECK(leader.core->status().log_last.index == LogIndex{1});
  cluster.step(leader, Propose{{Bytes("x")}, Term{99}});
  CHECK(leader.proposal->error == errc::wrong_term);
}

TEST_CASE("proposals beyond the bound are refused until earlier ones are applied") {
  CoreOptions options;
  options.command_bytes_max = 100;
  options.uncommitted_bytes_max = 300;
  CoreCluster cluster(3, options, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  const Bytes command(std::string(100, 'x'));
  cluster.step(leader, Propose{{command}, std::nullopt});
  CHECK_FALSE(leader.proposal->error);
  cluster.step(leader, Propose{{command}, std::nullopt});
  CHECK_FALSE(leader.proposal->error);
  cluster.step(leader, Propose{{command}, std::nullopt});
  CHECK(leader.proposal->error == errc::overloaded);
  cluster.settle();
  cluster.step(leader, Propose{{command}, std::nullopt});
  CHECK_FALSE(leader.proposal->error);
}

TEST_CASE("proposals that others committed count against the bound until the leader's own disk has them") {
  CoreOptions options;
  options.command_bytes_max = 100;
  options.uncommitted_bytes_max = 300;
  CoreCluster cluster(3, options, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  leader.holds_writes = true;
  const Bytes command(std::string(100, 'x'));
  for (int i = 0; i < 2; ++i) {
    cluster.step(leader, Propose{{command}, std::nullopt});
    CHECK_FALSE(leader.proposal->error);
    cluster.settle();
  }
  REQUIRE(leader.core->status().applied == LogIndex{3});
  REQUIRE(leader.core->status().durable == LogIndex{1});
  cluster.step(leader, Propose{{command}, std::nullopt});
  CHECK(leader.proposal->error == errc::overloaded);
  leader.holds_writes = false;
  cluster.settle();
  cluster.step(leader, Propose{{command}, std::nullopt});
  CHECK_FALSE(leader.proposal->error);
}

TEST_CASE("a linearizable read needs a quorum's word that came after it (§6.4)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  cluster.run_for(seconds(1));
  CoreNode& leader = *cluster.leader();
  cluster.step(leader, ReadIndexRequested{{1}});
  CHECK(leader.reads.empty());
  cluster.settle();
  CHECK(leader.reads == std::vector{ReadOutcome{{1}, {}, {1}}});
}

TEST_CASE("answers to an earlier round confirm no later read, also when they are repeated (§6.4)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  cluster.run_for(seconds(1));
  CoreNode& leader = *cluster.leader();
  std::vector<Message> old;
  cluster.passes = [&](const Message& message) {
    if (std::holds_alternative<AppendEntriesReply>(message.body)) old.push_back(message);
    return true;
  };
  cluster.step(leader, ReadIndexRequested{{1}});
  cluster.settle();
  REQUIRE(leader.reads.size() == 1);
  cluster.step(leader, ReadIndexRequested{{2}});
  for (const Message& message : old) cluster.step(leader, MessageReceived{message});
  CHECK(leader.reads.size() == 1);
}

TEST_CASE("an answer to an append of an older term confirms no read in the newer one (§6.4)") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  cluster.run_for(seconds(1));
  CoreNode& leader = *cluster.leader();
  CoreNode& follower = other_than(cluster, leader);
  std::optional<Message> late;
  cluster.passes = [&](const Message& message) {
    const auto* append = std::get_if<AppendEntries>(&message.body);
    if (append != nullptr && message.route.to == follower.id) late = message;
    return true;
  };
  for (std::uint64_t id = 1; id <= 3; ++id) {
    cluster.step(leader, ReadIndexRequested{{id}});
    cluster.settle();
  }
  cluster.passes = [](const Message&) { return true; };
  REQUIRE(late);
  const Term old_term = leader.core->status().term;
  // The same node leads again. Rounds of reads begin anew with the term.
  cluster.step(leader, StepDownRequested{});
  cluster.pass_time(seconds(2));
  cluster.time_out(leader);
  cluster.settle();
  REQUIRE(cluster.leader() == &leader);
  REQUIRE(leader.core->status().term > old_term);
  REQUIRE(leader.core->status().commit == leader.core->status().log_last.index);
  // The follower answers an append of the old term, and this is under way when the next read comes.
  cluster.network().clear();
  cluster.step(follower, MessageReceived{*late});
  REQUIRE(cluster.network().size() == 1);
  const Message answer = cluster.network().front();
  CHECK(std::get<AppendEntriesReply>(answer.body).term == leader.core->status().term);
  CHECK(std::get<AppendEntriesReply>(answer.body).read_sequence == 0);
  leader.reads.clear();
  cluster.step(leader, ReadIndexRequested{{4}});
  cluster.step(leader, MessageReceived{answer});
  CHECK(leader.reads.empty());
}

TEST_CASE("a new leader answers reads only after it committed an entry of its own term (§6.4)") {
  CoreCluster cluster(3, {}, 1);
  cluster.passes = [](const Message& message) {
    const auto* append = std::get_if<AppendEntries>(&message.body);
    return append == nullptr || append->entries.empty();
  };
  cluster.run_for(seconds(5));
  CoreNode* leader = cluster.leader();
  REQUIRE(leader != nullptr);
  cluster.step(*leader, ReadIndexRequested{{1}});
  cluster.settle();
  CHECK(leader->reads.empty());
  cluster.passes = [](const Message&) { return true; };
  cluster.run_for(seconds(2));
  REQUIRE(leader->reads.size() == 1);
  CHECK(leader->reads[0].index >= LogIndex{1});
}

TEST_CASE("a read on a server that does not lead, or stops leading, fails as not_leader") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  CoreNode& follower = other_than(cluster, leader);
  cluster.step(follower, ReadIndexRequested{{1}});
  CHECK(follower.reads == std::vector{ReadOutcome{{1}, make_error_code(errc::not_leader), {}}});
  cluster.passes = [](const Message&) { return false; };
  cluster.step(leader, ReadIndexRequested{{2}});
  cluster.run_for(seconds(2));
  CHECK(leader.reads == std::vector{ReadOutcome{{2}, make_error_code(errc::not_leader), {}}});
}

TEST_CASE("a Core is a value: copies that see the same events do the same") {
  CoreCluster cluster(3, {}, 1);
  REQUIRE(cluster.elect());
  CoreNode& leader = *cluster.leader();
  Core copy = *leader.core;
  CHECK(copy == *leader.core);
  Effects here, there;
  const Event event = Propose{{Bytes("x")}, std::nullopt};
  leader.core->step(cluster.now(), event, here);
  copy.step(cluster.now(), event, there);
  CHECK(here == there);
  CHECK(copy == *leader.core);
  CHECK(copy.protocol_digest() == leader.core->protocol_digest());
}
