// NodeWorld: whole nodes on virtual time and an in-process network; deterministic.
#pragma once

#include "fake_runtime.hpp"
#include "node/node.hpp"

#include <libraft/storage/memory_storage.hpp>
#include <libraft/transport/local_transport.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace libraft::test {

using namespace std::chrono_literals;

/// What became of a request.
template <class T>
struct Outcome {
  int calls = 0;
  std::error_code error;
  T value{};

  [[nodiscard]] bool is_done() const { return calls == 1 && !error; }
};
template <>
struct Outcome<void> {
  int calls = 0;
  std::error_code error;

  [[nodiscard]] bool is_done() const { return calls == 1 && !error; }
};
template <class T>
using Future = std::shared_ptr<Outcome<T>>;

template <class T>
std::pair<node::Completion<T>, Future<T>> make_request() {
  auto outcome = std::make_shared<Outcome<T>>();
  auto completion = detail::make_completion<std::error_code, T>([outcome](std::error_code error, T value) {
    ++outcome->calls;
    outcome->error = error;
    outcome->value = std::move(value);
  });
  return {std::move(completion), outcome};
}
inline std::pair<node::Completion<>, Future<void>> make_plain_request() {
  auto outcome = std::make_shared<Outcome<void>>();
  auto completion = detail::make_completion<std::error_code>([outcome](std::error_code error) {
    ++outcome->calls;
    outcome->error = error;
  });
  return {std::move(completion), outcome};
}

/// Appends commands; replies with how many there are. Query "" gives all of them, joined.
struct ListMachine final : StateMachine {
  struct State {
    std::vector<std::string> commands;
    int restores = 0;
    std::optional<LogIndex> durable;
    bool throws_on_apply = false;
    std::error_code save_error;
  };
  explicit ListMachine(std::shared_ptr<State> shared) : state(std::move(shared)) {}

  [[nodiscard]] std::string joined() const {
    std::string all;
    for (const auto& command : state->commands) all += command + ",";
    return all;
  }
  void apply(ApplyBatch& batch) override {
    if (state->throws_on_apply) throw std::runtime_error("no");
    for (auto& command : batch) {
      state->commands.emplace_back(command.command());
      command.reply(std::to_string(state->commands.size()));
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override {
    if (state->save_error) return std::make_unique<FailingTask>(state->save_error);
    return snapshot_of(Bytes(joined()));
  }
  std::error_code restore(SnapshotReader& snapshot) override {
    auto bytes = read_all(snapshot, 1u << 20);
    if (!bytes) return bytes.error();
    ++state->restores;
    state->commands.clear();
    std::string command;
    for (const char c : bytes->view()) {
      if (c != ',') {
        command += c;
      } else {
        state->commands.push_back(std::exchange(command, {}));
      }
    }
    return {};
  }
  Result<Bytes> query(std::string_view request) override {
    if (request == "bad") return errc::bad_query;
    return Bytes(joined());
  }
  [[nodiscard]] std::optional<LogIndex> durable_index() const override { return state->durable; }

  struct FailingTask final : SnapshotTask {
    explicit FailingTask(std::error_code what) : error(what) {}
    std::error_code save(SnapshotSink&, const StopFlag&) override { return error; }
    std::error_code error;
  };

  std::shared_ptr<State> state;
};

/// Notes what it is told.
struct Notes final : Observer {
  void on_event(const NodeEvent& event) noexcept override { events.push_back(event); }
  template <class Kind>
  [[nodiscard]] int count() const {
    int found = 0;
    for (const auto& event : events) found += std::holds_alternative<Kind>(event) ? 1 : 0;
    return found;
  }
  std::vector<NodeEvent> events;
};

/// One node, what it lives on, and what outlives it.
class Member {
 public:
  Member(NodeId node_id, NodeOptions node_options, const LocalNetwork& local_network)
      : id(node_id), options(std::move(node_options)), network(local_network) {
    options.id = id;
  }
  ~Member() { crash(); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  /// A new node on the same disk. Its state machine is empty.
  void create() {
    runtime = std::make_unique<FakeRuntime>();
    machine = std::make_shared<ListMachine::State>();
    machine->durable = durable;
    observer = std::make_shared<Notes>();
    Components components;
    components.transport = wrap_transport ? wrap_transport(network.endpoint(id)) : network.endpoint(id);
    components.storage = wrap_storage ? wrap_storage(memory_storage(disk)) : memory_storage(disk);
    components.state_machine = std::make_unique<ListMachine>(machine);
    components.observer = observer;
    node.emplace(options, std::move(components), *runtime, node::Randomness{id.value, Incarnation{100 + id.value}});
  }
  /// Gone without a word; what is on disk stays.
  void crash() {
    if (!node) return;
    network.disconnect(id);
    auto [done, outcome] = make_plain_request();
    StopOptions at_once;
    at_once.transfer_timeout = at_once.drain_timeout = 0ns;
    node->stop(at_once, std::move(done));
    for (const Lane lane : {Lane::storage, Lane::apply, Lane::background}) runtime->block(lane, false);
    runtime->run_all();
    node.reset();
    network.reconnect(id);
  }

  [[nodiscard]] Status status() const { return node->status(); }
  [[nodiscard]] bool leads() const { return node && status().role == Role::leader; }

  Future<void> start() {
    auto [done, outcome] = make_plain_request();
    node->start(std::move(done));
    return outcome;
  }
  Future<void> stop(StopOptions stop_options = {}) {
    auto [done, outcome] = make_plain_request();
    node->stop(stop_options, std::move(done));
    return outcome;
  }
  Future<Applied> propose(const std::string& command, ProposeOptions propose_options = {}) {
    auto [done, outcome] = make_request<Applied>();
    node->propose(Bytes(command), propose_options, std::move(done));
    return outcome;
  }
  Future<LogIndex> read_index(ReadOptions read_options = {}) {
    auto [done, outcome] = make_request<LogIndex>();
    node->read_index(read_options, std::move(done));
    return outcome;
  }
  Future<Applied> query(const std::string& request, Consistency consistency = Consistency::linearizable) {
    ReadOptions read_options;
    read_options.consistency = consistency;
    auto [done, outcome] = make_request<Applied>();
    node->query(request, read_options, std::move(done));
    return outcome;
  }
  Future<LogIndex> wait_applied(LogIndex index, Duration timeout) {
    auto [done, outcome] = make_request<LogIndex>();
    node->wait_applied(index, timeout, std::move(done));
    return outcome;
  }
  Future<NodeId> wait_leader(Duration timeout) {
    auto [done, outcome] = make_request<NodeId>();
    node->wait_leader(timeout, std::move(done));
    return outcome;
  }
  Future<void> transfer(std::optional<NodeId> target, Duration timeout) {
    auto [done, outcome] = make_plain_request();
    node->transfer_leadership(target, timeout, std::move(done));
    return outcome;
  }
  Future<LogId> snapshot(Duration timeout = 100s) {
    auto [done, outcome] = make_request<LogId>();
    node->snapshot(timeout, std::move(done));
    return outcome;
  }

  const NodeId id;
  NodeOptions options;
  LocalNetwork network;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  std::function<std::unique_ptr<Storage>(std::unique_ptr<Storage>)> wrap_storage;
  std::function<std::unique_ptr<Transport>(std::unique_ptr<Transport>)> wrap_transport;
  std::optional<LogIndex> durable;  ///< of the state machine

  std::unique_ptr<FakeRuntime> runtime;
  std::shared_ptr<ListMachine::State> machine;
  std::shared_ptr<Notes> observer;
  std::optional<node::Node> node;
};

class NodeWorld {
 public:
  explicit NodeWorld(std::uint64_t voters, const std::function<void(NodeOptions&)>& adjust = {}) {
    NodeOptions options;
    options.cluster = ClusterId{7};
    options.bootstrap.emplace();
    for (std::uint64_t id = 1; id <= voters; ++id) options.bootstrap->voters.push_back({NodeId{id}, {}});
    if (adjust) adjust(options);
    for (std::uint64_t id = 1; id <= voters; ++id) add(NodeId{id}, options);
  }

  Member& add(NodeId id, const NodeOptions& options) {
    return *members_.emplace(id, std::make_unique<Member>(id, options, network)).first->second;
  }
  Member& operator[](std::uint64_t id) { return *members_.at(NodeId{id}); }

  void create_and_start_all() {
    for (auto& [id, member] : members_) create_and_start(*member);
    run();
  }
  void create_and_start(Member& member) {
    member.create();
    member.runtime->advance_to(now_);
    member.start();
  }

  /// Everything that can be done without time passing.
  void run() {
    for (bool again = true; again;) {
      again = false;
      for (auto& [id, member] : members_) {
        if (member->node) again = member->runtime->run_all() || again;
      }
    }
  }
  /// Lets time pass in steps of 10 ms until `condition` holds; false after `limit`.
  bool run_until(const std::function<bool()>& condition, Duration limit = 20s) {
    run();
    for (const TimePoint end = now_ + limit; !condition();) {
      if (now_ >= end) return false;
      pass(10ms);
    }
    return true;
  }
  void pass(Duration time) {
    for (const TimePoint end = now_ + time; now_ < end;) {
      now_ += std::min<Duration>(10ms, end - now_);
      for (auto& [id, member] : members_) {
        if (member->node) member->runtime->advance_to(now_);
      }
      run();
    }
  }
  Member& elect() {
    Member* found = nullptr;
    const bool is_elected = run_until([&] {
      found = leader();
      return found != nullptr;
    });
    if (!is_elected) throw std::runtime_error("nobody was elected");
    return *found;
  }
  /// The leader of the highest term.
  Member* leader() {
    Member* best = nullptr;
    for (auto& [id, member] : members_) {
      if (member->leads() && (best == nullptr || member->status().term > best->status().term)) best = member.get();
    }
    return best;
  }
  Member& follower_of(const Member& leader) {
    for (auto& [id, member] : members_) {
      if (id != leader.id && member->node) return *member;
    }
    throw std::runtime_error("no follower");
  }

  LocalNetwork network;

 private:
  TimePoint now_{std::chrono::seconds(1)};
  std::map<NodeId, std::unique_ptr<Member>> members_;
};

}  // namespace libraft::test
