#include "support/core_cluster.hpp"

#include "core/state.hpp"

#include <algorithm>

namespace libraft::test {

namespace {

constexpr std::uint64_t kTwiceEvery = 7;  // steps

std::string chain(const std::string& state, const Entry& entry) {
  std::uint64_t hash = 1469598103934665603u;
  const std::string text = state + "|" + std::to_string(entry.id.index.value) + "," +
                           std::to_string(entry.id.term.value) + "," + std::string(entry.data.view());
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return std::to_string(hash);
}

/// The log as the node sees it: what is on its way to the disk counts.
CoreDisk with_writes(const CoreNode& node) {
  CoreDisk log = node.disk;
  for (const PersistBatch& batch : node.writes) log.write(batch);
  return log;
}

void add_marks(CoreCluster::MarkCounts& counts, const Core& core) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += core.state().marks.count(static_cast<core::Mark>(i));
}

}  // namespace

CoreCluster::CoreCluster(std::size_t voters, CoreOptions options, std::uint64_t seed) : options_(options), seed_(seed) {
  passes = [](const Message&) { return true; };
  holds = [](const Message&) { return false; };
  for (std::uint64_t i = 1; i <= voters; ++i) configuration_.voters.push_back({{i}, "node-" + std::to_string(i)});
  for (const Peer& peer : configuration_.voters) {
    nodes_[peer.id].id = peer.id;
    restart(nodes_[peer.id]);
  }
}

void CoreCluster::step(CoreNode& node, const Event& event) {
  if (!node.core) return;
  const LogIndex committed = committed_.empty() ? LogIndex{} : committed_.rbegin()->first;
  if (const auto* read = std::get_if<ReadIndexRequested>(&event)) node.asked_at[read->id] = committed;
  const CoreStatus before = node.core->status();
  Effects effects;
  std::optional<Core> copy;
  if (++steps_ % kTwiceEvery == 0) copy = *node.core;
  node.core->step(now_, event, effects);
  if (copy) check_repeatable(*std::move(copy), event, node, effects);
  const CoreStatus status = node.core->status();
  carry_out(node, effects);
  if (status.role != Role::leader) return;
  const auto known = leaders_.emplace(status.term, node.id);
  require(known.first->second == node.id, "iS1: one leader for each term");
  if (known.second) check_new_leader(node);
  if (before.role == Role::leader && status.commit > before.commit) {
    require(committed_.at(status.commit).term == status.term, "iS6: a leader commits up to an entry of its own term");
  }
}

/// iT2: a step has no hidden state.
void CoreCluster::check_repeatable(Core copy, const Event& event, const CoreNode& node, const Effects& effects) const {
  Effects again;
  copy.step(now_, event, again);
  require(copy == *node.core && again == effects, "iT2: a copy of a core does the same");
}

/// iS5: what is committed is in the log of every later leader.
void CoreCluster::check_new_leader(const CoreNode& node) const {
  if (committed_.empty()) return;
  const LogId last = committed_.rbegin()->second;
  const CoreDisk log = with_writes(node);
  if (last.index < log.start.index) return;
  require(log.has(last.index) && log.id_at(last.index) == last, "iS5: a new leader has all that is committed");
}

/// iS3: entries of one index and term are the same everywhere, and so are those before them.
void CoreCluster::check_matching(LogId previous, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    const auto known = appended_.emplace(entry.id, Appended{previous, entry.data});
    const Appended& first = known.first->second;
    require(first.previous == previous && first.data.view() == entry.data.view(),
            "iS3: an index and a term stand for one entry and all before it");
    previous = entry.id;
  }
}

/// iR3: a read sees all that was committed before it was asked for.
void CoreCluster::check_read(const CoreNode& node, const ReadOutcome& read) const {
  const auto asked = node.asked_at.find(read.id);
  if (read.error || asked == node.asked_at.end()) return;
  require(read.index >= asked->second, "iR3: a read sees all that was committed before it");
}

void CoreCluster::carry_out(CoreNode& node, Effects& effects) {
  if (effects.persist) {
    if (effects.persist->hard_state) {
      const Term term = effects.persist->hard_state->term;
      std::erase_if(node.held, [&](const Outgoing& out) {
        return !std::holds_alternative<PreVote>(out.message.body) && term_of(out.message.body) < term;
      });
    }
    node.writes.push_back(*effects.persist);
  }
  for (Outgoing& out : effects.messages) node.held.push_back(std::move(out));
  queue_reads(node, effects);
  queue_machine_jobs(node, effects);
  queue_snapshot_writes(node, effects);
  if (effects.proposal) node.proposal = effects.proposal;
  for (const ReadOutcome& read : effects.reads) {
    check_read(node, read);
    node.reads.push_back(read);
  }
  for (const TransferOutcome& transfer : effects.transfers) node.transfers.push_back(transfer);
  release(node);
  check_commit(node);
}

/// Of the log and of the snapshot that is sent.
void CoreCluster::queue_reads(CoreNode& node, const Effects& effects) {
  for (const SendSnapshotChunk& chunk : effects.snapshot_sends) {
    Routing route;
    route.from = node.id;
    route.to = chunk.to;
    if (node.disk.snapshot && *node.disk.snapshot == chunk.meta) {
      const std::string data = node.disk.snapshot_state.substr(chunk.offset, chunk.bytes_max);
      node.held.push_back({{route, InstallSnapshot{chunk.term, chunk.meta, chunk.offset, Bytes(data)}}, chunk.after});
    } else {
      node.jobs.push_back([chunk](CoreNode&) -> Event { return SnapshotSendFailed{chunk.to, chunk.meta.last}; });
    }
  }
  for (const ReadLog& read : effects.log_reads) {
    node.jobs.push_back([read](CoreNode& self) -> Event {
      if (read.first <= self.disk.start.index) return LogRead{read.id, make_error_code(errc::compacted), {}};
      const std::vector<Entry> entries = self.disk.read(read.first, read.last);
      return LogRead{read.id, entries.empty() ? make_error_code(errc::unavailable) : std::error_code{},
                     Entries(entries)};
    });
  }
}

void CoreCluster::queue_machine_jobs(CoreNode& node, const Effects& effects) {
  if (effects.restore) {
    node.jobs.push_back([meta = effects.restore->meta](CoreNode& self) -> Event {
      self.state = self.disk.snapshot_state;
      self.applied = meta.last.index;
      return EntriesApplied{meta.last.index};
    });
  }
  for (const Entries& entries : effects.apply) {
    node.jobs.push_back([this, entries](CoreNode& self) -> Event {
      apply(self, entries);
      return EntriesApplied{entries.back().id.index};
    });
  }
}

/// Of the own snapshot and of one that comes in.
void CoreCluster::queue_snapshot_writes(CoreNode& node, const Effects& effects) {
  if (effects.take_snapshot) {
    node.jobs.push_back([take = *effects.take_snapshot](CoreNode& self) -> Event {
      require(self.applied == take.last.index, "a snapshot is taken at exactly its index");
      SnapshotMeta meta{take.last, take.configuration, self.state.size(), {}};
      self.incoming = self.state;
      return SnapshotSaved{{}, meta};
    });
  }
  if (effects.snapshot_store) {
    node.jobs.push_back([chunk = effects.snapshot_store->chunk](CoreNode& self) -> Event {
      if (chunk.offset == 0) self.incoming.clear();
      require(self.incoming.size() == chunk.offset, "chunks of a snapshot are contiguous");
      self.incoming += chunk.data.view();
      return SnapshotChunkStored{{}, chunk.meta.last, self.incoming.size()};
    });
  }
}

void CoreCluster::release(CoreNode& node) {
  for (auto held = node.held.begin(); held != node.held.end();) {
    if (held->after > node.persisted) {
      ++held;
      continue;
    }
    note_said(held->message);
    check_promise(node, held->message);
    network_.push_back(std::move(held->message));
    held = node.held.erase(held);
  }
}

/// What a leader shows of its log.
void CoreCluster::note_said(const Message& message) {
  if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
    auto& log = said_[append->term];
    log[append->previous.index] = append->previous.term;
    for (const Entry& entry : append->entries) log[entry.id.index] = entry.id.term;
  }
  if (const auto* install = std::get_if<InstallSnapshot>(&message.body)) {
    said_[install->term][install->meta.last.index] = install->meta.last.term;
  }
}

/// iD3: an acknowledgement goes no further than what the term's leader showed, and agrees with it.
void CoreCluster::check_match(const CoreNode& node, const AppendEntriesReply& reply) const {
  const auto said = said_.find(reply.term);
  if (said == said_.end()) return;  // a test's own leader
  require(reply.match <= said->second.rbegin()->first, "iD3: what is acknowledged was proven to be the leader's");
  const auto known = said->second.find(reply.match);
  if (known == said->second.end() || reply.match < node.disk.start.index) return;
  require(node.disk.id_at(reply.match).term == known->second, "iD3: what is acknowledged is the leader's entry");
}

/// iD1-iD3: every promise on the wire is backed by the sender's disk.
void CoreCluster::check_promise(CoreNode& node, const Message& message) const {
  if (std::holds_alternative<PreVote>(message.body)) return;
  require(term_of(message.body) <= node.disk.hard_state.term, "iD1: the term on the wire is durable");
  if (const auto* vote = std::get_if<RequestVoteReply>(&message.body); vote != nullptr && vote->granted) {
    require(node.disk.hard_state == HardState{vote->term, message.route.to}, "iD2: a granted vote is durable");
  }
  if (const auto* vote = std::get_if<RequestVote>(&message.body)) {
    require(node.disk.hard_state == HardState{vote->term, node.id}, "iD2: the own vote is durable");
  }
  if (const auto* append = std::get_if<AppendEntriesReply>(&message.body); append != nullptr && append->accepted) {
    require(node.disk.has(append->match), "iD3: what is acknowledged is durable");
    check_match(node, *append);
    if (append->term > node.acknowledged_in) node.acknowledged = {};
    node.acknowledged_in = append->term;
    node.acknowledged = std::max(node.acknowledged, append->match);
  }
  if (const auto* install = std::get_if<InstallSnapshotReply>(&message.body);
      install != nullptr && install->installed) {
    require(node.disk.has(install->last.index), "iD4: an installed snapshot is durable");
  }
}

/// iS9: what was acknowledged stays, until a later leader may replace it.
void CoreCluster::check_acknowledged(const CoreNode& node) const {
  if (node.disk.hard_state.term != node.acknowledged_in) return;
  require(node.disk.has(node.acknowledged), "iS9: what is acknowledged is never lost");
}

/// iS4: what was committed once is committed for ever; iS6: on the disks of a quorum.
void CoreCluster::check_commit(const CoreNode& node) {
  const CoreStatus status = node.core->status();
  const LogIndex known = committed_.empty() ? LogIndex{} : committed_.rbegin()->first;
  for (LogIndex index = next(known); index <= status.commit; index = next(index)) {
    std::size_t covered = 0;  // by a snapshot, which holds committed entries only
    std::map<LogId, std::size_t> holders;
    for (const auto& [other, peer] : nodes_) {
      if (index <= peer.disk.start.index) {
        ++covered;
      } else if (index <= peer.disk.last().index) {
        ++holders[peer.disk.entries[index.value - peer.disk.start.index.value - 1].id];
      }
    }
    const auto most = std::max_element(holders.begin(), holders.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    require(most != holders.end() && most->second + covered >= nodes_.size() / 2 + 1,
            "iS6: a committed entry is on the disks of a quorum");
    committed_.emplace(index, most->first);
  }
}

void CoreCluster::apply(CoreNode& node, const Entries& entries) {
  for (const Entry& entry : entries) {
    require(entry.id.index == next(node.applied), "entries are applied in order, each once");
    const auto committed = committed_.find(entry.id.index);
    require(committed != committed_.end() && committed->second == entry.id, "iS4: only what is committed is applied");
    node.state = chain(node.state, entry);
    node.applied = entry.id.index;
    const auto known = applied_.emplace(node.applied, node.state);
    require(known.first->second == node.state, "iS7: state machines agree");
  }
}

void CoreCluster::deliver(std::size_t position) {
  Message message = network_[position];
  drop(position);
  const auto receiver = nodes_.find(message.route.to);
  if (receiver != nodes_.end()) step(receiver->second, MessageReceived{std::move(message)});
}

void CoreCluster::persist(CoreNode& node) {
  if (!node.core || node.writes.empty()) return;
  const PersistBatch batch = node.writes.front();
  node.writes.pop_front();
  if (batch.publish) {
    node.disk.snapshot = batch.publish;
    node.disk.snapshot_state = node.incoming;
    require(node.incoming.size() == batch.publish->size, "a published snapshot has its own bytes");
  }
  node.disk.write(batch);
  if (!batch.entries.empty()) {
    const LogIndex before = previous(batch.entries.front().id.index);
    check_matching(node.disk.id_at(before), {batch.entries.begin(), batch.entries.end()});
  }
  check_acknowledged(node);
  node.persisted = batch.id;
  release(node);
  step(node, Persisted{batch.id});
}

void CoreCluster::crash_in_write(CoreNode& node, std::size_t parts) {
  require(!node.writes.empty(), "a node that crashes in a write is writing");
  PersistBatch done = node.writes.front();
  require(!done.publish, "a snapshot is published whole or not at all");
  const auto leave_out = [&](auto& part) {
    if (part && parts == 0) part.reset();
    if (part) --parts;
  };
  leave_out(done.hard_state);
  leave_out(done.truncate_from);
  leave_out(done.new_start);
  done.entries = done.entries.slice(0, std::min(parts, done.entries.size()));
  node.disk.write(done);
  check_acknowledged(node);
  crash(node);
}

void CoreCluster::fail_job(CoreNode& node, std::error_code error) {
  require(node.core && !node.jobs.empty(), "a job that fails is there");
  const auto job = std::move(node.jobs.front());
  node.jobs.pop_front();
  Event event = job(node);
  if (auto* saved = std::get_if<SnapshotSaved>(&event)) {
    saved->error = error;
  } else if (auto* stored = std::get_if<SnapshotChunkStored>(&event)) {
    stored->error = error;
  } else if (auto* read = std::get_if<LogRead>(&event)) {
    *read = {read->id, error, {}};
  } else {
    violated("only the disk fails: the job was another one");
  }
  step(node, event);
}

void CoreCluster::run_job(CoreNode& node) {
  if (!node.core || node.jobs.empty()) return;
  const auto job = std::move(node.jobs.front());
  node.jobs.pop_front();
  step(node, job(node));
}

void CoreCluster::crash(CoreNode& node) {
  if (node.core) add_marks(marks_of_the_dead_, *node.core);
  node.core.reset();
  node.writes.clear();
  node.held.clear();
  node.jobs.clear();
  node.incoming.clear();
  node.reads.clear();
  node.asked_at.clear();
  node.transfers.clear();
  node.proposal.reset();
}

void CoreCluster::restart(CoreNode& node) {
  RecoveredState recovered;
  recovered.identity.node = node.id;
  recovered.hard_state = node.disk.hard_state;
  recovered.start = node.disk.start;
  recovered.last = node.disk.last();
  recovered.term_runs = node.disk.term_runs();
  recovered.configurations.push_back({{}, configuration_});
  recovered.snapshot = node.disk.snapshot;
  node.state = node.disk.snapshot_state;
  node.applied = node.disk.snapshot ? node.disk.snapshot->last.index : LogIndex{};
  node.persisted = {};
  node.core.emplace(options_, CoreStart{recovered, node.applied, false, ++seed_ * 7919 + node.id.value, now_});
}

void CoreCluster::time_out(CoreNode& node) {
  if (!node.core || node.core->next_deadline() == kNever) return;
  now_ = std::max(now_, node.core->next_deadline());
  step(node, TimeAdvanced{});
}

bool CoreCluster::settle_network() {
  bool moved = false;
  int told = 0;
  for (std::size_t position = 0; position < network_.size();) {
    require(++told < 100000, "iL7: nodes come to rest when time stands still");
    if (holds(network_[position])) {
      ++position;
    } else if (passes(network_[position])) {
      deliver(position);
      moved = true;
    } else {
      drop(position);
      moved = true;
    }
  }
  return moved;
}

void CoreCluster::settle() {
  int rounds = 0;
  for (bool moved = true; moved;) {
    require(++rounds < 10000, "iL7: nodes come to rest when time stands still");
    moved = settle_network();
    for (auto& [id, node] : nodes_) {
      for (; node.core && !node.holds_writes && !node.writes.empty(); moved = true) persist(node);
      for (; node.core && !node.holds_jobs && !node.jobs.empty(); moved = true) run_job(node);
    }
  }
}

void CoreCluster::run_for(Duration duration) {
  const TimePoint end = now_ + duration;
  int told = 0;  // at one moment
  settle();
  while (true) {
    CoreNode* earliest = nullptr;
    for (auto& [id, node] : nodes_) {
      if (!node.core) continue;
      if (earliest == nullptr || node.core->next_deadline() < earliest->core->next_deadline()) earliest = &node;
    }
    if (earliest == nullptr || earliest->core->next_deadline() > end) break;
    told = earliest->core->next_deadline() > now_ ? 0 : told + 1;
    require(told < 1000, "a deadline that was told is over");
    time_out(*earliest);
    settle();
  }
  now_ = end;
}

bool CoreCluster::elect() {
  for (int i = 0; i < 600; ++i) {
    run_for(std::chrono::milliseconds(100));
    CoreNode* found = leader();
    if (found == nullptr) continue;
    const CoreStatus status = found->core->status();
    if (status.commit == status.log_last.index && status.log_last.term == status.term) return true;
  }
  return false;
}

CoreCluster::MarkCounts CoreCluster::marks() const {
  MarkCounts counts = marks_of_the_dead_;
  for (const auto& [id, node] : nodes_) {
    if (node.core) add_marks(counts, *node.core);
  }
  return counts;
}

CoreNode* CoreCluster::leader() {
  CoreNode* best = nullptr;
  for (auto& [id, node] : nodes_) {
    if (!node.core || node.core->status().role != Role::leader) continue;
    if (best == nullptr || node.core->status().term > best->core->status().term) best = &node;
  }
  return best;
}

std::vector<CoreNode*> CoreCluster::nodes() {
  std::vector<CoreNode*> all;
  for (auto& [id, node] : nodes_) all.push_back(&node);
  return all;
}

Event received(std::uint64_t sender, std::uint64_t receiver, MessageBody body) {
  Message message;
  message.route.from = {sender};
  message.route.to = {receiver};
  message.body = std::move(body);
  return MessageReceived{std::move(message)};
}

Entry entry(std::uint64_t index, std::uint64_t term) {
  return {{{index}, {term}}, EntryKind::command, Bytes(std::to_string(index) + "@" + std::to_string(term))};
}

std::vector<Entry> log_of(const std::vector<std::uint64_t>& terms) {
  std::vector<Entry> entries;
  for (const std::uint64_t term : terms) entries.push_back(entry(entries.size() + 1, term));
  return entries;
}

CoreNode& other_than(CoreCluster& cluster, const CoreNode& node) {
  return cluster.node(node.id == NodeId{1} ? 2 : 1);
}

}  // namespace libraft::test
