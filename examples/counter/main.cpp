// The smallest complete program on libraft: three nodes in one process keep one counter.
#include <libraft/libraft.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/transport/local_transport.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

// What is replicated. Every node applies the same commands in the same order.
struct Counter final : libraft::StateMachine {
  int value = 0;

  void apply(libraft::ApplyBatch& batch) override {
    for (auto& command : batch) {
      if (command.command() == "up") ++value;
      if (command.command() == "down") --value;
      command.reply(std::to_string(value));
    }
  }
  libraft::Result<libraft::Bytes> query(std::string_view) override { return libraft::Bytes(std::to_string(value)); }
  std::unique_ptr<libraft::SnapshotTask> begin_snapshot() override {
    return libraft::snapshot_of(libraft::Bytes(std::to_string(value)));
  }
  std::error_code restore(libraft::SnapshotReader& snapshot) override {
    const auto state = libraft::read_all(snapshot, 100);
    if (state) value = std::stoi(std::string(state->view()));
    return state.error();
  }
};

int main() {
  libraft::LocalNetwork network;
  libraft::Configuration members;
  members.voters = {{{1}, ""}, {{2}, ""}, {{3}, ""}};

  std::vector<std::unique_ptr<libraft::RaftNode>> nodes;
  for (const libraft::Peer& member : members.voters) {
    libraft::NodeOptions options;
    options.id = member.id;
    options.bootstrap = members;
    libraft::Components components;
    components.transport = network.endpoint(member.id);
    components.storage = libraft::memory_storage();
    components.state_machine = std::make_unique<Counter>();
    nodes.push_back(libraft::RaftNode::create(options, std::move(components)).value());
    if (const auto error = nodes.back()->start()) throw std::system_error(error);
  }

  libraft::LogIndex last;
  for (const char* command : {"up", "up", "down", "up"}) {
    for (bool is_done = false; !is_done;) {  // by whoever leads; again only when it was certainly not done
      const auto leader = nodes[0]->wait_leader(10s).value();
      auto answer = nodes[leader.value - 1]->propose(libraft::Bytes(command));
      if (!answer && answer.error() == libraft::condition::retry_safe) continue;
      const auto applied = std::move(answer).value();
      std::cout << command << ": " << applied.reply.view() << ", by node " << leader.value << '\n';
      last = applied.index;
      is_done = true;
    }
  }
  libraft::ReadOptions here;
  here.consistency = libraft::Consistency::local;
  for (const auto& node : nodes) {
    static_cast<void>(node->wait_applied(last, 10s).value());
    std::cout << "a node holds " << node->query("", here).value().reply.view() << '\n';
  }
}
