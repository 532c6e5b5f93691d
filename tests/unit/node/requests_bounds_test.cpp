// How much a node takes on, and where it waits: bounds of requests, and the gauges that show them.
#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

namespace libraft::test {

TEST_CASE("requests beyond the inbox's bound end as overloaded, and those within it are served") {
  NodeWorld world(1, [](NodeOptions& options) { options.inbox_messages_max = 4; });
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  std::vector<Future<Applied>> proposals;
  for (int i = 0; i < 6; ++i) proposals.push_back(node.propose("x"));
  world.run();
  for (std::size_t i = 0; i < 4; ++i) CHECK(proposals[i]->is_done());
  for (std::size_t i = 4; i < 6; ++i) CHECK(proposals[i]->error == errc::overloaded);
}

TEST_CASE("a stop comes through a full inbox and counts for nobody's place in it") {
  NodeWorld world(1, [](NodeOptions& options) { options.inbox_messages_max = 4; });
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  std::vector<Future<Applied>> proposals;
  for (int i = 0; i < 6; ++i) proposals.push_back(node.propose("x"));
  const auto stopped = node.stop();
  world.run();
  CHECK(stopped->is_done());
  CHECK(node.node->gauges().requests.count == 4);
}

TEST_CASE("queries that nobody waits for any more keep their places while the state machine is stuck") {
  NodeWorld world(1, [](NodeOptions& options) { options.inbox_messages_max = 4; });
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  node.runtime->block(Lane::apply);
  std::vector<Future<Applied>> late;
  for (int i = 0; i < 4; ++i) late.push_back(node.query("", Consistency::local));
  world.run();
  CHECK(node.node->gauges().queries == 4);
  CHECK(node.node->gauges().requests_waiting == 4);
  world.pass(4s);
  for (const auto& query : late) CHECK(query->error == errc::not_caught_up);
  CHECK(node.node->gauges().requests_waiting == 0);
  CHECK(node.node->gauges().queries == 4);
  const auto refused = node.query("", Consistency::local);
  world.run();
  CHECK(refused->error == errc::overloaded);
  node.runtime->block(Lane::apply, false);
  world.run();
  CHECK(node.node->gauges().queries == 0);
  const auto served = node.query("", Consistency::local);
  world.run();
  CHECK(served->is_done());
}

TEST_CASE("gauges show what waits in a node and for what") {
  NodeWorld world(1, [](NodeOptions& options) { options.write_bytes_max = 1; });
  world.create_and_start_all();
  Member& node = world.elect();
  world.run();
  CHECK(node.node->gauges().write == node::Fill{});
  node.runtime->block(Lane::storage);
  for (int i = 0; i < 3; ++i) node.propose("x");
  world.run();
  const std::size_t each = 1 + kEntryOverheadBytes;
  const node::Gauges writing = node.node->gauges();
  CHECK(writing.requests == node::Fill{3, 3 * each});
  CHECK(writing.write == node::Fill{1, each});
  CHECK(writing.unwritten == node::Fill{2, 2 * each});
  CHECK(writing.requests_waiting == 3);
  CHECK(writing.apply == node::Fill{});
  node.runtime->block(Lane::apply);
  node.runtime->block(Lane::storage, false);
  world.run();
  const node::Gauges applying = node.node->gauges();
  CHECK(applying.write == node::Fill{});
  CHECK(applying.unwritten == node::Fill{});
  CHECK(applying.apply.count + applying.unapplied.count == 3);
  CHECK(applying.apply.bytes + applying.unapplied.bytes == 3 * each);
  node.runtime->block(Lane::apply, false);
  world.run();
  CHECK(node.node->gauges().apply == node::Fill{});
  CHECK(node.node->gauges().unapplied == node::Fill{});
}

}  // namespace libraft::test
