// The threads and connections that carry requests to one peer.
#pragma once

#include "transport/peer_queue.hpp"

#include <libraft/message.hpp>
#include <libraft/transport.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

/// What a PeerSender needs of its transport. Called from the sender's threads.
struct PeerSenderHost {
  /// A number for a request, and its body; nullopt when it can't be written.
  struct Written {
    std::uint64_t request_id = 0;
    std::string body;
  };
  [[nodiscard]] virtual std::optional<Written> write_request(const libraft::Message& request) = 0;
  /// The answer to a request; false when it is not the reply that belongs to it.
  [[nodiscard]] virtual bool take_answer(const libraft::Message& request, std::uint64_t request_id,
                                         std::string_view body) = 0;
  virtual void peer_changed(libraft::NodeId peer, libraft::PeerEvent event) = 0;
  /// For the log: what happened to a request that was answered, but not with a reply.
  virtual void not_answered(libraft::NodeId peer, int status, std::string_view body) = 0;

 protected:
  ~PeerSenderHost() = default;
};

struct PeerTimeouts {
  std::chrono::milliseconds connect{500};
  std::chrono::milliseconds control{1500};  ///< from the request to its answer
  std::chrono::milliseconds bulk{5000};
};

/// One peer: a queue for each lane, and threads with a kept connection each: two for control, and one for bulk, which
/// stays in order. Answers come back to the host.
///
/// Reachability is what requests experience: unreachable when none gets through, reachable with the next answer.
class PeerSender {
 public:
  /// `url` is http://host:port; one that is none makes a peer that is never reached. `host` outlives this.
  PeerSender(libraft::NodeId peer, std::string url, PeerTimeouts timeouts, PeerSenderHost& host);
  ~PeerSender();  ///< stops and waits
  PeerSender(const PeerSender&) = delete;
  PeerSender& operator=(const PeerSender&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

  /// Never blocks; what does not fit is dropped and told to the host.
  void send(libraft::Message request);
  /// Takes no more, and ends by itself after the requests under way. Never blocks.
  void retire() noexcept;
  [[nodiscard]] bool is_ended() const noexcept;

 private:
  class Worker;

  void experience(bool reached);

  const libraft::NodeId peer_;
  const std::string url_;
  PeerSenderHost& host_;
  std::mutex experience_mutex_;  // held while the host is told, so that it hears of changes in their order
  bool is_reachable_ = true;     // guarded by experience_mutex_
  PeerQueue control_{Lane::control, {}};
  PeerQueue bulk_{Lane::bulk, {}};
  std::vector<std::unique_ptr<Worker>> workers_;  // destroyed before the queues
};

}  // namespace kvserver
