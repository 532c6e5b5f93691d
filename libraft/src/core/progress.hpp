// What a leader knows about one follower, and what it may send to it.
#pragma once

#include "core/inflight_window.hpp"

#include <libraft/message.hpp>
#include <libraft/options.hpp>
#include <libraft/status.hpp>
#include <libraft/types.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

namespace libraft::core {

/// Looking for the last entry that agrees: one append at a time.
struct Probe {
  bool is_waiting = false;  ///< for the answer to the append that was sent
  friend bool operator==(const Probe&, const Probe&) = default;
};
/// Sending ahead of the answers, as far as the window allows.
struct Replicate {
  InflightWindow window;
  friend bool operator==(const Replicate&, const Replicate&) = default;
};
/// The follower needs entries that are compacted: it gets a snapshot, a chunk at a time.
struct SendingSnapshot {
  SnapshotMeta meta;
  std::uint64_t offset = 0;  ///< where the follower wants to go on
  bool is_resent = false;    ///< the chunk at `offset`, for want of an answer
  TimePoint sent_at;
  friend bool operator==(const SendingSnapshot&, const SendingSnapshot&) = default;
};

/// Invariant: match < next. `match` only grows; it is what the follower said it has durably.
class Progress {
 public:
  Progress(LogIndex next, TimePoint now) : next_(next), heard_at_(now) {}

  [[nodiscard]] LogIndex match() const { return match_; }
  [[nodiscard]] LogIndex next() const { return next_; }
  [[nodiscard]] TimePoint heard_at() const { return heard_at_; }
  [[nodiscard]] std::uint64_t read_sequence() const { return read_sequence_; }
  [[nodiscard]] ProgressState state() const;
  [[nodiscard]] const SendingSnapshot* snapshot() const { return std::get_if<SendingSnapshot>(&mode_); }
  /// Null when nothing may be sent ahead.
  [[nodiscard]] const InflightWindow* window() const {
    const auto* replicate = std::get_if<Replicate>(&mode_);
    return replicate == nullptr ? nullptr : &replicate->window;
  }
  [[nodiscard]] RequestId log_read() const { return log_read_; }
  /// May an append with entries be sent now?
  [[nodiscard]] bool can_send(const CoreOptions& options) const;
  /// Appends are on their way, and some arrived since the last heartbeat.
  [[nodiscard]] bool is_flowing() const;

  void heard(TimePoint now, std::uint64_t read_sequence);
  /// An append with entries up to `last` was sent.
  void sent(LogIndex last, std::size_t bytes);
  /// A heartbeat goes out: from here on, only new arrivals count as flow.
  void heartbeat_sent() { advanced_since_heartbeat_ = false; }
  /// A message said that everything up to `commit` is committed.
  void commit_told(LogIndex commit) { told_commit_ = std::max(told_commit_, commit); }
  [[nodiscard]] LogIndex told_commit() const { return told_commit_; }
  [[nodiscard]] bool has_advanced() const { return advanced_since_heartbeat_; }
  [[nodiscard]] bool has_reading_failed() const { return has_reading_failed_; }
  /// An append was sent to find out what agrees, and its answer is awaited.
  [[nodiscard]] bool is_waiting() const {
    const auto* probe = std::get_if<Probe>(&mode_);
    return probe != nullptr && probe->is_waiting;
  }
  /// The last entry of each append that is under way.
  [[nodiscard]] std::vector<LogIndex> in_flight() const {
    const auto* replicate = std::get_if<Replicate>(&mode_);
    return replicate != nullptr ? replicate->window.lasts() : std::vector<LogIndex>{};
  }
  /// Has answered all that was sent.
  [[nodiscard]] bool is_idle() const { return state() == ProgressState::replicate && match_ == previous(next_); }
  /// The follower has everything up to `match`; the own log ends with `last`. True when that is news.
  bool accepted(LogIndex match, LogIndex last);
  /// The follower refused an append after `rejected`; entries up to `agreeing` may agree. False for a late message.
  bool refused(LogIndex rejected, LogIndex agreeing);
  /// Messages were lost: find out from where on.
  void become_probe();
  void become_snapshot(const SnapshotMeta& meta, TimePoint now);
  /// The follower has the snapshot up to `offset`.
  void snapshot_stored(std::uint64_t offset, TimePoint now);
  void snapshot_resent(TimePoint now);
  /// Entries for it are being read from storage (zero: no more).
  void reading(RequestId id) { log_read_ = id; }
  /// The read brought nothing; none is begun before retry_reading().
  void reading_failed() { has_reading_failed_ = true; }
  void retry_reading() {
    if (std::exchange(has_reading_failed_, false)) log_read_ = {};
  }

  friend bool operator==(const Progress&, const Progress&) = default;

 private:
  LogIndex match_;
  LogIndex next_;
  LogIndex told_commit_;
  TimePoint heard_at_;
  std::uint64_t read_sequence_ = 0;
  bool advanced_since_heartbeat_ = false;
  RequestId log_read_;
  bool has_reading_failed_ = false;
  std::variant<Probe, Replicate, SendingSnapshot> mode_;
};

}  // namespace libraft::core
