// An HttpServer whose handlers give back what they got.
#pragma once

#include "api/http_server.hpp"

#include "raw_client.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace kvserver::test {

inline constexpr std::size_t kBodyMax = 100'000;

inline HttpServerOptions quick_options() {
  HttpServerOptions options;
  options.body_bytes_max = kBodyMax;
  options.threads_max = 32;
  options.crowd_idle_timeout = options.idle_timeout;  // a machine may be busy between a connect and its request
  return options;
}

// Echoes bodies and queries.
struct EchoServer {
  explicit EchoServer(HttpServerOptions options = quick_options()) : server(std::move(options)) {
    server.route("PUT", "/set", [this](const HttpRequest& request) {
      ++calls;
      return json_reply(200, std::string(request.body));
    });
    server.route("GET", "/get", [this](const HttpRequest& request) {
      ++calls;
      HttpReply reply = json_reply(200, std::string(request.query));
      reply.headers.emplace_back("X-Raft-Index", "7");
      return reply;
    });
    server.route("DELETE", "/thing",
                 [](const HttpRequest& request) { return json_reply(200, std::string(request.body)); });
    server.route("GET", "/thing", [](const HttpRequest&) { return json_reply(404, "{}"); });
    server.route("GET", "/throw", [](const HttpRequest&) -> HttpReply { throw std::runtime_error("secret"); });
    REQUIRE_FALSE(server.start());
  }

  RawReply ask(std::string_view request) {
    RawClient client(server.port());
    const auto reply = client.ask(request);
    REQUIRE(reply);
    return *reply;
  }
  // The request is refused with this status and a body in the form of errors.
  RawReply refused(int status, std::string_view request) {
    RawReply reply = ask(request);
    INFO(request.substr(0, 200));
    CHECK(reply.status == status);
    CHECK(reply.header("Content-Type") == "application/json");
    CHECK(reply.body.starts_with(R"({"ok":false,"error":")"));
    CHECK(reply.body.find(R"("message":")") != std::string::npos);
    return reply;
  }

  std::atomic<int> calls = 0;
  HttpServer server;
};

inline std::string put(std::string_view body, std::string_view headers = {}) {
  return "PUT /set HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

}  // namespace kvserver::test
