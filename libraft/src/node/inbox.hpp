// Inbox: where messages and requests from any thread wait for the protocol lane.
#pragma once

#include "node/gauges.hpp"
#include "node/request.hpp"
#include "util/mailbox.hpp"

#include <libraft/message.hpp>
#include <libraft/runtime.hpp>
#include <libraft/transport.hpp>

#include <atomic>
#include <cstdint>
#include <span>
#include <system_error>
#include <variant>
#include <vector>

namespace libraft::node {

struct PeerNotice {
  NodeId peer;
  PeerEvent event;
};
/// What comes from the transport.
using Delivery = std::variant<Message, PeerNotice>;

/// A request, and why it is refused, if it is: it is ended on the protocol lane like any other.
struct IncomingRequest {
  Request request;
  std::error_code refused;
};

/// Let in whatever the bound: to start and to stop.
[[nodiscard]] bool must_not_be_refused(const Request& request);

/// Messages and requests have a bound of their own each, so that a flood of one never shuts out the other. The first
/// item after a take-out posts the drain job; later ones find it posted.
///
/// Thread-safe, but for take_*: those are the protocol lane's.
class Inbox final : public MessageSink {
 public:
  /// `drain` is run on the protocol lane when there is something to take.
  Inbox(util::MailboxLimits limits, Runtime& runtime, Job& drain)
      : deliveries_(limits), requests_(limits), runtime_(runtime), drain_(drain) {}

  void receive(std::span<Message> messages) override;
  void peer_changed(NodeId peer, PeerEvent event) override;

  /// When full, the request comes out as refused: errc::overloaded.
  void ask(Request request);

  /// To be called first when the drain job runs, and only then: what is put in from here on posts it again.
  void begin_drain() { is_posted_.store(false, std::memory_order_seq_cst); }
  // What was taken, and what it was charged. Of requests that are let in beyond the bound only the count grows.
  Fill take_deliveries(std::vector<Delivery>& into) {
    const std::size_t bytes = deliveries_.take_all(into);
    return {into.size(), bytes};
  }
  Fill take_requests(std::vector<IncomingRequest>& into) {
    const std::size_t bytes = requests_.take_all(into);
    return {into.size(), bytes};
  }

  /// Messages that found it full.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void post_drain();

  util::Mailbox<Delivery> deliveries_;
  util::Mailbox<IncomingRequest> requests_;
  Runtime& runtime_;
  Job& drain_;
  std::atomic<bool> is_posted_{false};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace libraft::node
