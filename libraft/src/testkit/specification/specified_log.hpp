// SpecifiedLog and SpecifiedDisk: a log as its terms, and what of it is on disk. Both belong to Specification.
#pragma once

#include <libraft/effects.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <algorithm>
#include <deque>
#include <optional>

namespace libraft::testkit {

/// The term of each entry kept, after a start that stands for all before it.
class SpecifiedLog {
 public:
  explicit SpecifiedLog(const RecoveredState& recovered) : start_(recovered.start), last_(recovered.start) {
    for (const LogId& end : recovered.term_runs) {
      while (last_.index < end.index) append(end.term);
    }
  }

  [[nodiscard]] LogId start() const { return start_; }
  [[nodiscard]] LogId last() const { return last_; }
  /// Of an entry kept, or of the start.
  [[nodiscard]] std::optional<Term> term_at(LogIndex index) const {
    if (index < start_.index || index > last_.index) return std::nullopt;
    return index == start_.index ? start_.term : terms_[index.value - start_.index.value - 1];
  }
  [[nodiscard]] bool has(LogId id) const { return term_at(id.index) == id.term; }

  void append(Term term) {
    terms_.push_back(term);
    last_ = {next(last_.index), term};
  }
  /// Drops `from`, which is after the start, and all after it.
  void cut(LogIndex from) {
    while (last_.index >= from) {
      terms_.pop_back();
      last_ = {previous(last_.index), terms_.empty() ? start_.term : terms_.back()};
    }
  }
  /// Starts after `start`. What is after it stays if the log has it; else nothing stays.
  void begin_after(LogId start) {
    if (has(start)) {
      while (start_.index < start.index) {
        terms_.pop_front();
        start_.index = next(start_.index);
      }
    } else {
      terms_.clear();
      last_ = start;
    }
    start_ = start;
  }

 private:
  LogId start_;
  LogId last_;
  std::deque<Term> terms_;
};

/// What is written and what is on its way. Writes are carried out in their order, so each proves that the log reached
/// the disk up to the end that it had when the write was handed out, unless that was cut off since.
class SpecifiedDisk {
 public:
  explicit SpecifiedDisk(const RecoveredState& recovered)
      : durable_(recovered.last.index),
        snapshot_(recovered.snapshot ? recovered.snapshot->last : LogId{}),
        newest_snapshot_(snapshot_),
        start_(recovered.start),
        newest_start_(recovered.start) {}

  [[nodiscard]] LogIndex durable() const { return durable_; }         ///< the end of the own log on disk
  [[nodiscard]] PersistId newest() const { return newest_; }          ///< the newest write handed out
  [[nodiscard]] PersistId of_term() const { return of_term_; }        ///< the newest one with term or vote
  [[nodiscard]] LogId snapshot() const { return snapshot_; }          ///< the newest one published, on disk
  [[nodiscard]] LogId start() const { return start_; }                ///< of the log on disk
  [[nodiscard]] LogId newest_start() const { return newest_start_; }  ///< of the log, with the writes on their way
  [[nodiscard]] LogId newest_snapshot() const { return newest_snapshot_; }  ///< the newest one published, or on its way
  [[nodiscard]] bool is_done(PersistId write) const { return write <= done_; }
  /// The first write that makes the log durable up to `index`; zero: none is needed.
  [[nodiscard]] PersistId write_of(LogIndex index) const {
    if (index <= durable_) return {};
    for (const Write& write : writes_) {
      if (write.end >= index) return write.id;
    }
    return next_id();
  }
  [[nodiscard]] PersistId next_id() const { return {newest_.value + 1}; }

  void cut(LogIndex from) {
    durable_ = std::min(durable_, previous(from));
    for (Write& write : writes_) write.end = std::min(write.end, previous(from));
  }
  void hand_out(const PersistBatch& batch, LogIndex end) {
    newest_ = batch.id;
    if (batch.hard_state) of_term_ = batch.id;
    if (batch.publish) newest_snapshot_ = batch.publish->last;
    if (batch.new_start) newest_start_ = *batch.new_start;
    writes_.push_back({batch.id, end, newest_snapshot_, newest_start_});
  }
  void on_persisted(PersistId upto) {
    for (; !writes_.empty() && writes_.front().id <= upto; writes_.pop_front()) {
      done_ = writes_.front().id;
      durable_ = std::max(durable_, writes_.front().end);
      snapshot_ = writes_.front().snapshot;
      start_ = writes_.front().start;
    }
  }

 private:
  struct Write {
    PersistId id;
    LogIndex end;    ///< of the log, on disk with this write
    LogId snapshot;  ///< the newest one, with this write
    LogId start;     ///< of the log, with this write
  };

  std::deque<Write> writes_;  ///< on their way
  LogIndex durable_;
  LogId snapshot_;
  LogId newest_snapshot_;
  LogId start_;
  LogId newest_start_;
  PersistId newest_;
  PersistId done_;
  PersistId of_term_;
};

}  // namespace libraft::testkit
