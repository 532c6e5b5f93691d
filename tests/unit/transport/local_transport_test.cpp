#include <libraft/error.hpp>
#include <libraft/transport/local_transport.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

using namespace libraft;

namespace {

constexpr ClusterId kCluster{7};

struct RecordingSink final : MessageSink {
  void receive(std::span<Message> messages) override {
    const std::lock_guard lock(mutex);
    calls += 1;
    for (Message& message : messages) received.push_back(std::move(message));
  }
  void peer_changed(NodeId peer, PeerEvent event) override {
    const std::lock_guard lock(mutex);
    events.emplace_back(peer.value, event);
  }

  std::mutex mutex;
  int calls = 0;
  std::vector<Message> received;
  std::vector<std::pair<std::uint64_t, PeerEvent>> events;
};

/// A started endpoint that knows the nodes 1 to 3.
struct Node {
  Node(const LocalNetwork& network, std::uint64_t number, ClusterId cluster = kCluster, GroupId group = {})
      : id{number}, transport(network.endpoint(id)) {
    REQUIRE_FALSE(transport->start({cluster, group, id, {1}}, sink));
    std::vector<Peer> peers;
    for (const std::uint64_t other : {1u, 2u, 3u}) {
      if (other != number) peers.push_back({{other}, ""});
    }
    transport->set_peers(peers);
  }

  Message message(std::uint64_t to, std::uint64_t term) const {
    Message made{{}, TimeoutNow{{term}}};
    made.route.cluster = kCluster;
    made.route.from = id;
    made.route.to = {to};
    return made;
  }
  void send(std::vector<Message> messages) { transport->send(messages); }
  void send(std::uint64_t to, std::uint64_t term) { send({message(to, term)}); }

  /// The terms of what arrived so far.
  std::vector<std::uint64_t> terms() const {
    std::vector<std::uint64_t> found;
    for (const Message& message : sink.received) found.push_back(term_of(message.body).value);
    return found;
  }

  NodeId id;
  RecordingSink sink;
  std::unique_ptr<Transport> transport;
};

using Terms = std::vector<std::uint64_t>;
using Events = std::vector<std::pair<std::uint64_t, PeerEvent>>;

}  // namespace

TEST_CASE("a message is with its receiver when send returns") {
  const LocalNetwork network;
  Node a(network, 1), b(network, 2), c(network, 3);
  const Message sent = a.message(2, 5);
  a.send({sent});
  REQUIRE(b.sink.received.size() == 1);
  CHECK(b.sink.received[0] == sent);
  CHECK(c.sink.received.empty());
  CHECK(a.sink.received.empty());
}

TEST_CASE("messages that follow each other to one node come in one call, and in order") {
  const LocalNetwork network;
  Node a(network, 1), b(network, 2), c(network, 3);
  a.send({a.message(2, 1), a.message(2, 2), a.message(3, 3), a.message(9, 4), a.message(2, 5)});
  CHECK(b.terms() == Terms{1, 2, 5});
  CHECK(b.sink.calls == 2);
  CHECK(c.terms() == Terms{3});
  a.send({});
  CHECK(b.sink.calls == 2);
}

TEST_CASE("the exchange of a route does not travel") {
  const LocalNetwork network;
  Node a(network, 1), b(network, 2);
  Message sent = a.message(2, 1);
  sent.route.exchange = 99;
  a.send({sent});
  CHECK(b.sink.received[0].route.exchange == 0);
}

TEST_CASE("clusters and groups of one network do not hear each other") {
  const LocalNetwork network;
  Node a(network, 1);
  Node b(network, 2), other_cluster(network, 2, {8}), other_group(network, 2, kCluster, {1});
  a.send(2, 1);
  Message foreign = a.message(2, 2);
  foreign.route.cluster = {8};
  Message foreign_group = a.message(2, 3);
  foreign_group.route.group = {1};
  a.send({foreign, foreign_group});
  CHECK(b.terms() == Terms{1});
  CHECK(other_cluster.terms().empty());
  CHECK(other_group.terms().empty());
}

TEST_CASE("one endpoint of an id is started at a time") {
  const LocalNetwork network;
  const auto first = network.endpoint({1});
  const auto second = network.endpoint({1});
  RecordingSink sink;
  REQUIRE_FALSE(first->start({kCluster, {}, {1}, {}}, sink));
  CHECK(first->start({kCluster, {}, {1}, {}}, sink) == errc::invalid_argument);
  CHECK(second->start({kCluster, {}, {1}, {}}, sink) == std::errc::address_in_use);
  second->stop();
  CHECK(second->start({kCluster, {}, {2}, {}}, sink) == errc::invalid_argument);
  first->stop();
  CHECK_FALSE(second->start({kCluster, {}, {1}, {}}, sink));
}

TEST_CASE("a stopped endpoint receives nothing, and its successor does") {
  const LocalNetwork network;
  Node a(network, 1);
  {
    Node b(network, 2);
    b.transport->stop();
    b.transport->stop();
    a.send(2, 1);
    b.send(1, 1);
    CHECK(b.terms().empty());
    CHECK(a.terms().empty());
  }
  Node again(network, 2);
  a.send(2, 2);
  CHECK(again.terms() == Terms{2});
}

TEST_CASE("peers are told who stops and starts, once each") {
  const LocalNetwork network;
  Node a(network, 1);
  CHECK(a.sink.events.empty());
  a.send({a.message(2, 1), a.message(2, 2), a.message(9, 3)});
  CHECK(a.sink.events == Events{{2, PeerEvent::unreachable}});
  Node b(network, 2);
  a.send(2, 4);
  CHECK(a.sink.events == Events{{2, PeerEvent::unreachable}, {2, PeerEvent::reachable}});
  b.transport->stop();
  a.send(2, 5);
  CHECK(a.sink.events == Events{{2, PeerEvent::unreachable}, {2, PeerEvent::reachable}, {2, PeerEvent::unreachable}});
  CHECK(b.sink.events.empty());
}

TEST_CASE("a disconnected node is silent in both directions until it is reconnected") {
  const LocalNetwork network;
  Node a(network, 1), b(network, 2), c(network, 3);
  network.disconnect(NodeId{2});
  a.send(2, 1);
  b.send(1, 2);
  c.send(1, 3);
  CHECK(b.terms().empty());
  CHECK(a.terms() == Terms{3});
  CHECK(a.sink.events.empty());
  network.reconnect(NodeId{2});
  a.send(2, 4);
  b.send(1, 5);
  CHECK(b.terms() == Terms{4});
  CHECK(a.terms() == Terms{3, 5});
}

TEST_CASE("a cut link loses one direction, and is not mended with its node") {
  const LocalNetwork network;
  Node a(network, 1), b(network, 2);
  network.disconnect(LocalNetwork::Link{{1}, {2}});
  network.disconnect(NodeId{2});
  network.reconnect(NodeId{2});
  a.send(2, 1);
  b.send(1, 2);
  CHECK(b.terms().empty());
  CHECK(a.terms() == Terms{2});
  network.reconnect(LocalNetwork::Link{{1}, {2}});
  a.send(2, 3);
  CHECK(b.terms() == Terms{3});
  network.disconnect(LocalNetwork::Link{{1}, {2}});
  network.disconnect(NodeId{1});
  network.reconnect_all();
  a.send(2, 4);
  CHECK(b.terms() == Terms{3, 4});
}

TEST_CASE("the drop filter chooses by message") {
  const LocalNetwork network;
  Node a(network, 1), b(network, 2);
  network.drop_if([](const Message& message) { return term_of(message.body).value % 2 == 0; });
  a.send({a.message(2, 1), a.message(2, 2), a.message(2, 3)});
  CHECK(b.terms() == Terms{1, 3});
  network.drop_if({});
  a.send(2, 4);
  CHECK(b.terms() == Terms{1, 3, 4});
}

TEST_CASE("with encode_messages a message arrives as the codec wrote it, and one it can't carry is dropped") {
  LocalNetworkOptions options;
  options.encode_messages = true;
  const LocalNetwork network(options);
  Node a(network, 1), b(network, 2);
  const std::string text = "a command";
  const Bytes command(text);
  Message good = a.message(2, 1);
  good.body = AppendEntries{{1}, {}, Entries({{{{1}, {1}}, EntryKind::command, command}}), {}, 0};
  Message bad = a.message(2, 2);
  bad.body = AppendEntries{{2}, {}, Entries({{{{1}, {1}}, EntryKind{77}, command}}), {}, 0};
  a.send({good, bad});
  REQUIRE(b.sink.received.size() == 1);
  CHECK(b.sink.received[0] == good);
  const auto& arrived = std::get<AppendEntries>(b.sink.received[0].body);
  CHECK(arrived.entries.front().data.view().data() != command.view().data());
  CHECK(a.sink.events == Events{{2, PeerEvent::dropped}});
}

TEST_CASE("limits are those of the network") {
  LocalNetworkOptions options;
  options.limits = {1000, 3};
  const auto transport = LocalNetwork(options).endpoint({1});
  CHECK(transport->limits().message_bytes_max == 1000);
  CHECK(transport->limits().in_flight_max == 3);
}

TEST_CASE("an endpoint outlives the network's handle") {
  auto network = std::make_unique<LocalNetwork>();
  Node a(*network, 1), b(*network, 2);
  network.reset();
  a.send(2, 1);
  CHECK(b.terms() == Terms{1});
}

TEST_CASE("after stop returns the sink is not called, whoever is sending") {
  const LocalNetwork network;
  std::atomic<bool> done = false;
  std::vector<std::thread> senders;
  for (const std::uint64_t id : {1u, 3u}) {
    senders.emplace_back([&network, &done, id] {
      RecordingSink sink;
      const auto transport = network.endpoint({id});
      if (transport->start({kCluster, {}, {id}, {}}, sink)) return;
      const std::vector<Peer> peers{{{2}, ""}};
      transport->set_peers(peers);
      while (!done) {
        std::vector<Message> messages(2, Message{{kCluster, {}, {id}, {2}, {}, {}, 0}, TimeoutNow{{1}}});
        transport->send(messages);
      }
    });
  }
  struct PlainSink final : MessageSink {
    void receive(std::span<Message> messages) override { received += messages.size(); }
    void peer_changed(NodeId, PeerEvent) override {}
    std::atomic<std::size_t> received = 0;
  };
  for (int round = 0; round < 50; ++round) {
    auto sink = std::make_unique<PlainSink>();
    const auto transport = network.endpoint({2});
    REQUIRE_FALSE(transport->start({kCluster, {}, {2}, {}}, *sink));
    while (sink->received < 10) std::this_thread::yield();
    transport->stop();
    sink.reset();  // freed memory: a late call is a report of the sanitizers
  }
  done = true;
  for (std::thread& sender : senders) sender.join();
}
