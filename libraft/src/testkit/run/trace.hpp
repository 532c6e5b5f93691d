// Trace: what happens in a run, a line for each thing, as people read it.
#pragma once

#include "testkit/simulation/watcher.hpp"

#include <cstddef>
#include <map>
#include <string>

namespace libraft::testkit {

class Trace final : public Watcher {
 public:
  /// Keeps the lines of the end when there are more than `bytes_max`.
  explicit Trace(std::size_t bytes_max = 256u << 20) : bytes_max_(bytes_max) {}

  [[nodiscard]] const std::string& text() const { return text_; }

  void on_time(TimePoint now) override { now_ = now; }
  void on_started(NodeId id, std::uint64_t life) override;
  void on_recovered(NodeId id, const std::optional<RecoveredState>& state) override;
  void on_stepped(NodeId id, const Core& core) override;
  void on_failed(NodeId id, const Failure& failure) override;
  void on_stopped(NodeId id) override;
  void on_crashed(NodeId id) override;
  void on_written(NodeId id, const WriteBatch& batch, std::error_code error) override;
  void on_published(NodeId id, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) override;
  void on_applied(NodeId id, LogId at, const Bytes& command, const Bytes& reply) override;
  void on_restored(NodeId id, const SnapshotMeta& meta) override;
  void on_sent(const Message& message) override;
  void on_delivered(const Message& message) override;
  void on_invoked(const Operation& operation) override;
  void on_given_up(const Operation& operation) override;
  void on_ended(const Operation& operation, const Outcome& outcome) override;
  void on_fault(const FaultNote& note) override;
  /// Anything else.
  void note(std::string_view line);

 private:
  void write(NodeId id, std::string_view line);

  std::size_t bytes_max_;
  TimePoint now_{};
  std::string text_;
  std::map<NodeId, CoreStatus> before_;
};

/// "AppendEntries term 3 after 7@2: 2 entries, commit 6"
[[nodiscard]] std::string to_string(const MessageBody& body);
/// Bytes as people can read them, and not too many of them.
[[nodiscard]] std::string printable(std::string_view bytes, std::size_t bytes_max = 40);

}  // namespace libraft::testkit
