// A stage for the checks: nodes whose events are made up, so that each check is shown a small crime and its legal
// neighbour.
#pragma once

#include "core/state.hpp"
#include "testkit/checks/disk_check.hpp"
#include "testkit/checks/ledger.hpp"
#include "testkit/checks/promise_check.hpp"
#include "testkit/checks/safety_check.hpp"

#include <libraft/core.hpp>

#include <map>
#include <string>
#include <vector>

namespace libraft::test {

struct Stage {
  explicit Stage(std::uint64_t nodes = 3, testkit::DurableView* view = nullptr, std::uint64_t sample_every = 0)
      : promises(ledger, view, sample_every) {
    for (std::uint64_t id = 1; id <= nodes; ++id) configuration.voters.push_back({{id}, ""});
    for (std::uint64_t id = 1; id <= nodes; ++id) start({id}, found_nothing({id}));
  }

  [[nodiscard]] RecoveredState found_nothing(NodeId id) const {
    RecoveredState state;
    state.identity.node = id;
    state.configurations = {{{}, configuration}};
    return state;
  }

  /// A new life, from what its disk holds.
  void start(NodeId id, const RecoveredState& found) {
    safety.on_started(id, ++life);
    disks.on_recovered(id, found);
    safety.on_recovered(id, found);
    promises.on_recovered(id, found);
    CoreStart start;
    start.recovered = found;
    cores.erase(id);
    cores.emplace(id, Core(CoreOptions{}, start));
    step(id);
  }
  void crash(NodeId id) { safety.on_crashed(id); }

  /// The node's memory, to be falsified at will.
  [[nodiscard]] Core::State& memory(NodeId id) { return const_cast<Core::State&>(cores.at(id).state()); }
  void step(NodeId id) {
    safety.on_stepped(id, cores.at(id));
    promises.on_stepped(id, cores.at(id));
  }

  /// The node has this term, and gave this vote in it (zero: none).
  void set_term(NodeId id, std::uint64_t term, std::uint64_t vote) {
    memory(id).term = {term};
    memory(id).vote.reset();
    if (vote != 0) memory(id).vote = NodeId{vote};
    memory(id).role = core::Follower{};
    step(id);
  }
  void set_leader(NodeId id) {
    core::Leader leader;
    leader.term_start = next(memory(id).log.last().index);
    memory(id).role = leader;
    step(id);
  }
  static Entry entry(std::uint64_t index, std::uint64_t term, const std::string& command = "") {
    return {{{index}, {term}}, command.empty() ? EntryKind::noop : EntryKind::command, Bytes(command)};
  }
  void append(NodeId id, const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) memory(id).log.append(entry);
    step(id);
  }
  void commit(NodeId id, std::uint64_t index) {
    memory(id).applying.commit = {index};
    step(id);
  }

  void write(NodeId id, const std::vector<Entry>& entries) {
    WriteBatch batch;
    batch.entries = entries;
    disks.on_written(id, batch, {});
  }
  void write_term(NodeId id, std::uint64_t term, std::uint64_t vote) {
    WriteBatch batch;
    batch.hard_state = HardState{{term}, {}};
    if (vote != 0) batch.hard_state->vote = NodeId{vote};
    disks.on_written(id, batch, {});
  }
  void send(NodeId from, NodeId to, MessageBody body) {
    Message message;
    message.route.from = from;
    message.route.to = to;
    message.body = std::move(body);
    safety.on_sent(message);
    promises.on_sent(message);
  }

  /// Memory and disk at once.
  void have(NodeId id, const std::vector<Entry>& entries) {
    append(id, entries);
    write(id, entries);
  }
  /// Nodes 1 to 3 in term 1, where 1 leads; its no-op and a command are durable everywhere, nothing is committed.
  void set_scene() {
    for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) {
      set_term(id, 1, 1);
      write_term(id, 1, 1);
    }
    set_leader({1});
    for (const NodeId id : {NodeId{1}, NodeId{2}, NodeId{3}}) have(id, {entry(1, 1), entry(2, 1, "a")});
  }

  /// Of the first violation; empty without one.
  [[nodiscard]] std::string verdict() const {
    return ledger.verdicts.first() ? ledger.verdicts.first()->invariant : std::string();
  }

  Configuration configuration;
  testkit::Ledger ledger;
  testkit::DiskCheck disks{ledger};
  testkit::SafetyCheck safety{ledger};
  testkit::PromiseCheck promises;
  std::map<NodeId, Core> cores;
  std::uint64_t life = 0;
};

inline constexpr NodeId kOne{1};
inline constexpr NodeId kTwo{2};
inline constexpr NodeId kThree{3};

}  // namespace libraft::test
