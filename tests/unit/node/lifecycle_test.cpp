// Starting, stopping and failing.
#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

namespace libraft::test {
namespace {

/// Passes everything on, but for what the test lets go wrong.
struct FaultyStorage final : Storage {
  struct Faults {
    std::error_code write;
    std::error_code read;
    int failed_writes = 0;
  };
  FaultyStorage(std::unique_ptr<Storage> below, std::shared_ptr<Faults> wrong)
      : storage(std::move(below)), faults(std::move(wrong)) {}

  Result<std::optional<RecoveredState>> open() override { return storage->open(); }
  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    return storage->format(identity, genesis);
  }
  std::error_code write(const WriteBatch& batch) override {
    if (!faults->write) return storage->write(batch);
    ++faults->failed_writes;
    return faults->write;
  }
  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override {
    if (faults->read) return faults->read;
    return storage->read(first, last, bytes_max);
  }
  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta& meta) override {
    return storage->create_snapshot(meta);
  }
  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    return storage->publish(std::move(snapshot), with);
  }
  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override { return storage->newest_snapshot(); }
  void close() noexcept override { storage->close(); }
  [[nodiscard]] std::string error_detail() const override { return "a fault"; }

  std::unique_ptr<Storage> storage;
  std::shared_ptr<Faults> faults;
};

std::shared_ptr<FaultyStorage::Faults> make_faulty(Member& member) {
  auto faults = std::make_shared<FaultyStorage::Faults>();
  member.wrap_storage = [faults](std::unique_ptr<Storage> below) {
    return std::make_unique<FaultyStorage>(std::move(below), faults);
  };
  return faults;
}

}  // namespace

// Starting.

TEST_CASE("a node that is not started refuses requests as stopped, and can be stopped") {
  NodeWorld world(1);
  world[1].create();
  CHECK(world[1].status().state == NodeState::created);
  const auto proposal = world[1].propose("a");
  CHECK(proposal->calls == 0);  // never inside the call
  world.run();
  CHECK(proposal->error == errc::stopped);
  const auto stopped = world[1].stop();
  world.run();
  CHECK(stopped->is_done());
  CHECK(world[1].status().state == NodeState::stopped);
  const auto started = world[1].start();
  world.run();
  CHECK(started->error == errc::stopped);
}

TEST_CASE("a node is started once") {
  NodeWorld world(1);
  world[1].create();
  const auto first = world[1].start();
  const auto second = world[1].start();
  world.run();
  CHECK(first->is_done());
  CHECK(second->error == errc::invalid_argument);
  CHECK(world[1].status().state == NodeState::running);
}

TEST_CASE("a restarted node keeps term, vote, incarnation and log, and applies them again") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  Member& follower = world.follower_of(leader);
  for (int i = 0; i < 5; ++i) leader.propose(std::to_string(i));
  REQUIRE(world.run_until([&] { return follower.machine->commands.size() == 5; }));
  const Status before = follower.status();
  follower.crash();
  world.create_and_start(follower);
  CHECK(follower.machine->commands.empty());
  world.run();
  const Status after = follower.status();
  CHECK(after.identity == before.identity);
  CHECK(after.term == before.term);
  CHECK(after.voted_for == before.voted_for);
  CHECK(after.log_last == before.log_last);
  REQUIRE(world.run_until([&] { return follower.machine->commands.size() == 5; }));
}

TEST_CASE("a storage of another node, group or cluster is refused, and nothing in it changes") {
  NodeWorld world(1);
  world.create_and_start_all();
  world.elect();
  world[1].crash();
  world[1].options.cluster = ClusterId{99};
  world[1].create();
  const auto started = world[1].start();
  world.run();
  CHECK(started->error == errc::identity_mismatch);
  CHECK(world[1].status().state == NodeState::failed);
  REQUIRE(world[1].status().failure);
  CHECK(world[1].status().failure->reason.find("99") != std::string::npos);

  world[1].crash();
  world[1].options.cluster = ClusterId{7};
  world[1].create();
  const auto again = world[1].start();
  world.run();
  CHECK(again->is_done());
}

TEST_CASE("a node whose disk is in use does not start, and can be stopped") {
  NodeWorld world(1);
  const auto other = memory_storage(world[1].disk);
  REQUIRE(other->open());
  world[1].create();
  const auto started = world[1].start();
  world.run();
  CHECK(started->error == errc::locked);
  const auto stopped = world[1].stop();
  world.run();
  CHECK(stopped->is_done());
}

TEST_CASE("stopped while it starts, a node does not run, and both requests end") {
  NodeWorld world(1);
  world[1].create();
  const auto started = world[1].start();
  world[1].runtime->run_protocol_lane();
  const auto stopped = world[1].stop();
  world.run();
  CHECK(started->error == errc::stopped);
  CHECK(stopped->is_done());
  CHECK(world[1].observer->count<RoleChanged>() == 0);
  CHECK(memory_storage(world[1].disk)->open());  // closed: somebody else may have it
}

TEST_CASE("a state machine that holds more than the log is refused") {
  NodeWorld world(1);
  world[1].durable = LogIndex{5};
  world[1].create();
  const auto started = world[1].start();
  world.run();
  CHECK(started->error == errc::state_machine_ahead);
}

TEST_CASE("a state machine with durable state gets only what it lacks") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  const auto first = node.propose("a");
  node.propose("b");
  world.run();
  REQUIRE(first->is_done());
  node.crash();
  node.durable = first->value.index;
  world.create_and_start(node);
  world.elect();
  REQUIRE(world.run_until([&] { return !node.machine->commands.empty(); }));
  CHECK(node.machine->commands == std::vector<std::string>{"b"});
}

TEST_CASE("a node without bootstrap and with an empty disk waits, and never campaigns") {
  NodeWorld world(1);
  NodeOptions options = world[1].options;
  options.bootstrap.reset();
  Member& joiner = world.add(NodeId{9}, options);
  world.create_and_start(joiner);
  world.pass(30s);
  CHECK(joiner.status().state == NodeState::running);
  CHECK(joiner.status().role == Role::follower);
  CHECK(joiner.status().term == Term{0});
}

// Stopping.

TEST_CASE("a leader that stops hands leadership over first") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  leader.propose("a");
  world.run();
  const Term term = leader.status().term;
  const auto stopped = leader.stop();
  REQUIRE(world.run_until([&] { return stopped->calls == 1; }, 1s));
  CHECK(leader.status().state == NodeState::stopped);
  REQUIRE(world.leader() != nullptr);
  CHECK(world.leader()->id != leader.id);
  CHECK(world.leader()->status().term == Term{term.value + 1});
}

TEST_CASE("a leader without a quorum stops within its timeouts, and what waits ends as unknown") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  world.run();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    if (NodeId{id} != leader.id) world[id].crash();
  }
  const auto proposal = leader.propose("lost");
  world.run();
  CHECK(proposal->calls == 0);
  StopOptions options;
  options.transfer_timeout = 200ms;
  options.drain_timeout = 100ms;
  const auto stopped = leader.stop(options);
  const auto refused = leader.propose("late");
  world.pass(290ms);
  CHECK(refused->error == errc::stopped);
  CHECK(stopped->calls == 0);
  world.pass(30ms);
  CHECK(stopped->is_done());
  CHECK(proposal->calls == 1);
  CHECK(proposal->error == condition::outcome_unknown);
}

TEST_CASE("requests in flight complete while a node stops") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.runtime->block(Lane::apply);
  const auto proposal = node.propose("a");
  world.run();
  const auto stopped = node.stop();
  world.run();
  CHECK(stopped->calls == 0);
  node.runtime->block(Lane::apply, false);
  world.run();
  CHECK(proposal->is_done());
  CHECK(stopped->is_done());
}

TEST_CASE("stop waits for the jobs on the lanes") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.runtime->block(Lane::storage);
  const auto proposal = node.propose("a");
  world.run();
  StopOptions at_once;
  at_once.transfer_timeout = at_once.drain_timeout = 0ns;
  const auto stopped = node.stop(at_once);
  world.run();
  CHECK(proposal->error == errc::interrupted);
  CHECK(stopped->calls == 0);
  node.runtime->block(Lane::storage, false);
  world.run();
  CHECK(stopped->is_done());
}

TEST_CASE("every stop is answered, also a second one and one after the end") {
  NodeWorld world(1);
  world.create_and_start_all();
  world.elect();
  const auto first = world[1].stop();
  const auto second = world[1].stop();
  world.run();
  CHECK(first->is_done());
  CHECK(second->is_done());
  const auto third = world[1].stop();
  world.run();
  CHECK(third->is_done());
  CHECK(world[1].runtime->deadline() == kNever);
}

TEST_CASE("a second stop with less patience shortens the first") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.runtime->block(Lane::apply);
  node.propose("a");
  world.run();
  StopOptions patient;
  patient.drain_timeout = 3600s;
  const auto first = node.stop(patient);
  world.run();
  StopOptions at_once;
  at_once.transfer_timeout = at_once.drain_timeout = 0ns;
  const auto second = node.stop(at_once);
  world.run();
  node.runtime->block(Lane::apply, false);
  world.run();
  CHECK(first->is_done());
  CHECK(second->is_done());
}

TEST_CASE("a stop while the lanes are closed sets no deadline that would be due for ever") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.runtime->block(Lane::storage);
  StopOptions at_once;
  at_once.transfer_timeout = at_once.drain_timeout = 0ns;
  const auto first = node.stop(at_once);
  world.run();
  const auto second = node.stop(at_once);
  world.run();
  world.pass(50ms);  // a timer that was set before comes for nothing
  CHECK(node.runtime->deadline() == kNever);
  CHECK(first->calls + second->calls == 0);
  node.runtime->block(Lane::storage, false);
  world.run();
  CHECK(first->is_done());
  CHECK(second->is_done());
}

TEST_CASE("a second stop while a node starts sets no deadline") {
  NodeWorld world(1);
  world[1].create();
  const auto started = world[1].start();
  world[1].runtime->run_protocol_lane();
  const auto first = world[1].stop();
  const auto second = world[1].stop();
  world[1].runtime->run_protocol_lane();
  CHECK(world[1].runtime->deadline() == kNever);
  world.run();
  CHECK(first->is_done());
  CHECK(second->is_done());
}

// Failing.

TEST_CASE("a write that fails puts the node into state failed, with its reason, and ends all requests") {
  NodeWorld world(3);
  std::map<NodeId, std::shared_ptr<FaultyStorage::Faults>> faults;
  for (std::uint64_t id = 1; id <= 3; ++id) faults[NodeId{id}] = make_faulty(world[id]);
  world.create_and_start_all();
  Member& leader = world.elect();
  world.run();
  leader.runtime->block(Lane::storage);
  const auto in_flight = leader.propose("a");
  leader.runtime->run_protocol_lane();
  faults[leader.id]->write = errc::io_error;
  leader.runtime->block(Lane::storage, false);
  leader.runtime->run_all();
  CHECK(leader.status().state == NodeState::failed);
  CHECK(leader.status().role == Role::follower);
  CHECK(!leader.node->leader());
  REQUIRE(leader.status().failure);
  CHECK(leader.status().failure->error == errc::io_error);
  CHECK(leader.status().failure->reason.find("a fault") != std::string::npos);
  CHECK(in_flight->error == errc::interrupted);
  const auto later = leader.propose("b");
  leader.runtime->run_all();
  CHECK(later->error == errc::node_failed);

  // The others go on without it, and it can be stopped and created again.
  REQUIRE(world.run_until([&] { return world.leader() != nullptr && world.leader()->id != leader.id; }));
  faults[leader.id]->write = {};
  leader.crash();
  world.create_and_start(leader);
  world.leader()->propose("c");
  CHECK(world.run_until([&] { return !leader.machine->commands.empty() && leader.machine->commands.back() == "c"; }));
}

TEST_CASE("a failed node sends nothing") {
  NodeWorld world(3);
  const auto faults = make_faulty(world[1]);
  world.create_and_start_all();
  world.elect();
  faults->write = errc::io_error;
  REQUIRE(world.run_until([&] {
    if (Member* leader = world.leader()) leader->propose("x");
    return world[1].status().state == NodeState::failed;
  }));
  const auto sent = world[1].node->metrics().messages_sent;
  world.pass(5s);
  CHECK(world[1].node->metrics().messages_sent == sent);
}

TEST_CASE("an exception of the state machine fails the node, not the process") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.machine->throws_on_apply = true;
  const auto proposal = node.propose("a");
  world.run();
  CHECK(node.status().state == NodeState::failed);
  CHECK(node.status().failure->error == errc::state_machine_failed);
  CHECK(proposal->error == errc::interrupted);
  const auto stopped = node.stop();
  world.run();
  CHECK(stopped->is_done());
  CHECK(node.status().state == NodeState::stopped);
  CHECK(node.status().failure);
}

TEST_CASE("with a full disk a leader steps down, and goes on when there is room again") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.propose("a");
  world.run();
  node.disk->set_bytes_max(0);
  const auto proposal = node.propose("b");
  world.run();
  CHECK(node.status().role == Role::follower);
  CHECK(node.status().state == NodeState::running);
  CHECK(proposal->error == errc::leadership_lost);
  world.pass(2s);
  CHECK(node.status().role != Role::leader);
  node.disk->set_bytes_max(MemoryDisk::kUnlimited);
  CHECK(world.run_until([&] { return node.machine->commands.size() == 2; }));
}

TEST_CASE("a node whose disk stays full fails with its reason, and goes on from its disk when there is room") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  node.propose("a");
  world.run();
  node.disk->set_bytes_max(0);
  const auto proposal = node.propose("b");
  CHECK(world.run_until([&] { return node.status().state == NodeState::failed; }));
  REQUIRE(node.status().failure);
  CHECK(node.status().failure->error == errc::no_space);
  CHECK(node.status().failure->reason.find("stayed full") != std::string::npos);
  CHECK(proposal->error);
  node.crash();
  node.disk->set_bytes_max(MemoryDisk::kUnlimited);
  node.create();
  node.start();
  CHECK(world.run_until([&] { return node.leads() && node.machine->commands == std::vector<std::string>{"a"}; }));
}

TEST_CASE("with a full disk a node that does not lead tries again in time, as often as it must") {
  NodeWorld world(3, [](NodeOptions& options) { options.no_space_retry_interval = 20ms; });
  const auto faults = make_faulty(world[1]);
  world.create_and_start_all();
  REQUIRE(world.run_until([&] { return world.leader() != nullptr && !world[1].leads(); }));
  world.pass(1s);
  Member& leader = *world.leader();
  REQUIRE(leader.id != world[1].id);
  faults->write = errc::no_space;
  leader.propose("a");
  world.run();
  REQUIRE(faults->failed_writes == 1);
  // Nothing else wakes it.
  world.network.disconnect(world[1].id);
  world.pass(100ms);
  CHECK(faults->failed_writes == 6);
  faults->write = {};
  world.pass(20ms);
  CHECK(world[1].status().log_last == leader.status().log_last);
  CHECK(world[1].status().state == NodeState::running);
  world.network.reconnect(world[1].id);
  CHECK(world.run_until([&] { return world[1].machine->commands.size() == 1; }));
}

TEST_CASE("the timer takes what waits in the inbox, and what comes next does not post the drain a second time") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  REQUIRE(node.runtime->deadline() != kNever);
  const auto first = node.propose("a");
  node.runtime->advance_to(node.runtime->deadline());
  const auto second = node.propose("b");
  CHECK(node.runtime->handed_in_early() == 0);
  world.run();
  CHECK(first->is_done());
  CHECK(second->is_done());
  const auto third = node.propose("c");
  world.run();
  CHECK(third->is_done());
  CHECK(node.runtime->handed_in_early() == 0);
}

TEST_CASE("a leader whose write takes longer than disk_stall_max steps down") {
  NodeWorld world(1, [](NodeOptions& options) { options.disk_stall_max = 3s; });
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  node.runtime->block(Lane::storage);
  node.propose("a");
  world.pass(2900ms);
  CHECK(node.status().role == Role::leader);
  world.pass(200ms);
  CHECK(node.status().role != Role::leader);
  node.runtime->block(Lane::storage, false);
  CHECK(world.run_until([&] { return node.status().role == Role::leader; }));
}

TEST_CASE("the observer hears of states, roles and leaders in order") {
  NodeWorld world(1);
  world.create_and_start_all();
  world.elect();
  world[1].stop();
  world.run();
  std::string heard;
  for (const NodeEvent& event : world[1].observer->events) {
    if (const auto* state = std::get_if<StateChanged>(&event)) heard += std::string(to_string(state->state)) + " ";
    if (const auto* role = std::get_if<RoleChanged>(&event)) heard += std::string(to_string(role->role)) + " ";
    if (const auto* leader = std::get_if<LeaderChanged>(&event)) heard += leader->leader ? "known " : "unknown ";
  }
  CHECK(heard == "starting running candidate leader known stopping stopped ");
}

}  // namespace libraft::test
