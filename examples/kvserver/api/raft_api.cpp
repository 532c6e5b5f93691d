#include "api/raft_api.hpp"

#include "transport/http_transport.hpp"

#include <utility>

namespace kvserver {

HttpServerOptions raft_server_options(std::string address, std::uint16_t port) {
  HttpServerOptions options;
  options.address = std::move(address);
  options.port = port;
  options.body_bytes_max = kRaftBodyBytesMax;
  options.threads_max = 256;
  // Heartbeats keep one connection of each peer busy; the other may have nothing to carry for long.
  options.idle_timeout = std::chrono::seconds(60);
  return options;
}

void install_raft_api(HttpServer& server, HttpTransport& transport, std::function<HttpReply()> status) {
  for (const char* path : {"/raft/appendentries", "/raft/requestvote", "/raft/installsnapshot", "/raft/timeoutnow"}) {
    server.route("POST", path, [&transport](const HttpRequest& request) {
      return parse_query(request.query) ? transport.receive(request.path, request.body) : bad_query();
    });
  }
  server.route("GET", "/raft/status", [status = std::move(status)](const HttpRequest& request) {
    return parse_query(request.query) ? status() : bad_query();
  });
}

}  // namespace kvserver
