#include "api/raft_api.hpp"

#include "kv/node_names.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"
#include "transport/http_transport.hpp"

#include <string>

namespace {

using namespace kvserver;
using kvserver::test::RawClient;

TEST_CASE("the Raft port serves the requests of nodes and its status, and nothing else") {
  std::string clash;
  NodeNames names(*NodeNames::table_of({"a"}, clash));
  HttpTransport transport({}, names);
  HttpServer server(raft_server_options("127.0.0.1", 0));
  install_raft_api(server, transport, [] { return json_reply(200, R"({"state":"follower"})"); });
  REQUIRE_FALSE(server.start());
  RawClient client(server.port());
  const auto ask = [&](const std::string& line, const std::string& body = {}) {
    const auto reply =
        client.ask(line + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    REQUIRE(reply);
    CHECK(reply->header("Content-Type") == "application/json");
    return *reply;
  };
  const auto status = ask("GET /raft/status");
  CHECK(status.status == 200);
  CHECK(status.body == R"({"state":"follower"})");
  for (const std::string path : {"appendentries", "requestvote", "installsnapshot", "timeoutnow"}) {
    CHECK(ask("POST /raft/" + path, "{}").status == 503);  // not started
    const auto wrong_method = ask("GET /raft/" + path);
    CHECK(wrong_method.status == 405);
    CHECK(wrong_method.header("Allow") == "POST");
  }
  CHECK(ask("POST /raft/status", "{}").header("Allow") == "GET, HEAD");
  for (const std::string line :
       {"GET /health", "PUT /set", "GET /get?key=k", "DELETE /delete?key=k", "GET /", "GET /raft"}) {
    CHECK(ask(line).status == 404);
  }
  CHECK(ask("GET /raft/status?x=1&y=%41").status == 200);
  for (const std::string query : {"x=%zz", "x=%ff", "%4", "x=1&x=2"}) {
    CAPTURE(query);
    for (const std::string line : {"GET /raft/status?", "POST /raft/appendentries?", "POST /raft/requestvote?"}) {
      const auto refused = ask(line + query, line.starts_with("POST") ? "{}" : "");
      CHECK(refused.status == 400);
      CHECK(refused.body.starts_with(R"({"ok":false,"error":"bad_query")"));
    }
  }
}

}  // namespace
