// The Raft port: what nodes ask each other, and GET /raft/status for people and scripts. Nothing of the client API.
#pragma once

#include "api/http_server.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace kvserver {

class HttpTransport;

/// Options for a server that nodes talk to: large bodies, connections that are kept for long.
[[nodiscard]] HttpServerOptions raft_server_options(std::string address, std::uint16_t port);

/// Serves POST /raft/{appendentries,requestvote,installsnapshot,timeoutnow} by `transport`, which outlives the server,
/// and GET /raft/status by `status`, which is called on many threads.
void install_raft_api(HttpServer& server, HttpTransport& transport, std::function<HttpReply()> status);

}  // namespace kvserver
