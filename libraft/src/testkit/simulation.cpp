#include "testkit/simulated_runtime.hpp"

#include <libraft/codec.hpp>
#include <libraft/testkit/simulation.hpp>

#include "node/node.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace libraft::testkit {

namespace {

/// The network: which links are cut, and what happens to a message on the others.
struct Network {
  RandomStream random;
  std::uint32_t loss_ppm = 0;
  std::uint32_t duplication_ppm = 0;
  Duration delay_min;
  Duration delay_max;
  std::set<std::pair<NodeId, NodeId>> cuts;

  [[nodiscard]] bool loses(NodeId from, NodeId to) { return cuts.contains({from, to}) || random.chance(loss_ppm); }
};

}  // namespace

class Simulation::World {
 public:
  /// The end of the network at one node. It lives with the node.
  class Endpoint final : public Transport {
   public:
    Endpoint(World& world, NodeId self) : world_(world), self_(self) {}
    ~Endpoint() override { stop(); }

    [[nodiscard]] TransportLimits limits() const override { return {}; }
    std::error_code start(const Identity&, MessageSink& sink) override {
      world_.sinks_[self_] = &sink;
      return {};
    }
    void set_peers(std::span<const Peer>) override {}
    void send(std::span<Message> messages) override {
      for (Message& message : messages) world_.transmit(message);
    }
    void stop() noexcept override { world_.sinks_.erase(self_); }

   private:
    World& world_;
    NodeId self_;
  };

  struct Member {
    std::unique_ptr<SimulatedRuntime> runtime;  // outlives the node
    std::unique_ptr<node::Node> node;
    std::uint64_t lives = 0;
  };

  World(const SimulationOptions& options, StateMachineFactory state_machine, StorageFactory storage)
      : options_(options),
        state_machine_(std::move(state_machine)),
        storage_(std::move(storage)),
        work_(options.seed * 3 + 1),
        network_{RandomStream(options.seed * 3 + 2), options.loss_ppm,          options.duplication_ppm,
                 options.message_delay_min,          options.message_delay_max, {}} {
    for (std::uint64_t id = 1; id <= options.nodes; ++id) {
      members_[{id}];
      configuration_.voters.push_back({{id}, "node-" + std::to_string(id)});
    }
  }

  void start(NodeId id) {
    Member& member = members_.at(id);
    if (member.node) return;
    ++member.lives;
    NodeOptions options;
    options.cluster = {1};
    options.id = id;
    options.bootstrap = configuration_;
    options.core = options_.core;
    Components components;
    components.transport = std::make_unique<Endpoint>(*this, id);
    components.storage = storage_(id);
    components.state_machine = state_machine_(id);
    const std::uint64_t seed = options_.seed * 1000003 + id.value * 1009 + member.lives;
    member.runtime = std::make_unique<SimulatedRuntime>(heap_, work_, options_.work_delay_max);
    member.node = std::make_unique<node::Node>(std::move(options), std::move(components), *member.runtime,
                                               node::Randomness{seed, {seed}});
    member.node->start(detail::make_completion<std::error_code>([](std::error_code) {}));
  }

  void crash(NodeId id) {
    Member& member = members_.at(id);
    member.runtime.reset();  // first: nothing of it runs any more
    sinks_.erase(id);
    member.node.reset();
  }

  void stop(NodeId id) {
    Member& member = members_.at(id);
    if (!member.node) return;
    bool is_stopped = false;
    member.node->stop({}, detail::make_completion<std::error_code>([&](std::error_code) { is_stopped = true; }));
    run_until([&] { return is_stopped; }, std::chrono::minutes(1));
    crash(id);
  }

  /// Through the codec that ships.
  void transmit(const Message& message) {
    std::string encoded;
    encode(message, encoded);
    const Bytes bytes(std::move(encoded));
    const std::size_t copies = network_.random.chance(network_.duplication_ppm) ? 2 : 1;
    for (std::size_t i = 0; i < copies; ++i) {
      if (network_.loses(message.route.from, message.route.to)) continue;
      heap_.at(heap_.now() + network_.random.between(network_.delay_min, network_.delay_max),
               [this, bytes, to = message.route.to] { deliver(bytes, to); });
    }
  }

  void deliver(const Bytes& bytes, NodeId to) {
    const auto sink = sinks_.find(to);
    if (sink == sinks_.end()) return;
    auto message = decode_message(bytes);
    if (!message) return;
    for (const char c : bytes.view()) heap_.mix(static_cast<unsigned char>(c));
    sink->second->receive(std::span(&*message, 1));
  }

  bool run_until(const std::function<bool()>& condition, Duration limit) {
    const TimePoint end = heap_.now() + limit;
    while (!condition()) {
      if (!heap_.has_event_until(end)) {
        heap_.move_to(end);
        return condition();
      }
      heap_.run_next();
    }
    return true;
  }

  SimulationOptions options_;
  StateMachineFactory state_machine_;
  StorageFactory storage_;
  EventHeap heap_;
  RandomStream work_;
  Network network_;
  Configuration configuration_;
  std::map<NodeId, MessageSink*> sinks_;
  std::map<NodeId, Member> members_;
};

Simulation::Simulation(const SimulationOptions& options, StateMachineFactory state_machine, StorageFactory storage)
    : world_(std::make_unique<World>(options, std::move(state_machine), std::move(storage))) {}

Simulation::~Simulation() {
  for (auto& [id, member] : world_->members_) world_->crash(id);
}

void Simulation::start(NodeId id) {
  world_->start(id);
}
void Simulation::start_all() {
  for (auto& [id, member] : world_->members_) world_->start(id);
}
void Simulation::crash(NodeId id) {
  world_->crash(id);
}
void Simulation::stop(NodeId id) {
  world_->stop(id);
}
bool Simulation::is_up(NodeId id) const {
  return world_->members_.at(id).node != nullptr;
}

void Simulation::cut(NodeId from, NodeId to, bool is_cut) {
  if (is_cut) {
    world_->network_.cuts.insert({from, to});
  } else {
    world_->network_.cuts.erase({from, to});
  }
}
void Simulation::heal() {
  world_->network_.cuts.clear();
}

void Simulation::pause(NodeId id, Duration duration) {
  if (auto& member = world_->members_.at(id); member.runtime) member.runtime->pause_until(now() + duration);
}

void Simulation::set_network(std::uint32_t loss_ppm, std::uint32_t duplication_ppm) {
  world_->network_.loss_ppm = loss_ppm;
  world_->network_.duplication_ppm = duplication_ppm;
}

void Simulation::propose(NodeId at, Bytes command, ProposeOptions options,
                         std::function<void(std::error_code, Applied)> done) {
  if (auto& member = world_->members_.at(at); member.node) {
    member.node->propose(std::move(command), std::move(options),
                         detail::make_completion<std::error_code, Applied>(std::move(done)));
  }
}

void Simulation::query(NodeId at, std::string request, ReadOptions options,
                       std::function<void(std::error_code, Applied)> done) {
  if (auto& member = world_->members_.at(at); member.node) {
    member.node->query(std::move(request), std::move(options),
                       detail::make_completion<std::error_code, Applied>(std::move(done)));
  }
}

void Simulation::run_for(Duration duration) {
  world_->run_until([] { return false; }, duration);
}
bool Simulation::run_until(const std::function<bool()>& condition, Duration limit) {
  return world_->run_until(condition, limit);
}

TimePoint Simulation::now() const {
  return world_->heap_.now();
}

Status Simulation::status(NodeId id) const {
  const auto& member = world_->members_.at(id);
  return member.node ? member.node->status() : Status{};
}

Metrics Simulation::metrics(NodeId id) const {
  const auto& member = world_->members_.at(id);
  return member.node ? member.node->metrics() : Metrics{};
}

NodeId Simulation::leader() const {
  NodeId best;
  Term term;
  for (const auto& [id, member] : world_->members_) {
    if (!member.node) continue;
    const Status status = member.node->status();
    if (status.state == NodeState::running && status.role == Role::leader && status.term > term) {
      best = id;
      term = status.term;
    }
  }
  return best;
}

std::uint64_t Simulation::trace_hash() const {
  return world_->heap_.hash();
}
std::uint64_t Simulation::events() const {
  return world_->heap_.count();
}

}  // namespace libraft::testkit
