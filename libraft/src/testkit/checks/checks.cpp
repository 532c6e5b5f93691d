#include "testkit/checks/checks.hpp"

#include "core/state.hpp"
#include "node/gauges.hpp"
#include "testkit/checks/text.hpp"

#include <libraft/error.hpp>

namespace libraft::testkit {

Checks::Checks(const CheckOptions& options)
    : disks_(ledger_),
      safety_(ledger_),
      promises_(ledger_, options.disks, options.disk_sample_every),
      clients_(ledger_, options.model),
      bounds_(ledger_, options.events_per_second_max),
      liveness_(ledger_),
      refinement_(ledger_),
      has_specification_(options.specification) {}

void Checks::finish() {
  clients_.finish();
  const LogIndex committed = ledger_.history.committed();
  if (committed == LogIndex{}) return;
  const LogId last{committed, ledger_.history.committed_at(committed).term};
  if (!ledger_.is_durable_on_quorum(last)) {
    ledger_.verdicts.report("iD8", {}, fmt::format("committed entry {} is on the disks of no quorum", text(last)));
  }
}

// Marks.

void Checks::keep_marks(NodeId node) {
  if (const auto around = node_marks_.find(node); around != node_marks_.end()) {
    for (std::size_t i = 0; i < node::kMarkCount; ++i) {
      const auto mark = static_cast<node::Mark>(i);
      kept_node_marks_.add(mark, around->second.count(mark));
    }
    node_marks_.erase(around);
  }
  const auto marks = marks_.find(node);
  if (marks == marks_.end()) return;
  for (std::size_t i = 0; i < core::kMarkCount; ++i) {
    kept_marks_[i] += marks->second.count(static_cast<core::Mark>(i));
  }
  marks_.erase(marks);
}

std::vector<MarkCount> Checks::marks() const {
  std::vector<MarkCount> counts;
  for (std::size_t i = 0; i < core::kMarkCount; ++i) {
    const auto mark = static_cast<core::Mark>(i);
    std::uint64_t count = kept_marks_[i];
    for (const auto& [node, marks] : marks_) count += marks.count(mark);
    counts.emplace_back(core::name_of(mark), count);
  }
  for (std::size_t i = 0; i < node::kMarkCount; ++i) {
    const auto mark = static_cast<node::Mark>(i);
    std::uint64_t count = kept_node_marks_.count(mark);
    for (const auto& [node, marks] : node_marks_) count += marks.count(mark);
    counts.emplace_back(node::name_of(mark), count);
  }
  for (std::size_t i = 0; i < kCheckMarkCount; ++i) {
    const auto mark = static_cast<CheckMark>(i);
    counts.emplace_back(name_of(mark), ledger_.marks.count(mark));
  }
  return counts;
}

// Events. The disks come first: the other checks look at them.

void Checks::on_time(TimePoint now) {
  ledger_.verdicts.set_time(now);
  bounds_.on_time(now);
}

void Checks::on_started(NodeId node, std::uint64_t life) {
  keep_marks(node);
  safety_.on_started(node, life);
  bounds_.on_started(node, life);
  liveness_.on_started(node, life);
}

void Checks::on_recovered(NodeId node, const std::optional<RecoveredState>& state) {
  disks_.on_recovered(node, state);
  safety_.on_recovered(node, state);
  promises_.on_recovered(node, state);
}

void Checks::on_core_started(NodeId node, const CoreOptions& options, const CoreStart& start,
                             const CoreStatus& status) {
  if (has_specification_) refinement_.on_core_started(node, options, start, status);
}

void Checks::on_core_step(NodeId node, const node::CoreStep& step) {
  if (has_specification_) refinement_.on_core_step(node, step);
}

void Checks::on_stepped(NodeId node, const Core& core) {
  safety_.on_stepped(node, core);
  promises_.on_stepped(node, core);
  clients_.on_stepped(node, core);
  bounds_.on_stepped(node, core);
  liveness_.on_stepped(node, core);
  const core::Marks& marks = core.state().marks;
  core::Marks& seen = marks_[node];
  if (seen.total() != marks.total()) seen = marks;
}

void Checks::on_gauges(NodeId node, const NodeOptions& options, const node::Gauges& gauges) {
  bounds_.on_gauges(node, options, gauges);
  node_marks_[node] = gauges.marks;
}

void Checks::on_failed(NodeId node, const Failure& failure) {
  liveness_.on_failed(node, failure);
  // A rule that the core checks itself, or user code that failed.
  const bool is_bug = failure.error == errc::invariant_violated || failure.error == errc::state_machine_failed;
  if (is_bug) ledger_.verdicts.report("core", node, failure.reason);
}

void Checks::on_stopped(NodeId node) {
  keep_marks(node);
  safety_.on_stopped(node);
}

void Checks::on_crashed(NodeId node) {
  keep_marks(node);
  safety_.on_crashed(node);
  liveness_.on_crashed(node);
}

void Checks::on_written(NodeId node, const WriteBatch& batch, std::error_code error) {
  disks_.on_written(node, batch, error);
}

void Checks::on_published(NodeId node, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) {
  disks_.on_published(node, meta, batch, error);
  bounds_.on_published(node, meta, batch, error);
}

void Checks::on_applied(NodeId node, LogId id, const Bytes& command, const Bytes& reply) {
  safety_.on_applied(node, id, command, reply);
  clients_.on_applied(node, id, command, reply);
}

void Checks::on_restored(NodeId node, const SnapshotMeta& meta) {
  safety_.on_restored(node, meta);
}

void Checks::on_sent(const Message& message) {
  safety_.on_sent(message);
  promises_.on_sent(message);
  bounds_.on_sent(message);
}

void Checks::on_invoked(const Operation& operation) {
  clients_.on_invoked(operation);
}

void Checks::on_ended(const Operation& operation, const Outcome& outcome) {
  clients_.on_ended(operation, outcome);
}

}  // namespace libraft::testkit
