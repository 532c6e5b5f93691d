#include "testkit/checks/bounds_check.hpp"

#include "core/state.hpp"
#include "testkit/checks/text.hpp"

#include <chrono>

namespace libraft::testkit {

void BoundsCheck::on_time(TimePoint now) {
  const std::int64_t second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (second == second_) return;
  second_ = second;
  events_ = 0;
}

void BoundsCheck::count() {
  if (++events_ != events_per_second_max_ + 1) return;
  report("iL7", {}, fmt::format("more than {} steps and messages in one second", events_per_second_max_));
}

void BoundsCheck::on_started(NodeId node, std::uint64_t) {
  options_.erase(node);
}

void BoundsCheck::on_stepped(NodeId node, const Core& core) {
  count();
  const Core::State& state = core.state();
  options_.try_emplace(node, state.options);
  judge_apply(node, state);
  judge_leader(node, state);
  const core::Log& log = state.log;
  if (log.durable() == log.last().index && log.cached_bytes() > state.options.entry_cache_bytes) {
    report("iB1", node,
           fmt::format("{} bytes of durable entries in memory, and {} are allowed", log.cached_bytes(),
                       state.options.entry_cache_bytes));
  }
}

void BoundsCheck::judge_apply(NodeId node, const Core::State& state) {
  const core::Applying& applying = state.applying;
  const CoreOptions& options = state.options;
  const LogIndex restored = state.snapshots.newest ? state.snapshots.newest->last.index : LogIndex{};
  const std::uint64_t entries = applying.handed_out.value - applying.applied.value;
  if (applying.applied >= restored && entries > 2 * options.apply_entries_max) {
    report("iB1", node, fmt::format("{} entries wait for the state machine", entries));
  }
  // Room is there as long as less than twice a batch waits; then comes one more, of at least one entry.
  const std::size_t bytes_max = 3 * options.apply_bytes_max + options.command_bytes_max + kEntryOverheadBytes;
  if (applying.unapplied.bytes() > bytes_max) {
    report("iB1", node, fmt::format("{} bytes wait for the state machine", applying.unapplied.bytes()));
  }
}

void BoundsCheck::judge_leader(NodeId node, const Core::State& state) {
  const auto* leader = std::get_if<core::Leader>(&state.role);
  if (leader == nullptr) return;
  const CoreOptions& options = state.options;
  if (leader->proposals.bytes() > options.uncommitted_bytes_max && leader->proposals.count() > 1) {
    report("iB1", node, fmt::format("{} bytes are proposed and not applied", leader->proposals.bytes()));
  }
  if (leader->reads.size() > options.reads_waiting_max) {
    report("iB1", node, fmt::format("{} reads wait", leader->reads.size()));
  }
  const std::size_t bytes_max =
      options.in_flight_bytes_max + options.append_bytes_max + options.command_bytes_max + kEntryOverheadBytes;
  for (const auto& [id, progress] : leader->followers) {
    const core::InflightWindow* window = progress.window();
    if (window == nullptr || (window->size() <= options.in_flight_messages_max && window->bytes() <= bytes_max)) {
      continue;
    }
    report("iB1", node,
           fmt::format("{} messages with {} bytes are on their way to node {}", window->size(), window->bytes(),
                       id.value));
  }
}

void BoundsCheck::on_sent(const Message& message) {
  count();
  const NodeId from = message.route.from;
  const auto found = options_.find(from);
  if (found == options_.end()) return;
  const CoreOptions& options = found->second;
  if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
    std::size_t bytes = 0;
    for (const Entry& entry : append->entries) bytes += charged_bytes(entry);
    const bool is_too_much = append->entries.size() > options.append_entries_max ||
                             (append->entries.size() > 1 && bytes > options.append_bytes_max);
    if (is_too_much) {
      report("iB5", from, fmt::format("an append of {} entries with {} bytes", append->entries.size(), bytes));
    }
  } else if (const auto* chunk = std::get_if<InstallSnapshot>(&message.body)) {
    if (chunk->data.size() > options.snapshot_chunk_bytes) {
      report("iB5", from, fmt::format("a chunk of {} bytes", chunk->data.size()));
    }
  }
}

}  // namespace libraft::testkit
