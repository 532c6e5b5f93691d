#include "api/client_api.hpp"
#include "kv/command.hpp"
#include "support/catch.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

using namespace std::string_literals;
using kvserver::ClientApi;
using kvserver::HttpReply;
using kvserver::HttpRequest;
using libraft::errc;

namespace {

// A node that answers as scripted and remembers what it was asked.
struct ScriptedNode final : kvserver::KvNode {
  libraft::Result<libraft::Applied> propose(libraft::Bytes command, libraft::Duration timeout) override {
    proposed.emplace_back(command.view());
    timeouts.push_back(timeout);
    if (error) return error;
    const bool is_set = std::holds_alternative<kvserver::SetCommand>(*kvserver::decode(proposed.back()));
    return libraft::Applied{{17}, {3}, libraft::Bytes(answer ? *answer : is_set ? "stored" : "deleted")};
  }
  libraft::Result<libraft::Applied> query(std::string key, libraft::Consistency consistency,
                                          libraft::Duration) override {
    asked.emplace_back(key, consistency);
    if (error) return error;
    return libraft::Applied{{16}, {2}, libraft::Bytes(answer.value_or("=luffy"))};
  }
  libraft::Status status() const override { return now; }

  std::error_code error;
  std::optional<std::string> answer;
  libraft::Status now;
  std::vector<std::string> proposed;
  std::vector<libraft::Duration> timeouts;
  std::vector<std::pair<std::string, libraft::Consistency>> asked;
};

struct ApiFixture {
  ApiFixture() {
    names.learn(kvserver::node_id_of("node-8081"), "n1", "http://localhost:8081");
    names.learn(kvserver::node_id_of("node-8082"), "n2", "http://localhost:8082");
    node.now.identity.node = kvserver::node_id_of("node-8081");
    node.now.state = libraft::NodeState::running;
    api.enter(kvserver::Phase::serving);
  }
  static std::map<libraft::NodeId, kvserver::NodeCard> cards() {
    std::string clash;
    return kvserver::NodeNames::table_of({"node-8081", "node-8082"}, clash).value();
  }
  HttpReply set(std::string_view body) { return api.set({"PUT", "/set", "", body}); }
  HttpReply get(std::string_view query) { return api.get({"GET", "/get", query, ""}); }
  HttpReply erase(std::string_view query) { return api.remove({"DELETE", "/delete", query, ""}); }
  HttpReply health() { return api.health({"GET", "/health", "", ""}); }

  ScriptedNode node;
  kvserver::NodeNames names{cards()};
  ClientApi api{node, names, std::chrono::milliseconds(1234)};
};

std::string header(const HttpReply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return "(none)";
}

// The word of an error reply, checked to have the form that all errors have.
std::string word(const HttpReply& reply) {
  const std::string start = R"({"ok":false,"error":")";
  REQUIRE(reply.body.substr(0, start.size()) == start);
  const std::size_t end = reply.body.find('"', start.size());
  const std::string middle = R"(","message":")";
  REQUIRE(reply.body.substr(end, middle.size()) == middle);
  return reply.body.substr(start.size(), end - start.size());
}

struct Refused {
  int status;
  std::string word;

  friend bool operator==(const Refused&, const Refused&) = default;
};
Refused refused(const HttpReply& reply) {
  return {reply.status, word(reply)};
}
std::ostream& operator<<(std::ostream& out, const Refused& refused) {
  return out << refused.status << " " << refused.word;
}

std::string set_body(const std::string& key, const std::string& value) {
  return R"({"key":")" + key + R"(","value":")" + value + R"("})";
}

}  // namespace

TEST_CASE_METHOD(ApiFixture, "a write that is done answers what was stored and where") {
  const HttpReply reply = set(R"({"key":"name","value":"luffy"})");
  CHECK(reply.status == 200);
  CHECK(reply.body == R"({"ok":true,"message":"stored","key":"name"})");
  CHECK(header(reply, "X-Raft-Index") == "17");
  CHECK(header(reply, "X-Raft-Term") == "3");
  CHECK(node.proposed == std::vector<std::string>{"1 set 4 5 name luffy"});
  CHECK(node.timeouts == std::vector<libraft::Duration>{std::chrono::milliseconds(1234)});
}

TEST_CASE_METHOD(ApiFixture, "a delete that is done answers what was deleted and where") {
  const HttpReply reply = erase("key=name");
  CHECK(reply.status == 200);
  CHECK(reply.body == R"({"ok":true,"message":"deleted","key":"name"})");
  CHECK(header(reply, "X-Raft-Index") == "17");
  CHECK(node.proposed == std::vector<std::string>{"1 delete 4 name"});
}

TEST_CASE_METHOD(ApiFixture, "a read answers the value and the applied index that it saw") {
  const HttpReply reply = get("key=name");
  CHECK(reply.status == 200);
  CHECK(reply.body == R"({"ok":true,"key":"name","value":"luffy"})");
  CHECK(header(reply, "X-Raft-Index") == "16");
  CHECK(header(reply, "X-Raft-Term") == "2");
  node.answer = "=";
  CHECK(get("key=name").body == R"({"ok":true,"key":"name","value":""})");
  node.answer = "";
  CHECK(get("key=name").status == 404);
  CHECK(get("key=name").body == R"({"ok":false,"message":"key not found"})");
}

TEST_CASE_METHOD(ApiFixture, "a read is local unless it asks to be linearizable") {
  using libraft::Consistency;
  for (const char* query : {"key=a", "key=a&consistency=local", "key=a&consistency=linearizable", "other=1&key=a"}) {
    CHECK(get(query).status == 200);
  }
  CHECK(node.asked == std::vector<std::pair<std::string, Consistency>>{{"a", Consistency::local},
                                                                       {"a", Consistency::local},
                                                                       {"a", Consistency::linearizable},
                                                                       {"a", Consistency::local}});
  CHECK(refused(get("key=a&consistency=strong")) == Refused{400, "bad_consistency"});
  CHECK(refused(get("key=a&consistency=")) == Refused{400, "bad_consistency"});
}

TEST_CASE_METHOD(ApiFixture, "a body that is not one JSON object is refused and changes nothing") {
  for (const std::string& body :
       {""s, "{"s, "nonsense"s, R"({"key":"a","value":"b"} x)"s, R"({"key":"a","value":"b"})"s + "\0"s,
        R"({"key":"a","key":"b","value":"c"})"s, "[1]"s, "\"key\""s, "null"s, "{\"key\":\"\xff\",\"value\":\"\"}"s,
        R"({"key":"\ud800","value":""})"s, std::string(100000, '['), R"({"key":"a","value":"b","x":1e})"s}) {
    INFO(body.substr(0, 60));
    CHECK(refused(set(body)) == Refused{400, "bad_json"});
  }
  CHECK(node.proposed.empty());
}

TEST_CASE_METHOD(ApiFixture, "key and value must be there and be strings, and the key not empty") {
  CHECK(refused(set(R"({"value":"b"})")) == Refused{400, "bad_key"});
  CHECK(refused(set(R"({"key":1,"value":"b"})")) == Refused{400, "bad_key"});
  CHECK(refused(set(R"({"key":null,"value":"b"})")) == Refused{400, "bad_key"});
  CHECK(refused(set(R"({"key":"","value":"b"})")) == Refused{400, "bad_key"});
  CHECK(refused(set(R"({"key":"a"})")) == Refused{400, "bad_value"});
  CHECK(refused(set(R"({"key":"a","value":7})")) == Refused{400, "bad_value"});
  CHECK(refused(set(R"({"key":"a","value":null})")) == Refused{400, "bad_value"});
  CHECK(refused(get("")) == Refused{400, "bad_key"});
  CHECK(refused(get("key=")) == Refused{400, "bad_key"});
  CHECK(refused(erase("name=a")) == Refused{400, "bad_key"});
  CHECK(node.proposed.empty());
  CHECK(node.asked.empty());
}

TEST_CASE_METHOD(ApiFixture, "the empty value is a value, and unknown members are ignored") {
  CHECK(set(R"({"key":"a","value":"","more":{"x":[1,2.5e3]}})").status == 200);
  CHECK(node.proposed == std::vector<std::string>{"1 set 1 0 a "});
}

TEST_CASE_METHOD(ApiFixture, "limits count decoded bytes") {
  const std::string key_max(1024, 'k');
  const std::string value_max(1u << 20, 'v');
  CHECK(set(set_body(key_max, "v")).status == 200);
  CHECK(refused(set(set_body(key_max + "k", "v"))) == Refused{400, "key_too_long"});
  CHECK(set(set_body("k", value_max)).status == 200);
  CHECK(refused(set(set_body("k", value_max + "v"))) == Refused{413, "value_too_large"});
  std::string nuls;
  for (int i = 0; i < 1024; ++i) nuls += "\\u0000";
  CHECK(set(set_body(nuls, "v")).status == 200);
  CHECK(refused(set(set_body(nuls + "\\u0000", "v"))) == Refused{400, "key_too_long"});
  CHECK(get("key=" + key_max).status == 200);
  CHECK(refused(get("key=" + key_max + "k")) == Refused{400, "key_too_long"});
  CHECK(refused(erase("key=" + key_max + "k")) == Refused{400, "key_too_long"});
}

TEST_CASE_METHOD(ApiFixture, "any Unicode text is a key or a value") {
  const HttpReply reply = set(R"({"key":"a\u0000/%=\u00e9","value":"\ud83d\ude00\n"})");
  CHECK(reply.status == 200);
  CHECK(reply.body == "{\"ok\":true,\"message\":\"stored\",\"key\":\"a\\u0000/%=\xc3\xa9\"}");
  CHECK(node.proposed == std::vector<std::string>{"1 set 7 5 a\0/%=\xc3\xa9 \xf0\x9f\x98\x80\n"s});
  CHECK(get("key=a%00%2F%25=%C3%A9+b").status == 200);
  CHECK(node.asked.back().first == "a\0/%=\xc3\xa9 b"s);
}

TEST_CASE_METHOD(ApiFixture, "members that nobody reads must be within the bounds of the reader of JSON, too") {
  const auto set_with = [this](const std::string& other) {
    return api.set({"PUT", "/set", "", R"({"key":"a","value":"b","other":)" + other + "}"});
  };
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  const auto ones = [](std::size_t count) {
    std::string text = "[1";
    for (std::size_t i = 1; i < count; ++i) text += ",1";
    return text + "]";
  };
  constexpr std::size_t kBesides = 4;  // the object, the two texts, the array
  CHECK(set_with("1e308").status == 200);
  CHECK(set_with(nested(31)).status == 200);
  CHECK(set_with(ones((1u << 20u) - kBesides)).status == 200);
  for (const std::string& other :
       {"1e400"s, "-1e400"s, "1" + std::string(400, '0'), nested(32), ones((1u << 20u) - kBesides + 1)}) {
    CAPTURE(other.substr(0, 50));
    CHECK(refused(set_with(other)) == Refused{400, "bad_json"});
  }
}

TEST_CASE_METHOD(ApiFixture, "a query that is broken or names the key twice is refused") {
  for (const char* query : {"key=%", "key=%4", "key=%zz", "key=%ff", "key=a&key=b", "key=a&key=a", "x=%&key=a"}) {
    INFO(query);
    CHECK(refused(get(query)) == Refused{400, "bad_query"});
    CHECK(refused(erase(query)) == Refused{400, "bad_query"});
  }
  CHECK(node.proposed.empty());
}

TEST_CASE_METHOD(ApiFixture, "a broken query is refused where no query is read, too") {
  for (const char* query : {"x=%zz", "%zz", "x=%ff", "x=%4"}) {
    CAPTURE(query);
    CHECK(refused(api.set({"PUT", "/set", query, set_body("a", "b")})) == Refused{400, "bad_query"});
    CHECK(refused(api.health({"GET", "/health", query, ""})) == Refused{400, "bad_query"});
    CHECK(refused(get("key=a&"s + query)) == Refused{400, "bad_query"});
    CHECK(refused(erase("key=a&"s + query)) == Refused{400, "bad_query"});
  }
  CHECK(node.proposed.empty());
  CHECK(node.asked.empty());
  CHECK(api.set({"PUT", "/set", "x=%20&y", set_body("a", "b")}).status == 200);
  CHECK(api.health({"GET", "/health", "x=%20&y", ""}).status == 200);
}

TEST_CASE_METHOD(ApiFixture, "a node that does not lead says who does") {
  node.error = errc::not_leader;
  node.now.leader = kvserver::node_id_of("node-8082");
  const std::string body =
      R"({"ok":false,"error":"not_leader","message":"not leader","leaderId":"n2","leader":"http://localhost:8082"})";
  for (const HttpReply& reply :
       {set(R"({"key":"a","value":"b"})"), erase("key=a"), get("key=a&consistency=linearizable")}) {
    CHECK(reply.status == 409);
    CHECK(reply.body == body);
  }
  const std::string without_hint =
      R"({"ok":false,"error":"not_leader","message":"not leader","leaderId":"","leader":""})";
  node.now.leader.reset();
  CHECK(erase("key=a").body == without_hint);
  node.now.leader = node.now.identity.node;
  CHECK(erase("key=a").body == without_hint);
}

TEST_CASE_METHOD(ApiFixture, "a write whose outcome is unknown is never called done or not done") {
  for (const std::error_code unknown :
       {make_error_code(errc::timeout), make_error_code(errc::leadership_lost), make_error_code(errc::interrupted),
        make_error_code(errc::io_error), std::make_error_code(std::errc::io_error)}) {
    node.error = unknown;
    CHECK(refused(set(R"({"key":"a","value":"b"})")) == Refused{503, "timeout"});
    CHECK(refused(erase("key=a")) == Refused{503, "timeout"});
  }
}

TEST_CASE_METHOD(ApiFixture, "a write that was certainly not done has a word of its own") {
  const auto word_of = [this](errc code) {
    node.error = code;
    return refused(erase("key=a"));
  };
  CHECK(word_of(errc::overloaded) == Refused{503, "overloaded"});
  CHECK(word_of(errc::proposal_dropped) == Refused{503, "proposal_dropped"});
  CHECK(word_of(errc::transfer_in_progress) == Refused{503, "transfer_in_progress"});
  CHECK(word_of(errc::stopped) == Refused{503, "stopping"});
  CHECK(word_of(errc::node_failed) == Refused{503, "node_failed"});
  CHECK(word_of(errc::command_too_large) == Refused{413, "value_too_large"});
  CHECK(word_of(errc::cancelled) == Refused{503, "unavailable"});
}

TEST_CASE_METHOD(ApiFixture, "a read that could not be confirmed says so") {
  const auto word_of = [this](errc code) {
    node.error = code;
    return refused(get("key=a&consistency=linearizable"));
  };
  CHECK(word_of(errc::timeout) == Refused{503, "timeout"});
  CHECK(word_of(errc::not_caught_up) == Refused{503, "timeout"});
  CHECK(word_of(errc::overloaded) == Refused{503, "overloaded"});
  CHECK(word_of(errc::stopped) == Refused{503, "stopping"});
  CHECK(word_of(errc::node_failed) == Refused{503, "node_failed"});
  node.error = errc::leadership_lost;
  CHECK(get("key=a&consistency=linearizable").status == 409);
}

TEST_CASE_METHOD(ApiFixture, "a command that the state machine refuses is not called stored") {
  node.answer = "not a command of this release";
  CHECK(refused(set(R"({"key":"a","value":"b"})")) == Refused{500, "internal"});
}

TEST_CASE_METHOD(ApiFixture, "health shows the node's role until it fails, then why it failed") {
  node.now.role = libraft::Role::leader;
  node.now.leader = node.now.identity.node;
  node.now.term = {4};
  CHECK(health().status == 200);
  CHECK(health().body == R"({"ok":true,"nodeId":"n1","state":"leader","term":4,"leaderId":"n1",)"
                         R"("leader":"http://localhost:8081","commitIndex":0,"lastApplied":0})");
  node.now.state = libraft::NodeState::failed;
  node.now.failure = libraft::Failure{errc::io_error, "raft_log.jsonl: the device failed"};
  CHECK(health().status == 503);
  CHECK(health().body == R"({"ok":false,"error":"node_failed","message":"raft_log.jsonl: the device failed"})");
}

TEST_CASE_METHOD(ApiFixture, "a server that is not ready yet, or shuts down, takes no requests") {
  for (const auto& [phase, expected] : {std::pair(kvserver::Phase::starting, Refused{503, "starting"}),
                                        std::pair(kvserver::Phase::stopping, Refused{503, "stopping"})}) {
    api.enter(phase);
    CHECK(refused(set(R"({"key":"a","value":"b"})")) == expected);
    CHECK(refused(get("key=a")) == expected);
    CHECK(refused(erase("key=a")) == expected);
    CHECK(refused(health()) == expected);
  }
  CHECK(node.proposed.empty());
  CHECK(node.asked.empty());
}
