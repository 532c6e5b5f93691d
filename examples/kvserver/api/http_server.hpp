// HttpServer: the guarded HTTP server that both ports of a node run on.
//
// Requests that can't be served safely are answered here, before a handler sees them: malformed heads, repeated or
// malformed lengths (400), chunked bodies (411), encoded bodies (415), bodies beyond the limit (413), unknown paths
// (404), methods that a path does not have (405 with Allow). After a request that was not read to its end the reply
// says that the connection ends. A connection that is idle, slow or one too many costs a thread for a bounded time and
// nobody else's service.
//
//     HttpServer server({.port = 8080, .body_bytes_max = 8u << 20});
//     server.route("GET", "/health", [&](const HttpRequest&) { return json_reply(200, health()); });
//     if (const std::error_code failed = server.start()) ...   // std::errc::address_in_use: the port is taken
//
// Threads: route before start; handlers run on many threads at a time; start and stop come from one thread.
#pragma once

#include <libraft/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kvserver {

/// What a handler gets. The views live as long as the call.
struct HttpRequest {
  std::string_view method;  ///< HEAD comes as GET
  std::string_view path;    ///< as sent, not decoded
  std::string_view query;   ///< as sent, without the question mark: see parse_query
  std::string_view body;
};

/// What a handler answers: always application/json. Header values must be the server's own words, never the client's.
struct HttpReply {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// A reply with a body that is JSON already.
[[nodiscard]] HttpReply json_reply(int status, std::string body);
/// {"ok":false,"error":"<word>","message":"<sentence>"}: the form of every error that has no exact body of its own.
[[nodiscard]] HttpReply error_reply(int status, std::string_view word, std::string_view sentence);

using Query = std::map<std::string, std::string, std::less<>>;
/// Takes a query apart: the first '=' splits, '+' is a space, percent escapes are decoded once. errc::malformed for a
/// broken escape, invalid UTF-8 or a repeated name.
[[nodiscard]] libraft::Result<Query> parse_query(std::string_view raw);
/// The answer to a query that can't be taken apart.
[[nodiscard]] HttpReply bad_query();

using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6 literal, or localhost (which is 127.0.0.1)
  std::uint16_t port = 0;             ///< zero: any free one, see HttpServer::port
  std::size_t body_bytes_max = 8u << 20;
  std::size_t head_bytes_max = 32u << 10;  ///< request line and headers
  /// Each open connection holds a thread. Threads start when needed and end when idle. Connections beyond the bound
  /// wait, up to as many again (fewer where the process may not open so many descriptors); more are answered 503.
  std::size_t threads_max = 1024;
  std::chrono::milliseconds idle_timeout{5000};       ///< for the next request on a connection
  std::chrono::milliseconds crowd_idle_timeout{250};  ///< the same while more than half of the threads serve somebody
  std::chrono::milliseconds head_timeout{5000};       ///< from the first byte of a request to the end of its headers
  std::chrono::milliseconds body_timeout{30000};      ///< for all of the body
  std::chrono::milliseconds write_timeout{10000};     ///< for all of the reply
};

class HttpServer {
 public:
  explicit HttpServer(HttpServerOptions options);
  ~HttpServer();  ///< stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Serves `method` on exactly `path`. GET serves HEAD too.
  void route(std::string method, std::string path, HttpHandler handler);

  /// Binds, listens and serves on threads of its own. Raises the process's soft limit of descriptors if it must. The
  /// system's error when the port can't be had: std::errc::address_in_use when another socket listens on it.
  [[nodiscard]] std::error_code start();

  /// The port that it listens on, once started.
  [[nodiscard]] std::uint16_t port() const;

  /// Takes no more requests, lets the running handlers answer, and waits for them. May be called twice, and before
  /// start.
  void stop() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvserver
