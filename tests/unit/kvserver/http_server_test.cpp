#include "api/http_server.hpp"

#include "echo_server.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace kvserver;
using namespace std::string_literals;
using kvserver::test::EchoServer;
using kvserver::test::kBodyMax;
using kvserver::test::put;
using kvserver::test::quick_options;
using kvserver::test::RawClient;
using kvserver::test::RawReply;

// Handlers wait at it until the test opens it; a test that failed before it could does not hang.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }
  bool passed() {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, std::chrono::seconds(20), [this] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

TEST_CASE("HttpServer hands a request's parts to the handler of its path and method") {
  EchoServer echo;
  const RawReply reply = echo.ask("GET /get?key=a=b&x=%20+ HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(reply.status == 200);
  CHECK(reply.body == "key=a=b&x=%20+");
  CHECK(reply.header("Content-Type") == "application/json");
  CHECK(reply.header("X-Raft-Index") == "7");
  CHECK(echo.ask("GET http://host:80/get?q HTTP/1.1\r\nHost: x\r\n\r\n").body == "q");
  CHECK(echo.ask(put("hello")).body == "hello");
  CHECK(echo.ask("DELETE /thing HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").body == "abc");
  CHECK(echo.ask("DELETE /thing HTTP/1.1\r\nHost: x\r\n\r\n").body.empty());
  const RawReply own_error = echo.ask("GET /thing HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(own_error.status == 404);
  CHECK(own_error.body == "{}");
}

TEST_CASE("HttpServer serves many requests on one connection, also when they come in one piece") {
  EchoServer echo;
  RawClient client(echo.server.port());
  std::string together;
  for (int i = 0; i < 50; ++i)
    together += put("body " + std::to_string(i)) + "GET /get?" + std::to_string(i) + " HTTP/1.1\r\n\r\n";
  REQUIRE(client.send(together));
  for (int i = 0; i < 50; ++i) {
    CHECK(client.receive().value_or(RawReply{}).body == "body " + std::to_string(i));
    CHECK(client.receive().value_or(RawReply{}).body == std::to_string(i));
  }
}

TEST_CASE("HttpServer answers HEAD as GET without the body") {
  EchoServer echo;
  RawClient client(echo.server.port());
  REQUIRE(client.send("HEAD /get?abc HTTP/1.1\r\n\r\nGET /get?next HTTP/1.1\r\n\r\n"));
  const auto head = client.receive(false);
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->header("Content-Length") == "3");
  CHECK(client.receive().value_or(RawReply{}).body == "next");
}

TEST_CASE("HttpServer answers 404 for unknown paths and 405 with Allow for methods that a path lacks") {
  EchoServer echo;
  echo.refused(404, "GET / HTTP/1.1\r\n\r\n");
  echo.refused(404, "GET /get/ HTTP/1.1\r\n\r\n");
  echo.refused(404, "GET /g%65t HTTP/1.1\r\n\r\n");
  echo.refused(404, "GET /%0A%00 HTTP/1.1\r\n\r\n");
  echo.refused(404, "PUT /other HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}");
  CHECK(echo.refused(405, "POST /set HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}").header("Allow") == "PUT");
  CHECK(echo.refused(405, "GET /set HTTP/1.1\r\n\r\n").header("Allow") == "PUT");
  CHECK(echo.refused(405, "OPTIONS /get HTTP/1.1\r\n\r\n").header("Allow") == "GET, HEAD");
  CHECK(echo.refused(405, "PATCH /thing HTTP/1.1\r\n\r\n").header("Allow") == "DELETE, GET, HEAD");
  CHECK(echo.refused(405, "TRACE /set HTTP/1.1\r\n\r\n").header("Allow") == "PUT");
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer answers a method that nobody knows as any other that a path lacks, and ends the connection") {
  EchoServer echo;
  for (const auto& [status, line] : {std::pair(405, "BREW /set?x HTTP/1.1"), std::pair(405, "get /set HTTP/1.0"),
                                     std::pair(405, "M-SEARCH http://host/set HTTP/1.1"),
                                     std::pair(404, "BREW /pot HTTP/1.1"), std::pair(404, "BREW * HTTP/1.1")}) {
    CAPTURE(line);
    RawClient client(echo.server.port());
    // The body is not read: it must not be taken for a request.
    const auto reply = client.ask(line + "\r\nHost: x\r\nContent-Length: 22\r\n\r\nGET /get HTTP/1.1\r\n\r\n"s);
    REQUIRE(reply);
    CHECK(reply->status == status);
    CHECK(reply->header("Allow") == (status == 405 ? "PUT" : ""));
    CHECK(reply->header("Connection") == "close");
    CHECK(reply->header("Keep-Alive").empty());
    CHECK(reply->body.starts_with(R"({"ok":false,"error":")"));
    CHECK(client.is_ended());
  }
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer refuses bodies whose length it can't trust, and ends the connection") {
  EchoServer echo;
  const auto refused = [&](int status, const std::string& request) {
    CAPTURE(request.substr(0, 200));
    RawClient client(echo.server.port());
    const auto reply = client.ask(request);
    REQUIRE(reply);
    CHECK(reply->status == status);
    CHECK(reply->header("Connection") == "close");
    CHECK(reply->header("Keep-Alive").empty());
    CHECK(reply->body.starts_with(R"({"ok":false,"error":")"));
    CHECK(client.is_ended());
  };
  const std::string line = "PUT /set HTTP/1.1\r\nHost: x\r\n";
  refused(411, line + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  refused(411, line + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  refused(411, line + "Transfer-Encoding: gzip, chunked\r\n\r\n");
  refused(415, line + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello");
  refused(400, line + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello");
  refused(400, line + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello");
  refused(400, line + "Content-Length: -1\r\n\r\nhello");
  refused(400, line + "Content-Length: +5\r\n\r\nhello");
  refused(400, line + "Content-Length: 0x5\r\n\r\nhello");
  refused(400, line + "Content-Length: 5, 5\r\n\r\nhello");
  refused(413, line + "Content-Length: 100001\r\n\r\n");
  refused(413, line + "Content-Length: 18446744073709551616\r\n\r\n");
  refused(413, line + "Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n");
  refused(400, "GET /get HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer takes bodies up to its limit, and a refused one still gets its answer") {
  EchoServer echo;
  CHECK(echo.ask(put(std::string(kBodyMax, 'x'))).body.size() == kBodyMax);
  RawClient client(echo.server.port());
  client.send(put(std::string(kBodyMax * 2, 'x')));  // all of it, although nobody reads it
  CHECK(client.receive().value_or(RawReply{}).status == 413);
}

TEST_CASE("HttpServer hands a form over as any other body") {
  EchoServer echo;
  const std::string body(20'000, 'a');
  CHECK(echo.ask(put(body, "Content-Type: application/x-www-form-urlencoded\r\n")).body == body);
  CHECK(echo.ask(put("--b\r\n", "Content-Type: multipart/form-data; boundary=b\r\n")).body == "--b\r\n");
}

TEST_CASE("HttpServer asks for the body of who waits for that") {
  EchoServer echo;
  RawClient client(echo.server.port());
  const auto go_on = client.ask("PUT /set HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  REQUIRE(go_on);
  CHECK(go_on->status == 100);
  CHECK(client.ask("hello").value_or(RawReply{}).body == "hello");
}

TEST_CASE("HttpServer answers at once where a body is missing") {
  EchoServer echo;
  CHECK(echo.ask("PUT /set HTTP/1.1\r\nHost: x\r\n\r\n").body.empty());
  CHECK(echo.ask("PUT /set HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status == 200);
  CHECK(echo.calls == 2);
}

TEST_CASE("HttpServer never compresses, cuts ranges or repeats what a client sent in headers") {
  EchoServer echo;
  const std::string body(50'000, 'a');
  const RawReply reply =
      echo.ask(put(body, "Accept-Encoding: br, gzip\r\nRange: bytes=0-1,3-4\r\nX-A: a%0D%0AInjected: 1\r\n"));
  CHECK(reply.status == 200);
  CHECK(reply.body == body);
  CHECK(reply.header("Content-Encoding").empty());
  CHECK(reply.header("Injected").empty());
}

TEST_CASE("HttpServer refuses what is no HTTP, and goes on with others") {
  EchoServer echo;
  for (const std::string trash :
       {"\r\n\r\n", "GARBAGE\r\n\r\n", "GET\r\n\r\n", "GET /get HTTP/9.9\r\n\r\n", "FOO /get HTTP/9.9\r\n\r\n",
        "F{}O /get HTTP/1.1\r\n\r\n", "GET /get HTTP/1.1 x\r\n\r\n"}) {
    CAPTURE(trash);
    RawClient client(echo.server.port());
    const auto reply = client.ask(trash);
    REQUIRE(reply);
    CHECK(reply->status == 400);
    CHECK(reply->body.starts_with(R"({"ok":false,"error":"bad_request")"));
    CHECK(reply->header("Connection") == "close");
    CHECK(reply->header("Keep-Alive").empty());
    CHECK(client.is_ended());
  }
  RawClient pipelined(echo.server.port());
  REQUIRE(pipelined.send(put("hello") + "TRASH that is no request\r\n\r\n" + put("never")));
  CHECK(pipelined.receive().value_or(RawReply{}).body == "hello");
  CHECK(pipelined.receive().value_or(RawReply{}).status == 400);
  CHECK(pipelined.is_ended());
  CHECK(echo.calls == 1);
  for (const auto& reply : {echo.refused(414, "GET /get?" + std::string(9000, 'k') + " HTTP/1.1\r\n\r\n"),
                            echo.refused(400, "GET /get HTTP/1.1\r\nRange: bytes=x\r\n\r\n")}) {
    CHECK(reply.header("Connection") == "close");
    CHECK(reply.header("Keep-Alive").empty());
  }
  const RawReply kept = echo.refused(404, "GET /nowhere HTTP/1.1\r\n\r\n");
  CHECK(kept.header("Connection").empty());  // goes on
  CHECK_FALSE(kept.header("Keep-Alive").empty());
}

TEST_CASE("HttpServer survives requests that are damaged at random") {
  HttpServerOptions options = quick_options();
  options.threads_max = 512;  // room for all of them, if none is done before the last one comes
  EchoServer echo(options);
  std::mt19937_64 random(4711);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  const std::string request =
      put("hello", "Accept: */*\r\nExpect: 1\r\n") + "GET /get?key=%41&b=+ HTTP/1.1\r\nRange: bytes=0-1\r\n\r\n";
  for (int round = 0; round < 300; ++round) {
    std::string damaged = request;
    for (std::size_t hits = 1 + below(4); hits > 0; --hits) {
      const std::size_t at = below(damaged.size());
      if (below(2) == 0) damaged[at] = static_cast<char>(below(256));
      if (below(3) == 0) damaged.erase(at, below(8));
      if (below(3) == 0) damaged.insert(at, damaged.substr(below(damaged.size()), below(40)));
      if (damaged.empty()) damaged = " ";
    }
    RawClient client(echo.server.port());
    client.send(damaged);  // and away: what is answered to it is of no interest
  }
  CHECK(echo.ask(put("still here")).body == "still here");
}

TEST_CASE("HttpServer bounds the headers of a request") {
  EchoServer echo;
  RawClient client(echo.server.port());
  std::string request = "GET /get HTTP/1.1\r\n";
  while (request.size() < 40'000) request += "X-Filler: " + std::string(100, 'x') + "\r\n";
  client.send(request);
  const auto refused = client.receive().value_or(RawReply{});
  CHECK(refused.status == 400);
  CHECK(refused.body.starts_with(R"({"ok":false,"error":"bad_request")"));
  CHECK(refused.header("Connection") == "close");
  CHECK(client.is_ended());
  RawClient long_line(echo.server.port());
  long_line.send("GET /get HTTP/1.1\r\nX-Long: " + std::string(9000, 'x') + "\r\n\r\n");
  CHECK(long_line.receive().value_or(RawReply{}).status == 400);
  CHECK(long_line.is_ended());
  RawClient endless(echo.server.port());
  endless.send(std::string(50'000, 'a'));  // a line without an end
  CHECK(endless.is_ended());
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer hides what a handler threw") {
  EchoServer echo;
  const RawReply reply = echo.refused(500, "GET /throw HTTP/1.1\r\n\r\n");
  CHECK((reply.head + reply.body).find("secret") == std::string::npos);
}

TEST_CASE("HttpServer ends connections that ask for nothing") {
  HttpServerOptions options = quick_options();
  options.idle_timeout = std::chrono::milliseconds(50);
  EchoServer echo(options);
  RawClient idle(echo.server.port());
  CHECK(idle.is_ended());
}

TEST_CASE("HttpServer soon ends connections that ask for nothing while most of its threads are taken") {
  HttpServerOptions options = quick_options();
  options.threads_max = 2;
  options.idle_timeout = std::chrono::hours(1);
  options.crowd_idle_timeout = std::chrono::milliseconds(50);
  EchoServer echo(options);
  RawClient first(echo.server.port());
  CHECK(first.ask(put("hello")).value_or(RawReply{}).body == "hello");  // half of the threads: no crowd yet
  RawClient second(echo.server.port());
  CHECK(second.is_ended());
}

TEST_CASE("HttpServer ends connections that are slow to ask or slow with the body") {
  HttpServerOptions options = quick_options();
  using std::chrono::milliseconds;
  options.head_timeout = milliseconds(50);
  options.body_timeout = milliseconds(50);
  EchoServer echo(options);
  RawClient slow_line(echo.server.port());
  slow_line.send("GET /g");
  CHECK(slow_line.is_ended());
  RawClient slow_head(echo.server.port());
  slow_head.send("GET /get HTTP/1.1\r\nHost: ");
  CHECK(slow_head.receive().value_or(RawReply{}).status == 408);
  CHECK(slow_head.is_ended());
  RawClient slow_body(echo.server.port());
  slow_body.send("PUT /set HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel");
  const auto too_slow = slow_body.receive();
  REQUIRE(too_slow);
  CHECK(too_slow->status == 408);
  CHECK(too_slow->header("Connection") == "close");
  CHECK(too_slow->body == R"({"ok":false,"error":"request_timeout","message":"The request did not arrive in time."})");
  CHECK(slow_body.is_ended());
  CHECK(echo.calls == 0);
}

TEST_CASE("HttpServer refuses a port that another one listens on") {
  HttpServerOptions options = quick_options();
  options.address = kvserver::test::own_address();
  EchoServer first(options);
  options.port = first.server.port();
  HttpServer second(options);
  CHECK(second.start() == std::errc::address_in_use);
  CHECK(second.port() == 0);
  first.server.stop();
  CHECK_FALSE(second.start());  // free again at once
  CHECK(second.port() == options.port);
}

TEST_CASE("HttpServer refuses an address that is none") {
  HttpServerOptions options = quick_options();
  options.address = "no.such.host.invalid";
  HttpServer server(options);
  CHECK(server.start() == std::errc::invalid_argument);
}

TEST_CASE("HttpServer listens on the address that it is given only") {
  HttpServerOptions options = quick_options();
  options.address = "127.0.0.77";
  EchoServer echo(options);
  CHECK(RawClient(echo.server.port(), "127.0.0.77").is_connected());
  CHECK_FALSE(RawClient(echo.server.port(), "127.0.0.78").is_connected());
}

TEST_CASE("HttpServer::stop before start, right after it, and twice") {
  HttpServer never_started(quick_options());
  never_started.stop();
  for (int i = 0; i < 20; ++i) {
    HttpServer server(quick_options());
    REQUIRE_FALSE(server.start());
    server.stop();
    server.stop();
  }
}

TEST_CASE("HttpServer::stop lets running handlers answer and ends waiting connections") {
  Gate entered;  // what the handler reads outlives the server
  Gate may_answer;
  HttpServer server(quick_options());
  server.route("GET", "/wait", [&](const HttpRequest&) {
    entered.open();
    may_answer.passed();
    return json_reply(200, "\"late\"");
  });
  REQUIRE_FALSE(server.start());
  RawClient idle(server.port());
  RawClient asking(server.port());
  REQUIRE(asking.send("GET /wait HTTP/1.1\r\n\r\n"));
  REQUIRE(entered.passed());
  std::thread stopper([&] { server.stop(); });
  CHECK(idle.is_ended());  // while the other one is still being answered
  may_answer.open();
  CHECK(asking.receive().value_or(RawReply{}).body == "\"late\"");
  CHECK(asking.is_ended());
  stopper.join();
}

TEST_CASE("HttpServer answers beside a crowd of idle and slow connections") {
  HttpServerOptions options = quick_options();
  options.threads_max = 256;
  EchoServer echo(options);
  std::vector<RawClient> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.emplace_back(echo.server.port());
    REQUIRE(crowd.back().is_connected());
    if (i % 2 == 0) crowd.back().send("PUT /set HTTP/1.1\r\nContent-Le");
  }
  RawClient client(echo.server.port());
  for (int round = 0; round < 20; ++round) {
    for (std::size_t slow = 0; slow < crowd.size(); slow += 2) crowd[slow].send("n");
    CHECK(client.ask(put("hello")).value_or(RawReply{}).body == "hello");
    CHECK(echo.ask(put("again")).body == "again");  // on a new connection
  }
}

TEST_CASE("HttpServer refuses connections beyond twice its bound, and serves those that wait") {
  HttpServerOptions options = quick_options();
  options.threads_max = 2;
  Gate may_answer;  // outlives the server
  HttpServer server(options);
  server.route("GET", "/wait", [&](const HttpRequest&) {
    may_answer.passed();
    return json_reply(200, "1");
  });
  REQUIRE_FALSE(server.start());
  std::vector<RawClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(server.port());
    REQUIRE(clients.back().send("GET /wait HTTP/1.1\r\nConnection: close\r\n\r\n"));
  }
  // Threads for two, room to wait for two: the fifth (they are accepted in the order of their connects) is refused.
  const auto refused = clients.back().receive();
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->body == R"({"ok":false,"error":"overloaded","message":"Too many connections are open."})");
  may_answer.open();
  for (std::size_t i = 0; i < 4; ++i) CHECK(clients[i].receive().value_or(RawReply{}).status == 200);
}

TEST_CASE("parse_query decodes once: first '=' splits, '+' is a space, escapes are strict") {
  const auto value_of_key = [](std::string_view raw) {
    const auto query = parse_query(raw);
    REQUIRE(query);
    const auto at = query->find("key");
    return at == query->end() ? std::string("(none)") : at->second;
  };
  CHECK(value_of_key("") == "(none)");
  CHECK(value_of_key("key") == "");
  CHECK(value_of_key("key=") == "");
  CHECK(value_of_key("key=a=b=c") == "a=b=c");
  CHECK(value_of_key("key=a+b%2Bc") == "a b+c");
  CHECK(value_of_key("&x=1&&key=%2F%25%26%3d&y") == "/%&=");
  CHECK(value_of_key("key=%00") == std::string(1, '\0'));
  CHECK(value_of_key("key=%C3%A9%f0%9f%8d%8a") == "é🍊");
  CHECK(value_of_key("k%65y=1") == "1");
  CHECK(value_of_key("key=%2541") == "%41");
}

TEST_CASE("parse_query refuses broken escapes, invalid UTF-8 and repeated names") {
  for (const std::string_view raw : {"key=%", "key=%4", "key=%zz", "key=%4g", "%=1", "key=%ff", "key=%C3",
                                     "key=%ED%A0%80", "key=\xff", "key=a&key=a", "key=a&k%65y=b", "x=%"}) {
    CAPTURE(raw);
    CHECK(parse_query(raw).error() == libraft::errc::malformed);
  }
}

}  // namespace
