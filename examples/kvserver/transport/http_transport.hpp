// HttpTransport: libraft's messages over HTTP, readable with any tool.
//
// A request is posted to the peer's Raft port and the HTTP answer carries the reply. To each peer there are connections
// of two kinds: votes and heartbeats never wait behind entries and snapshots. On the receiving side, the thread of the
// HTTP server hands the request to the node and waits, within bounds, for the node's reply.
//
//     HttpTransport transport(options, names);
//     HttpServer server(raft_server_options("127.0.0.1", 9081));
//     install_raft_api(server, transport, [&] { return status_json(node); });
#pragma once

#include "api/http_server.hpp"
#include "transport/exchange_table.hpp"
#include "transport/message_json.hpp"
#include "transport/peer_sender.hpp"
#include "transport/sink_gate.hpp"
#include "transport/wire_names.hpp"

#include <libraft/logger.hpp>
#include <libraft/transport.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

class NodeNames;

/// What a Raft port takes as a body.
inline constexpr std::size_t kRaftBodyBytesMax = 16u << 20;

struct HttpTransportOptions {
  std::string name;          ///< the protocol name of this node
  std::string display_name;  ///< told to the others, for people
  std::string client_url;    ///< told to the others, for the hints that they give
  /// Where peers are; wins over the addresses that the node has stored.
  std::map<libraft::NodeId, std::string> urls;
  PeerTimeouts timeouts;
  /// How long a request of a peer waits for this node's reply: shorter than the peer waits for the answer.
  std::chrono::milliseconds control_reply_patience{1000};
  std::chrono::milliseconds bulk_reply_patience{4000};
  /// Two appends to a peer: one under way and one behind it; what comes meanwhile goes into the next, larger one. The
  /// bytes of a message may grow sixfold as JSON (NULs do), and still fit into kRaftBodyBytesMax.
  libraft::TransportLimits limits{2u << 20, 2};
  libraft::Logger* logger = nullptr;  ///< outlives the transport; may be null
};

/// Thread-safe where a Transport must be. Destroy it after the HttpServer that its API is installed on.
class HttpTransport final : public libraft::Transport, private PeerSenderHost {
 public:
  /// `names` learns what peers say of themselves, and outlives this.
  HttpTransport(HttpTransportOptions options, NodeNames& names);
  ~HttpTransport() override;

  // libraft::Transport
  [[nodiscard]] libraft::TransportLimits limits() const override { return options_.limits; }
  [[nodiscard]] std::error_code start(const libraft::Identity& self, libraft::MessageSink& sink) override;
  void set_peers(std::span<const libraft::Peer> peers) override;
  void send(std::span<libraft::Message> messages) override;
  void stop() noexcept override;

  /// A request of another node that was posted to `path`: 200 with the reply, 4xx for one that this node must not
  /// answer (which changes nothing), 503 when there was no reply in time. Any thread.
  [[nodiscard]] HttpReply receive(std::string_view path, std::string_view body);

 private:
  // PeerSenderHost
  [[nodiscard]] std::optional<Written> write_request(const libraft::Message& request) override;
  [[nodiscard]] bool take_answer(const libraft::Message& request, std::uint64_t request_id,
                                 std::string_view body) override;
  void peer_changed(libraft::NodeId peer, libraft::PeerEvent event) override;
  void not_answered(libraft::NodeId peer, int status, std::string_view body) override;

  using Senders = std::map<libraft::NodeId, std::unique_ptr<PeerSender>>;

  [[nodiscard]] std::unique_ptr<PeerSender> sender_to(const libraft::Peer& peer);
  [[nodiscard]] std::optional<HttpReply> refusal(const libraft::Identity& self, const WireMessage& request) const;
  [[nodiscard]] HttpReply answer(libraft::Message request, std::uint64_t request_id);
  [[nodiscard]] std::optional<libraft::Identity> self() const;
  [[nodiscard]] std::optional<std::string> write(const libraft::Message& message, std::uint64_t request_id) const;
  void introduce_others(const libraft::Routing& route, WireMessage& wire) const;
  void learn(const WireMessage& wire);
  void log(libraft::LogLevel level, const std::string& line) const;

  const HttpTransportOptions options_;
  NodeNames& names_;
  WireNames wire_names_;
  SinkGate gate_;
  ExchangeTable exchanges_;
  std::atomic<std::uint64_t> last_request_id_ = 0;
  mutable std::mutex mutex_;
  std::optional<libraft::Identity> self_;                // guarded by mutex_; none while stopped
  std::map<libraft::NodeId, std::string> last_refusal_;  // guarded by mutex_: so that a line is logged once
  // Of the protocol lane:
  Senders senders_;
  std::vector<std::unique_ptr<PeerSender>> retired_;
};

}  // namespace kvserver
