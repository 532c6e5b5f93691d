// What the tests of RaftNode are made of: a state machine that records, and nodes ready to be created.
#pragma once

#include <libraft/raft_node.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/transport/local_transport.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace libraft::test {

/// Nothing that is waited for takes this long, on any machine.
inline constexpr Duration kLong = std::chrono::seconds(60);

/// Keeps all commands in one text; replies with the text so far.
struct Journal final : StateMachine {
  void apply(ApplyBatch& batch) override {
    if (on_apply) on_apply();
    for (AppliedCommand& command : batch) {
      text += command.command();
      command.reply(text);
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override { return snapshot_of(Bytes(text)); }
  std::error_code restore(SnapshotReader& snapshot) override {
    const auto state = read_all(snapshot, 1u << 20);
    if (state) text = state->view();
    return state.error();
  }
  Result<Bytes> query(std::string_view) override { return Bytes(text); }
  std::string text;
  std::function<void()> on_apply;
};

inline Configuration members(std::uint64_t count) {
  Configuration configuration;
  for (std::uint64_t id = 1; id <= count; ++id) configuration.voters.push_back({{id}, ""});
  return configuration;
}

/// Quick elections. A node alone can't lose them.
inline NodeOptions options_of(std::uint64_t id, std::uint64_t of) {
  NodeOptions options;
  options.cluster = {7};
  options.id = {id};
  options.bootstrap = members(of);
  if (of == 1) {
    options.core.election_timeout = std::chrono::milliseconds(20);
    options.core.heartbeat_interval = std::chrono::milliseconds(10);
  } else {
    options.core.election_timeout = std::chrono::milliseconds(300);
    options.core.heartbeat_interval = std::chrono::milliseconds(50);
  }
  return options;
}

/// A node alone, and what it is made of.
struct Single {
  Single() { components.state_machine = std::make_unique<Journal>(); }

  [[nodiscard]] Journal& journal() { return static_cast<Journal&>(*components.state_machine); }

  [[nodiscard]] std::unique_ptr<RaftNode> create(Executors executors = {}) {
    components.transport = network.endpoint({1});
    if (!components.storage) components.storage = memory_storage();
    return RaftNode::create(options_of(1, 1), std::move(components), std::move(executors)).value();
  }
  /// Created, started, and leading.
  [[nodiscard]] std::unique_ptr<RaftNode> lead(Executors executors = {}) {
    auto node = create(std::move(executors));
    if (const auto error = node->start()) throw std::system_error(error);
    static_cast<void>(node->wait_leader(kLong).value());
    return node;
  }

  LocalNetwork network;
  Components components;
};

/// Proposes on whoever leads, until it is done. On a busy machine leadership may be lost meanwhile: a command whose
/// outcome is unknown is proposed again, and may then be applied twice in a row.
template <class Nodes>
Applied propose_on_leader(const Nodes& nodes, const std::string& command) {
  for (;;) {
    const NodeId leader = nodes.front()->wait_leader(kLong).value();
    auto answer = nodes[leader.value - 1]->propose(Bytes(command));
    const bool is_again = answer.error() == condition::retry_safe || answer.error() == condition::outcome_unknown;
    if (!is_again) return std::move(answer).value();
  }
}

/// Each run of a letter as one of it.
inline std::string without_repeats(std::string_view text) {
  std::string once(text);
  once.erase(std::unique(once.begin(), once.end()), once.end());
  return once;
}

}  // namespace libraft::test
