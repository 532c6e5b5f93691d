// AppendEntries on their way to one follower.
#pragma once

#include <libraft/types.hpp>

#include <cstddef>
#include <deque>
#include <vector>

namespace libraft::core {

/// Invariant: ascending by index, and `bytes` is their sum.
class InflightWindow {
 public:
  void add(LogIndex last, std::size_t bytes) {
    sent_.push_back({last, bytes});
    bytes_ += bytes;
  }

  /// Everything up to `match` has arrived.
  void release(LogIndex match) {
    while (!sent_.empty() && sent_.front().last <= match) {
      bytes_ -= sent_.front().bytes;
      sent_.pop_front();
    }
  }

  [[nodiscard]] bool has_room(std::size_t messages_max, std::size_t bytes_max) const {
    return sent_.size() < messages_max && bytes_ < bytes_max;
  }
  /// The last entry of each append that is under way.
  [[nodiscard]] std::vector<LogIndex> lasts() const {
    std::vector<LogIndex> lasts;
    for (const Sent& sent : sent_) lasts.push_back(sent.last);
    return lasts;
  }
  [[nodiscard]] std::size_t size() const { return sent_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return sent_.empty(); }

  friend bool operator==(const InflightWindow&, const InflightWindow&) = default;

 private:
  struct Sent {
    LogIndex last;
    std::size_t bytes = 0;
    friend bool operator==(const Sent&, const Sent&) = default;
  };
  std::deque<Sent> sent_;
  std::size_t bytes_ = 0;
};

}  // namespace libraft::core
