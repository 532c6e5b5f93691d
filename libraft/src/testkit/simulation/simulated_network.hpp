// SimulatedNetwork: frames on links, and all that may happen to them. Messages travel through the codec that ships.
//
// A frame is an encoded message with a checksum beside it, as a transport over a real network has: a frame that was
// changed on its way is shown to the decoder all the same, which must cope, and is then refused.
#pragma once

#include "testkit/simulation/simulated_events.hpp"
#include "testkit/simulation/simulation_watchers.hpp"

#include <libraft/bytes.hpp>
#include <libraft/message.hpp>
#include <libraft/testkit/simulation.hpp>
#include <libraft/transport.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

namespace libraft::testkit {

/// Between the members 1 to `nodes`. A link is one direction between two of them.
class SimulatedNetwork final : private EventTarget {
 public:
  SimulatedNetwork(EventHeap& heap, const Watchers& watchers, std::uint64_t seed, std::size_t nodes,
                   const LinkFaults& faults);

  /// What arrives for the node goes there from now on. Whatever arrives for a node without a sink is gone.
  void attach(NodeId node, MessageSink& sink) { sinks_[node.value - 1] = &sink; }
  void detach(NodeId node) { sinks_[node.value - 1] = nullptr; }
  /// At the network card of `from`.
  void send(NodeId from, const Message& message);

  // Faults, see Simulation.
  void set_all(const LinkFaults& faults);
  void set_link(NodeId from, NodeId to, const LinkFaults& faults);
  [[nodiscard]] const LinkFaults& faults(NodeId from, NodeId to) { return link(from, to).faults; }
  void cut(NodeId from, NodeId to, bool is_cut);
  void flap(NodeId from, NodeId to, Duration up, Duration down);
  void clog(NodeId from, NodeId to);
  void release(NodeId from, NodeId to);
  void heal();

 private:
  struct Link {
    Link(std::uint64_t seed, std::uint64_t place);

    LinkFaults faults;
    bool is_cut = false;
    bool is_clogged = false;
    bool is_in_burst = false;
    bool is_reported_dead = false;  // to the sender
    TimePoint flapping_since{};
    Duration up{};    // with `down`: the link flaps
    Duration down{};  // zero: it does not
    std::deque<std::size_t> held;

    RandomStream delay;
    RandomStream tail;
    RandomStream loss;
    RandomStream burst;
    RandomStream duplication;
    RandomStream damage;
    RandomStream hint;
  };
  struct Frame {
    Bytes bytes;
    std::uint64_t checksum = 0;  // of what was sent
    NodeId from;
    NodeId to;
    bool is_damaged = false;
  };

  void on_event(std::uint64_t what) override;
  [[nodiscard]] Link& link(NodeId from, NodeId to) { return links_[(from.value - 1) * sinks_.size() + to.value - 1]; }
  [[nodiscard]] bool is_member(NodeId id) const { return id.value >= 1 && id.value <= sinks_.size(); }
  void transmit(Link& link, Frame frame);
  void damage(Link& link, Frame& frame);
  [[nodiscard]] bool is_down(const Link& link) const;
  [[nodiscard]] bool loses(Link& link, const Frame& frame);
  void hint(const Frame& frame, PeerEvent event) const;
  [[nodiscard]] Duration draw_delay(Link& link, const Frame& frame);
  void refuse(const Frame& frame);
  [[nodiscard]] std::size_t keep(Frame frame);
  [[nodiscard]] Frame take(std::size_t slot);
  void note(std::string_view kind, NodeId from, NodeId to) const;

  EventHeap& heap_;
  const Watchers& watchers_;
  std::vector<MessageSink*> sinks_;  // by node
  std::vector<Link> links_;          // by sender and receiver
  std::vector<Frame> frames_;        // on their way; places are used again
  std::vector<std::size_t> free_;
};

/// The network card of one node. It lives with the node.
class SimulatedCard final : public Transport {
 public:
  SimulatedCard(SimulatedNetwork& network, NodeId self) : network_(network), self_(self) {}
  ~SimulatedCard() override { stop(); }

  [[nodiscard]] TransportLimits limits() const override { return {}; }
  std::error_code start(const Identity&, MessageSink& sink) override {
    network_.attach(self_, sink);
    return {};
  }
  void set_peers(std::span<const Peer>) override {}
  void send(std::span<Message> messages) override {
    for (const Message& message : messages) network_.send(self_, message);
  }
  void stop() noexcept override { network_.detach(self_); }

 private:
  SimulatedNetwork& network_;
  NodeId self_;
};

}  // namespace libraft::testkit
