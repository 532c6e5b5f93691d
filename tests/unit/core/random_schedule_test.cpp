// Random schedules over bare Cores: loss, repetition, reordering, slow disks, crashes. Safety at every move, and after
// healing everything converges.
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

#include <random>

using namespace libraft;
using libraft::test::CoreCluster;
using libraft::test::CoreNode;

namespace {

CoreOptions small_options(std::uint64_t seed) {
  CoreOptions options;
  options.trailing_entries = seed % 5;
  options.snapshot_after_entries = seed % 3 == 0 ? 0 : 2 + seed % 7;
  options.snapshot_chunk_bytes = 3;
  options.entry_cache_bytes = seed % 2 == 0 ? 0 : 1u << 20;
  options.append_entries_max = 1 + seed % 4;
  options.apply_entries_max = 1 + seed % 3;
  options.in_flight_messages_max = 1 + seed % 6;
  options.pre_vote = seed % 4 != 0;
  return options;
}

/// One random move.
void move(CoreCluster& cluster, std::mt19937_64& random, NodeId slow_disk, std::uint64_t& proposals) {
  const auto draw = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  auto nodes = cluster.nodes();
  CoreNode& node = *nodes[draw(nodes.size())];
  switch (draw(100)) {
    case 0:
      cluster.crash(node);
      break;
    case 1:
    case 2:
    case 3:
      if (!node.core) cluster.restart(node);
      break;
    case 4:
    case 5:
      cluster.time_out(node);
      break;
    case 6:
      if (node.core) cluster.step(node, ReadIndexRequested{{++proposals}});
      break;
    case 7:
      if (draw(10) == 0 && node.core) cluster.step(node, TransferRequested{{++proposals}, std::nullopt});
      break;
    case 8:
      if (CoreNode* leader = cluster.leader()) {
        cluster.step(*leader, PeerChanged{node.id, draw(2) == 0 ? PeerEvent::dropped : PeerEvent::reachable});
      }
      break;
    default:
      if (const auto what = draw(10); what < 2) {
        if (node.id != slow_disk || draw(40) == 0) cluster.persist(node);
      } else if (what < 4) {
        cluster.run_job(node);
      } else if (what == 4) {
        CoreNode* leader = cluster.leader();
        if (leader != nullptr) {
          cluster.step(*leader, Propose{{Bytes("c" + std::to_string(++proposals))}, std::nullopt});
        }
      } else if (!cluster.network().empty()) {
        const std::size_t position = draw(cluster.network().size());
        const auto fate = draw(20);
        if (fate == 0) {
          cluster.drop(position);
        } else if (fate == 1) {
          cluster.duplicate(position);
        } else {
          cluster.deliver(position);
        }
      }
  }
}

/// Where everybody stands, for a failure's report.
std::string describe(CoreCluster& cluster) {
  std::string text;
  for (CoreNode* node : cluster.nodes()) {
    const CoreStatus status = node->core->status();
    text += std::string(to_string(status.role)) + " term " + std::to_string(status.term.value) + " log " +
            std::to_string(status.log_start.index.value) + ".." + std::to_string(status.log_last.index.value) +
            " durable " + std::to_string(status.durable.value) + " commit " + std::to_string(status.commit.value) +
            " applied " + std::to_string(status.applied.value) + " snapshot " +
            std::to_string(status.snapshot.index.value) + "\n";
    for (const PeerProgress& peer : node->core->progress()) {
      text += "  " + std::to_string(peer.id.value) + " " + std::string(to_string(peer.state)) + " match " +
              std::to_string(peer.match.value) + " next " + std::to_string(peer.next.value) + "\n";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("random schedules keep every safety rule, and a healed cluster converges") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    CoreCluster cluster(seed % 5 == 0 ? 5 : seed % 7 == 0 ? 1 : 3, small_options(seed), seed);
    std::mt19937_64 random(seed);
    const NodeId slow_disk{seed % 2 == 0 ? 0 : 1 + random() % 3};
    std::uint64_t proposals = 0;
    for (int i = 0; i < 3000; ++i) REQUIRE_NOTHROW(move(cluster, random, slow_disk, proposals));
    for (CoreNode* node : cluster.nodes()) {
      if (!node->core) cluster.restart(*node);
    }
    REQUIRE(cluster.elect());
    CoreNode& leader = *cluster.leader();
    cluster.step(leader, Propose{{Bytes("last")}, std::nullopt});
    REQUIRE(leader.proposal);
    cluster.run_for(std::chrono::seconds(10));
    const LogIndex last = cluster.leader()->core->status().log_last.index;
    INFO(describe(cluster));
    for (CoreNode* node : cluster.nodes()) {
      CHECK(node->core->status().commit == last);
      CHECK(node->applied == last);
      CHECK(node->state == leader.state);
    }
  }
}
