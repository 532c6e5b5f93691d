// Bytes as a schedule for bare cores: each byte or two is a move. Every safety rule is checked at each of them, and a
// cluster that heals at the end must converge.
//
// The first four bytes choose the number of nodes and their options.
#include <array>
#include <chrono>

#include "fuzz/fuzz.hpp"
#include "support/core_cluster.hpp"

namespace {

using namespace libraft;
using libraft::fuzz::Choices;
using libraft::fuzz::require;
using libraft::test::CoreCluster;
using libraft::test::CoreNode;

/// Bounds the time of one input.
constexpr std::size_t kMovesMax = 1500;
constexpr std::size_t kMessagesMax = 200;

CoreOptions options_of(Choices& choices) {
  const std::uint8_t first = choices.byte();
  const std::uint8_t second = choices.byte();
  CoreOptions options;
  options.trailing_entries = first % 5;
  if (first & 0x80) options.trailing_entries_for_followers_max = first / 8 % 5;
  options.snapshot_after_entries = first % 3 == 0 ? 0 : 2 + second % 7;
  options.snapshot_chunk_bytes = first & 0x40 ? 3 : 30;
  options.entry_cache_bytes = second & 0x80 ? 0 : 1u << 20;
  options.append_entries_max = 1 + second / 8 % 4;
  options.apply_entries_max = 1 + second % 3;
  options.in_flight_messages_max = 1 + second % 6;
  options.pre_vote = (second & 0x40) == 0;
  return options;
}

class Schedule {
 public:
  Schedule(std::size_t nodes, const CoreOptions& options, std::uint64_t seed, Choices choices)
      : cluster_(nodes, options, seed), choices_(choices) {}

  void run() {
    for (std::size_t i = 0; i < kMovesMax && !choices_.at_end(); ++i) move();
    heal();
  }

 private:
  void move() {
    const std::uint8_t byte = choices_.byte();
    const auto nodes = cluster_.nodes();
    CoreNode& node = *nodes[byte / 16 % nodes.size()];
    switch (byte % 16) {
      case 0:
        return cluster_.crash(node);
      case 1:
        if (!node.core) cluster_.restart(node);
        return;
      case 2:
        return cluster_.time_out(node);
      case 3:
      case 4:
        return cluster_.persist(node);
      case 5:
      case 6:
        return cluster_.run_job(node);
      case 7:
        return cluster_.settle();
      case 8:
        return propose(node);
      case 9:
        return cluster_.step(node, ReadIndexRequested{{++number_}});
      case 10:
        return cluster_.step(node, TransferRequested{{++number_}, std::nullopt});
      case 11:
        return change_peer(node);
      default:
        move_message(byte % 16, byte / 16);
    }
  }

  /// To whoever leads, else to a node that has to refuse it.
  void propose(CoreNode& node) {
    CoreNode* const leader = cluster_.leader();
    CoreNode& to = leader != nullptr ? *leader : node;
    cluster_.step(to, Propose{{Bytes("c" + std::to_string(++number_))}, std::nullopt});
  }

  void change_peer(CoreNode& peer) {
    CoreNode* const leader = cluster_.leader();
    if (leader == nullptr || leader == &peer) return;
    const bool is_dropped = choices_.byte() % 2 == 0;
    cluster_.step(*leader, PeerChanged{peer.id, is_dropped ? PeerEvent::dropped : PeerEvent::reachable});
  }

  /// Near the front, where the oldest are, or anywhere.
  void move_message(unsigned what, std::size_t place) {
    auto& network = cluster_.network();
    if (network.empty()) return;
    const std::size_t position = (place == 15 ? choices_.byte() : place) % network.size();
    if (what == 15) return cluster_.drop(position);
    if (what == 14 && network.size() < kMessagesMax) cluster_.duplicate(position);
    cluster_.deliver(position);
  }

  void heal() {
    for (CoreNode* node : cluster_.nodes()) {
      if (!node->core) cluster_.restart(*node);
    }
    require(cluster_.elect(), "iL1: a healed cluster elects a leader");
    CoreNode& leader = *cluster_.leader();
    cluster_.step(leader, Propose{{Bytes("last")}, std::nullopt});
    require(leader.proposal.has_value(), "iL2: a request ends");
    for (int i = 0; i < 20 && !has_converged(); ++i) cluster_.run_for(std::chrono::milliseconds(500));
    require(has_converged(), "iL3: all nodes of a healed cluster commit the same and come to the same state");
  }

  bool has_converged() {
    const CoreNode* const leader = cluster_.leader();
    if (leader == nullptr) return false;
    const LogIndex end = leader->core->status().log_last.index;
    for (const CoreNode* node : cluster_.nodes()) {
      if (node->core->status().commit != end || node->applied != end || node->state != leader->state) return false;
    }
    return true;
  }

  CoreCluster cluster_;
  Choices choices_;
  std::uint64_t number_ = 0;
};

}  // namespace

std::vector<std::string> libraft::fuzz::seeds() {
  const auto text = [](std::initializer_list<int> bytes) {
    std::string made;
    for (const int byte : bytes) made.push_back(static_cast<char>(byte));
    return made;
  };
  // Elect, propose, settle; then with a crash; then with messages one by one.
  return {
      text({2, 0, 0, 1, 0x02, 0x07, 0x08, 0x07, 0x09, 0x07}),
      text({2, 0x41, 0x12, 9, 0x02, 0x07, 0x08, 0x08, 0x08, 0x07, 0x00, 0x12, 0x07, 0x08, 0x07, 0x01, 0x07}),
      text({4,    0x85, 0xc3, 3,    0x12, 0x03, 0x0c, 0x0c, 0x0c, 0x03, 0x13, 0x23, 0x0c,
            0x0c, 0x08, 0x08, 0x03, 0x0c, 0x0e, 0x0f, 0x07, 0x0a, 0x07, 0x0b, 0x00, 0x07}),
  };
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  const std::size_t nodes = 1 + choices.below(5);
  const CoreOptions options = options_of(choices);
  const std::uint64_t seed = choices.byte();
  Schedule(nodes, options, seed, choices).run();
  return 0;
}
