// Bytes as a plan for the simulator: faults, operations of clients, and time between them. Three nodes as they ship,
// the kvserver's state machine, its storage on simulated disks; all checks watch, and once all is healed the nodes must
// come to the same state.
//
// The first bytes choose the options; then each move takes two.
#include "fuzz/fuzz.hpp"
#include "kv/command.hpp"
#include "kv/map_state_machine.hpp"
#include "kv_disk.hpp"
#include "testkit/checks/checks.hpp"
#include "testkit/checks/disk_view.hpp"

#include <libraft/error.hpp>
#include <libraft/testkit/simulation.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace libraft;
using namespace libraft::testkit;
using libraft::fuzz::Choices;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Bound the time of one input.
constexpr std::size_t kMovesMax = 200;
constexpr TimePoint kFaultsEnd{seconds(15)};

constexpr std::size_t kNodes = 3;
constexpr std::size_t kClients = 4;

[[noreturn]] void violated(const std::string& rule) {
  std::fprintf(stderr, "violated: %s\n", rule.c_str());
  std::abort();
}

SimulationOptions options_of(Choices& choices) {
  const std::uint8_t first = choices.byte();
  const std::uint8_t second = choices.byte();
  SimulationOptions options;
  options.nodes = kNodes;
  options.seed = choices.byte();
  CoreOptions& core = options.core;
  core.heartbeat_interval = milliseconds(40);
  core.election_timeout = milliseconds(200 + 100 * (first % 4));
  core.pre_vote = (first & 0x10) == 0;
  core.check_quorum = (first & 0x20) == 0;
  core.entry_cache_bytes = (first & 0x40) != 0 ? 0 : 1u << 20;
  core.snapshot_after_entries = (first & 0x80) != 0 ? 0 : 3 + second % 8;
  core.snapshot_chunk_bytes = (second & 0x80) != 0 ? 64 : 4096;
  core.trailing_entries = second / 8 % 4;
  core.append_entries_max = 1 + second / 32 % 4;
  return options;
}

LinkFaults links_of(std::uint8_t byte) {
  LinkFaults faults;
  if ((byte & 0x01) != 0) faults.loss_ppm = 100000;
  if ((byte & 0x02) != 0) faults.duplication_ppm = 200000;
  if ((byte & 0x04) != 0) faults.delay_max = milliseconds(60);
  if ((byte & 0x08) != 0) faults.tail_ppm = 50000;
  if ((byte & 0x10) != 0) faults.corruption_ppm = 50000;
  if ((byte & 0x20) != 0) faults.truncation_ppm = 50000;
  if ((byte & 0x40) != 0) faults.burst_ppm = 20000;
  if ((byte & 0x80) != 0) faults.hint_ppm = 0;
  faults.tail_max = seconds(1);
  return faults;
}

class TextSink final : public SnapshotSink {
 public:
  std::error_code write(std::string_view bytes) override {
    text.append(bytes);
    return {};
  }
  std::string text;
};

class Plan final : private Watcher {
 public:
  Plan(const SimulationOptions& options, Choices choices)
      : choices_(choices),
        model_(std::make_unique<kvserver::MapStateMachine>()),
        disks_([this](NodeId id) { return cluster_.is_damaged(id) ? nullptr : cluster_.disk(id); },
               raft_sim::kv_disk_storage().make),
        checks_({&model_, &disks_}),
        cluster_(
            options, [this](NodeId id) { return make_machine(id); }, raft_sim::kv_disk_storage()) {
    cluster_.watch(checks_);
    cluster_.watch(*this);
  }

  void run() {
    cluster_.start_all();
    for (std::size_t i = 0; i < kMovesMax && !choices_.at_end() && cluster_.now() < kFaultsEnd; ++i) {
      const std::uint8_t kind = choices_.byte();
      move(kind % 16, NodeId{1 + kind / 16 % kNodes}, choices_.byte());
      pass({});
    }
    heal();
    audit();
  }

 private:
  void move(unsigned kind, NodeId node, std::uint8_t byte) {
    switch (kind) {
      case 0:
      case 1:
        return pass(microseconds(20) * (1 + byte) * (1 + byte));
      case 2:
        return await([this] { return cluster_.leader() != NodeId{}; }, seconds(2));
      case 3:
        return await([this] { return clients_.empty(); }, milliseconds(10) * byte);
      case 4:
      case 5:
        return invoke(node, byte, Operation::Kind::write);
      case 6:
        return invoke(node, byte, Operation::Kind::read);
      case 7:
        return cluster_.crash(node, std::array{Unsynced::drawn, Unsynced::lost, Unsynced::kept}[byte % 3]);
      case 8:
        return start(node, (byte & 1) != 0);
      case 9:
        return change_links(node, byte);
      case 10:
        return cluster_.set_network(links_of(byte));
      case 11:
        return trouble_machine(node, byte);
      case 12:
        return trouble_disk_calls(node, byte);
      case 13:
        return trouble_disk(node, byte);
      case 14:
        return ask(node, byte);
      default:
        if (byte % 2 == 0) return cluster_.heal();
        return cluster_.set_network(LinkFaults{});
    }
  }

  // Time.

  void pass(Duration duration) {
    await([] { return false; }, duration);
  }

  void await(const std::function<bool()>& condition, Duration limit) {
    cluster_.run_until([&] { return checks_.verdicts().has_violation() || condition(); }, limit);
    judge();
    for (const NodeId id : std::exchange(crashed_, {})) forget_requests(id);
  }

  void judge() {
    if (const auto& verdict = checks_.verdicts().first()) {
      violated(verdict->invariant + ": node " + std::to_string(verdict->node.value) + ": " + verdict->sentence);
    }
    if (!broken_.empty()) violated(broken_);
  }

  // Clients: each has one operation under way.

  struct Waiting {
    Operation operation;
    TimePoint until;
  };

  void invoke(NodeId node, std::uint8_t byte, Operation::Kind kind) {
    const std::uint64_t client = 1 + byte % kClients;
    if (const auto waiting = clients_.find(client); waiting != clients_.end()) {
      if (cluster_.now() < waiting->second.until) return;
      end(client, errc::timeout, {});
    }
    if (const NodeId leader = cluster_.leader(); (byte & 0x80) == 0 && leader != NodeId{}) node = leader;
    if (!cluster_.is_up(node)) return;
    Operation operation{++operations_, client, node, kind, {}, {}, false};
    const std::string key = "k" + std::to_string(byte / 4 % 4);
    if (kind == Operation::Kind::read) {
      operation.query = key;
      operation.is_linearizable = (byte & 0x40) == 0;
    } else if ((byte & 0x40) != 0) {  // of a key that nobody else uses: no two commands are the same
      operation.command = Bytes(kvserver::encode(kvserver::DeleteCommand{"d" + std::to_string(operation.id)}));
    } else {
      std::string value = "v" + std::to_string(operation.id);
      if ((byte & 0x20) != 0) value.append(300, '.');
      operation.command = Bytes(kvserver::encode(kvserver::SetCommand{key, value}));
    }
    clients_[client] = {operation, cluster_.now() + seconds(2)};
    requests_[operation.id] = operation;
    checks_.on_invoked(operation);
    send(operation);
  }

  void send(const Operation& operation) {
    const auto done = [this, id = operation.id](std::error_code error, Applied applied) {
      on_answer(id, error, std::move(applied));
    };
    if (operation.kind == Operation::Kind::write) {
      ProposeOptions options;
      options.timeout = seconds(1);
      cluster_.propose(operation.at, operation.command, std::move(options), done);
    } else {
      ReadOptions options;
      options.timeout = seconds(1);
      options.consistency = operation.is_linearizable ? Consistency::linearizable : Consistency::local;
      cluster_.query(operation.at, operation.query, options, done);
    }
  }

  void on_answer(std::uint64_t id, std::error_code error, Applied applied) {
    const auto request = requests_.find(id);
    if (request == requests_.end()) {
      broken_ = "iX0: operation " + std::to_string(id) + " ended twice, or after its node had died";
      return;
    }
    const std::uint64_t client = request->second.client;
    requests_.erase(request);
    const auto waiting = clients_.find(client);
    if (waiting != clients_.end() && waiting->second.operation.id == id) end(client, error, std::move(applied));
  }

  void end(std::uint64_t client, std::error_code error, Applied applied) {
    const Operation operation = std::move(clients_.at(client).operation);
    clients_.erase(client);
    checks_.on_ended(operation, {error, std::move(applied)});
  }

  void forget_requests(NodeId node) {
    std::vector<Operation> lost;
    for (const auto& [id, operation] : requests_) {
      if (operation.at == node) lost.push_back(operation);
    }
    for (const Operation& operation : lost) {
      requests_.erase(operation.id);
      const auto waiting = clients_.find(operation.client);
      if (waiting == clients_.end() || waiting->second.operation.id != operation.id) continue;
      end(operation.client, errc::interrupted, {});
    }
  }

  // Faults.

  void start(NodeId id, bool keeps_disk_faults) {
    if (is_running(id)) return;
    if (!keeps_disk_faults) free_disk(id);
    cluster_.start(id);
  }

  void free_disk(NodeId id) {
    cluster_.forget_disk_faults(id);
    cluster_.free_disk(id);
    doomed_[id] = false;
  }

  void change_links(NodeId node, std::uint8_t byte) {
    const NodeId other{1 + (node.value + byte / 16 % 2) % kNodes};
    switch (byte % 8) {
      case 0:
      case 1:
        return cluster_.partition({node});
      case 2:
        return cluster_.cut(node, other, true);
      case 3:
        return cluster_.cut(node, other, false);
      case 4:
        return cluster_.clog(node, other);
      case 5:
        return cluster_.release(node, other);
      case 6:
        return cluster_.flap(node, other, milliseconds(1 + byte), milliseconds(1 + byte));
      default:
        return cluster_.cut_to_ring();
    }
  }

  void trouble_machine(NodeId node, std::uint8_t byte) {
    switch (byte % 8) {
      case 0:
      case 1:
        return stand_still(milliseconds(8) * byte, [&](Duration length) { cluster_.pause(node, length); });
      case 2:
        return cluster_.slow_down(node, 1 + byte / 8u);
      case 3:
        return cluster_.slow_down(node, 1);
      case 4:
        return cluster_.set_clock_drift(node, (byte / 8 - 16) * 6000);
      case 5:
        return cluster_.jump_clock(node, milliseconds(10) * byte);
      case 6:
        return cluster_.set_timer_delay(node, milliseconds(byte / 8));
      default:
        return cluster_.stop(node);
    }
  }

  void trouble_disk_calls(NodeId node, std::uint8_t byte) {
    if (!is_running(node)) return;
    doomed_[node] = true;
    if (byte % 2 == 0) return cluster_.crash_at_file_call(node, 1 + byte / 2 % 32);
    constexpr std::array kCalls{FileCall::sync, FileCall::write_at, FileCall::rename, FileCall::sync_directory};
    cluster_.fail_file_call(node, kCalls[byte / 2 % kCalls.size()], errc::io_error, byte / 8 % 8);
  }

  void trouble_disk(NodeId node, std::uint8_t byte) {
    switch (byte % 8) {
      case 0:
      case 1:
        doomed_[node] = true;
        return cluster_.fill_disk(node, byte * 4u);
      case 2:
        return cluster_.free_disk(node);
      case 3:
        return stand_still(milliseconds(8) * byte, [&](Duration length) { cluster_.stall_disk(node, length); });
      case 4:
        return cluster_.slow_disk(node, 1 + byte / 8u);
      case 5:
        return cluster_.slow_disk(node, 1);
      case 6: {
        constexpr std::array kParts{DiskPart::hard_state, DiskPart::log_middle, DiskPart::log_tail, DiskPart::snapshot};
        if (cluster_.damage(node, kParts[byte / 8 % kParts.size()])) doomed_[node] = true;
        return;
      }
      default:
        return cluster_.mend(node);
    }
  }

  void ask(NodeId node, std::uint8_t byte) {
    if (const NodeId leader = cluster_.leader(); (byte & 1) == 0 && leader != NodeId{}) node = leader;
    if ((byte & 2) == 0) return cluster_.take_snapshot(node, seconds(1), [](std::error_code, LogId) {});
    std::optional<NodeId> target;
    if ((byte & 4) == 0) target = NodeId{1 + byte / 8 % kNodes};
    cluster_.transfer_leadership(node, target, seconds(1), [](std::error_code) {});
  }

  template <class Action>
  void stand_still(Duration length, Action action) {
    still_until_ = std::max(still_until_, cluster_.now() + length);
    action(length);
  }

  // The end.

  void heal() {
    cluster_.heal();
    cluster_.set_network(LinkFaults{});
    for (std::uint64_t i = 1; i <= kNodes; ++i) {
      const NodeId id{i};
      if (doomed_[id] || cluster_.is_damaged(id) || !is_running(id)) cluster_.crash(id);
      cluster_.mend(id);
      free_disk(id);
      cluster_.slow_down(id, 1);
      cluster_.slow_disk(id, 1);
      cluster_.set_timer_delay(id, {});
      cluster_.set_clock_drift(id, 0);
    }
    pass({});
    for (std::uint64_t i = 1; i <= kNodes; ++i) start(NodeId{i}, false);
    if (still_until_ > cluster_.now()) pass(still_until_ - cluster_.now());
    await([this] { return cluster_.leader() != NodeId{}; }, seconds(20));
    if (cluster_.leader() == NodeId{}) violated("iL1: the healed nodes have no leader");
    await([this] { return requests_.empty(); }, seconds(5));
    if (!requests_.empty()) violated("iL2: requests never end");
    await([this] { return is_even(); }, seconds(30));
    if (!is_even()) violated("iL3: the healed nodes are not even");
  }

  void audit() {
    std::optional<std::string> expected;
    for (const auto& [id, machine] : machines_) {
      TextSink sink;
      if (machine->begin_snapshot()->save(sink, StopFlag())) violated("iS7: a state can't be saved");
      if (!expected) expected = sink.text;
      if (*expected != sink.text) violated("iS7: states differ after the same commands");
    }
    checks_.finish();
    judge();
  }

  [[nodiscard]] bool is_running(NodeId id) const {
    return cluster_.is_up(id) && cluster_.status(id).state != NodeState::failed;
  }

  [[nodiscard]] bool is_even() const {
    const NodeId leader = cluster_.leader();
    if (leader == NodeId{}) return false;
    const LogIndex end = cluster_.status(leader).log_last.index;
    for (std::uint64_t i = 1; i <= kNodes; ++i) {
      const Status status = cluster_.status(NodeId{i});
      if (status.state != NodeState::running || status.applied != end || status.log_last.index != end) return false;
    }
    return true;
  }

  std::unique_ptr<StateMachine> make_machine(NodeId id) {
    auto machine = std::make_unique<kvserver::MapStateMachine>();
    machines_[id] = machine.get();
    return machine;
  }

  // Watcher.

  void on_crashed(NodeId id) override { crashed_.push_back(id); }

  // A node fails for a reason that it was given, or there is a bug.
  void on_failed(NodeId id, const Failure& failure) override {
    const bool has_reason = doomed_[id] || cluster_.is_damaged(id);
    if (has_reason && failure.error != errc::invariant_violated && failure.error != errc::state_machine_failed) return;
    broken_ = "iD7: node " + std::to_string(id.value) + " failed without a fault of its disk: " + failure.reason;
  }

  void on_fault(const FaultNote& note) override {
    if (note.kind != "disk.damage_overlooked") return;
    broken_ = "iD8: node " + std::to_string(note.node.value) + " runs on a damaged disk and has not noticed";
  }

  Choices choices_;
  ReplayModel model_;
  DiskView disks_;
  Checks checks_;
  std::map<NodeId, StateMachine*> machines_;
  std::map<NodeId, bool> doomed_;  // something was done to its disk that may make it fail
  std::vector<NodeId> crashed_;
  std::map<std::uint64_t, Waiting> clients_;
  std::map<std::uint64_t, Operation> requests_;  // that their nodes have not answered; by id
  std::uint64_t operations_ = 0;
  TimePoint still_until_{};
  std::string broken_;
  Simulation cluster_;  // last: its nodes use the rest
};

}  // namespace

std::vector<std::string> libraft::fuzz::seeds() {
  const auto text = [](std::initializer_list<int> bytes) {
    std::string made;
    for (const int byte : bytes) made.push_back(static_cast<char>(byte));
    return made;
  };
  // Elect, write, read; then power cuts and a torn write; then a partition with writes on both sides and a snapshot.
  return {
      text({0, 0, 1, 2, 0, 4, 0, 4, 1, 3, 50, 6, 2, 3, 50}),
      text({1, 0x81, 2, 2,  0, 4, 0, 4, 5,    5, 10,   3, 90, 7, 1,    4, 1,    0, 60, 8, 0, 4, 2, 0x1c, 4,
            4, 3,    3, 90, 8, 0, 7, 1, 0x17, 1, 0x27, 1, 8,  0, 0x18, 0, 0x28, 0, 2,  0, 6, 2, 3, 90}),
      text({2, 0x08, 3,    2,    0, 4,    0, 4, 5,    4,  2, 3, 90, 9, 0, 4, 0x80, 0x14, 0x81, 0, 120, 14,
            0, 4,    0x82, 0x0d, 6, 0x2c, 3, 6, 0x83, 15, 0, 3, 90, 4, 1, 6, 0,    14,   2,    3, 90}),
  };
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  const SimulationOptions options = options_of(choices);
  Plan(options, choices).run();
  return 0;
}
