// ClientApi: the key-value store as clients see it: PUT /set, GET /get, DELETE /delete, GET /health.
//
// docs/kvserver.md is the reference: bodies, statuses, and the table of error words. The rule behind the statuses of a
// write: 200 is done; 4xx and every 503 but one are certainly not done; 503 `timeout` and 500 are unknown.
#pragma once

#include "api/http_server.hpp"
#include "api/kv_node.hpp"
#include "kv/node_names.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace kvserver {

/// What a server does with requests: it begins as `starting`.
enum class Phase {
  starting,  ///< answers 503 `starting`
  serving,
  stopping,  ///< answers 503 `stopping`
};

/// What a server answers in that phase, on both ports.
[[nodiscard]] HttpReply starting_reply();

/// Thread-safe. `node` and `names` outlive it.
class ClientApi {
 public:
  ClientApi(KvNode& node, const NodeNames& names, std::chrono::milliseconds request_timeout)
      : node_(node), names_(names), request_timeout_(request_timeout) {}

  /// Serves all of it on `server`, which must end before this does.
  void install(HttpServer& server);

  /// What becomes of requests from now on.
  void enter(Phase phase) { phase_ = phase; }

  [[nodiscard]] HttpReply set(const HttpRequest& request);
  [[nodiscard]] HttpReply get(const HttpRequest& request);
  [[nodiscard]] HttpReply remove(const HttpRequest& request);
  [[nodiscard]] HttpReply health(const HttpRequest& request);

 private:
  /// The answer of a server that does not serve now.
  [[nodiscard]] std::optional<HttpReply> not_serving() const;
  /// Proposes, and says `message` about `key` when it is done.
  [[nodiscard]] HttpReply write(std::string command, std::string_view key, std::string_view message);
  [[nodiscard]] HttpReply write_error(std::error_code error) const;
  [[nodiscard]] HttpReply read_error(std::error_code error) const;
  /// The errors that mean the same for writes and reads: certainly not done, for a reason that lies in the node.
  [[nodiscard]] HttpReply refusal(std::error_code error) const;
  [[nodiscard]] HttpReply not_leader() const;
  [[nodiscard]] HttpReply node_failed() const;

  KvNode& node_;
  const NodeNames& names_;
  std::chrono::milliseconds request_timeout_;
  std::atomic<Phase> phase_{Phase::starting};
};

}  // namespace kvserver
