#include "api/http_server.hpp"

#include "api/http_head.hpp"
#include "api/http_stream.hpp"
#include "api/listener.hpp"
#include "api/thread_pool.hpp"
#include "json/json.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace kvserver {
namespace {

// What cpp-httplib sees of every path.
const char* const kAnyPath = "/";
// At the end: for handlers to answer and for clients to read what they are answered.
constexpr std::chrono::milliseconds kPatienceWithReaders{2500};
constexpr std::size_t kRequestsSaid = 1'000'000;

/// As many connections as the options say, but at most half of the descriptors that the process may have: a crowd must
/// leave some for the node's files, which it could not go on without.
ThreadPool::Limits limits_of(const HttpServerOptions& options) {
  constexpr rlim_t kReserved = 256;
  constexpr rlim_t kWanted = 16384;
  ThreadPool::Limits limits{options.threads_max, 2 * options.threads_max};
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return limits;
  if (descriptors.rlim_cur < kWanted && descriptors.rlim_cur < descriptors.rlim_max) {
    descriptors.rlim_cur = std::min(kWanted, descriptors.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
  }
  const rlim_t spare = descriptors.rlim_cur > 2 * kReserved ? (descriptors.rlim_cur - kReserved) / 2 : kReserved / 2;
  limits.jobs_max = std::min<std::size_t>(limits.jobs_max, spare);
  limits.threads_max = std::min(limits.threads_max, limits.jobs_max);
  return limits;
}

// What this thread serves: cpp-httplib does not tell its handlers.
struct Exchange {
  const HttpStream* stream = nullptr;
  bool is_refused = true;  // until the request is understood
  std::optional<HttpReply> refusal = std::nullopt;

  // Where the next request would begin is not known, or nothing more can be read.
  [[nodiscard]] bool is_last() const { return is_refused || stream->is_broken(); }
};
thread_local Exchange t_exchange;

struct Target {
  std::string_view path;
  std::string_view query;
};

/// The parts of a request target: "/get?key=k", or "http://host/get?key=k" as proxies send it.
Target split_target(std::string_view target) {
  if (target.starts_with("http://")) {
    target.remove_prefix(7);
    target.remove_prefix(std::min(target.find('/'), target.size()));
  }
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

/// A request line in which nothing is wrong but that its method is none that cpp-httplib knows. It stops reading there.
bool has_unknown_method(const httplib::Request& request) {
  constexpr std::array<std::string_view, 10> kKnown{"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                    "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"};
  const std::string& method = request.method;
  return is_token(method) && std::find(kKnown.begin(), kKnown.end(), method) == kKnown.end() &&
         !request.target.empty() && (request.version == "HTTP/1.1" || request.version == "HTTP/1.0");
}

bool has_body(const httplib::Request& request) {
  const std::string length = request.get_header_value("Content-Length");
  return length.find_first_not_of('0') != std::string::npos;
}

/// Why a request must not be read any further; nullopt when it may. The connection ends with the refusal, because where
/// the next request would begin is not known.
std::optional<HttpReply> refusal(std::string_view head, const httplib::Request& request, std::size_t body_bytes_max) {
  if (const auto flaw = flaw_of_head(head)) return error_reply(400, "bad_request", *flaw);
  if (request.has_header("Transfer-Encoding")) {
    return error_reply(411, "length_required", "A body needs a Content-Length; chunked bodies are not taken.");
  }
  if (request.has_header("Content-Encoding")) {
    return error_reply(415, "unsupported_encoding", "Encoded bodies are not taken.");
  }
  if (!request.has_header("Content-Length")) return std::nullopt;
  const std::string text = request.get_header_value("Content-Length");  // digits: see flaw_of_head
  std::uint64_t length = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (failed != std::errc() || length > body_bytes_max) {
    return error_reply(413, "too_large", fmt::format("The body is larger than {} bytes.", body_bytes_max));
  }
  constexpr std::array<std::string_view, 4> kWithBody{"POST", "PUT", "PATCH", "DELETE"};
  if (length > 0 && std::find(kWithBody.begin(), kWithBody.end(), request.method) == kWithBody.end()) {
    return error_reply(400, "bad_request", fmt::format("A {} request has no body.", request.method));
  }
  return std::nullopt;
}

void answer(httplib::Response& response, HttpReply reply) {
  response.status = reply.status;
  response.body = std::move(reply.body);
  response.headers.erase("Content-Type");
  response.set_header("Content-Type", "application/json");
  for (const auto& [name, value] : reply.headers) response.set_header(name, value);
}

/// A body for what cpp-httplib refuses by itself.
HttpReply own_refusal(int status) {
  switch (status) {
    case 408:
      return error_reply(408, "request_timeout", "The request did not arrive in time.");
    case 413:
      return error_reply(413, "too_large", "The body is too large.");
    case 414:
      return error_reply(414, "uri_too_long", "The request's target is too long.");
    case 416:
      return error_reply(400, "bad_request", "The Range header is malformed.");
    default:
      return status < 500 ? error_reply(status, "bad_request", "The request is no HTTP that this server understands.")
                          : error_reply(status, "internal", "The server failed to answer.");
  }
}

}  // namespace

HttpReply json_reply(int status, std::string body) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

HttpReply error_reply(int status, std::string_view word, std::string_view sentence) {
  json::Writer out;
  out.begin_object().member("ok", false).member("error", word).member("message", sentence).end_object();
  return json_reply(status, out.take().value_or(R"({"ok":false,"error":"internal","message":"No UTF-8."})"));
}

/// cpp-httplib parses requests and writes replies. Sockets, connections and threads are looked after here, because it
/// lends a thread to every connection that exists, polls each of the idle ones a hundred times a second, and ends its
/// accept loop at the first error.
///
/// Invariant: connections_ holds exactly the sockets that are open; whoever takes one out closes it.
class HttpServer::Impl : private httplib::Server {
 public:
  explicit Impl(HttpServerOptions options) : options_(std::move(options)) { install_handlers(); }
  ~Impl() override { finish(); }

  void route(std::string method, std::string path, HttpHandler handler) {
    routes_[std::move(path)][std::move(method)] = std::move(handler);
  }
  std::error_code serve();
  void finish() noexcept;
  [[nodiscard]] std::uint16_t port() const { return listener_ ? listener_->port() : 0; }

 private:
  // What becomes of a connection after a request.
  enum class Next { another_request, end, end_refused };

  void install_handlers();
  HttpReply dispatch(const httplib::Request& request) const;
  template <class Self>
  static bool process_request_of(Self& self, httplib::Stream& stream, bool& is_last,
                                 const std::function<void(httplib::Request&)>& after_head);
  void accept_connections();
  void serve_connection(int socket);
  Next serve_request(HttpStream& stream);
  void shed(int socket) const;

  const HttpServerOptions options_;
  std::map<std::string, std::map<std::string, HttpHandler>, std::less<>> routes_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<ThreadPool> pool_;
  std::thread acceptor_;
  std::mutex mutex_;
  std::condition_variable closed_;  // a connection
  std::set<int> connections_;       // guarded by mutex_
  std::atomic<bool> stopping_ = false;
};

void HttpServer::Impl::install_handlers() {
  set_payload_max_length(options_.body_bytes_max);
  // Only what the Keep-Alive header of the replies says.
  set_keep_alive_timeout(std::chrono::duration_cast<std::chrono::seconds>(options_.idle_timeout).count());
  set_keep_alive_max_count(kRequestsSaid);
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (t_exchange.refusal) {
      answer(response, *t_exchange.refusal);
      return HandlerResponse::Handled;
    }
    // With a body it comes back by one of the routes below. Without one it must not: cpp-httplib would wait for a body
    // where there is no length.
    if (has_body(request)) return HandlerResponse::Unhandled;
    answer(response, dispatch(request));
    return HandlerResponse::Handled;
  });
  const auto with_body = [this](const httplib::Request& request, httplib::Response& response) {
    answer(response, dispatch(request));
  };
  Post(kAnyPath, with_body).Put(kAnyPath, with_body).Patch(kAnyPath, with_body).Delete(kAnyPath, with_body);
  set_expect_100_continue_handler([](const httplib::Request&, httplib::Response& response) {
    if (!t_exchange.refusal) return 100;
    answer(response, *t_exchange.refusal);
    return response.status;
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
    answer(response, error_reply(500, "internal", "The server failed to answer."));
  });
  set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    if (t_exchange.is_refused && response.status == 400 && has_unknown_method(request)) {
      answer(response, dispatch(request));  // 405, or 404: no route has such a method
    } else {
      answer(response, own_refusal(t_exchange.stream->is_late() ? 408 : response.status));
    }
  });
  // Runs when cpp-httplib has added its own headers.
  set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    response.headers.erase("Accept-Ranges");  // there are none
    if (!t_exchange.is_last()) return;
    response.headers.erase("Keep-Alive");
    response.headers.erase("Connection");
    response.set_header("Connection", "close");
  });
}

std::error_code HttpServer::Impl::serve() {
  auto listener = Listener::open(options_.address, options_.port);
  if (!listener) return listener.error();
  listener_ = std::move(*listener);
  stopping_ = false;
  pool_ = std::make_unique<ThreadPool>(limits_of(options_));
  acceptor_ = std::thread([this] { accept_connections(); });
  return {};
}

void HttpServer::Impl::finish() noexcept {
  if (listener_) listener_->stop();
  if (acceptor_.joinable()) acceptor_.join();
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    // Whoever waits for a request learns that none will come; whoever answers one still can.
    for (const int connection : connections_) ::shutdown(connection, SHUT_RD);
    const auto all_are_closed = [this] { return connections_.empty(); };
    if (!closed_.wait_for(lock, kPatienceWithReaders, all_are_closed)) {
      for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    }
  }
  if (pool_) pool_->shutdown();
  listener_.reset();  // only now: the port is free when everything is answered
}

void HttpServer::Impl::accept_connections() {
  for (int socket = listener_->accept(); socket >= 0; socket = listener_->accept()) {
    pool_->enqueue([this, socket] { ThreadPool::is_shedding() ? shed(socket) : serve_connection(socket); });
  }
}

void HttpServer::Impl::shed(int socket) const {
  const std::string body = error_reply(503, "overloaded", "Too many connections are open.").body;
  const std::string reply =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  [[maybe_unused]] const ssize_t count = ::send(socket, reply.data(), reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::close(socket);
}

void HttpServer::Impl::serve_connection(int socket) {
  {
    const std::lock_guard lock(mutex_);
    connections_.insert(socket);
  }
  HttpStream stream(socket);
  while (!stopping_) {
    const auto idle_timeout = pool_->is_crowded() ? options_.crowd_idle_timeout : options_.idle_timeout;
    if (!stream.await_request(std::min(idle_timeout, options_.idle_timeout))) break;
    const Next next = serve_request(stream);
    if (next == Next::end_refused) linger(socket);
    if (next != Next::another_request) break;
  }
  {
    const std::lock_guard lock(mutex_);
    connections_.erase(socket);
    ::close(socket);
  }
  closed_.notify_all();
}

/// Newer releases of cpp-httplib want to be told both addresses, which nobody here asks for.
template <class Self>
bool HttpServer::Impl::process_request_of(Self& self, httplib::Stream& stream, bool& is_last,
                                          const std::function<void(httplib::Request&)>& after_head) {
  if constexpr (requires { self.process_request(stream, false, is_last, after_head); }) {
    return self.process_request(stream, false, is_last, after_head);
  } else {
    return self.process_request(stream, {}, 0, {}, 0, false, is_last, after_head);
  }
}

HttpServer::Impl::Next HttpServer::Impl::serve_request(HttpStream& stream) {
  stream.expect_head(options_.head_bytes_max, options_.head_timeout);
  bool is_last = false;
  const auto after_head = [&](httplib::Request& request) {
    t_exchange.refusal = refusal(stream.head(), request, options_.body_bytes_max);
    t_exchange.is_refused = t_exchange.refusal.has_value();
    stream.expect_body(options_.body_timeout, options_.write_timeout);
    // None of what cpp-httplib would do by itself: compress, cut out ranges, take forms apart, match paths by regex.
    for (const char* name : {"Accept-Encoding", "Content-Type"}) request.headers.erase(name);
    request.ranges.clear();
    request.path = std::string(kAnyPath);
  };
  t_exchange = {&stream};
  try {
    if (!process_request_of(*this, stream, is_last, after_head)) is_last = true;
  } catch (const std::exception&) {
    is_last = true;
  }
  if (t_exchange.is_refused) return Next::end_refused;
  return is_last || stream.is_broken() ? Next::end : Next::another_request;
}

HttpReply HttpServer::Impl::dispatch(const httplib::Request& request) const {
  const Target target = split_target(target_of_head(t_exchange.stream->head()));
  const auto path = routes_.find(target.path);
  if (path == routes_.end()) return error_reply(404, "not_found", "There is no such path.");
  const auto& methods = path->second;
  const auto method = methods.find(request.method == "HEAD" ? "GET" : request.method);
  if (method != methods.end()) return method->second({method->first, target.path, target.query, request.body});
  HttpReply reply = error_reply(405, "method_not_allowed", "The path does not have this method.");
  std::string allowed;
  for (const auto& [name, handler] : methods) {
    allowed += (allowed.empty() ? "" : ", ") + name;
    if (name == "GET") allowed += ", HEAD";
  }
  reply.headers.emplace_back("Allow", std::move(allowed));
  return reply;
}

HttpServer::HttpServer(HttpServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpServer::~HttpServer() = default;

void HttpServer::route(std::string method, std::string path, HttpHandler handler) {
  impl_->route(std::move(method), std::move(path), std::move(handler));
}
std::error_code HttpServer::start() {
  return impl_->serve();
}
std::uint16_t HttpServer::port() const {
  return impl_->port();
}
void HttpServer::stop() noexcept {
  impl_->finish();
}

}  // namespace kvserver
