#include "testkit/checks/bounds_check.hpp"

#include "core/state.hpp"
#include "node/gauges.hpp"
#include "node/send_pipeline.hpp"
#include "testkit/checks/text.hpp"

#include <algorithm>
#include <chrono>

namespace libraft::testkit {
namespace {

/// Transfers of leadership are let in beyond the bound, since stopping needs one.
constexpr std::size_t kTransfersMax = 16;

}  // namespace

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
  terms_.erase(node);
}

void BoundsCheck::on_stepped(NodeId node, const Core& core) {
  count();
  const Core::State& state = core.state();
  options_.try_emplace(node, state.options);
  Terms& terms = terms_.try_emplace(node, Terms{state.term, state.term, 1}).first->second;
  terms.now = state.term;
  terms.nodes = std::max<std::size_t>(terms.nodes, core.configuration().voters.size());
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

void BoundsCheck::judge(NodeId node, std::string_view what, std::size_t value, std::size_t max) {
  if (value > max) report("iB1", node, fmt::format("{} {}, and {} are allowed", value, what, max));
}

void BoundsCheck::on_gauges(NodeId node, const NodeOptions& options, const node::Gauges& gauges) {
  judge_requests(node, options, gauges);
  judge_storage(node, options, gauges);
  judge_machine(node, options, gauges);
  judge_snapshots(node, options, gauges);
}

/// One message or request is let in whatever its size.
void BoundsCheck::judge_requests(NodeId node, const NodeOptions& options, const node::Gauges& gauges) {
  const std::size_t items_max = options.inbox_messages_max;
  judge(node, "messages were in the inbox", gauges.messages.count, items_max);
  judge(node, "requests were in the inbox", gauges.requests.count, items_max);
  if (gauges.messages.count > 1) {
    judge(node, "bytes of messages were in the inbox", gauges.messages.bytes, options.inbox_bytes_max);
  }
  if (gauges.requests.count > 1) {
    judge(node, "bytes of requests were in the inbox", gauges.requests.bytes, options.inbox_bytes_max);
  }
  judge(node, "requests wait", gauges.requests_waiting, items_max + kTransfersMax);
}

void BoundsCheck::judge_storage(NodeId node, const NodeOptions& options, const node::Gauges& gauges) {
  if (gauges.write.count > 1) judge(node, "bytes are in one write", gauges.write.bytes, options.write_bytes_max);
  judge(node, "messages wait for a write", gauges.held_messages, node::SendPipeline::kHeldMax);
  Terms& terms = terms_[node];
  if (gauges.unwritten.count == 0 && gauges.log_reads == 0) terms.calm = terms.now;
  const std::size_t leaders = 1 + terms.now.value - terms.calm.value;
  // A leader proposes as much as may be unapplied; a follower gets a window of each leader.
  std::size_t bytes_max = 0;
  for (const auto& [id, core] : options_) {
    const std::size_t sent = core.in_flight_bytes_max + core.append_bytes_max;
    bytes_max =
        std::max(bytes_max, std::max(sent, core.uncommitted_bytes_max) + core.command_bytes_max + kEntryOverheadBytes);
  }
  judge(node, "bytes of entries wait for the disk", gauges.unwritten.bytes, leaders * bytes_max);
  judge(node, "reads of the log wait", gauges.log_reads, leaders * terms.nodes);
}

void BoundsCheck::judge_machine(NodeId node, const NodeOptions& options, const node::Gauges& gauges) {
  const CoreOptions& core = options.core;
  judge(node, "entries are at the state machine", gauges.apply.count, core.apply_entries_max);
  if (gauges.apply.count > 1) {
    judge(node, "bytes are at the state machine", gauges.apply.bytes, core.apply_bytes_max);
  }
  judge(node, "entries are queued for the state machine", gauges.unapplied.count, 2 * core.apply_entries_max);
  judge(node, "bytes are queued for the state machine", gauges.unapplied.bytes,
        3 * core.apply_bytes_max + core.command_bytes_max + kEntryOverheadBytes);
  // Those that wait for a round of reads are let in before they are queries.
  judge(node, "queries are at the state machine", gauges.queries, 2 * options.inbox_messages_max);
}

void BoundsCheck::judge_snapshots(NodeId node, const NodeOptions&, const node::Gauges& gauges) {
  std::size_t bytes_max = 0;
  for (const auto& [id, core] : options_) bytes_max = std::max(bytes_max, core.snapshot_chunk_bytes);
  judge(node, "chunks wait to be stored", gauges.chunks_to_store.count, 1);
  judge(node, "bytes of chunks wait to be stored", gauges.chunks_to_store.bytes, bytes_max);
  judge(node, "chunks wait to be sent", gauges.chunks_to_send, terms_[node].nodes);
  judge(node, "own snapshots wait to be saved", gauges.saves, 1);
}

/// After DiskCheck took the write in. What followers still need may stay too, within its own bound.
void BoundsCheck::on_published(NodeId node, const SnapshotMeta& meta, const WriteBatch&, std::error_code error) {
  const auto options = options_.find(node);
  if (error || options == options_.end()) return;
  const LogIndex start = ledger_.disks[node].log.start().index;
  const std::uint64_t max =
      std::max(options->second.trailing_entries, options->second.trailing_entries_for_followers_max);
  if (start >= meta.last.index || meta.last.index.value - start.value <= max) return;
  report("iB3", node,
         fmt::format("{} entries below a new snapshot stay, and {} are allowed", meta.last.index.value - start.value,
                     max));
}

bool BoundsCheck::judge_snapshots_taken(bool is_late) {
  bool have_all = true;
  for (const auto& [node, memory] : ledger_.memories) {
    const auto options = options_.find(node);
    if (options == options_.end() || options->second.snapshot_after_entries == 0) continue;
    const LogIndex covered = ledger_.disks[node].snapshot.index;
    if (memory.applied <= covered) continue;
    const std::uint64_t uncovered = memory.applied.value - covered.value;
    if (uncovered < options->second.snapshot_after_entries) continue;
    have_all = false;
    if (!is_late) continue;
    report("iB3", node,
           fmt::format("{} entries are in no snapshot, and one is due after {}", uncovered,
                       options->second.snapshot_after_entries));
  }
  return have_all;
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
