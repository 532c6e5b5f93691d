#include <libraft/transport/local_transport.hpp>

#include <libraft/codec.hpp>
#include <libraft/error.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace libraft {
namespace {

using DropFilter = std::function<bool(const Message&)>;

/// The way to the sink of a started endpoint. When close() has returned, no call is under way and none begins.
///
/// No lock is held while the sink runs: one that sends from inside (against its contract) then still gets through.
class Gate {
 public:
  explicit Gate(MessageSink& sink) : sink_(&sink) {}

  /// Calls `use` with the sink, unless closed.
  template <class Use>
  bool pass(const Use& use) {
    MessageSink* const sink = enter();
    if (sink == nullptr) return false;
    const Leave leave{*this};
    use(*sink);
    return true;
  }

  void close() {
    std::unique_lock lock(mutex_);
    sink_ = nullptr;
    idle_.wait(lock, [this] { return calls_ == 0; });
  }

 private:
  struct Leave {
    Gate& gate;
    ~Leave() { gate.leave(); }
  };

  MessageSink* enter() {
    const std::lock_guard lock(mutex_);
    if (sink_ != nullptr) ++calls_;
    return sink_;
  }

  void leave() {
    const std::lock_guard lock(mutex_);
    if (--calls_ == 0) idle_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  MessageSink* sink_;
  int calls_ = 0;
};

/// The peers of an endpoint, and which of them it was told to be unreachable.
class PeerStates {
 public:
  void replace(std::span<const Peer> peers) {
    const std::lock_guard lock(mutex_);
    std::map<NodeId, bool> states;
    for (const Peer& peer : peers) {
      const auto known = reachable_.find(peer.id);
      states.emplace(peer.id, known == reachable_.end() || known->second);
    }
    reachable_ = std::move(states);
  }

  /// True when this is news about a peer.
  bool change(NodeId peer, bool reachable) {
    const std::lock_guard lock(mutex_);
    const auto found = reachable_.find(peer);
    return found != reachable_.end() && std::exchange(found->second, reachable) != reachable;
  }

 private:
  std::mutex mutex_;
  std::map<NodeId, bool> reachable_;
};

/// A started endpoint, as the others see it.
struct Port {
  Port(const Identity& self, MessageSink& sink) : identity(self), gate(sink) {}

  void tell(NodeId peer, bool is_reachable) {
    if (!peers.change(peer, is_reachable)) return;
    const PeerEvent event = is_reachable ? PeerEvent::reachable : PeerEvent::unreachable;
    gate.pass([&](MessageSink& sink) { sink.peer_changed(peer, event); });
  }

  const Identity identity;
  Gate gate;
  PeerStates peers;
};

/// Who is there: one cluster's and group's nodes can't reach those of another.
using Address = std::tuple<ClusterId, GroupId, NodeId>;

Address address_of(const Identity& identity) {
  return {identity.cluster, identity.group, identity.node};
}

}  // namespace

struct LocalNetwork::State {
  explicit State(LocalNetworkOptions with) : options(with) {}

  bool add(const std::shared_ptr<Port>& port) {
    const std::lock_guard lock(mutex);
    return ports.emplace(address_of(port->identity), port).second;
  }

  void remove(const Port& port) {
    const std::lock_guard lock(mutex);
    ports.erase(address_of(port.identity));
  }

  /// The other endpoints of the same cluster and group.
  std::vector<std::shared_ptr<Port>> others(const Identity& self) {
    const std::lock_guard lock(mutex);
    std::vector<std::shared_ptr<Port>> found;
    for (const auto& [address, port] : ports) {
      if (std::get<0>(address) == self.cluster && std::get<1>(address) == self.group &&
          port->identity.node != self.node)
        found.push_back(port);
    }
    return found;
  }

  struct Way {
    std::shared_ptr<Port> to;                 ///< null: not started
    std::shared_ptr<const DropFilter> drops;  ///< null: none
    bool is_cut = false;
  };

  Way way(const Routing& route) {
    const std::lock_guard lock(mutex);
    Way found;
    if (const auto at = ports.find({route.cluster, route.group, route.to}); at != ports.end()) found.to = at->second;
    found.drops = drops;
    found.is_cut =
        cut_nodes.contains(route.from) || cut_nodes.contains(route.to) || cut_links.contains({route.from, route.to});
    return found;
  }

  const LocalNetworkOptions options;
  std::mutex mutex;
  std::map<Address, std::shared_ptr<Port>> ports;
  std::set<NodeId> cut_nodes;
  std::set<Link> cut_links;
  std::shared_ptr<const DropFilter> drops;
};

namespace {

class LocalTransport final : public Transport {
 public:
  LocalTransport(NodeId id, std::shared_ptr<LocalNetwork::State> network) : id_(id), network_(std::move(network)) {}
  LocalTransport(const LocalTransport&) = delete;
  LocalTransport& operator=(const LocalTransport&) = delete;
  ~LocalTransport() override { stop(); }

  [[nodiscard]] TransportLimits limits() const override { return network_->options.limits; }

  [[nodiscard]] std::error_code start(const Identity& self, MessageSink& sink) override {
    if (self.node != id_ || port_) return errc::invalid_argument;
    auto port = std::make_shared<Port>(self, sink);
    if (!network_->add(port)) return std::make_error_code(std::errc::address_in_use);
    port_ = std::move(port);
    for (const auto& other : network_->others(self)) other->tell(id_, true);
    return {};
  }

  void set_peers(std::span<const Peer> peers) override {
    if (port_) port_->peers.replace(peers);
  }

  void send(std::span<Message> messages) override {
    if (!port_) return;
    // Messages that follow each other to one node are handed over in one call.
    std::size_t first = 0;
    std::shared_ptr<Port> to;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      std::shared_ptr<Port> port = prepare(messages[i]);
      if (port == to) continue;
      deliver(to, messages.subspan(first, i - first));
      first = i;
      to = std::move(port);
    }
    deliver(to, messages.subspan(first));
  }

  void stop() noexcept override {
    if (!port_) return;
    network_->remove(*port_);
    port_->gate.close();
    for (const auto& other : network_->others(port_->identity)) other->tell(id_, false);
    port_.reset();
  }

 private:
  /// Where the message goes, made ready to be handed over; null when it is lost.
  std::shared_ptr<Port> prepare(Message& message) {
    if (message.route.cluster != port_->identity.cluster || message.route.group != port_->identity.group) return {};
    const LocalNetwork::State::Way way = network_->way(message.route);
    if (!way.to) port_->tell(message.route.to, false);
    if (!way.to || way.is_cut || (way.drops && (*way.drops)(message))) return {};
    message.route.exchange = 0;
    if (network_->options.encode_messages && !recode(message)) {
      port_->gate.pass([&](MessageSink& sink) { sink.peer_changed(message.route.to, PeerEvent::dropped); });
      return {};
    }
    return way.to;
  }

  static bool recode(Message& message) {
    std::string bytes;
    encode(message, bytes);
    Result<Message> same = decode_message(Bytes(std::move(bytes)));
    if (same) message = *std::move(same);
    return static_cast<bool>(same);
  }

  void deliver(const std::shared_ptr<Port>& to, std::span<Message> messages) {
    if (!to || messages.empty()) return;
    const NodeId receiver = to->identity.node;
    const bool arrived = to->gate.pass([&](MessageSink& sink) { sink.receive(messages); });
    port_->tell(receiver, arrived);
  }

  const NodeId id_;
  const std::shared_ptr<LocalNetwork::State> network_;
  std::shared_ptr<Port> port_;  ///< while started
};

}  // namespace

LocalNetwork::LocalNetwork(LocalNetworkOptions options) : state_(std::make_shared<State>(options)) {}

std::unique_ptr<Transport> LocalNetwork::endpoint(NodeId id) const {
  return std::make_unique<LocalTransport>(id, state_);
}

void LocalNetwork::disconnect(NodeId node) const {
  const std::lock_guard lock(state_->mutex);
  state_->cut_nodes.insert(node);
}

void LocalNetwork::disconnect(Link link) const {
  const std::lock_guard lock(state_->mutex);
  state_->cut_links.insert(link);
}

void LocalNetwork::reconnect(NodeId node) const {
  const std::lock_guard lock(state_->mutex);
  state_->cut_nodes.erase(node);
}

void LocalNetwork::reconnect(Link link) const {
  const std::lock_guard lock(state_->mutex);
  state_->cut_links.erase(link);
}

void LocalNetwork::reconnect_all() const {
  const std::lock_guard lock(state_->mutex);
  state_->cut_nodes.clear();
  state_->cut_links.clear();
}

void LocalNetwork::drop_if(std::function<bool(const Message&)> drops) const {
  auto shared = drops ? std::make_shared<const DropFilter>(std::move(drops)) : nullptr;
  const std::lock_guard lock(state_->mutex);
  state_->drops = std::move(shared);
}

}  // namespace libraft
