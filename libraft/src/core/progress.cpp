#include "core/progress.hpp"

#include "util/assert.hpp"

#include <algorithm>

namespace libraft::core {

ProgressState Progress::state() const {
  if (std::holds_alternative<Replicate>(mode_)) return ProgressState::replicate;
  return std::holds_alternative<Probe>(mode_) ? ProgressState::probe : ProgressState::snapshot;
}

bool Progress::can_send(const CoreOptions& options) const {
  if (const auto* replicate = std::get_if<Replicate>(&mode_)) {
    return replicate->window.has_room(options.in_flight_messages_max, options.in_flight_bytes_max);
  }
  const auto* probe = std::get_if<Probe>(&mode_);
  return probe != nullptr && !probe->is_waiting;
}

bool Progress::is_flowing() const {
  const auto* replicate = std::get_if<Replicate>(&mode_);
  return replicate != nullptr && !replicate->window.empty() && advanced_since_heartbeat_;
}

void Progress::heard(TimePoint now, std::uint64_t read_sequence) {
  heard_at_ = now;
  read_sequence_ = std::max(read_sequence_, read_sequence);
}

void Progress::sent(LogIndex last, std::size_t bytes) {
  RAFT_ASSERT(last >= next_, "what is sent lies beyond what was sent");
  if (auto* replicate = std::get_if<Replicate>(&mode_)) {
    replicate->window.add(last, bytes);
    next_ = libraft::next(last);
  } else {
    RAFT_ASSERT(std::holds_alternative<Probe>(mode_), "no appends while a snapshot is sent");
    std::get<Probe>(mode_).is_waiting = true;
  }
}

bool Progress::accepted(LogIndex match, LogIndex last) {
  const bool is_news = match > match_;
  match_ = std::max(match_, match);
  next_ = std::max(next_, libraft::next(match_));
  advanced_since_heartbeat_ = advanced_since_heartbeat_ || is_news;
  if (auto* replicate = std::get_if<Replicate>(&mode_)) {
    replicate->window.release(match_);
  } else if (const auto* sending = std::get_if<SendingSnapshot>(&mode_)) {
    if (match_ >= sending->meta.last.index) become_probe();
  } else if (match >= previous(next_)) {
    // The entry before next agrees: from here on, send ahead. What is no news may be a late or repeated answer, and a
    // window sent ahead for each of those would be answered by more of them: it is good for one more append.
    if (is_news || match_ >= last) {
      mode_ = Replicate{};
    } else {
      mode_ = Probe{};
    }
  }
  return is_news;
}

bool Progress::refused(LogIndex rejected, LogIndex agreeing) {
  if (rejected <= match_ || std::holds_alternative<SendingSnapshot>(mode_)) return false;
  if (std::holds_alternative<Probe>(mode_) && rejected != previous(next_)) return false;
  next_ = std::max(libraft::next(match_), std::min(rejected, libraft::next(agreeing)));
  mode_ = Probe{};
  return true;
}

void Progress::become_probe() {
  next_ = libraft::next(match_);
  mode_ = Probe{};
}

void Progress::become_snapshot(const SnapshotMeta& meta, TimePoint now) {
  mode_ = SendingSnapshot{meta, 0, false, now};
}

void Progress::snapshot_stored(std::uint64_t offset, TimePoint now) {
  auto& sending = std::get<SendingSnapshot>(mode_);
  sending.offset = offset;
  sending.is_resent = false;
  sending.sent_at = now;
}

void Progress::snapshot_resent(TimePoint now) {
  auto& sending = std::get<SendingSnapshot>(mode_);
  sending.is_resent = true;
  sending.sent_at = now;
}

}  // namespace libraft::core
