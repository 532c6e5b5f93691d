// What becomes of requests, on whole nodes.
#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

namespace libraft::test {

TEST_CASE("a follower refuses proposals, linearizable reads and transfers: certainly not done, ask the leader") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& follower = world.follower_of(world.elect());
  world.pass(200ms);
  const auto proposal = follower.propose("a");
  const auto read = follower.read_index();
  const auto query = follower.query("");
  const auto transfer = follower.transfer({}, 1s);
  world.run();
  CHECK(proposal->error == errc::not_leader);
  CHECK(read->error == errc::not_leader);
  CHECK(query->error == errc::not_leader);
  CHECK(transfer->error == errc::not_leader);
  CHECK(proposal->error == condition::redirect);
}

TEST_CASE("a local query is answered by any node from what it has applied") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  const auto proposal = leader.propose("a");
  world.pass(500ms);
  const auto query = world.follower_of(leader).query("", Consistency::local);
  world.run();
  REQUIRE(query->is_done());
  CHECK(query->value.reply.view() == "a,");
  CHECK(query->value.index == proposal->value.index);
}

TEST_CASE("a query that the state machine refuses ends with its error") {
  NodeWorld world(1);
  world.create_and_start_all();
  world.elect();
  const auto query = world[1].query("bad");
  world.run();
  CHECK(query->error == errc::bad_query);
}

TEST_CASE("a linearizable read sees every write acknowledged before it") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  const auto proposal = leader.propose("a");
  REQUIRE(world.run_until([&] { return proposal->is_done(); }));
  const auto read = leader.read_index();
  const auto query = leader.query("");
  REQUIRE(world.run_until([&] { return read->calls == 1 && query->calls == 1; }));
  CHECK(read->value >= proposal->value.index);
  CHECK(query->value.reply.view() == "a,");
}

TEST_CASE("a leader that is cut off confirms no read: it ends, and nothing was changed") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  world.pass(100ms);
  world.network.disconnect(leader.id);
  const auto read = leader.read_index();
  world.pass(3100ms);
  CHECK(read->calls == 1);
  CHECK(read->error == condition::retry_safe);
}

TEST_CASE("a read that is not confirmed in time ends as not caught up") {
  NodeWorld world(3, [](NodeOptions& options) { options.core.check_quorum = false; });
  world.create_and_start_all();
  Member& leader = world.elect();
  world.pass(100ms);
  world.network.disconnect(leader.id);
  const auto read = leader.read_index();
  world.pass(2900ms);
  CHECK(read->calls == 0);
  world.pass(200ms);
  CHECK(read->error == errc::not_caught_up);
}

TEST_CASE("an appended proposal without a quorum ends unknown: by timeout, or when leadership is lost") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  world.pass(100ms);
  world.network.disconnect(leader.id);
  ProposeOptions quick;
  quick.timeout = 300ms;
  const auto impatient = leader.propose("a", quick);
  const auto patient = leader.propose("b");
  world.pass(310ms);
  CHECK(impatient->error == errc::timeout);
  CHECK(patient->calls == 0);
  REQUIRE(world.run_until([&] { return patient->calls == 1; }, 2s));
  CHECK(patient->error == errc::leadership_lost);
  CHECK(patient->error == condition::outcome_unknown);
}

TEST_CASE("a proposal that timed out may still be applied, and is told only once") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  node.runtime->block(Lane::storage);
  ProposeOptions quick;
  quick.timeout = 100ms;
  const auto proposal = node.propose("a", quick);
  world.pass(200ms);
  CHECK(proposal->error == errc::timeout);
  node.runtime->block(Lane::storage, false);
  world.run();
  CHECK(node.machine->commands == std::vector<std::string>{"a"});
  CHECK(proposal->calls == 1);
}

TEST_CASE("only_in_term refuses another term, and does not hold up its neighbours") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  ProposeOptions wrong;
  wrong.only_in_term = Term{node.status().term.value + 1};
  ProposeOptions right;
  right.only_in_term = node.status().term;
  const auto before = node.propose("a");
  const auto refused = node.propose("b", wrong);
  const auto after = node.propose("c", right);
  world.run();
  CHECK(before->is_done());
  CHECK(refused->error == errc::wrong_term);
  CHECK(after->is_done());
  CHECK(node.machine->commands == std::vector<std::string>{"a", "c"});
}

TEST_CASE("a command of the limit is taken, a longer one refused, alone") {
  NodeWorld world(1, [](NodeOptions& options) { options.core.command_bytes_max = 100; });
  world.create_and_start_all();
  Member& node = world.elect();
  const auto fits = node.propose(std::string(100, 'x'));
  const auto too_long = node.propose(std::string(101, 'x'));
  world.run();
  CHECK(fits->is_done());
  CHECK(too_long->error == errc::command_too_large);
}

TEST_CASE("the transport's limit bounds commands too") {
  NodeWorld world(0);
  LocalNetworkOptions small;
  small.limits.message_bytes_max = 50;
  world.network = LocalNetwork(small);
  NodeOptions options;
  options.bootstrap.emplace();
  options.bootstrap->voters.push_back({NodeId{1}, {}});
  Member& node = world.add(NodeId{1}, options);
  world.create_and_start_all();
  world.elect();
  const auto too_long = node.propose(std::string(51, 'x'));
  const auto fits = node.propose(std::string(50, 'x'));
  world.run();
  CHECK(too_long->error == errc::command_too_large);
  CHECK(fits->is_done());
}

TEST_CASE("consecutive proposals share one write") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  const auto writes = node.node->metrics().writes;
  for (int i = 0; i < 100; ++i) node.propose("x");
  world.run();
  CHECK(node.machine->commands.size() == 100);
  CHECK(node.node->metrics().writes == writes + 1);
  CHECK(node.node->metrics().proposals == 100);
}

TEST_CASE("waiting for an applied index ends there, or in time") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  const LogIndex applied = node.status().applied;
  const auto reached = node.wait_applied(applied, 1s);
  const auto coming = node.wait_applied(next(applied), 1s);
  const auto never = node.wait_applied(next(next(applied)), 1s);
  world.run();
  CHECK(reached->is_done());
  CHECK(coming->calls == 0);
  node.propose("a");
  world.run();
  CHECK(coming->is_done());
  CHECK(coming->value == next(applied));
  world.pass(1010ms);
  CHECK(never->error == errc::not_caught_up);
}

TEST_CASE("waiting for a leader ends when one is known, or in time") {
  NodeWorld world(3);
  world.create_and_start(world[1]);
  world.run();
  const auto too_soon = world[1].wait_leader(500ms);
  world.pass(510ms);
  CHECK(too_soon->error == errc::timeout);
  const auto waiting = world[1].wait_leader(60s);
  world.create_and_start(world[2]);
  world.create_and_start(world[3]);
  REQUIRE(world.run_until([&] { return waiting->calls == 1; }));
  CHECK(waiting->is_done());
  const auto known = world[1].wait_leader(0s);
  world.run();
  CHECK(known->value == waiting->value);
}

TEST_CASE("a transfer is done when the target is known to lead") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  world.pass(200ms);
  Member& target = world.follower_of(leader);
  const auto transfer = leader.transfer(target.id, 5s);
  REQUIRE(world.run_until([&] { return transfer->calls == 1; }, 5s));
  CHECK(transfer->is_done());
  CHECK(target.leads());
  CHECK(leader.node->leader() == target.id);
}

TEST_CASE("a transfer to a target that does not answer fails, and the leader leads on") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  world.pass(200ms);
  Member& target = world.follower_of(leader);
  target.crash();
  const auto transfer = leader.transfer(target.id, 5s);
  world.pass(1500ms);
  CHECK(transfer->error == errc::transfer_failed);
  CHECK(leader.leads());
  const auto proposal = leader.propose("a");
  REQUIRE(world.run_until([&] { return proposal->calls == 1; }));
  CHECK(proposal->is_done());
}

TEST_CASE("a follower that comes back late gets entries that only the leader's storage still has") {
  NodeWorld world(3, [](NodeOptions& options) { options.core.entry_cache_bytes = 0; });
  world.create_and_start_all();
  Member& leader = world.elect();
  Member& follower = world.follower_of(leader);
  world.run();
  follower.crash();
  for (int i = 0; i < 50; ++i) {
    leader.propose(std::to_string(i));
    world.pass(10ms);
  }
  REQUIRE(world.run_until([&] { return leader.machine->commands.size() == 50; }));
  world.create_and_start(follower);
  REQUIRE(world.run_until([&] { return follower.machine->commands.size() == 50; }));
  CHECK(follower.machine->commands == leader.machine->commands);
  CHECK(follower.machine->restores == 0);
}

// Snapshots.

TEST_CASE("a snapshot is done when it is the newest and covers what was applied") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  const auto proposal = node.propose("a");
  world.run();
  const auto snapshot = node.snapshot();
  const auto also = node.snapshot();
  world.run();
  REQUIRE(snapshot->is_done());
  CHECK(also->is_done());
  CHECK(snapshot->value.index == proposal->value.index);
  CHECK(node.status().snapshot == snapshot->value);
  CHECK(node.observer->count<SnapshotTaken>() == 1);
  const auto again = node.snapshot();
  world.run();
  CHECK(again->value == snapshot->value);
  CHECK(node.observer->count<SnapshotTaken>() == 1);
}

TEST_CASE("a snapshot requested while an older one is being taken waits for the next") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.propose("a");
  world.run();
  node.runtime->block(Lane::background);
  const auto first = node.snapshot();
  world.run();
  const auto proposal = node.propose("b");
  world.run();
  const auto second = node.snapshot();
  world.run();
  node.runtime->block(Lane::background, false);
  world.run();
  CHECK(first->is_done());
  REQUIRE(second->is_done());
  CHECK(second->value.index == proposal->value.index);
}

TEST_CASE("a snapshot that is not taken in time times out and is taken all the same") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  const auto proposal = node.propose("a");
  world.run();
  node.runtime->block(Lane::background);
  const auto late = node.snapshot(1s);
  const auto patient = node.snapshot(3s);
  world.pass(999ms);
  CHECK(late->calls == 0);
  world.pass(1ms);
  CHECK(late->error == errc::timeout);
  CHECK(late->error == condition::outcome_unknown);
  CHECK(patient->calls == 0);
  node.runtime->block(Lane::background, false);
  world.run();
  CHECK(patient->is_done());
  CHECK(late->calls == 1);
  CHECK(node.status().snapshot.index == proposal->value.index);
}

TEST_CASE("a snapshot of nothing is an error") {
  NodeWorld world(3);
  world.create_and_start(world[1]);
  world.run();
  const auto snapshot = world[1].snapshot();
  world.run();
  CHECK(snapshot->error == errc::no_snapshot);
}

TEST_CASE("a state machine that can't save a snapshot fails the node") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.propose("a");
  world.run();
  node.machine->save_error = std::make_error_code(std::errc::invalid_argument);
  const auto snapshot = node.snapshot();
  world.run();
  CHECK(snapshot->calls == 1);
  CHECK(snapshot->error);
  CHECK(node.status().state == NodeState::failed);
  CHECK(node.status().failure->error == errc::state_machine_failed);
}

TEST_CASE("a snapshot for which the disk has no room is refused, and the node goes on") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.propose("a");
  world.run();
  node.disk->set_bytes_max(0);
  const auto snapshot = node.snapshot();
  world.run();
  CHECK(snapshot->error == errc::no_space);
  CHECK(node.status().state == NodeState::running);
}

TEST_CASE("a restarted node begins from its newest snapshot") {
  NodeWorld world(1, [](NodeOptions& options) { options.core.trailing_entries = 0; });
  world.create_and_start_all();
  Member& node = world.elect();
  for (int i = 0; i < 10; ++i) node.propose(std::to_string(i));
  world.run();
  const auto snapshot = node.snapshot();
  world.run();
  REQUIRE(snapshot->is_done());
  node.propose("after");
  world.run();
  const auto commands = node.machine->commands;
  node.crash();
  world.create_and_start(node);
  world.run();
  CHECK(node.machine->restores == 1);
  CHECK(node.status().log_start == snapshot->value);
  world.elect();
  REQUIRE(world.run_until([&] { return node.machine->commands.size() == 11; }));
  CHECK(node.machine->commands == commands);
}

TEST_CASE("a follower behind the start of the log gets a snapshot in chunks, then goes on") {
  NodeWorld world(3, [](NodeOptions& options) {
    options.core.trailing_entries = 0;
    options.core.snapshot_after_entries = 20;
    options.core.snapshot_chunk_bytes = 16;
  });
  world.create_and_start_all();
  Member& leader = world.elect();
  Member& follower = world.follower_of(leader);
  world.run();
  follower.crash();
  world.pass(2s);
  for (int i = 0; i < 100; ++i) {
    leader.propose("command" + std::to_string(i));
    world.pass(10ms);
  }
  REQUIRE(world.run_until([&] { return leader.machine->commands.size() == 100; }));
  world.create_and_start(follower);
  REQUIRE(world.run_until([&] { return follower.machine->commands.size() == 100; }));
  CHECK(follower.machine->commands == leader.machine->commands);
  CHECK(follower.machine->restores >= 1);
  CHECK(follower.observer->count<SnapshotInstalled>() >= 1);
  CHECK(follower.node->metrics().snapshots_installed >= 1);
  CHECK(leader.node->metrics().snapshots_sent >= 1);
  const auto proposal = leader.propose("last");
  REQUIRE(world.run_until([&] { return follower.machine->commands.size() == 101; }));

  // And it survives that its state came from elsewhere.
  const auto commands = follower.machine->commands;
  follower.crash();
  world.create_and_start(follower);
  CHECK(world.run_until([&] { return follower.machine->commands == commands; }));
}

TEST_CASE("a follower's divergent suffix is replaced, and the observer hears of it") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& old_leader = world.elect();
  world.pass(100ms);
  world.network.disconnect(old_leader.id);
  const auto lost = old_leader.propose("lost");
  world.pass(100ms);
  REQUIRE(world.run_until([&] { return world.leader() != nullptr && world.leader()->id != old_leader.id; }));
  const auto kept = world.leader()->propose("kept");
  REQUIRE(world.run_until([&] { return kept->calls == 1; }));
  world.network.reconnect(old_leader.id);
  REQUIRE(world.run_until([&] { return !old_leader.machine->commands.empty(); }));
  CHECK(old_leader.machine->commands == std::vector<std::string>{"kept"});
  CHECK(old_leader.observer->count<LogTruncated>() == 1);
  CHECK(old_leader.node->metrics().entries_truncated == 1);
  CHECK(lost->error == errc::leadership_lost);
}

}  // namespace libraft::test
