#include "node/send_pipeline.hpp"

#include "support/catch.hpp"

#include <vector>

namespace libraft::test {
namespace {

struct RecordingTransport final : Transport {
  [[nodiscard]] TransportLimits limits() const override { return {}; }
  std::error_code start(const Identity&, MessageSink&) override { return {}; }
  void set_peers(std::span<const Peer>) override {}
  void send(std::span<Message> messages) override { calls.emplace_back(messages.begin(), messages.end()); }
  void stop() noexcept override {}

  std::vector<std::vector<Message>> calls;
};

struct SendFixture {
  Outgoing vote_request(Term term, PersistId after, std::uint64_t to = 2) {
    Outgoing outgoing;
    outgoing.message.route.to = NodeId{to};
    outgoing.message.body = RequestVote{term, {}, false};
    outgoing.after = after;
    return outgoing;
  }
  std::size_t sent() {
    sender.flush();
    std::size_t count = 0;
    for (const auto& call : transport.calls) count += call.size();
    return count;
  }

  RecordingTransport transport;
  Metrics metrics;
  node::SendPipeline sender{transport, Identity{ClusterId{7}, GroupId{8}, NodeId{1}, Incarnation{9}}, metrics};
};

}  // namespace

TEST_CASE_METHOD(SendFixture, "a message leaves only when the write that it rests on is durable") {
  sender.submit(vote_request({1}, {2}));
  CHECK(sent() == 0);
  sender.on_persisted({1});
  CHECK(sent() == 0);
  sender.on_persisted({2});
  CHECK(sent() == 1);
  CHECK(metrics.messages_sent == 1);
}

TEST_CASE_METHOD(SendFixture, "a message that rests on nothing overtakes those that wait") {
  sender.submit(vote_request({1}, {2}));
  sender.submit(vote_request({1}, {0}));
  CHECK(sent() == 1);
  CHECK(sender.held() == 1);
}

TEST_CASE_METHOD(SendFixture, "messages released together go in one call and in order") {
  for (std::uint64_t to = 2; to < 6; ++to) sender.submit(vote_request({1}, {to < 4 ? 1u : 2u}, to));
  sender.on_persisted({2});
  sender.flush();
  REQUIRE(transport.calls.size() == 1);
  REQUIRE(transport.calls[0].size() == 4);
  for (std::size_t at = 0; at < 4; ++at) CHECK(transport.calls[0][at].route.to == NodeId{at + 2});
}

TEST_CASE_METHOD(SendFixture, "held messages of an older term are dropped, those of the new term stay") {
  sender.submit(vote_request({1}, {2}));
  sender.submit(vote_request({2}, {2}));
  sender.drop_older_than({2});
  sender.on_persisted({2});
  CHECK(sent() == 1);
  CHECK(term_of(transport.calls[0][0].body) == Term{2});
}

TEST_CASE_METHOD(SendFixture, "messages carry who sent them") {
  sender.submit(vote_request({1}, {0}));
  sender.flush();
  const Routing& route = transport.calls.at(0).at(0).route;
  CHECK(route.cluster == ClusterId{7});
  CHECK(route.group == GroupId{8});
  CHECK(route.from == NodeId{1});
  CHECK(route.from_incarnation == Incarnation{9});
}

}  // namespace libraft::test
