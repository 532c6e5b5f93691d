#include "transport/peer_queue.hpp"

#include <utility>

namespace kvserver {
namespace {

constexpr std::size_t kMessageOverheadBytes = 256;

bool is_heartbeat(const libraft::MessageBody& body) {
  const auto* append = std::get_if<libraft::AppendEntries>(&body);
  return append != nullptr && append->entries.empty();
}

}  // namespace

Lane lane_of(const libraft::MessageBody& request) {
  if (std::holds_alternative<libraft::InstallSnapshot>(request)) return Lane::bulk;
  const auto* append = std::get_if<libraft::AppendEntries>(&request);
  return append != nullptr && !append->entries.empty() ? Lane::bulk : Lane::control;
}

std::size_t queued_bytes(const libraft::Message& message) {
  std::size_t bytes = kMessageOverheadBytes;
  if (const auto* append = std::get_if<libraft::AppendEntries>(&message.body)) {
    for (const libraft::Entry& entry : append->entries) bytes += libraft::charged_bytes(entry);
  } else if (const auto* chunk = std::get_if<libraft::InstallSnapshot>(&message.body)) {
    bytes += chunk->data.size();
  }
  return bytes;
}

bool PeerQueue::is_full() const {
  return messages_.size() >= limits_.messages_max || bytes_ >= limits_.bytes_max;
}

// True when the message took the place of a waiting heartbeat.
bool PeerQueue::supersede(libraft::Message& message) {
  if (!is_heartbeat(message.body)) return false;
  for (libraft::Message& waiting : messages_) {
    if (!is_heartbeat(waiting.body) || term_of(waiting.body) > term_of(message.body)) continue;
    waiting = std::move(message);
    return true;
  }
  return false;
}

PeerQueue::Pushed PeerQueue::push(libraft::Message message) {
  const std::lock_guard lock(mutex_);
  Pushed pushed;
  if (is_closed_ || supersede(message)) return pushed;
  const std::size_t bytes = queued_bytes(message);
  while (lane_ == Lane::control && is_full()) {
    bytes_ -= queued_bytes(messages_.front());
    messages_.pop_front();
    pushed.dropped = true;
  }
  const bool fits = messages_.empty() || (!is_full() && bytes_ + bytes <= limits_.bytes_max);
  if (fits) {
    bytes_ += bytes;
    messages_.push_back(std::move(message));
    changed_.notify_one();
  } else {
    pushed.dropped = true;
  }
  if (lane_ == Lane::bulk && (!fits || is_full())) pushed.saturated = !std::exchange(is_saturated_, true);
  return pushed;
}

std::optional<libraft::Message> PeerQueue::pop(bool& is_writable) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_closed_ || !messages_.empty(); });
  is_writable = false;
  if (is_closed_) return std::nullopt;
  libraft::Message message = std::move(messages_.front());
  messages_.pop_front();
  bytes_ -= queued_bytes(message);
  const bool is_half_empty = messages_.size() <= limits_.messages_max / 2 && bytes_ <= limits_.bytes_max / 2;
  if (is_half_empty) is_writable = std::exchange(is_saturated_, false);
  return message;
}

void PeerQueue::close() noexcept {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  messages_.clear();
  bytes_ = 0;
  changed_.notify_all();
}

}  // namespace kvserver
