#include "testkit/explore/node_model.hpp"

#include "testkit/explore/hashing.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace libraft::testkit::explore {

namespace {

// Far apart, so that heartbeats alone never bring a leader to its quorum check.
constexpr Duration kElectionTimeout = std::chrono::seconds(1000);
constexpr Duration kHeartbeatInterval = std::chrono::milliseconds(1);

CoreOptions options_of(const Shape& shape) {
  CoreOptions options;
  options.election_timeout = kElectionTimeout;
  options.heartbeat_interval = kHeartbeatInterval;
  options.pre_vote = shape.pre_vote;
  options.snapshot_after_bytes = 0;
  return options;
}

std::vector<LogId> term_runs(PackedLog log) {
  std::vector<LogId> runs;
  for (std::size_t index = 1; index <= log.size(); ++index) {
    if (runs.empty() || runs.back().term.value != log.term_at(index)) runs.emplace_back();
    runs.back() = {{index}, {log.term_at(index)}};
  }
  return runs;
}

Core recovered_core(const Shape& shape, NodeId id, const Disk& disk, TimePoint now) {
  CoreStart start;
  start.now = now;
  start.seed = id.value;
  RecoveredState& recovered = start.recovered;
  recovered.identity.node = id;
  recovered.hard_state = disk.hard_state;
  recovered.last = {{disk.log.size()}, {disk.log.term_at(disk.log.size())}};
  recovered.term_runs = term_runs(disk.log);
  Configuration configuration;
  for (std::size_t i = 1; i <= shape.size(); ++i) {
    (i <= shape.voters ? configuration.voters : configuration.learners).push_back({{i}, {}});
  }
  recovered.configurations.push_back({{}, configuration});
  return Core(options_of(shape), start);
}

bool is_of_older_term(const Message& message, Term term) {
  return !std::holds_alternative<PreVote>(message.body) && term_of(message.body) < term;
}

}  // namespace

std::size_t parts_of(const PersistBatch& batch) {
  return (batch.hard_state ? 1u : 0u) + (batch.truncate_from ? 1u : 0u) + batch.entries.size();
}

void write_parts(Disk& disk, const PersistBatch& batch, std::size_t parts) {
  const auto take = [&] { return parts > 0 && parts-- > 0; };
  if (batch.hard_state && take()) disk.hard_state = *batch.hard_state;
  if (batch.truncate_from && take()) disk.log = disk.log.prefix(batch.truncate_from->value - 1);
  for (const Entry& entry : batch.entries) {
    if (!take()) return;
    disk.log.append(packed(entry));
  }
}

NodeModel::NodeModel(const Shape& shape, NodeId id)
    : shape_(shape), id_(id), core_(recovered_core(shape, id, {}, {})) {}

Outcome NodeModel::happen(Happening what, std::uint32_t argument, const Message* message) {
  Outcome outcome;
  try {
    switch (what) {
      case Happening::deliver_late:
        now_ += 2 * kElectionTimeout;
        step(MessageReceived{*message}, outcome);
        break;
      case Happening::deliver:
        step(MessageReceived{*message}, outcome);
        break;
      case Happening::election_timeout:
      case Happening::heartbeat_due:
        now_ = std::max(now_, core_.next_deadline());
        step(TimeAdvanced{}, outcome);
        break;
      case Happening::quorum_lost:
        now_ += 3 * kElectionTimeout;
        step(TimeAdvanced{}, outcome);
        break;
      case Happening::propose:
        step(Propose{{command_bytes(argument)}, std::nullopt}, outcome);
        break;
      case Happening::read:
        step(ReadIndexRequested{{1}}, outcome);
        break;
      case Happening::write_completes:
        persist_oldest(outcome);
        break;
      case Happening::crash:
        crash(argument, outcome);
        break;
    }
    check_core(outcome);
  } catch (const InvariantViolation& violation) {
    outcome.violation = violation.what();
  }
  return outcome;
}

void NodeModel::step(const Event& event, Outcome& outcome) {
  // The state machine and reads of the log answer at once: no move comes between.
  std::deque<Event> jobs{event};
  Effects effects;
  while (!jobs.empty()) {
    const Event next = std::move(jobs.front());
    jobs.pop_front();
    core_.step(now_, next, effects);
    carry_out(effects, outcome, jobs);
  }
}

void NodeModel::carry_out(const Effects& effects, Outcome& outcome, std::deque<Event>& jobs) {
  if (effects.persist) {
    const PersistBatch& batch = *effects.persist;
    if (batch.hard_state) {
      std::erase_if(held_, [&](const Outgoing& out) { return is_of_older_term(out.message, batch.hard_state->term); });
    }
    Disk memory{{}, log_};
    write_parts(memory, batch, std::numeric_limits<std::size_t>::max());
    log_ = memory.log;
    writes_.push_back(batch);
  }
  for (const Outgoing& out : effects.messages) {
    if (std::find(held_.begin(), held_.end(), out) == held_.end()) held_.push_back(out);
  }
  for (const ReadLog& read : effects.log_reads) jobs.push_back(log_read(read));
  for (const Entries& entries : effects.apply) jobs.push_back(EntriesApplied{entries.back().id.index});
  outcome.reads.insert(outcome.reads.end(), effects.reads.begin(), effects.reads.end());
  release(outcome);
}

Event NodeModel::log_read(const ReadLog& read) const {
  std::vector<Entry> entries;
  for (std::size_t index = read.first.value; index <= std::min<std::size_t>(read.last.value, disk_.log.size()); ++index)
    entries.push_back(unpacked(disk_.log, index));
  if (entries.empty()) return LogRead{read.id, errc::unavailable, {}};
  return LogRead{read.id, {}, Entries(std::move(entries))};
}

void NodeModel::release(Outcome& outcome) {
  const auto waits = [&](const Outgoing& out) { return out.after > persisted_; };
  const auto free = std::stable_partition(held_.begin(), held_.end(), waits);
  for (auto out = free; out != held_.end(); ++out) {
    check_promise(out->message, outcome);
    outcome.sent.push_back(std::move(out->message));
  }
  held_.erase(free, held_.end());
}

void NodeModel::persist_oldest(Outcome& outcome) {
  const PersistBatch batch = writes_.front();
  writes_.pop_front();
  const HardState before = disk_.hard_state;
  if (!shape_.disks_lie) write_parts(disk_, batch, parts_of(batch));
  check_disk(before, outcome);
  persisted_ = batch.id;
  release(outcome);
  step(Persisted{batch.id}, outcome);
}

void NodeModel::crash(std::size_t parts, Outcome& outcome) {
  const HardState before = disk_.hard_state;
  if (!writes_.empty()) write_parts(disk_, writes_.front(), parts);
  check_disk(before, outcome);
  writes_.clear();
  held_.clear();
  persisted_ = {};
  log_ = disk_.log;
  core_ = recovered_core(shape_, id_, disk_, now_);
}

NodeView NodeModel::view() const {
  const CoreStatus status = core_.status();
  NodeView view;
  view.id = static_cast<std::uint8_t>(id_.value);
  view.role = status.role;
  view.knows_leader = status.leader.has_value();
  view.is_writing = !writes_.empty();
  view.parts = writes_.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(parts_of(writes_.front()));
  view.term = static_cast<std::uint8_t>(status.term.value);
  view.commit = static_cast<std::uint8_t>(status.commit.value);
  view.last = static_cast<std::uint8_t>(status.log_last.index.value);
  view.log = log_;
  view.disk = disk_.log;
  view.disk_term = static_cast<std::uint8_t>(disk_.hard_state.term.value);
  view.disk_vote = static_cast<std::uint8_t>(disk_.hard_state.vote.value_or(NodeId{}).value);
  return view;
}

}  // namespace libraft::testkit::explore
