// Timeline: a run as a page to look at, whole in itself: a lane for each node with its roles and terms, messages,
// commits, faults and what clients did.
#pragma once

#include "testkit/simulation/watcher.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace libraft::testkit {

class Timeline final : public Watcher {
 public:
  explicit Timeline(std::size_t nodes) : nodes_(nodes) {}

  /// The page. `title` and `about` are text.
  [[nodiscard]] std::string html(std::string_view title, std::string_view about) const;

  void on_time(TimePoint now) override { now_ = now; }
  void on_started(NodeId id, std::uint64_t life) override;
  void on_stepped(NodeId id, const Core& core) override;
  void on_failed(NodeId id, const Failure& failure) override;
  void on_stopped(NodeId id) override;
  void on_crashed(NodeId id) override;
  void on_restored(NodeId id, const SnapshotMeta& meta) override;
  void on_published(NodeId id, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) override;
  void on_sent(const Message& message) override;
  void on_delivered(const Message& message) override;
  void on_invoked(const Operation& operation) override;
  void on_given_up(const Operation& operation) override;
  void on_ended(const Operation& operation, const Outcome& outcome) override;
  void on_fault(const FaultNote& note) override;

 private:
  struct Lane {
    CoreStatus status;
    std::string kind;  // what the bar now stands for; empty: none
    std::int64_t since = 0;
  };
  [[nodiscard]] std::int64_t microseconds() const;
  void begin_bar(NodeId id, std::string kind, std::uint64_t term);
  void end_bar(NodeId id);
  void event(NodeId id, std::string_view kind, std::string_view text);

  std::size_t nodes_;
  TimePoint now_{};
  std::map<NodeId, Lane> lanes_;
  std::map<std::uint64_t, std::int64_t> begun_;    // operations
  std::map<std::string, std::int64_t> under_way_;  // messages, by what they say
  // JavaScript arrays, without their brackets.
  std::string bars_;
  std::string events_;
  std::string messages_;
  std::string operations_;
  std::size_t messages_count_ = 0;
};

}  // namespace libraft::testkit
