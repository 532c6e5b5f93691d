#include "transport/message_json.hpp"

#include "kv/node_names.hpp"
#include "support/catch.hpp"
#include "transport/wire_names.hpp"
#include "unit/codec/samples.hpp"

#include <random>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace {

using namespace kvserver;
using namespace libraft;
using Outcome = std::variant<WireMessage, MessageRefused>;

struct MessageFixture {
  std::string clash;
  NodeNames members{*NodeNames::table_of({"node-1", "node-2"}, clash)};
  WireNames names{members};

  // A message as it is read again: a reply as the answer to a request of the right kind.
  Outcome read(const WireMessage& wire, std::string_view body) const {
    const std::size_t index = wire.message.body.index();
    if (is_request(wire.message.body)) return read_request(path_of(wire.message.body), body, names);
    for (const Message& request : test::sample_messages()) {
      if (request.body.index() == index - 1) return read_reply(request.body, body, names);
    }
    throw std::logic_error("no request of this kind");
  }
};

WireMessage wrap(Message message) {
  WireMessage wire;
  wire.message = std::move(message);
  wire.request_id = 42;
  wire.display_name = "n1 é";
  wire.client_url = "http://localhost:8081";
  return wire;
}

std::vector<WireMessage> samples() {
  std::vector<WireMessage> wires;
  for (Message message : test::sample_messages()) {
    message.route.from = node_id_of("node-1");
    wires.push_back(wrap(std::move(message)));
  }
  return wires;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

TEST_CASE("every kind of message comes back from JSON as it was") {
  const MessageFixture given;
  for (const WireMessage& wire : samples()) {
    const auto body = write_message(wire, given.names);
    REQUIRE(body);
    CAPTURE(*body);
    const Outcome outcome = given.read(wire, *body);
    REQUIRE(std::holds_alternative<WireMessage>(outcome));
    WireMessage expected = wire;
    expected.name = "node-1";
    CHECK(std::get<WireMessage>(outcome) == expected);
  }
}

TEST_CASE("an append is written with the names that people know") {
  const MessageFixture given;
  Routing route;
  route.cluster = {0xabc};
  route.from = node_id_of("node-1");
  route.to = node_id_of("node-2");
  route.from_incarnation = {255};
  route.exchange = 77;  // never sent
  const Entries entries({{{{4}, {2}}, EntryKind::noop, Bytes()},
                         {{{5}, {2}}, EntryKind::command, Bytes("text \"é\"")},
                         {{{6}, {2}}, EntryKind::command, Bytes("\xff\x01")}});
  const auto body = write_message(wrap({route, AppendEntries{{2}, {{3}, {1}}, entries, {3}, 8}}), given.names);
  CHECK(
      body ==
      R"({"version":1,"cluster":"0000000000000abc","group":0,"requestId":42,"from":"node-1","to":"node-2",)"
      R"("fromIncarnation":"00000000000000ff","toIncarnation":"0000000000000000","displayName":"n1 é",)"
      R"("clientUrl":"http://localhost:8081","term":2,"leaderId":"node-1","prevLogIndex":3,"prevLogTerm":1,"entries":[)"
      R"({"index":4,"term":2,"kind":"noop"},{"index":5,"term":2,"kind":"command","command":"text \"é\""},)"
      R"({"index":6,"term":2,"kind":"command","command":"/wE=","encoding":"base64"}],)"
      R"("leaderCommit":3,"readSequence":8})");
}

TEST_CASE("what a node says of third ones comes back as it was") {
  const MessageFixture given;
  WireMessage wire = samples()[4];
  wire.introductions = {{"node-2", "n2", "http://localhost:8082"}, {"node-3", "", ""}};
  const auto body = write_message(wire, given.names);
  REQUIRE(body);
  const Outcome outcome = given.read(wire, *body);
  REQUIRE(std::holds_alternative<WireMessage>(outcome));
  CHECK(std::get<WireMessage>(outcome).introductions == wire.introductions);
  for (const char* broken :
       {R"("introduces":[{"displayName":"n2")", R"("introduces":[7,{"id":"x","displayName":"n2")"}) {
    const std::string text = replaced(*body, R"("introduces":[{"id":"node-2","displayName":"n2")", broken);
    CHECK(std::holds_alternative<MessageRefused>(given.read(wire, text)));
  }
}

TEST_CASE("ids without a known name are written as numbers") {
  MessageFixture given;
  const NodeId stranger = node_id_of("stranger");
  CHECK(given.names.name_of(stranger) == "#" + to_hex(stranger.value));
  CHECK(given.names.id_of(given.names.name_of(stranger)) == stranger);
  given.names.remember("stranger");
  CHECK(given.names.name_of(stranger) == "stranger");
  CHECK(given.names.id_of("stranger") == stranger);
  CHECK(given.names.id_of("") == NodeId{});
  CHECK(given.names.id_of("#12") == node_id_of("#12"));
}

TEST_CASE("bodies of another version or with unknown kinds are refused by name") {
  const MessageFixture given;
  const WireMessage wire = samples()[4];
  const std::string body = *write_message(wire, given.names);
  const auto refusal = [&](const std::string& text) {
    const Outcome outcome = given.read(wire, text);
    REQUIRE(std::holds_alternative<MessageRefused>(outcome));
    return std::get<MessageRefused>(outcome);
  };
  const MessageRefused version = refusal(replaced(body, R"("version":1)", R"("version":2)"));
  CHECK(version.word == "unsupported_version");
  CHECK(version.sentence == "`version` 2 is not known; this release speaks 1");
  const MessageRefused kind = refusal(replaced(body, R"("kind":"noop")", R"("kind":"session")"));
  CHECK(kind.word == "unknown_kind");
  CHECK(kind.sentence == "`entries[0].kind` \"session\" is not known to this release");
}

TEST_CASE("malformed bodies are refused with what is wrong") {
  const MessageFixture given;
  const WireMessage wire = samples()[4];
  const std::string body = *write_message(wire, given.names);
  const auto refused = [&](const std::string& text) {
    CAPTURE(text);
    const Outcome outcome = given.read(wire, text);
    REQUIRE(std::holds_alternative<MessageRefused>(outcome));
    CHECK(std::get<MessageRefused>(outcome).word == "malformed");
    return std::get<MessageRefused>(outcome).sentence;
  };
  refused("");
  refused("[]");
  refused("{}");
  refused("null");
  refused(body + "x");
  refused(body.substr(0, body.size() - 1));
  CHECK(refused(replaced(body, R"("term":5,)", "")) == "`term` is missing");
  refused(replaced(body, R"("term":5)", R"("term":-5)"));
  refused(replaced(body, R"("term":5)", R"("term":"5")"));
  refused(replaced(body, R"("term":5)", R"("term":0.0000000000000001e-2147483639)"));
  refused(replaced(body, R"("term":5)", R"("term":18446744073709551616)"));
  refused(replaced(body, R"("term":5)", R"("term":5,"term":5)"));
  refused(replaced(body, R"("cluster":"01)", R"("cluster":"0x)"));
  refused(replaced(body, R"("from":"node-1")", R"("from":"")"));
  refused(replaced(body, R"("leaderId":"node-1")", R"("leaderId":"node-2")"));
  refused(replaced(body, R"("encoding":"base64")", R"("encoding":"hex")"));
  refused(replaced(body, R"("index":128)", R"("index":127)"));
  refused(replaced(body, R"("displayName":"n1)", R"("displayName":")" + std::string(2000, 'n')));
  const WireMessage chunk = samples()[8];
  const Outcome beyond =
      given.read(chunk, replaced(*write_message(chunk, given.names), R"("offset":256)", R"("offset":1048576)"));
  CHECK(std::holds_alternative<MessageRefused>(beyond));
}

TEST_CASE("a reply must be of the kind that was asked for") {
  const MessageFixture given;
  for (const WireMessage& wire : samples()) {
    if (is_request(wire.message.body)) continue;
    const std::string body = *write_message(wire, given.names);
    for (const WireMessage& request : samples()) {
      if (!is_request(request.message.body)) continue;
      const Outcome outcome = read_reply(request.message.body, body, given.names);
      const auto* read = std::get_if<WireMessage>(&outcome);
      // What is accepted has the kind that belongs to the request, whatever was sent.
      if (read != nullptr) CHECK(read->message.body.index() == request.message.body.index() + 1);
    }
  }
  CHECK(std::holds_alternative<MessageRefused>(
      read_reply(RequestVote{}, *write_message(samples()[1], given.names), given.names)));  // a PreVoteReply
}

TEST_CASE("bodies damaged at random are refused or read, never worse") {
  const MessageFixture given;
  std::mt19937_64 random(20260101);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  std::size_t refused = 0;
  for (const WireMessage& wire : samples()) {
    const std::string body = *write_message(wire, given.names);
    for (int round = 0; round < 400; ++round) {
      std::string damaged = body;
      for (std::size_t hits = 1 + below(3); hits > 0; --hits) {
        const std::size_t at = below(damaged.size());
        switch (below(4)) {
          case 0:
            damaged[at] = static_cast<char>(below(256));
            break;
          case 1:
            damaged.erase(at, 1 + below(20));
            break;
          case 2:
            damaged.insert(at, damaged.substr(below(damaged.size()), below(30)));
            break;
          default:
            damaged.insert(at, 1, "{}[],:\"0-e\\"[below(11)]);
        }
      }
      const Outcome outcome = given.read(wire, damaged);
      if (const auto* read = std::get_if<WireMessage>(&outcome)) {
        CHECK(write_message(*read, given.names));  // what was read can be written
      } else {
        ++refused;
        CHECK_FALSE(std::get<MessageRefused>(outcome).sentence.empty());
      }
    }
  }
  CHECK(refused > 1000);
}

}  // namespace
