// Whole nodes: lifecycle and requests.
#include "node_world.hpp"
#include "support/catch.hpp"

namespace libraft::test {

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

}  // namespace libraft::test
