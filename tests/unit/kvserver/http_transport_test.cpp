#include "transport/http_transport.hpp"

#include "api/listener.hpp"
#include "api/raft_api.hpp"
#include "kv/node_names.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace kvserver;
using libraft::AppendEntries;
using libraft::AppendEntriesReply;
using libraft::Bytes;
using libraft::Entries;
using libraft::EntryKind;
using libraft::Message;
using libraft::NodeId;
using libraft::PeerEvent;
using libraft::RequestVote;
using libraft::RequestVoteReply;
using libraft::Term;
using std::chrono::milliseconds;

constexpr libraft::ClusterId kCluster{77};
constexpr std::chrono::seconds kPatience{20};  // spent only by a test that fails

// A node's inbox: what came, and a wait for it.
class Inbox final : public libraft::MessageSink {
 public:
  void receive(std::span<Message> messages) override {
    for (Message& message : messages) {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(message));
    }
    changed_.notify_all();
  }
  void peer_changed(NodeId peer, PeerEvent event) override {
    const std::lock_guard lock(mutex_);
    events_.emplace_back(peer, event);
    changed_.notify_all();
  }

  std::optional<Message> next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return !messages_.empty(); })) return std::nullopt;
    Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  // Waits for the event; true when it came.
  bool saw(NodeId peer, PeerEvent event) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] {
      return std::find(events_.begin(), events_.end(), std::pair(peer, event)) != events_.end();
    });
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> messages_;
  std::vector<std::pair<NodeId, PeerEvent>> events_;
};

// A node's log, and a wait for a line of it.
class Lines final : public libraft::Logger {
 public:
  bool is_enabled(libraft::LogLevel) const noexcept override { return true; }
  void log(libraft::LogLevel, std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
    changed_.notify_all();
  }
  // True when a line that ends so came.
  bool saw(std::string_view end) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] {
      return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) { return line.ends_with(end); });
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

// A node without a core: names, transport, Raft port and inbox.
struct Node {
  explicit Node(const std::string& name, HttpTransportOptions options = {}, std::uint16_t port = 0,
                const std::string& address = test::own_address())
      : id(node_id_of(name)),
        names(*NodeNames::table_of({"a", "b", "c"}, clash)),
        transport(with(std::move(options), name), names),
        server(raft_server_options(address, port)) {
    install_raft_api(server, transport, [] { return json_reply(200, R"({"state":"follower"})"); });
    REQUIRE_FALSE(server.start());
    REQUIRE_FALSE(transport.start({kCluster, {}, id, {id.value + 1}}, inbox));
  }
  ~Node() {
    transport.stop();
    server.stop();
  }

  static HttpTransportOptions with(HttpTransportOptions options, const std::string& name) {
    options.name = name;
    options.display_name = "node " + name;
    options.client_url = "http://clients-of-" + name + ":80";
    return options;
  }

  std::string url() const { return url_of(server.port()); }
  static std::string url_of(std::uint16_t port) { return "http://" + test::own_address() + ":" + std::to_string(port); }
  Message request_to(const Node& other, libraft::MessageBody body) const {
    return request_to(other.id, std::move(body));
  }
  Message request_to(NodeId other, libraft::MessageBody body) const {
    Message message;
    message.route.cluster = kCluster;
    message.route.from = id;
    message.route.to = other;
    message.route.from_incarnation = {id.value + 1};
    message.body = std::move(body);
    return message;
  }
  static Message reply_to(const Message& request, libraft::MessageBody body) {
    Message reply;
    reply.route = request.route;
    std::swap(reply.route.from, reply.route.to);
    reply.route.from_incarnation = {reply.route.from.value + 1};
    reply.route.to_incarnation = request.route.from_incarnation;
    reply.body = std::move(body);
    return reply;
  }
  void send(Message message) { transport.send({&message, 1}); }
  void peers(std::vector<libraft::Peer> all) { transport.set_peers(all); }

  NodeId id;
  std::string clash;
  NodeNames names;
  Inbox inbox;
  HttpTransport transport;
  HttpServer server;
};

AppendEntries append_of(Term term, std::size_t bytes) {
  return {term, {{4}, term}, Entries({{{{5}, term}, EntryKind::command, Bytes(std::string(bytes, 'x'))}}), {}, 0};
}

TEST_CASE("HttpTransport carries a request to its peer and the reply back") {
  Node a("a");
  Node b("b");
  a.peers({{a.id, a.url()}, {b.id, b.url()}});
  a.send(a.request_to(b, RequestVote{{3}, {{9}, {2}}, true}));
  const auto request = b.inbox.next();
  REQUIRE(request);
  CHECK(request->route.exchange != 0);
  Message expected = a.request_to(b, RequestVote{{3}, {{9}, {2}}, true});
  expected.route.exchange = request->route.exchange;
  CHECK(*request == expected);
  b.send(Node::reply_to(*request, RequestVoteReply{{3}, true}));
  const auto reply = a.inbox.next();
  REQUIRE(reply);
  CHECK(reply->body == libraft::MessageBody(RequestVoteReply{{3}, true}));
  CHECK(reply->route.from == b.id);
  CHECK(reply->route.from_incarnation == libraft::Incarnation{b.id.value + 1});
  CHECK(reply->route.to_incarnation == libraft::Incarnation{a.id.value + 1});
  CHECK(reply->route.exchange == 0);
  // Both learned what the other calls itself, and where its clients go.
  CHECK(b.names.card(a.id) == NodeCard{"a", "node a", "http://clients-of-a:80"});
  CHECK(a.names.card(b.id) == NodeCard{"b", "node b", "http://clients-of-b:80"});
}

TEST_CASE("HttpTransport introduces followers to each other with heartbeats") {
  Node a("a");
  Node b("b");
  a.peers({{b.id, b.url()}});
  a.names.learn(a.id, "of itself", "http://itself:80");
  a.names.learn(b.id, "of the receiver", "http://receiver:80");
  a.names.learn(node_id_of("c"), "node c", "http://clients-of-c:80");
  a.send(a.request_to(b, append_of({3}, 10)));
  REQUIRE(b.inbox.next());
  CHECK(b.names.client_url(node_id_of("c")).empty());
  a.send(a.request_to(b, AppendEntries{{3}, {}, {}, {}, 0}));
  REQUIRE(b.inbox.next());
  CHECK(b.names.card(node_id_of("c")) == NodeCard{"c", "node c", "http://clients-of-c:80"});
  CHECK(b.names.card(a.id) == NodeCard{"a", "node a", "http://clients-of-a:80"});
  CHECK(b.names.card(b.id) == NodeCard{"b", "b", ""});
}

TEST_CASE("HttpTransport answers a node that is no peer") {
  Node a("a");
  Node stranger("stranger");
  stranger.peers({{a.id, a.url()}});
  stranger.send(stranger.request_to(a, RequestVote{{3}, {}, false}));
  const auto request = a.inbox.next();
  REQUIRE(request);
  CHECK(request->route.from == stranger.id);
  a.send(Node::reply_to(*request, RequestVoteReply{{3}, false}));
  CHECK(stranger.inbox.next());
}

TEST_CASE("HttpTransport: votes and heartbeats overtake entries that are stuck") {
  Node a("a");
  Node b("b");
  a.peers({{b.id, b.url()}});
  a.send(a.request_to(b, append_of({3}, 1 << 20)));
  const auto stuck = b.inbox.next();
  REQUIRE(stuck);  // b does not reply to it: its connection waits
  a.send(a.request_to(b, append_of({3}, 10)));
  a.send(a.request_to(b, AppendEntries{{3}, {}, {}, {}, 0}));
  const auto heartbeat = b.inbox.next();
  REQUIRE(heartbeat);
  CHECK(std::get<AppendEntries>(heartbeat->body).entries.empty());
  b.send(Node::reply_to(*heartbeat, AppendEntriesReply{{3}, true, {}, {}, {}, 0}));
  CHECK(a.inbox.next());
  b.send(Node::reply_to(*stuck, AppendEntriesReply{{3}, true, {5}, {}, {}, 0}));
  CHECK(a.inbox.next());
  const auto next = b.inbox.next();
  REQUIRE(next);
  CHECK(std::get<AppendEntries>(next->body).entries.size() == 1);
}

TEST_CASE("HttpTransport tells of peers that can't be reached, and of those that can again") {
  Node a("a");
  std::uint16_t port = 0;
  {
    const Node b("b");
    port = b.server.port();
  }
  const NodeId b_id = node_id_of("b");
  a.peers({{b_id, Node::url_of(port)}});
  a.send(a.request_to(b_id, append_of({3}, 10)));
  CHECK(a.inbox.saw(b_id, PeerEvent::unreachable));
  CHECK(a.inbox.saw(b_id, PeerEvent::dropped));
  Node b("b", {}, port);
  a.send(a.request_to(b, RequestVote{{3}, {}, false}));
  const auto request = b.inbox.next();
  REQUIRE(request);
  b.send(Node::reply_to(*request, RequestVoteReply{{3}, true}));
  CHECK(a.inbox.saw(b_id, PeerEvent::reachable));
}

TEST_CASE("HttpTransport finds a peer again that was restarted, with the first message") {
  Node a("a");
  auto b = std::make_unique<Node>("b");
  const std::uint16_t port = b->server.port();
  a.peers({{b->id, b->url()}});
  for (int life = 0; life < 3; ++life) {
    a.send(a.request_to(*b, RequestVote{{3}, {}, false}));
    const auto request = b->inbox.next();
    REQUIRE(request);
    b->send(Node::reply_to(*request, RequestVoteReply{{3}, true}));
    REQUIRE(a.inbox.next());
    b.reset();
    b = std::make_unique<Node>("b", HttpTransportOptions{}, port);
  }
}

TEST_CASE("HttpTransport takes addresses from the configuration before stored ones, and new ones when they change") {
  Node b("b");
  Node c("c", {}, 0, "127.0.0.1");
  HttpTransportOptions options;
  options.urls[b.id] = b.url() + "/";
  Node a("a", options);
  a.peers({{b.id, "http://127.0.0.1:1"}, {c.id, "no address"}});
  a.send(a.request_to(b, RequestVote{{3}, {}, false}));
  CHECK(b.inbox.next());
  a.send(a.request_to(c, RequestVote{{3}, {}, false}));
  CHECK(a.inbox.saw(c.id, PeerEvent::unreachable));
  a.peers({{c.id, "http://localhost:" + std::to_string(c.server.port())}});
  a.send(a.request_to(c, RequestVote{{4}, {}, false}));
  CHECK(c.inbox.next());
  a.send(a.request_to(b, RequestVote{{3}, {}, false}));  // no peer any more: dropped
}

TEST_CASE("HttpTransport bounds what waits for a peer that hangs") {
  Node a("a");
  Node b("b");
  a.peers({{b.id, b.url()}});
  a.send(a.request_to(b, append_of({3}, 1)));
  REQUIRE(b.inbox.next());
  for (int i = 0; i < 100; ++i) a.send(a.request_to(b, append_of({3}, 1 << 20)));
  CHECK(a.inbox.saw(b.id, PeerEvent::saturated));
  CHECK(a.inbox.saw(b.id, PeerEvent::dropped));
}

TEST_CASE("HttpTransport::stop ends waits on both sides, and nothing is received after it") {
  Node a("a");
  Node b("b");
  a.peers({{b.id, b.url()}});
  b.peers({{a.id, a.url()}});
  a.send(a.request_to(b, append_of({3}, 10)));
  a.send(a.request_to(b, RequestVote{{3}, {}, false}));
  REQUIRE(b.inbox.next());
  const auto late = b.inbox.next();
  REQUIRE(late);
  a.transport.stop();
  b.send(Node::reply_to(*late, RequestVoteReply{{3}, true}));
  b.send(b.request_to(a, RequestVote{{4}, {}, false}));
  b.transport.stop();
  CHECK(a.inbox.count() == 0);
  a.transport.stop();
  REQUIRE_FALSE(a.transport.start({kCluster, {}, a.id, {1}}, a.inbox));  // and it can be started again
  CHECK(a.transport.start({kCluster, {}, a.id, {1}}, a.inbox));          // but not twice
}

struct Refused {
  int status;
  std::string word;
};

// What `to` says to a request that was changed on its way.
Refused post(Node& to, Message message, std::string_view path = {}) {
  WireMessage wire;
  wire.message = std::move(message);
  wire.request_id = 1;
  const WireNames names(to.names);
  if (path.empty()) path = path_of(wire.message.body);
  const HttpReply reply = to.transport.receive(path, *write_message(wire, names));
  const std::string mark = R"("error":")";
  const std::size_t at = reply.body.find(mark);
  if (at == std::string::npos) return {reply.status, {}};
  const std::size_t begin = at + mark.size();
  return {reply.status, reply.body.substr(begin, reply.body.find('"', begin) - begin)};
}

TEST_CASE("HttpTransport refuses requests that are not for this node, and they change nothing") {
  Node a("a");
  Node b("b");
  const Message good = a.request_to(b, RequestVote{{3}, {}, false});
  const auto check = [&](const Message& message, int status, const std::string& word) {
    const Refused refused = post(b, message);
    CHECK(refused.status == status);
    CHECK(refused.word == word);
  };
  Message changed = good;
  changed.route.cluster = {78};
  check(changed, 403, "wrong_cluster");
  changed = good;
  changed.route.group = {1};
  check(changed, 403, "wrong_cluster");
  changed = good;
  changed.route.to = node_id_of("c");
  check(changed, 421, "wrong_receiver");
  changed = good;
  changed.route.to_incarnation = {12345};
  check(changed, 421, "wrong_receiver");
  changed = good;
  changed.route.from = b.id;
  check(changed, 409, "same_id");
  CHECK(b.transport.receive("/raft/requestvote", "{}").status == 400);
  CHECK(post(b, good, "/raft/appendentries").status == 400);
  CHECK(b.inbox.count() == 0);
  CHECK(b.names.card(a.id)->client_url.empty());
  b.transport.stop();
  check(good, 503, "not_running");
}

TEST_CASE("HttpTransport answers 503 when the node does not reply in time") {
  HttpTransportOptions hasty;
  hasty.control_reply_patience = milliseconds(20);
  hasty.bulk_reply_patience = milliseconds(20);
  Node a("a");
  Node b("b", hasty);
  CHECK(post(b, a.request_to(b, RequestVote{{3}, {}, false})).word == "timeout");
  CHECK(post(b, a.request_to(b, append_of({3}, 10))).word == "timeout");
  const auto late = b.inbox.next();
  REQUIRE(late);
  b.send(Node::reply_to(*late, RequestVoteReply{{3}, true}));  // belongs to nobody any more
  Message unknown = Node::reply_to(*late, RequestVoteReply{{3}, true});
  unknown.route.exchange = 999;
  b.send(unknown);
}

TEST_CASE("HttpTransport does not take a reply that belongs to another request for its own") {
  // A peer that answers everything with one and the same reply. What its handler reads outlives the server.
  std::string same;
  HttpServer liar(HttpServerOptions{});
  liar.route("POST", "/raft/requestvote", [&](const HttpRequest&) { return json_reply(200, same); });
  Lines log;
  HttpTransportOptions options;
  options.logger = &log;
  Node a("a", options);
  Node b("b");
  WireMessage wire;
  wire.message = Node::reply_to(a.request_to(b, RequestVote{}), RequestVoteReply{{3}, true});
  wire.request_id = 999;
  same = *write_message(wire, WireNames(a.names));
  REQUIRE_FALSE(liar.start());
  a.peers({{b.id, "http://127.0.0.1:" + std::to_string(liar.port())}, {node_id_of("c"), "http://127.0.0.1:1"}});
  a.send(a.request_to(b, append_of({3}, 1)));
  CHECK(a.inbox.saw(b.id, PeerEvent::dropped));  // 404 from the liar
  a.send(a.request_to(b, RequestVote{{3}, {}, false}));
  REQUIRE(log.saw("the reply belongs to another request"));
  CHECK(a.inbox.count() == 0);
}

}  // namespace
