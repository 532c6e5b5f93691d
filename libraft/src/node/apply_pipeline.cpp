#include "node/apply_pipeline.hpp"

#include "util/assert.hpp"

#include <libraft/error.hpp>

#include <exception>
#include <utility>

namespace libraft::node {

void ApplyPipeline::restore(const SnapshotMeta& meta) {
  add(Restore{meta});
}

void ApplyPipeline::apply(Entries entries) {
  if (entries.empty()) return;
  AppliedEntries task;
  task.runs.push_back(std::move(entries));
  add(std::move(task));
}

void ApplyPipeline::capture(const TakeSnapshot& what) {
  add(Capture{what, nullptr});
}

void ApplyPipeline::query(RequestId id, std::string request) {
  if (!is_closed_) ++queries_;
  add(Query{id, std::move(request), errc::cancelled, {}});
}

void ApplyPipeline::close() {
  is_closed_ = true;
  queue_.clear();
}

void ApplyPipeline::read(Gauges& gauges) const {
  if (is_running_) gauges.apply = at_lane_;
  gauges.queries = queries_;
  for (const Task& task : queue_) {
    const auto* entries = std::get_if<AppliedEntries>(&task);
    if (entries == nullptr) continue;
    for (const Entries& run : entries->runs) {
      gauges.unapplied.count += run.size();
      gauges.unapplied.bytes += charged_bytes(run);
    }
  }
}

void ApplyPipeline::add(Task task) {
  if (is_closed_) return;
  queue_.push_back(std::move(task));
  if (!is_running_) start();
}

void ApplyPipeline::start() {
  gather();
  is_running_ = true;
  runtime_.submit(Lane::apply, *this);
}

/// One hand-over to the lane takes as much as is there, up to one full batch of entries: those who wait for the first
/// of it do not wait long for the last.
void ApplyPipeline::gather() {
  constexpr std::size_t kTasksMax = 1024;
  tasks_.clear();
  carried_out_ = 0;
  at_lane_ = {};
  while (!queue_.empty() && tasks_.size() < kTasksMax) {
    auto* next = std::get_if<AppliedEntries>(&queue_.front());
    if (next != nullptr) {
      const Entries& run = next->runs.front();
      const Fill with{at_lane_.count + run.size(), at_lane_.bytes + charged_bytes(run)};
      if (at_lane_.count != 0 && (with.count > limits_.entries_max || with.bytes > limits_.bytes_max)) return;
      at_lane_ = with;
      if (auto* last = tasks_.empty() ? nullptr : std::get_if<AppliedEntries>(&tasks_.back())) {
        last->runs.push_back(std::move(next->runs.front()));
        queue_.pop_front();
        continue;
      }
    }
    tasks_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

void ApplyPipeline::run() noexcept {
  try {
    for (Task& task : tasks_) {
      std::visit([this](auto& alternative) { carry_out(alternative); }, task);
      if (error_) return;
      ++carried_out_;
    }
  } catch (const InvariantViolation& violation) {
    error_ = errc::invariant_violated;
    detail_ = violation.what();
  } catch (const std::exception& exception) {
    error_ = errc::state_machine_failed;
    detail_ = std::string("the state machine threw: ") + exception.what();
  } catch (...) {
    error_ = errc::state_machine_failed;
    detail_ = "the state machine threw something that is no std::exception";
  }
}

void ApplyPipeline::carry_out(Restore& task) {
  const auto reader = storage_.newest_snapshot();
  if (!reader) {
    error_ = reader.error();
    detail_ = "the snapshot to restore can't be opened: " + storage_.error_detail();
  } else if ((*reader)->meta() != task.meta) {
    error_ = errc::invariant_violated;
    detail_ = "the newest snapshot is not the one to restore";
  } else if (const auto error = machine_.restore(**reader)) {
    error_ = errc::state_machine_failed;
    detail_ = "the state machine could not restore a snapshot: " + error.message();
  } else {
    lane_applied_ = task.meta.last;
  }
}

void ApplyPipeline::carry_out(AppliedEntries& task) {
  RAFT_ASSERT(task.runs.front().front().id.index == next(lane_applied_.index), "entries are applied without a gap");
  std::size_t count = 0;
  for (const Entries& run : task.runs) count += run.size();
  std::vector<AppliedCommand> commands;
  commands.reserve(count);
  for (const Entries& run : task.runs) {
    for (const Entry& entry : run) {
      if (entry.kind == EntryKind::command) commands.emplace_back(entry.id, entry.data);
    }
  }
  task.batch.emplace(std::move(commands), task.last());
  machine_.apply(*task.batch);
  lane_applied_ = task.last();
}

void ApplyPipeline::carry_out(Capture& task) {
  RAFT_ASSERT(task.what.last == lane_applied_, "a snapshot is captured exactly where its meta says");
  task.task = machine_.begin_snapshot();
  if (task.task) return;
  error_ = errc::state_machine_failed;
  detail_ = "the state machine began no snapshot";
}

void ApplyPipeline::carry_out(Query& task) {
  task.answer = machine_.query(task.request);
  task.seen = lane_applied_;
}

void ApplyPipeline::done() noexcept {
  is_running_ = false;
  if (is_closed_) return;
  std::vector<Task> tasks;
  tasks.swap(tasks_);
  const std::size_t carried_out = carried_out_;
  const std::error_code error = error_;
  if (error) {
    close();
  } else if (!queue_.empty()) {
    // The lane goes on while the protocol lane tells of what was done.
    start();
  }
  for (std::size_t at = 0; at < carried_out; ++at) {
    std::visit([this](auto& alternative) { report(alternative); }, tasks[at]);
  }
  if (error) listener_.on_apply_failed(error, std::move(detail_));
}

void ApplyPipeline::report(Restore& task) {
  applied_ = task.meta.last;
  listener_.on_restored(task.meta);
}

void ApplyPipeline::report(AppliedEntries& task) {
  applied_ = task.last();
  listener_.on_applied(task);
}

void ApplyPipeline::report(Capture& task) {
  listener_.on_captured(task.what, std::move(task.task));
}

void ApplyPipeline::report(Query& task) {
  --queries_;
  listener_.on_answered(task.id, std::move(task.answer), task.seen);
}

}  // namespace libraft::node
