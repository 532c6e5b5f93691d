// What waits to be sent to one peer.
#pragma once

#include <libraft/entry.hpp>
#include <libraft/message.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

namespace kvserver {

/// The two lanes to a peer, each with connections of its own, so that bulk never delays what keeps a leader in office.
enum class Lane {
  control,  ///< votes, heartbeats, TimeoutNow
  bulk,     ///< entries and snapshots
};

[[nodiscard]] Lane lane_of(const libraft::MessageBody& request);

/// What a message counts against the bound of a queue: its payload and a flat charge.
[[nodiscard]] std::size_t queued_bytes(const libraft::Message& message);

struct QueueLimits {
  std::size_t messages_max = 64;
  std::size_t bytes_max = 32u << 20;  ///< beyond the first message, which always fits
};

/// A bounded queue from the node to the threads that send. Thread-safe.
///
/// A heartbeat takes the place of one that still waits: it says all that the older one would have said. Where a message
/// does not fit, the oldest ones make room in the control lane (an older vote or heartbeat is worth less than a newer),
/// and the message itself is dropped in the bulk lane (what waits there must come first).
class PeerQueue {
 public:
  /// What became of a push.
  struct Pushed {
    bool dropped = false;    ///< a message was dropped, this one or another
    bool saturated = false;  ///< the queue has just become full
  };

  PeerQueue(Lane lane, QueueLimits limits) : lane_(lane), limits_(limits) {}

  [[nodiscard]] Pushed push(libraft::Message message);
  /// Waits for a message; nullopt once closed. `is_writable` tells that a full queue has become half empty.
  [[nodiscard]] std::optional<libraft::Message> pop(bool& is_writable);
  /// Drops what waits; pop ends.
  void close() noexcept;

 private:
  bool is_full() const;
  bool supersede(libraft::Message& message);

  const Lane lane_;
  const QueueLimits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<libraft::Message> messages_;
  std::size_t bytes_ = 0;
  bool is_saturated_ = false;
  bool is_closed_ = false;
};

}  // namespace kvserver
