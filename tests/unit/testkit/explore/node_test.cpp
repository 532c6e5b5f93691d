// The model of a node: its hash tells apart what goes on differently, and its disk keeps a prefix of what was written.
#include "support/catch.hpp"

#include "testkit/explore/node_model.hpp"

using namespace libraft;
using namespace libraft::testkit::explore;

namespace {

Message vote_request(std::uint64_t from, std::uint64_t to) {
  Message message;
  message.route.from = {from};
  message.route.to = {to};
  message.body = RequestVote{{1}, {}, false};
  return message;
}

NodeModel after(NodeModel node, Happening what, const Message* message = nullptr) {
  CHECK(node.happen(what, 0, message).violation.empty());
  return node;
}

}  // namespace

TEST_CASE("the hash tells a vote that is durable from one under way and from none") {
  const NodeModel none({}, {2});
  const Message request = vote_request(1, 2);
  const NodeModel under_way = after(none, Happening::deliver, &request);
  const NodeModel durable = after(under_way, Happening::write_completes);
  CHECK(none.hash({}) != under_way.hash({}));
  CHECK(under_way.hash({}) != durable.hash({}));
}

TEST_CASE("the hash tells whom a vote went to unless names say that it is the same") {
  const Message from_one = vote_request(1, 2), from_three = vote_request(3, 2);
  const NodeModel one = after(NodeModel({}, {2}), Happening::deliver, &from_one);
  const NodeModel three = after(NodeModel({}, {2}), Happening::deliver, &from_three);
  CHECK(one.hash({}) != three.hash({}));
  CHECK(one.hash({{{1}, {3}}, {{3}, {1}}}) == three.hash({}));
  CHECK(hash_of(from_one, {{{1}, {3}}, {{3}, {1}}}) == hash_of(from_three, {}));
  CHECK(hash_of(from_one, {}) != hash_of(from_three, {}));
}

TEST_CASE("time is no part of the hash") {
  NodeModel node({}, {1});
  const NodeModel once = after(node, Happening::election_timeout);
  const NodeModel twice = after(once, Happening::election_timeout);
  CHECK_FALSE(once.core() == twice.core());
  CHECK(once.hash({}) == twice.hash({}));
}

TEST_CASE("a message leaves once the write that it rests on is done") {
  NodeModel node({}, {2});
  const Message request = vote_request(1, 2);
  CHECK(node.happen(Happening::deliver, 0, &request).sent.empty());
  CHECK(node.disk().hard_state == HardState{});
  const Outcome outcome = node.happen(Happening::write_completes, 0, nullptr);
  REQUIRE(outcome.sent.size() == 1);
  CHECK(outcome.sent[0].body == MessageBody(RequestVoteReply{{1}, true}));
  CHECK(node.disk().hard_state == HardState{{1}, NodeId{1}});
}

TEST_CASE("a crash leaves the parts of a write that are told") {
  PersistBatch batch;
  batch.hard_state = HardState{{2}, std::nullopt};
  batch.truncate_from = LogIndex{1};
  Entry entry;
  entry.id = {{1}, {2}};
  batch.entries = Entries({entry});
  REQUIRE(parts_of(batch) == 3);
  const auto written = [&](std::size_t parts) {
    Disk disk;
    disk.hard_state.term = {1};
    disk.log.append(0x11);
    write_parts(disk, batch, parts);
    return std::pair(disk.hard_state.term.value, disk.log.bits);
  };
  CHECK(written(0) == std::pair<std::uint64_t, std::uint64_t>(1, 0x11));
  CHECK(written(1) == std::pair<std::uint64_t, std::uint64_t>(2, 0x11));
  CHECK(written(2) == std::pair<std::uint64_t, std::uint64_t>(2, 0));
  CHECK(written(3) == std::pair<std::uint64_t, std::uint64_t>(2, 0x20));
}

TEST_CASE("a crash forgets what was not written") {
  NodeModel node({}, {2});
  const NodeModel fresh = node;
  const Message request = vote_request(1, 2);
  CHECK(node.happen(Happening::deliver, 0, &request).violation.empty());
  CHECK(node.happen(Happening::crash, 0, nullptr).violation.empty());
  CHECK(node.hash({}) == fresh.hash({}));
}

TEST_CASE("a packed log keeps entries and compares prefixes") {
  Entry command;
  command.id = {{1}, {3}};
  command.kind = EntryKind::command;
  command.data = command_bytes(5);
  PackedLog log;
  log.append(packed(command));
  CHECK(log.size() == 1);
  CHECK(log.term_at(1) == 3);
  CHECK(unpacked(log, 1) == command);
  CHECK(logs_match({0x3511}, {0x2511}));
  CHECK(logs_match({0x3511}, {0x11}));
  CHECK_FALSE(logs_match({0x3521}, {0x3411}));
  CHECK_FALSE(logs_match({0x12}, {0x11}));
}
