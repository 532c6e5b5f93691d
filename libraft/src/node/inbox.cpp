#include "node/inbox.hpp"

#include <libraft/entry.hpp>
#include <libraft/error.hpp>

#include <utility>

namespace libraft::node {
namespace {

std::size_t charged_bytes(const Message& message) {
  std::size_t bytes = sizeof(Message);
  if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
    for (const Entry& entry : append->entries) bytes += libraft::charged_bytes(entry);
  } else if (const auto* chunk = std::get_if<InstallSnapshot>(&message.body)) {
    bytes += chunk->data.size();
  }
  return bytes;
}

/// A refused request needs no payload any more; its caller may be one of very many.
void drop_payload(Request& request) {
  if (auto* proposal = std::get_if<ProposeRequest>(&request)) proposal->command = Bytes();
  if (auto* query = std::get_if<QueryRequest>(&request)) query->query = std::string();
}

}  // namespace

std::size_t charged_bytes(const Request& request) {
  std::size_t bytes = kEntryOverheadBytes;
  if (const auto* proposal = std::get_if<ProposeRequest>(&request)) bytes += proposal->command.size();
  if (const auto* query = std::get_if<QueryRequest>(&request)) bytes += query->query.size();
  return bytes;
}

bool must_not_be_refused(const Request& request) {
  return std::holds_alternative<StartRequest>(request) || std::holds_alternative<StopRequest>(request);
}

void Inbox::receive(std::span<Message> messages) {
  for (Message& message : messages) {
    const std::size_t bytes = charged_bytes(message);
    Delivery delivery(std::move(message));
    if (!deliveries_.put(delivery, bytes)) dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  post_drain();
}

void Inbox::peer_changed(NodeId peer, PeerEvent event) {
  Delivery delivery(PeerNotice{peer, event});
  // A hint: losing one costs time only.
  if (deliveries_.put(delivery, sizeof(PeerNotice))) post_drain();
}

void Inbox::ask(Request request) {
  const std::size_t bytes = charged_bytes(request);
  IncomingRequest incoming{std::move(request), {}};
  if (must_not_be_refused(incoming.request)) {
    requests_.put_always(std::move(incoming));
  } else if (!requests_.put(incoming, bytes)) {
    // Its completion must not be called inside this call, so it goes in for all that, without what it carried.
    incoming.refused = errc::overloaded;
    drop_payload(incoming.request);
    requests_.put_always(std::move(incoming));
  }
  post_drain();
}

void Inbox::post_drain() {
  if (!is_posted_.exchange(true, std::memory_order_seq_cst)) runtime_.post(drain_);
}

}  // namespace libraft::node
