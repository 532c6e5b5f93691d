#include "testkit/explore/world.hpp"

#include "testkit/explore/hashing.hpp"

#include <algorithm>

namespace libraft::testkit::explore {

namespace {

/// Calls `visit` with each choice of `count` of `pool`, in order.
template <class Visit>
void for_each_choice(std::span<const MessageKey> pool, std::size_t count, std::vector<MessageKey>& chosen,
                     const Visit& visit) {
  if (count == 0) return visit(chosen);
  for (std::size_t i = 0; i + count <= pool.size(); ++i) {
    chosen.push_back(pool[i]);
    for_each_choice(pool.subspan(i + 1), count - 1, chosen, visit);
    chosen.pop_back();
  }
}

void put_under_way(World& world, const std::vector<MessageKey>& messages) {
  world.messages = {};
  std::copy(messages.begin(), messages.end(), world.messages.begin());
  world.in_flight = static_cast<std::uint8_t>(messages.size());
}

}  // namespace

Cluster::Cluster(Catalogue& catalogue, const Limits& limits) : catalogue_(catalogue), limits_(limits) {
  for (std::size_t place = 0; place < leader_hashes_.size(); ++place) {
    const std::uint64_t term = place / 4, leader = place % 4;
    for (std::size_t naming = 0; naming < catalogue.namings().size() && leader != 0; ++naming) {
      leader_hashes_[place][naming] = Hash().add(term).add(renamed({leader}, catalogue.namings()[naming])).value();
    }
  }
}

World Cluster::boot() const {
  World world;
  for (std::size_t i = 0; i < catalogue_.shape().size(); ++i) world.nodes[i] = catalogue_.boot(i + 1);
  return world;
}

void Cluster::node_moves(const World& world, const NodeView& node, std::vector<Move>& into) const {
  const auto add = [&](Happening what, std::uint32_t argument) { into.push_back({what, node.id, argument}); };
  if (node.role == Role::leader) {
    add(Happening::heartbeat_due, 0);
    // In the last term it could do nothing with its freedom.
    if (limits_.quorum_loss && node.term < limits_.term_max) add(Happening::quorum_lost, 0);
    if (world.proposals < limits_.proposals) add(Happening::propose, world.proposals + 1u);
    if (world.reads < limits_.reads && world.reader == 0) add(Happening::read, 0);
  } else if (node.term < limits_.term_max && node.id <= catalogue_.shape().voters) {
    add(Happening::election_timeout, 0);
  }
  if (node.is_writing) add(Happening::write_completes, 0);
  if (world.crashes < limits_.crashes) {
    // The whole write and then a crash are two moves.
    for (std::uint32_t parts = 0; parts < std::max<std::uint32_t>(node.parts, 1); ++parts) add(Happening::crash, parts);
  }
}

void Cluster::moves(const World& world, std::vector<Move>& into) const {
  for (std::size_t i = 0; i < world.in_flight; ++i) {
    const KnownMessage& message = catalogue_.message(world.messages[i]);
    const NodeView& receiver = view(world, message.to - 1u);
    into.push_back({Happening::deliver, receiver.id, world.messages[i]});
    if (message.asks_for_vote && receiver.role == Role::follower && receiver.knows_leader) {
      into.push_back({Happening::deliver_late, receiver.id, world.messages[i]});
    }
  }
  for (std::size_t i = 0; i < catalogue_.shape().size(); ++i) node_moves(world, view(world, i), into);
}

Successor Cluster::after(const World& world, const Move& move, std::vector<MessageKey>& sent) const {
  const std::size_t index = move.node - 1u;
  const KnownStep& step = catalogue_.step(world.nodes[index], move.what, move.argument);
  Successor result{move, world, nullptr};
  World& next = result.world;
  next.nodes[index] = step.node;
  if (move.what == Happening::propose) ++next.proposals;
  if (move.what == Happening::crash) ++next.crashes;
  if (move.what == Happening::crash && next.reader == move.node) next.end_read();
  if (move.what == Happening::read) {
    ++next.reads;
    next.begin_read(move.node);
  }
  sent = step.sent;
  result.violation =
      step.violation.empty() ? check(catalogue_, next, world.nodes[index], index, step) : step.violation.c_str();
  return result;
}

void Cluster::successors(const World& world, std::vector<Successor>& into) const {
  std::vector<Move> possible;
  std::vector<MessageKey> sent, pool, chosen;
  into.clear();
  moves(world, possible);
  for (const Move& move : possible) {
    Successor next = after(world, move, sent);
    const NodeView& node = view(next.world, move.node - 1u);
    if (node.term > limits_.term_max || node.last > PackedLog::kEntriesMax) continue;
    if (sent.empty()) {
      if (next.violation != nullptr || !(next.world == world)) into.push_back(next);
      continue;
    }
    pool.assign(world.messages.begin(), world.messages.begin() + world.in_flight);
    if (limits_.in_order) std::erase_if(pool, [&](MessageKey key) { return is_overtaken(key, sent); });
    pool.insert(pool.end(), sent.begin(), sent.end());
    std::sort(pool.begin(), pool.end());
    pool.erase(std::unique(pool.begin(), pool.end()), pool.end());
    // Whatever is under way stays so, also when it was delivered, until its place is needed: to lose or repeat it
    // earlier leads nowhere else.
    chosen.clear();
    for_each_choice(pool, std::min<std::size_t>(pool.size(), limits_.in_flight), chosen,
                    [&](const std::vector<MessageKey>& kept) {
                      put_under_way(next.world, kept);
                      if (next.violation != nullptr || !(next.world == world)) into.push_back(next);
                    });
  }
}

bool Cluster::is_overtaken(MessageKey key, const std::vector<MessageKey>& sent) const {
  const KnownMessage& old = catalogue_.message(key);
  return std::any_of(sent.begin(), sent.end(), [&](MessageKey newer) {
    return catalogue_.message(newer).from == old.from && catalogue_.message(newer).to == old.to;
  });
}

std::uint64_t Cluster::hash(const World& world) const {
  HashOfNaming sums{};
  const auto add = [&](const HashOfNaming& hashes) {
    for (std::size_t naming = 0; naming < kNamingsMax; ++naming) sums[naming] += hashes[naming];
  };
  for (std::size_t i = 0; i < catalogue_.shape().size(); ++i) add(catalogue_.hash(world.nodes[i]));
  for (std::size_t i = 0; i < world.in_flight; ++i) add(catalogue_.message(world.messages[i]).hash);
  for (std::size_t term = 1; term <= limits_.term_max; ++term) add(leader_hashes_[4 * term + world.leader_of(term)]);
  if (world.reader != 0) add(leader_hashes_[world.reader]);
  for (std::size_t id = 1; id <= kNodesMax; ++id) {
    if (world.has_answered_read(id)) add(leader_hashes_[4 * kTermsMax + id]);
  }
  const std::uint64_t rest =
      Hash()
          .add(world.committed.bits)
          .add(std::uint64_t{world.committed_in} << 32 | std::uint64_t{world.proposals} << 24 |
               std::uint64_t{world.reads} << 16 | std::uint64_t{world.crashes} << 8 | world.read_needs)
          .value();
  std::uint64_t least = ~std::uint64_t{0};
  for (std::size_t naming = 0; naming < catalogue_.namings().size(); ++naming) {
    least = std::min(least, mixed(sums[naming] + rest));
  }
  return least;
}

}  // namespace libraft::testkit::explore
