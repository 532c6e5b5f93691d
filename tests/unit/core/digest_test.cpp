// protocol_digest() tells apart what goes on differently, and nothing else.
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

#include <algorithm>

using namespace libraft;
using namespace libraft::test;

namespace {

/// All of a cluster of three, whoever is who: the digests of its nodes under `names`, in the order of the new ids.
std::vector<std::uint64_t> digests(CoreCluster& cluster, const Renaming& names) {
  std::map<NodeId, std::uint64_t> by_name;
  for (CoreNode* node : cluster.nodes()) {
    const auto found = names.find(node->id);
    by_name[found == names.end() ? node->id : found->second] = node->core->protocol_digest(names);
  }
  std::vector<std::uint64_t> result;
  for (const auto& [id, digest] : by_name) result.push_back(digest);
  return result;
}

/// `first` campaigns, its request to `second` arrives, and all goes on until it leads; then it proposes.
void run(CoreCluster& cluster, std::uint64_t first, std::uint64_t second) {
  cluster.passes = [=](const Message& message) {
    return message.route.to == NodeId{first} || message.route.to == NodeId{second};
  };
  cluster.time_out(cluster.node(first));
  cluster.settle();
  cluster.step(cluster.node(first), Propose{{Bytes("x")}, std::nullopt});
  cluster.settle();
}

}  // namespace

TEST_CASE("the digest forgets timers and random state") {
  CoreCluster a(3, {}, 1), b(3, {}, 99);
  run(a, 1, 2);
  run(b, 1, 2);
  CHECK_FALSE(*a.node(1).core == *b.node(1).core);
  CHECK(digests(a, {}) == digests(b, {}));
}

TEST_CASE("the digest of renamed members is that of a cluster in which they have these names") {
  CoreCluster a(3, {}, 1), b(3, {}, 2);
  run(a, 1, 2);
  run(b, 3, 1);
  CHECK(digests(a, {}) != digests(b, {}));
  const Renaming names{{{1}, {3}}, {{2}, {1}}, {{3}, {2}}};
  CHECK(digests(a, names) == digests(b, {}));
}

TEST_CASE("the digest knows whether a write that the node rests on is durable") {
  CoreCluster cluster(3, {}, 1);
  CoreNode& node = cluster.node(2);
  cluster.step(node, received(1, 2, RequestVote{{1}, {}, false}));
  const std::uint64_t before = node.core->protocol_digest();
  cluster.persist(node);
  CHECK(node.core->protocol_digest() != before);
}

TEST_CASE("the digest knows what writes under way will prove") {
  // Two followers with the same log and nothing durable: one got its entries in one write, the other in two.
  CoreCluster cluster(3, {}, 1);
  CoreNode& one = cluster.node(2);
  cluster.step(one, received(1, 2, AppendEntries{{1}, {}, Entries(log_of({1, 1})), {}, 0}));
  CoreCluster other_cluster(3, {}, 1);
  CoreNode& two = other_cluster.node(2);
  other_cluster.step(two, received(1, 2, AppendEntries{{1}, {}, Entries(log_of({1})), {}, 0}));
  CHECK(one.core->protocol_digest() != two.core->protocol_digest());
  other_cluster.step(two, received(1, 2, AppendEntries{{1}, {{1}, {1}}, Entries({entry(2, 1)}), {}, 0}));
  CHECK(one.core->status().log_last == two.core->status().log_last);
  CHECK(one.core->protocol_digest() != two.core->protocol_digest());
}

TEST_CASE("the digest knows whether a leader waits for the answer to an append") {
  CoreCluster cluster(3, {}, 1);
  run(cluster, 1, 2);
  CoreNode& leader = cluster.node(1);
  // Node 3 has answered nothing: a refusal of the append that it waits for sets it free to send again.
  Core waiting = *leader.core;
  Effects effects;
  waiting.step(cluster.now(), PeerChanged{{2}, PeerEvent::dropped}, effects);
  CHECK(waiting.protocol_digest() != leader.core->protocol_digest());
}
