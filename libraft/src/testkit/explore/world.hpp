// A state of the explored cluster, and the states that follow from it.
#pragma once

#include "testkit/explore/catalogue.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace libraft::testkit::explore {

inline constexpr std::size_t kNodesMax = 3;
inline constexpr std::size_t kInFlightMax = 4;
/// Terms that the search can tell apart; zero too.
inline constexpr std::size_t kTermsMax = 8;

/// What a search may do at most.
struct Limits {
  std::uint8_t term_max = 2;   ///< nobody campaigns beyond it
  std::uint8_t in_flight = 1;  ///< messages under way at once
  std::uint8_t proposals = 1;
  std::uint8_t reads = 0;
  std::uint8_t crashes = 1;
  /// What is sent from one node to another overtakes nothing: what was under way there is lost. Otherwise an older
  /// message may arrive after a newer one, and be repeated after it.
  bool in_order = false;
  bool quorum_loss = false;  ///< a leader may hear of no quorum for an election timeout, any number of times
};

/// Small, for there are millions. From `committed` on it is history that the rules need.
struct World {
  std::array<NodeKey, kNodesMax> nodes{};
  std::array<MessageKey, kInFlightMax> messages{};  ///< ascending, each once; `in_flight` of them
  std::uint8_t in_flight = 0;
  std::uint8_t proposals = 0;  ///< made
  std::uint8_t reads = 0;
  std::uint8_t crashes = 0;

  PackedLog committed;             ///< all that a leader ever held to be committed
  std::uint32_t committed_in = 0;  ///< of each of these entries, the term of the leader that was first to: four bits
  std::uint16_t leaders = 0;       ///< of each term: two bits; zero: none yet
  std::uint8_t reader : 2 = 0;     ///< the node that has a read under way; zero: none
  std::uint8_t answered : 3 = 0;   ///< since then: a bit for each voter that sent the reader an answer in its term
  std::uint8_t read_needs = 0;     ///< what was committed when it was asked for

  [[nodiscard]] std::uint64_t term_committed_in(std::size_t index) const {
    return committed_in >> (4 * (index - 1)) & 0xf;
  }
  void commit_in(std::size_t index, std::uint64_t term) {
    committed_in |= static_cast<std::uint32_t>(term << (4 * (index - 1)));
  }
  [[nodiscard]] std::uint8_t leader_of(std::size_t term) const {
    return static_cast<std::uint8_t>(leaders >> (2 * term) & 3);
  }
  void begin_read(std::uint64_t id) {
    reader = id & 3;
    answered = 0;
    read_needs = static_cast<std::uint8_t>(committed.size());
  }
  void end_read() {
    reader = 0;
    answered = 0;
    read_needs = 0;
  }
  void answer_read(std::uint64_t id) { answered |= 1u << (id - 1) & 7; }
  [[nodiscard]] bool has_answered_read(std::uint64_t id) const { return (answered >> (id - 1) & 1) != 0; }
  void lead(std::size_t term, std::uint64_t id) { leaders |= static_cast<std::uint16_t>(id << (2 * term)); }

  friend bool operator==(const World&, const World&) = default;
};

/// One move: something happens to a node, and the network loses what it has no room for.
struct Move {
  Happening what = Happening::deliver;
  std::uint8_t node = 0;
  std::uint32_t argument = 0;
};

/// What a move leads to. `violation` is a rule that is broken there, or null.
struct Successor {
  Move move;
  World world;
  const char* violation = nullptr;
};

/// A cluster's rules of the game: the moves that each state allows.
class Cluster {
 public:
  Cluster(Catalogue& catalogue, const Limits& limits);

  [[nodiscard]] Catalogue& catalogue() const { return catalogue_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  /// All nodes new, nothing under way.
  [[nodiscard]] World boot() const;
  /// What follows from `world`, always in the same order.
  void successors(const World& world, std::vector<Successor>& into) const;
  /// The same number for all states that differ in who is who only.
  [[nodiscard]] std::uint64_t hash(const World& world) const;
  /// The moves that are possible, with or without effect.
  void moves(const World& world, std::vector<Move>& into) const;
  /// What happens when nothing is lost: the messages that left are in `sent`, not under way.
  [[nodiscard]] Successor after(const World& world, const Move& move, std::vector<MessageKey>& sent) const;

 private:
  [[nodiscard]] const NodeView& view(const World& world, std::size_t index) const {
    return catalogue_.view(world.nodes[index]);
  }
  /// One of `sent` goes the same way.
  [[nodiscard]] bool is_overtaken(MessageKey key, const std::vector<MessageKey>& sent) const;
  void node_moves(const World& world, const NodeView& node, std::vector<Move>& into) const;

  Catalogue& catalogue_;
  Limits limits_;
  /// By naming, term and leader: each leader that was adds its own to the hash. What would be term zero is for the node
  /// that reads, and what would be the term after the last for those that have answered it.
  std::array<HashOfNaming, (kTermsMax + 1) * 4> leader_hashes_{};
};

/// The rules that concern the whole cluster, after `node` went from `before` to what `world` has; takes what happened
/// into the history. Null when all hold.
[[nodiscard]] const char* check(const Catalogue& catalogue, World& world, NodeKey before, std::size_t node,
                                const KnownStep& step);

}  // namespace libraft::testkit::explore
