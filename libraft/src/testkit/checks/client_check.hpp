// ClientCheck: what clients are told is true. Each answer carries the index at which it took effect; with this witness,
// linearizability costs a comparison for each operation.
//
//   iR1  an operation takes effect after all that ended before it began: its index lies beyond theirs (a read's: not
//        below), and never in the future
//   iR2  a reply is what the model says at that index
//   iX1  each operation ends exactly once, with an outcome that has a meaning, and no two writes share an index
//   iX2  a write is in the log at most as often as it was asked for
//   iX3  a write that was refused for certain is not in the log
//   iX4  a write that was done is committed, with its own command
//   iX5  clients are sent to members only
//   iD5  a write that was done is on the disks of a quorum
#pragma once

#include "testkit/checks/ledger.hpp"
#include "testkit/checks/model.hpp"
#include "testkit/simulation/watcher.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace libraft::testkit {

class ClientCheck final : public Watcher {
 public:
  /// `model` may be null: replies are then compared between nodes only.
  ClientCheck(Ledger& ledger, Model* model) : ledger_(ledger), model_(model) {}

  void on_stepped(NodeId node, const Core& core) override;
  void on_applied(NodeId node, LogId id, const Bytes& command, const Bytes& reply) override;
  void on_invoked(const Operation& operation) override;
  void on_ended(const Operation& operation, const Outcome& outcome) override;

  /// The run is over: judges what still waited for slower operations.
  void finish();

  /// Operations that have begun and not ended.
  [[nodiscard]] std::size_t open() const { return open_.size(); }
  /// When the oldest of them began; kNever without any.
  [[nodiscard]] TimePoint oldest_open() const;
  [[nodiscard]] std::uint64_t writes_done() const { return writes_done_; }
  [[nodiscard]] std::uint64_t reads_done() const { return reads_done_; }
  /// Reads whose answer the model could not tell.
  [[nodiscard]] std::uint64_t reads_not_judged() const { return reads_not_judged_; }

 private:
  struct Open {
    std::uint64_t id = 0;
    Operation::Kind kind = Operation::Kind::write;
    bool is_linearizable = false;
    LogIndex floor;  ///< of all that had ended when it began, the greatest
    std::uint64_t command = 0;
    TimePoint since;
    std::uint64_t begun = 0;  ///< which of the beginnings and ends
  };
  /// Of one command: how many operations may have brought it into the log, and how often it is there.
  struct Uses {
    std::uint32_t possible = 0;
    std::uint32_t refused = 0;
    std::uint32_t committed = 0;
    std::uint32_t under_way = 0;  ///< of the operations
    std::uint64_t ended = 0;      ///< the last of them, which of the beginnings and ends; zero: none
  };
  struct Command {
    LogId id;
    Bytes bytes;
  };
  struct Read {
    LogIndex index;
    NodeId node;
    std::string query;
    Bytes answer;
  };

  void judge_hint(NodeId node, const Core& core);
  void judge_write(const Open& open, NodeId node, const Applied& applied);
  void judge_read(const Operation& operation, const Applied& applied);
  /// Whether a read, or a read index, may be at that index.
  [[nodiscard]] bool judge_read_index(const Open& open, NodeId node, LogIndex index);
  /// Whether one of these entries is a write that was under way while the operation was.
  [[nodiscard]] bool saw_overlapping_write(const Open& read, LogIndex upto) const;
  void take_failure(const Open& open, NodeId node, std::error_code error);
  void judge_uses(const Uses& uses, NodeId node);
  void catch_up();
  void feed_model(LogIndex upto);
  void ask_model(const Read& read);
  [[nodiscard]] LogIndex horizon() const;
  void report(std::string_view invariant, NodeId node, std::string sentence) {
    ledger_.verdicts.report(invariant, node, std::move(sentence));
  }

  Ledger& ledger_;
  Model* model_;
  std::vector<Open> open_;
  std::uint64_t last_id_ = 0;
  std::uint64_t moments_ = 0;                     // beginnings and ends so far
  LogIndex floor_;                                // the greatest index that an operation ended with
  std::unordered_map<std::uint64_t, Uses> uses_;  // by the command's hash; never iterated
  LogIndex counted_;                              // committed entries up to here are in uses_
  std::vector<bool> acknowledged_;                // by index - 1
  std::deque<Command> commands_;                  // applied by somebody, and not fed to the model
  LogIndex queued_;                               // the last one that ever was in commands_
  std::vector<Read> reads_;                       // to be asked, ascending by index
  std::uint64_t writes_done_ = 0;
  std::uint64_t reads_done_ = 0;
  std::uint64_t reads_not_judged_ = 0;
};

}  // namespace libraft::testkit
