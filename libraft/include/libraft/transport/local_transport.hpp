// LocalTransport: nodes in one process talk without a network. For tests, examples and groups that share a process.
//
//     libraft::LocalNetwork network;
//     auto transport = network.endpoint(libraft::NodeId{1});   // give it to the node's Components
//     ...
//     network.disconnect(libraft::NodeId{1});                  // and see what the others do
//
// send() hands each message to the receiver's sink at once, in the caller's thread: there are no threads, no queues and
// no delays here. Between two endpoints messages keep their order. They are lost only when the receiver is not started,
// when they are not for it (another cluster, group or node), or when the network is told to lose them.
#pragma once

#include <libraft/export.hpp>
#include <libraft/transport.hpp>
#include <libraft/types.hpp>

#include <functional>
#include <memory>

namespace libraft {

/// How a network behaves.
struct LocalNetworkOptions {
  /// Sends each message through the codec, as if over a wire: slower, and finds what a real transport would.
  bool encode_messages = false;
  TransportLimits limits;  ///< of each endpoint
};

/// What connects the endpoints. Copies are the same network, and endpoints keep it alive.
///
/// Thread-safe. The controls take effect for messages sent after they return. They lose messages silently, as a broken
/// network does; only start and stop of an endpoint are told to the others (PeerEvent reachable, unreachable).
class LIBRAFT_EXPORT LocalNetwork {
 public:
  /// A network without endpoints.
  explicit LocalNetwork(LocalNetworkOptions options = {});

  /// A transport for the node `id`. Several may exist for one id; of those in one cluster and group, one may be started
  /// at a time (std::errc::address_in_use), so that a node can be restarted with a new one.
  [[nodiscard]] std::unique_ptr<Transport> endpoint(NodeId id) const;

  /// One direction between two nodes.
  struct Link {
    NodeId from;  ///< the sender
    NodeId to;    ///< the receiver

    friend constexpr auto operator<=>(const Link&, const Link&) = default;
  };

  /// Loses what goes to and comes from `node`, or over `link`, until reconnected. Both are remembered apart: a link
  /// that was cut stays cut when its nodes are reconnected.
  void disconnect(NodeId node) const;
  /// Loses what goes over `link`.
  void disconnect(Link link) const;
  /// Undoes disconnect(node).
  void reconnect(NodeId node) const;
  /// Undoes disconnect(link).
  void reconnect(Link link) const;
  /// Undoes all calls of disconnect; what drop_if says stays.
  void reconnect_all() const;

  /// Messages for which `drops` returns true are lost; an empty function ends it. It is called by the sending threads,
  /// several at a time, with no lock held.
  void drop_if(std::function<bool(const Message&)> drops) const;

  struct State;  ///< of the implementation

 private:
  std::shared_ptr<State> state_;
};

}  // namespace libraft
