// Whole nodes: lifecycle and requests.
#include "node_world.hpp"
#include "support/catch.hpp"

namespace libraft::test {
namespace {

/// Tells where it delivers to.
struct OpenTransport final : Transport {
  OpenTransport(std::unique_ptr<Transport> wrapped, MessageSink*& where) : inner(std::move(wrapped)), sink(where) {}
  [[nodiscard]] TransportLimits limits() const override { return inner->limits(); }
  std::error_code start(const Identity& self, MessageSink& to) override {
    sink = &to;
    return inner->start(self, to);
  }
  void set_peers(std::span<const Peer> peers) override { inner->set_peers(peers); }
  void send(std::span<Message> messages) override { inner->send(messages); }
  void stop() noexcept override { inner->stop(); }

  std::unique_ptr<Transport> inner;
  MessageSink*& sink;
};

}  // namespace

TEST_CASE("a single node elects itself, applies what is proposed and answers queries") {
  NodeWorld world(1);
  world.create_and_start_all();
  Member& node = world.elect();

  const auto first = node.propose("a");
  const auto second = node.propose("b");
  world.run();
  CHECK(first->is_done());
  CHECK(first->value.reply.view() == "1");
  CHECK(second->value.reply.view() == "2");
  CHECK(second->value.index == next(first->value.index));
  CHECK(second->value.term == node.status().term);
  CHECK(node.status().applied == second->value.index);

  const auto query = node.query("");
  world.run();
  CHECK(query->is_done());
  CHECK(query->value.reply.view() == "a,b,");
  CHECK(query->value.index == second->value.index);
  CHECK(query->value.term == second->value.term);
}

TEST_CASE("three nodes elect one leader, and all apply the same commands") {
  NodeWorld world(3);
  world.create_and_start_all();
  Member& leader = world.elect();
  for (int i = 0; i < 20; ++i) leader.propose("c" + std::to_string(i));
  REQUIRE(world.run_until([&] {
    return world[1].machine->commands.size() == 20 && world[2].machine->commands.size() == 20 &&
           world[3].machine->commands.size() == 20;
  }));
  CHECK(world[1].machine->commands == world[2].machine->commands);
  CHECK(world[1].machine->commands == world[3].machine->commands);
  CHECK(world.follower_of(leader).node->leader() == leader.id);
}

TEST_CASE("messages for another node, group, cluster or incarnation are dropped") {
  NodeWorld world(3);
  MessageSink* sink = nullptr;
  world[1].wrap_transport = [&](auto inner) { return std::make_unique<OpenTransport>(std::move(inner), sink); };
  world.create_and_start_all();
  REQUIRE(sink != nullptr);
  const Identity self = world[1].status().identity;
  const auto term_after = [&](Routing route) {
    Message message{route, RequestVote{{world[1].status().term.value + 1}, {{99}, {99}}, true}};
    sink->receive({&message, 1});
    world.run();
    return world[1].status().term;
  };
  Routing right;
  right.cluster = self.cluster;
  right.group = self.group;
  right.from = {2};
  right.to = self.node;
  const Term before = world[1].status().term;
  Routing wrong = right;
  wrong.cluster.value += 1;
  CHECK(term_after(wrong) == before);
  wrong = right;
  wrong.group.value += 1;
  CHECK(term_after(wrong) == before);
  wrong = right;
  wrong.to = {3};
  CHECK(term_after(wrong) == before);
  wrong = right;
  wrong.to_incarnation.value = self.incarnation.value + 1;
  CHECK(term_after(wrong) == before);
  wrong = right;
  wrong.from = self.node;
  CHECK(term_after(wrong) == before);
  CHECK(term_after(right) == Term{before.value + 1});
}

}  // namespace libraft::test
