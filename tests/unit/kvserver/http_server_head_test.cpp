// Requests whose head says one thing to this server and another to a proxy before it: each is refused, and nothing that
// follows on its connection is served.
#include "echo_server.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"

#include <string>

namespace {

using kvserver::test::EchoServer;
using kvserver::test::put;
using kvserver::test::RawClient;
using kvserver::test::RawReply;
using namespace std::string_literals;

// What a reader of the head that lost the length would serve as the next request.
const std::string kSmuggled = "GET /get?smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

void check_refused(EchoServer& echo, int status, const std::string& headers) {
  CAPTURE(headers);
  RawClient client(echo.server.port());
  const auto reply = client.ask("PUT /set HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + kSmuggled);
  REQUIRE(reply);
  CHECK(reply->status == status);
  CHECK(reply->header("Content-Type") == "application/json");
  CHECK(reply->header("Connection") == "close");
  CHECK(reply->header("Keep-Alive").empty());
  CHECK(reply->body.starts_with(status == 400 ? R"({"ok":false,"error":"bad_request")" : R"({"ok":false,"error":")"));
  CHECK(client.is_ended());
}

TEST_CASE("HttpServer serves no request out of the body of one whose length is malformed") {
  EchoServer echo;
  const std::string size = std::to_string(kSmuggled.size());
  for (const std::string& length :
       {"Content-Length:"s, "Content-Length: "s, "Content-Length : " + size, " Content-Length: " + size,
        "Content-Length\t:" + size, "Content-Length: %34%30"s, "Content-Length: +" + size, "Content-Length " + size,
        "X: y\r\n Content-Length: " + size, "X: y\nContent-Length: " + size, "X: y\rContent-Length: " + size,
        "Content-Length: " + size + "\r\nContent-Length: " + size, "Content-Length:\r\nContent-Length: " + size,
        "Content-Length: " + size + "\0"s}) {
    check_refused(echo, 400, length + "\r\n");
  }
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer serves no request out of the body of a method that has none") {
  EchoServer echo;
  const std::string inner = "GET /get?inner HTTP/1.1\r\n\r\n";
  for (const char* method : {"TRACE", "CONNECT", "GET", "HEAD", "OPTIONS", "PRI"}) {
    CAPTURE(method);
    RawClient client(echo.server.port());
    REQUIRE(client.send(std::string(method) + " /get HTTP/1.1\r\nContent-Length: " + std::to_string(inner.size()) +
                        "\r\n\r\n" + inner));
    const auto reply = client.receive(std::string(method) != "HEAD");
    REQUIRE(reply);
    CHECK(reply->status == 400);
    CHECK(reply->header("Connection") == "close");
    CHECK(client.is_ended());
  }
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer takes a target as it was sent: with more than one question mark, and with no fragment") {
  EchoServer echo;
  RawClient client(echo.server.port());
  for (const char* query : {"key=a?b", "?", "a?&?=?", "what?is?"}) {
    CAPTURE(query);
    const auto reply = client.ask("GET /get?" + std::string(query) + " HTTP/1.1\r\n\r\n");
    REQUIRE(reply);
    CHECK(reply->status == 200);
    CHECK(reply->body == query);
  }
  CHECK(echo.refused(400, "DELETE /thing?key=a#b HTTP/1.1\r\n\r\n").header("Connection") == "close");
  CHECK(echo.refused(400, "GET  /get HTTP/1.1\r\n\r\n").header("Connection") == "close");
}

TEST_CASE("HttpServer refuses an encoding also where its header is malformed") {
  EchoServer echo;
  const std::string length = "Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n";
  for (const char* header : {"Transfer-Encoding : chunked", "Transfer-Encoding:", "Transfer-Encoding\t: chunked",
                             "Content-Encoding : gzip", "Content-Encoding:"}) {
    check_refused(echo, 400, header + "\r\n"s + length);
    check_refused(echo, 400, length + header + "\r\n"s);
  }
  check_refused(echo, 415, length + "Content-Encoding: %67zip\r\n");
  check_refused(echo, 411, length + "Transfer-Encoding: %63hunked\r\n");
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer refuses header lines that are malformed and ends the connection") {
  EchoServer echo;
  const std::string length = "Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n";
  for (const std::string& line : {"no colon"s, ": no name"s, "Two words: x"s, " X: y"s, "X: y\r\n folded"s, "X: a\0b"s,
                                  "X: a\x01"s, "X: a\x7f"s, "X: a\rb"s, "X: a\nY: b"s, "X\0: y"s, "X: a%0d%0a\x0b"s}) {
    check_refused(echo, 400, line + "\r\n" + length);
    check_refused(echo, 400, length + line + "\r\n");
  }
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer refuses a malformed head before it asks for the body") {
  EchoServer echo;
  check_refused(echo, 400, "Expect: 100-continue\r\nContent-Length : 5\r\n");
  check_refused(echo, 400, "Expect: 100-continue\r\nContent-Length: %35\r\n");
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer judges each head of a connection by itself") {
  EchoServer echo;
  RawClient client(echo.server.port());
  const std::string fine = put("hello", "X-Empty:\r\nX-Odd: a:b\t\xC3\xA9\r\n");
  REQUIRE(client.send(fine + fine + put("never", "X : y\r\n") + fine));
  CHECK(client.receive().value_or(RawReply{}).body == "hello");
  CHECK(client.receive().value_or(RawReply{}).body == "hello");
  CHECK(client.receive().value_or(RawReply{}).status == 400);
  CHECK(client.is_ended());
  CHECK(echo.calls == 2);
}

TEST_CASE("HttpServer says nothing of ranges that it does not serve") {
  EchoServer echo;
  for (const char* request : {"HEAD /get?abc HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
                              "GET /get?abc HTTP/1.1\r\nHost: x\r\nRange: bytes=0-0\r\n\r\n"}) {
    CAPTURE(request);
    RawClient client(echo.server.port());
    REQUIRE(client.send(request));
    const auto reply = client.receive(false);
    REQUIRE(reply);
    CHECK(reply->header("Accept-Ranges").empty());
    CHECK(reply->header("Content-Range").empty());
  }
}

}  // namespace
