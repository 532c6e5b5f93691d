// Transport: how messages get from node to node. Implement it to run libraft over your own network.
//
// A transport carries one-way messages and promises little: it may lose, repeat and reorder them, but never alters
// one and never gives it to another node than `route.to`. Raft does the rest. New kinds of messages never need a new
// method here. Prove yours with testkit/transport_conformance.hpp.
//
// Shipped: transport/local_transport.hpp (nodes in one process). docs/transport.md is the guide.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/message.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <span>
#include <system_error>

namespace libraft {

/// Who a node is. Drawn up when its storage is formatted and kept there.
struct Identity {
  ClusterId cluster;        ///< messages of another are refused
  GroupId group;            ///< within the cluster
  NodeId node;              ///< the node itself
  Incarnation incarnation;  ///< drawn at random by format: a new disk is another node's

  friend bool operator==(const Identity&, const Identity&) = default;
};

/// What a transport tells its node about a peer. Hints: losing one costs time, never safety.
enum class PeerEvent {
  unreachable,  ///< nothing gets through at the moment
  reachable,    ///< messages get through again
  dropped,      ///< messages to the peer were dropped
  saturated,    ///< the peer's queue is full; further messages will be dropped
  writable,     ///< the queue has room again
};

/// Where a transport delivers to: the node.
struct MessageSink {
  /// Takes messages over (they are moved from). Any thread; never blocks; does not call back into the transport.
  /// A full inbox drops the rest and counts them.
  virtual void receive(std::span<Message> messages) = 0;
  /// Any thread; never blocks.
  virtual void peer_changed(NodeId peer, PeerEvent event) = 0;

 protected:
  ~MessageSink() = default;
};

/// What a transport can carry. The node takes the smaller of these and its own options.
struct TransportLimits {
  std::size_t message_bytes_max = 64u << 20;  ///< payload bytes (commands, snapshot data) in one message
  std::size_t in_flight_max = 64;             ///< AppendEntries on the way to one peer at a time
};

/// Calls come from the node's protocol lane, one at a time: start, then set_peers and send in any order, then stop.
struct Transport {
  virtual ~Transport() = default;

  /// Constant for the life of the transport.
  [[nodiscard]] virtual TransportLimits limits() const = 0;

  /// Begins to send and to receive as `self`. On an error the transport is stopped. The sink outlives stop().
  [[nodiscard]] virtual std::error_code start(const Identity& self, MessageSink& sink) = 0;

  /// The nodes that messages will go to, this one left out. Replaces the set before. Messages from other senders of the
  /// same cluster are delivered too (a node may not know the newest configuration, thesis §4.2.3), and a reply to one
  /// of them goes back the way that the request came.
  virtual void set_peers(std::span<const Peer> peers) = 0;

  /// Takes messages over (they are moved from) and sends each to its `route.to`. Never blocks and never fails: what
  /// can't be queued is dropped, and peer_changed says so. The queue for each peer is bounded; votes, replies and
  /// heartbeats go before bulk.
  virtual void send(std::span<Message> messages) = 0;

  /// Ends all of it. When stop returns, the sink is not called again. May be called when start failed, and twice.
  virtual void stop() noexcept = 0;
};

}  // namespace libraft
