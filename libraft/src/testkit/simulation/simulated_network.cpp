#include "testkit/simulation/simulated_network.hpp"

#include "util/digest.hpp"

#include <libraft/codec.hpp>

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

namespace libraft::testkit {
namespace {

// Purposes of random streams; see simulated_runtime.cpp for the first ones.
constexpr std::uint64_t kDelay = 11;
constexpr std::uint64_t kTail = 12;
constexpr std::uint64_t kLoss = 13;
constexpr std::uint64_t kBurst = 14;
constexpr std::uint64_t kDuplication = 15;
constexpr std::uint64_t kDamage = 16;
constexpr std::uint64_t kHint = 17;

/// A clogged link keeps so many frames; older ones are lost.
constexpr std::size_t kHeldMax = 4096;
/// From so many on the sender is told that the link is full.
constexpr std::size_t kHeldMany = 64;

std::string flip_bits(std::string bytes, RandomStream& random) {
  if (bytes.empty()) return bytes;
  for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
    char& byte = bytes[random.below(bytes.size())];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1u << random.below(8)));
  }
  return bytes;
}

}  // namespace

SimulatedNetwork::Link::Link(std::uint64_t seed, std::uint64_t place)
    : delay(seed, kDelay, place),
      tail(seed, kTail, place),
      loss(seed, kLoss, place),
      burst(seed, kBurst, place),
      duplication(seed, kDuplication, place),
      damage(seed, kDamage, place),
      hint(seed, kHint, place) {}

SimulatedNetwork::SimulatedNetwork(EventHeap& heap, const Watchers& watchers, std::uint64_t seed, std::size_t nodes,
                                   const LinkFaults& faults)
    : heap_(heap), watchers_(watchers), sinks_(nodes) {
  links_.reserve(nodes * nodes);
  for (std::uint64_t place = 0; place < nodes * nodes; ++place) links_.emplace_back(seed, place);
  set_all(faults);
}

// Frames.

void SimulatedNetwork::send(NodeId from, const Message& message) {
  watchers_.on_sent(message);
  const NodeId to = message.route.to;
  if (!is_member(to)) return;
  std::string encoded;
  encode(message, encoded);
  Frame frame{Bytes(std::move(encoded)), 0, from, to};
  frame.checksum = util::digest64(frame.bytes.view());
  Link& way = link(from, to);
  const bool is_sent_twice = way.duplication.chance(way.faults.duplication_ppm);
  if (is_sent_twice) {
    note("network.duplication", from, to);
    transmit(way, frame);
  }
  transmit(way, std::move(frame));
}

void SimulatedNetwork::transmit(Link& link, Frame frame) {
  const Duration delay = draw_delay(link, frame);  // drawn for lost ones too: the others' draws stay the same
  if (loses(link, frame)) {
    if (!link.hint.chance(link.faults.hint_ppm)) return;
    link.is_reported_dead = is_down(link);
    return hint(frame, link.is_reported_dead ? PeerEvent::unreachable : PeerEvent::dropped);
  }
  if (std::exchange(link.is_reported_dead, false)) hint(frame, PeerEvent::reachable);
  damage(link, frame);
  if (link.is_clogged && link.held.size() == kHeldMany) hint(frame, PeerEvent::saturated);
  const std::size_t slot = keep(std::move(frame));
  if (!link.is_clogged) return heap_.at(heap_.now() + delay, *this, slot);
  if (link.held.size() == kHeldMax) {
    static_cast<void>(take(link.held.front()));
    link.held.pop_front();
  }
  link.held.push_back(slot);
}

void SimulatedNetwork::hint(const Frame& frame, PeerEvent event) const {
  if (MessageSink* const sink = sinks_[frame.from.value - 1]; sink != nullptr) sink->peer_changed(frame.to, event);
}

Duration SimulatedNetwork::draw_delay(Link& link, const Frame& frame) {
  const LinkFaults& faults = link.faults;
  Duration delay = link.delay.between(faults.delay_min, faults.delay_max);
  if (!link.tail.chance(faults.tail_ppm)) return delay;
  // Twice as long half as often: a heavy tail without the arithmetic of real numbers.
  const int doublings = 1 + std::min(std::countr_zero(link.tail.draw()), 20);
  delay = std::max(delay, Duration(1));
  for (int i = 0; i < doublings && delay < faults.tail_max; ++i) delay *= 2;
  note("network.delay", frame.from, frame.to);
  return std::min(delay, std::max(faults.tail_max, faults.delay_max));
}

bool SimulatedNetwork::is_down(const Link& link) const {
  if (link.is_cut) return true;
  const bool is_flapping = link.down > Duration::zero();
  return is_flapping && (heap_.now() - link.flapping_since) % (link.up + link.down) >= link.up;
}

bool SimulatedNetwork::loses(Link& link, const Frame& frame) {
  const LinkFaults& faults = link.faults;
  // Gilbert and Elliott: a link is good or bad, and changes between the two from frame to frame.
  if (faults.burst_ppm != 0) {
    link.is_in_burst =
        link.is_in_burst ? !link.burst.chance(faults.burst_end_ppm) : link.burst.chance(faults.burst_ppm);
  }
  if (faults.burst_ppm == 0) link.is_in_burst = false;
  const bool is_lost = link.loss.chance(faults.loss_ppm);
  if (is_down(link)) return true;
  if (is_lost) {
    note("network.loss", frame.from, frame.to);
    return true;
  }
  if (link.is_in_burst && link.burst.chance(faults.burst_loss_ppm)) {
    note("network.burst_loss", frame.from, frame.to);
    return true;
  }
  return false;
}

void SimulatedNetwork::damage(Link& link, Frame& frame) {
  const LinkFaults& faults = link.faults;
  if (link.damage.chance(faults.corruption_ppm)) {
    frame.bytes = Bytes(flip_bits(std::string(frame.bytes.view()), link.damage));
    frame.is_damaged = true;
    note("network.corruption", frame.from, frame.to);
  }
  if (link.damage.chance(faults.truncation_ppm)) {
    frame.bytes = frame.bytes.slice(0, link.damage.below(frame.bytes.size()));
    frame.is_damaged = true;
    note("network.truncation", frame.from, frame.to);
  }
}

void SimulatedNetwork::on_event(std::uint64_t what) {
  const Frame frame = take(what);
  MessageSink* const sink = sinks_[frame.to.value - 1];
  if (sink == nullptr) return;
  // An intact frame has the checksum that it was sent with.
  if (frame.is_damaged && util::digest64(frame.bytes.view()) != frame.checksum) return refuse(frame);
  heap_.mix(frame.checksum);
  auto message = decode_message(frame.bytes);
  if (!message) return refuse(frame);
  watchers_.on_delivered(*message);
  sink->receive(std::span(&*message, 1));
}

void SimulatedNetwork::refuse(const Frame& frame) {
  // A transport without a checksum would have given what decodes to the node.
  const bool decodes = static_cast<bool>(decode_message(frame.bytes));
  note(decodes ? "network.refused_by_checksum" : "network.refused_by_codec", frame.from, frame.to);
}

std::size_t SimulatedNetwork::keep(Frame frame) {
  if (free_.empty()) {
    frames_.push_back(std::move(frame));
    return frames_.size() - 1;
  }
  const std::size_t slot = free_.back();
  free_.pop_back();
  frames_[slot] = std::move(frame);
  return slot;
}

SimulatedNetwork::Frame SimulatedNetwork::take(std::size_t slot) {
  free_.push_back(slot);
  return std::move(frames_[slot]);
}

void SimulatedNetwork::note(std::string_view kind, NodeId from, NodeId to) const {
  if (!watchers_.empty()) watchers_.on_fault({kind, from, to, {}});
}

// Faults.

void SimulatedNetwork::set_all(const LinkFaults& faults) {
  for (Link& link : links_) link.faults = faults;
}

void SimulatedNetwork::set_link(NodeId from, NodeId to, const LinkFaults& faults) {
  link(from, to).faults = faults;
  note("network.link", from, to);
}

void SimulatedNetwork::cut(NodeId from, NodeId to, bool is_cut) {
  bool& was_cut = link(from, to).is_cut;
  if (is_cut == was_cut) return;
  was_cut = is_cut;
  note(is_cut ? "network.cut" : "network.mend", from, to);
}

void SimulatedNetwork::flap(NodeId from, NodeId to, Duration up, Duration down) {
  Link& way = link(from, to);
  way.flapping_since = heap_.now();
  way.up = up;
  way.down = down;
  note(down > Duration::zero() ? "network.flap" : "network.steady", from, to);
}

void SimulatedNetwork::clog(NodeId from, NodeId to) {
  bool& is_clogged = link(from, to).is_clogged;
  if (std::exchange(is_clogged, true)) return;
  note("network.clog", from, to);
}

void SimulatedNetwork::release(NodeId from, NodeId to) {
  Link& way = link(from, to);
  if (!std::exchange(way.is_clogged, false)) return;
  note("network.release", from, to);
  if (way.held.size() > kHeldMany) hint(frames_[way.held.front()], PeerEvent::writable);
  for (const std::size_t slot : way.held) heap_.at(heap_.now() + draw_delay(way, frames_[slot]), *this, slot);
  way.held.clear();
}

void SimulatedNetwork::heal() {
  for (std::uint64_t from = 1; from <= sinks_.size(); ++from) {
    for (std::uint64_t to = 1; to <= sinks_.size(); ++to) {
      cut({from}, {to}, false);
      release({from}, {to});
      link({from}, {to}).down = Duration::zero();
    }
  }
}

}  // namespace libraft::testkit
