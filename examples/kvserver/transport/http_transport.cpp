#include "transport/http_transport.hpp"

#include "kv/node_names.hpp"

#include <fmt/format.h>

#include <utility>

namespace kvserver {
namespace {

using libraft::Message;
using libraft::NodeId;
using libraft::PeerEvent;

constexpr std::size_t kLoggedBytesMax = 300;

}  // namespace

HttpTransport::HttpTransport(HttpTransportOptions options, NodeNames& names)
    : options_(std::move(options)), names_(names), wire_names_(names) {
  if (!options_.name.empty()) wire_names_.remember(options_.name);
}

HttpTransport::~HttpTransport() {
  stop();
}

std::error_code HttpTransport::start(const libraft::Identity& self, libraft::MessageSink& sink) {
  {
    const std::lock_guard lock(mutex_);
    if (self_) return libraft::errc::invalid_argument;
    self_ = self;
  }
  gate_.open(sink);
  exchanges_.open();
  return {};
}

void HttpTransport::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    self_.reset();
  }
  exchanges_.close();
  gate_.close();
  senders_.clear();
  retired_.clear();
}

std::optional<libraft::Identity> HttpTransport::self() const {
  const std::lock_guard lock(mutex_);
  return self_;
}

void HttpTransport::set_peers(std::span<const libraft::Peer> peers) {
  const auto own = self();
  if (!own) return;
  Senders next;
  for (const libraft::Peer& peer : peers) {
    if (peer.id == own->node || next.contains(peer.id)) continue;
    if (auto sender = sender_to(peer)) next.emplace(peer.id, std::move(sender));
  }
  for (auto& [id, sender] : senders_) {
    if (!sender) continue;
    sender->retire();
    retired_.push_back(std::move(sender));
  }
  senders_ = std::move(next);
  std::erase_if(retired_, [](const auto& sender) { return sender->is_ended(); });
}

// The sender that goes on for an unchanged peer, else a new one; null when the system has no threads for it.
std::unique_ptr<PeerSender> HttpTransport::sender_to(const libraft::Peer& peer) {
  const auto configured = options_.urls.find(peer.id);
  const std::string& url = configured != options_.urls.end() ? configured->second : peer.address;
  const auto known = senders_.find(peer.id);
  if (known != senders_.end() && known->second && known->second->url() == url) return std::move(known->second);
  try {
    PeerSenderHost& host = *this;
    return std::make_unique<PeerSender>(peer.id, url, options_.timeouts, host);
  } catch (const std::exception& error) {
    log(libraft::LogLevel::error,
        fmt::format("no connection to {} can be made: {}", names_.display_name(peer.id), error.what()));
    return nullptr;
  }
}

void HttpTransport::send(std::span<Message> messages) {
  for (Message& message : messages) {
    if (!libraft::is_request(message.body)) {
      exchanges_.answer(std::move(message));
    } else if (const auto to = senders_.find(message.route.to); to != senders_.end()) {
      to->second->send(std::move(message));
    }
  }
}

std::optional<std::string> HttpTransport::write(const Message& message, std::uint64_t request_id) const {
  WireMessage wire;
  wire.message = message;
  wire.request_id = request_id;
  wire.display_name = options_.display_name;
  wire.client_url = options_.client_url;
  // With heartbeats, which come again and again and carry little else.
  const auto* append = std::get_if<libraft::AppendEntries>(&message.body);
  if (append != nullptr && append->entries.empty()) introduce_others(message.route, wire);
  return write_message(wire, wire_names_);
}

void HttpTransport::introduce_others(const libraft::Routing& route, WireMessage& wire) const {
  for (const NodeCard& card : names_.heard_of()) {
    const NodeId id = node_id_of(card.name);
    if (id == route.from || id == route.to) continue;
    wire.introductions.push_back({card.name, card.display_name, card.client_url});
  }
}

std::optional<PeerSenderHost::Written> HttpTransport::write_request(const Message& request) {
  const std::uint64_t request_id = ++last_request_id_;
  auto body = write(request, request_id);
  if (!body) return std::nullopt;
  return Written{request_id, std::move(*body)};
}

bool HttpTransport::take_answer(const Message& request, std::uint64_t request_id, std::string_view body) {
  auto outcome = read_reply(request.body, body, wire_names_);
  auto* reply = std::get_if<WireMessage>(&outcome);
  if (reply == nullptr) {
    not_answered(request.route.to, 200, std::get<MessageRefused>(outcome).sentence);
    return false;
  }
  const libraft::Routing& asked = request.route;
  const libraft::Routing& route = reply->message.route;
  const bool belongs = reply->request_id == request_id && route.cluster == asked.cluster &&
                       route.group == asked.group && route.from == asked.to && route.to == asked.from;
  if (!belongs) {
    not_answered(request.route.to, 200, "the reply belongs to another request");
    return false;
  }
  learn(*reply);
  gate_.receive(std::move(reply->message));
  return true;
}

void HttpTransport::learn(const WireMessage& wire) {
  const libraft::Routing& route = wire.message.route;
  names_.learn(route.from, wire.display_name, wire.client_url);
  for (const Introduction& third : wire.introductions) {
    const NodeId id = node_id_of(third.name);
    // A node knows itself best.
    if (id != route.from && id != route.to) names_.learn(id, third.display_name, third.client_url);
  }
}

void HttpTransport::peer_changed(NodeId peer, PeerEvent event) {
  gate_.peer_changed(peer, event);
  if (event == PeerEvent::unreachable || event == PeerEvent::reachable) {
    const bool is_reachable = event == PeerEvent::reachable;
    {
      const std::lock_guard lock(mutex_);
      if (!self_) return;
      if (is_reachable) last_refusal_.erase(peer);
    }
    log(libraft::LogLevel::info,
        fmt::format("{} is {}", names_.display_name(peer), is_reachable ? "reachable again" : "unreachable"));
  }
}

void HttpTransport::not_answered(NodeId peer, int status, std::string_view body) {
  std::string line =
      fmt::format("{} did not reply: {} {}", names_.display_name(peer), status, body.substr(0, kLoggedBytesMax));
  {
    const std::lock_guard lock(mutex_);
    if (!self_ || std::exchange(last_refusal_[peer], line) == line) return;
  }
  log(libraft::LogLevel::warning, line);
}

void HttpTransport::log(libraft::LogLevel level, const std::string& line) const {
  if (options_.logger != nullptr && options_.logger->is_enabled(level)) options_.logger->log(level, line);
}

std::optional<HttpReply> HttpTransport::refusal(const libraft::Identity& self, const WireMessage& request) const {
  const libraft::Routing& route = request.message.route;
  if (route.cluster != self.cluster || route.group != self.group) {
    return error_reply(403, "wrong_cluster", "This node belongs to another cluster.");
  }
  const bool is_meant = route.to_incarnation == libraft::Incarnation{} || route.to_incarnation == self.incarnation;
  if (route.to != self.node || !is_meant) {
    return error_reply(421, "wrong_receiver", "This node is not the one that the message is for.");
  }
  if (route.from == self.node) {
    return error_reply(409, "same_id", "The sender calls itself by this node's name.");
  }
  return std::nullopt;
}

HttpReply HttpTransport::receive(std::string_view path, std::string_view body) {
  const auto own = self();
  if (!own) return error_reply(503, "not_running", "The node is not running.");
  auto outcome = read_request(path, body, wire_names_);
  if (const auto* refused = std::get_if<MessageRefused>(&outcome)) {
    return error_reply(400, refused->word, refused->sentence);
  }
  auto& request = std::get<WireMessage>(outcome);
  if (auto refused = refusal(*own, request)) return *refused;
  if (!request.name.empty()) wire_names_.remember(request.name);
  learn(request);
  return answer(std::move(request.message), request.request_id);
}

HttpReply HttpTransport::answer(Message request, std::uint64_t request_id) {
  const bool is_control = lane_of(request.body) == Lane::control;
  ExchangeTable::Exchange exchange(exchanges_);
  request.route.exchange = exchange.number();
  if (!gate_.receive(std::move(request))) return error_reply(503, "not_running", "The node is not running.");
  const auto reply = exchange.await(is_control ? options_.control_reply_patience : options_.bulk_reply_patience);
  if (!reply) return error_reply(503, "timeout", "The node did not reply in time.");
  auto body = write(*reply, request_id);
  if (!body) return error_reply(500, "internal", "The reply can't be written.");
  return json_reply(200, std::move(*body));
}

}  // namespace kvserver
