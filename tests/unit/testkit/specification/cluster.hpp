// A few real cores, each with a specification beside it, while messages, writes and nodes get lost at random.
#pragma once

#include <libraft/core.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "testkit/simulation/simulated_events.hpp"
#include "testkit/specification/specification.hpp"

namespace libraft::test::specification {

inline constexpr std::uint64_t kSnapshotBytes = 150;

/// What a node's disk holds.
struct Disk {
  RecoveredState state;  // without term_runs and last: those follow from `entries`
  std::vector<Entry> entries;

  [[nodiscard]] LogIndex last() const { return {state.start.index.value + entries.size()}; }
  [[nodiscard]] const Entry& at(LogIndex index) const { return entries[index.value - state.start.index.value - 1]; }

  void cut(LogIndex from) {
    if (from <= last()) entries.resize(from.value - state.start.index.value - 1);
  }
  /// A crash may leave only the first `parts` of a batch.
  void write(const PersistBatch& batch, int parts) {
    if (parts > 0 && batch.publish) state.snapshot = batch.publish;
    if (parts > 1 && batch.hard_state) state.hard_state = *batch.hard_state;
    if (parts > 2 && batch.truncate_from) cut(*batch.truncate_from);
    if (parts > 3 && batch.new_start) {
      const std::uint64_t dropped = batch.new_start->index.value - state.start.index.value;
      entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(std::min(dropped, entries.size())));
      state.start = *batch.new_start;
    }
    if (parts > 4) entries.insert(entries.end(), batch.entries.begin(), batch.entries.end());
  }
  /// A snapshot that was published without what goes with it stands for the whole log.
  void repair() {
    const LogId covered = state.snapshot ? state.snapshot->last : LogId{};
    if (covered.index <= state.start.index || (covered.index <= last() && at(covered.index).id == covered)) return;
    entries.clear();
    state.start = covered;
  }
  [[nodiscard]] RecoveredState recovered() const {
    RecoveredState now = state;
    now.last = state.start;
    for (const Entry& entry : entries) {
      if (now.term_runs.empty() || now.term_runs.back().term != entry.id.term) now.term_runs.emplace_back();
      now.term_runs.back() = entry.id;
      now.last = entry.id;
    }
    return now;
  }
};

struct Node {
  NodeId id;
  Disk disk;
  std::unique_ptr<Core> core;
  std::unique_ptr<testkit::Specification> specification;
  std::deque<PersistBatch> writes;
  std::deque<Outgoing> held;
  std::deque<Event> reports;
  CoreStatus status;
};

class Cluster {
 public:
  Cluster(std::uint64_t seed, std::uint64_t size, const CoreOptions& options) : random_(seed), options_(options) {
    ConfigurationAt genesis;
    for (std::uint64_t id = 1; id <= size; ++id) genesis.value.voters.push_back({{id}, ""});
    for (std::uint64_t id = 1; id <= size; ++id) {
      Node& node = nodes_.emplace_back();
      node.id = {id};
      node.disk.state.identity = {{7}, {8}, {id}, {id + 100}};
      node.disk.state.configurations = {genesis};
      start(node);
    }
  }

  /// Called before each step is judged.
  std::function<void(const Node&, const testkit::CoreStep&)> watch;
  std::uint64_t steps = 0;
  std::uint64_t restores = 0;
  std::uint64_t reads = 0;
  std::uint64_t transfers = 0;
  std::uint64_t most_committed = 0;

  void act() {
    Node& node = nodes_[random_.below(nodes_.size())];
    const std::uint64_t dice = random_.below(1000);
    if (dice < 450) return deliver();
    if (dice < 600) return persist(node);
    if (dice < 750) return report(node);
    if (dice < 850) return pass_time(node);
    if (dice < 920) return step(node, propose());
    if (dice < 950) return step(node, ReadIndexRequested{{++requests_}});
    if (dice < 955) return step(node, TransferRequested{{++requests_}, target()});
    if (dice < 965) return step(node, SnapshotRequested{});
    if (dice < 967) return step(node, StepDownRequested{});
    if (dice < 970) return step(node, PeerChanged{{1 + random_.below(nodes_.size())}, PeerEvent::dropped});
    if (dice < 973) return crash(node);
  }

 private:
  Propose propose() {
    Propose propose;
    for (std::uint64_t i = random_.below(4); i > 0; --i) propose.commands.emplace_back(std::to_string(++requests_));
    if (random_.chance(100000)) propose.only_in_term = Term{random_.below(9)};
    return propose;
  }
  std::optional<NodeId> target() {
    if (random_.chance(500000)) return std::nullopt;
    return NodeId{1 + random_.below(nodes_.size())};
  }

  void start(Node& node) {
    node.disk.repair();
    const RecoveredState recovered = node.disk.recovered();
    const LogIndex applied = recovered.snapshot ? recovered.snapshot->last.index : LogIndex{};
    const CoreStart start{recovered, applied, false, random_.draw(), now_};
    node.core = std::make_unique<Core>(options_, start);
    node.status = node.core->status();
    node.specification = std::make_unique<testkit::Specification>(options_, start, node.status);
  }

  void crash(Node& node) {
    for (std::uint64_t n = random_.below(node.writes.size() + 1); n > 0; --n, node.writes.pop_front()) {
      node.disk.write(node.writes.front(), 5);
    }
    if (!node.writes.empty()) node.disk.write(node.writes.front(), static_cast<int>(random_.below(6)));
    node.writes.clear();
    node.held.clear();
    node.reports.clear();
    start(node);
  }

  void pass_time(Node& node) {
    now_ += random_.between(Duration(0), std::chrono::milliseconds(60));
    if (random_.chance(200000))
      now_ = std::max(now_, std::min(node.core->next_deadline(), now_ + std::chrono::seconds(1)));
    step(node, TimeAdvanced{});
  }

  void deliver() {
    if (network_.empty()) return;
    const auto place = network_.begin() + static_cast<std::ptrdiff_t>(random_.below(network_.size()));
    Message message = *place;
    if (random_.chance(900000)) network_.erase(place);
    if (random_.chance(100000)) return;
    if (is_request(message.body)) message.route.exchange = ++requests_;
    step(nodes_[message.route.to.value - 1], MessageReceived{message});
  }

  void persist(Node& node) {
    if (node.writes.empty()) return;
    PersistId upto;
    for (std::uint64_t n = 1 + random_.below(node.writes.size()); n > 0; --n, node.writes.pop_front()) {
      node.disk.write(node.writes.front(), 5);
      upto = node.writes.front().id;
    }
    for (Outgoing& sent : node.held) {
      if (sent.after <= upto) send(sent.message);
    }
    std::erase_if(node.held, [&](const Outgoing& sent) { return sent.after <= upto; });
    step(node, Persisted{upto});
  }

  void report(Node& node) {
    if (node.reports.empty()) return;
    const Event event = node.reports.front();
    node.reports.pop_front();
    step(node, event);
  }

  void send(const Message& message) {
    if (network_.size() < 60) network_.push_back(message);
  }

  void step(Node& node, const Event& event) {
    Effects effects;
    node.core->step(now_, event, effects);
    const CoreStatus after = node.core->status();
    const testkit::CoreStep taken{event, effects, node.status, after};
    if (watch) watch(node, taken);
    const auto disagreement = node.specification->judge(taken);
    if (disagreement) FAIL(*disagreement << "\n" << story(node, event, after));
    ++steps;
    node.status = after;
    most_committed = std::max(most_committed, after.commit.value);
    carry_out(node, effects);
  }

  std::string story(const Node& node, const Event& event, const CoreStatus& after) const {
    const auto status = [](const CoreStatus& s) {
      const auto id = [](const std::optional<NodeId>& one) { return one ? one->value : 0; };
      return fmt::format(
          "{} of term {}, vote {}, leader {}, log {} to {}/{}, durable {}, commit {}, applied {}, snapshot {}",
          to_string(s.role), s.term.value, id(s.vote), id(s.leader), s.log_start.index.value, s.log_last.index.value,
          s.log_last.term.value, s.durable.value, s.commit.value, s.applied.value, s.snapshot.index.value);
    };
    std::string what = fmt::format("event {}", event.index());
    if (const auto* received = std::get_if<MessageReceived>(&event)) {
      what += fmt::format(", message {} of term {} from {}", received->message.body.index(),
                          term_of(received->message.body).value, received->message.route.from.value);
    }
    return fmt::format("step {} of node {}, {}\nfrom {}\nto   {}", steps, node.id.value, what, status(node.status),
                       status(after));
  }

  void carry_out(Node& node, const Effects& effects) {
    if (effects.persist) {
      if (const auto& hard_state = effects.persist->hard_state) {
        std::erase_if(node.held, [&](const Outgoing& sent) { return term_of(sent.message.body) < hard_state->term; });
      }
      node.writes.push_back(*effects.persist);
    }
    for (const Outgoing& sent : effects.messages) hold(node, sent);
    for (const ReadOutcome& read : effects.reads) reads += std::uint64_t{!read.error};
    for (const TransferOutcome& transfer : effects.transfers) transfers += std::uint64_t{!transfer.error};
    restores += std::uint64_t{effects.restore.has_value()};
    if (effects.restore) node.reports.push_back(EntriesApplied{effects.restore->meta.last.index});
    for (const Entries& entries : effects.apply) node.reports.push_back(EntriesApplied{entries.back().id.index});
    if (const auto& take = effects.take_snapshot) {
      const SnapshotMeta meta{take->last, take->configuration, kSnapshotBytes, {take->last.index.value, 1}};
      node.reports.push_back(SnapshotSaved{random_.chance(50000) ? errc::no_space : std::error_code{}, meta});
    }
    if (const auto& store = effects.snapshot_store) {
      const InstallSnapshot& chunk = store->chunk;
      const std::error_code error = random_.chance(50000) ? errc::no_space : std::error_code{};
      node.reports.push_back(SnapshotChunkStored{error, chunk.meta.last, error ? 0 : chunk.offset + chunk.data.size()});
    }
    for (const SendSnapshotChunk& chunk : effects.snapshot_sends) read_chunk(node, chunk);
    for (const ReadLog& read : effects.log_reads) read_log(node, read);
  }

  void hold(Node& node, const Outgoing& sent) {
    const bool is_due = node.writes.empty() || sent.after < node.writes.front().id;
    if (is_due) {
      send(sent.message);
    } else {
      node.held.push_back(sent);
    }
  }

  void read_chunk(Node& node, const SendSnapshotChunk& chunk) {
    if (node.disk.state.snapshot != chunk.meta)
      return node.reports.push_back(SnapshotSendFailed{chunk.to, chunk.meta.last});
    Message message;
    message.route = {{7}, {8}, node.id, chunk.to, {node.id.value + 100}, {}, 0};
    const std::string data(std::min<std::uint64_t>(chunk.bytes_max, kSnapshotBytes - chunk.offset), 'x');
    message.body = InstallSnapshot{chunk.term, chunk.meta, chunk.offset, Bytes(data)};
    hold(node, {message, chunk.after});
  }

  void read_log(Node& node, const ReadLog& read) {
    if (read.first <= node.disk.state.start.index) return node.reports.push_back(LogRead{read.id, errc::compacted, {}});
    std::vector<Entry> entries;
    for (LogIndex index = read.first; index <= read.last && index <= node.disk.last(); index = next(index)) {
      entries.push_back(node.disk.at(index));
    }
    if (entries.empty()) return node.reports.push_back(LogRead{read.id, errc::unavailable, {}});
    node.reports.push_back(LogRead{read.id, {}, Entries(entries)});
  }

  testkit::RandomStream random_;
  CoreOptions options_;
  TimePoint now_{std::chrono::seconds(1)};
  std::uint64_t requests_ = 0;
  std::vector<Node> nodes_;
  std::vector<Message> network_;
};

/// Small enough for everything to happen soon.
inline CoreOptions small_options() {
  CoreOptions options;
  options.append_entries_max = 3;
  options.entry_cache_bytes = 200;
  options.apply_entries_max = 2;
  options.trailing_entries = 2;
  options.trailing_entries_for_followers_max = 6;
  options.snapshot_after_entries = 12;
  options.snapshot_chunk_bytes = 64;
  return options;
}

}  // namespace libraft::test::specification
