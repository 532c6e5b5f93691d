#include "testkit/explore/search.hpp"

#include "testkit/explore/flat_table.hpp"

#include <algorithm>
#include <utility>

namespace libraft::testkit::explore {

namespace {

/// How a state was first reached: the `ordinal`-th successor of state `parent`. A path is found by replaying it, so the
/// states on it need not be kept.
struct Origin {
  std::uint32_t parent = 0;
  std::uint32_t ordinal = 0;
};

/// A successor whose place in the set of states was asked for.
struct Candidate {
  World world;
  std::uint64_t hash = 0;
  Origin origin;
};

constexpr std::size_t kCandidatesMax = 64;  ///< as many as the memory can fetch at once, and more

class Search {
 public:
  Search(const Cluster& cluster, const SearchLimits& limits) : cluster_(cluster), limits_(limits) {}

  SearchResult run(const World& start) {
    start_ = start;
    seen_.insert(cluster_.hash(start));
    origins_.push_back({});
    layer_.push_back(start);
    while (!layer_.empty() && result_.depth < limits_.depth_max && expand_layer()) {
      first_of_layer_ += layer_.size();
      layer_.swap(next_layer_);
      next_layer_.clear();
      if (!layer_.empty()) ++result_.depth;
    }
    result_.is_complete = layer_.empty();
    result_.states = seen_.size();
    return std::move(result_);
  }

 private:
  /// False when the search has to end.
  bool expand_layer() {
    for (std::size_t i = 0; i < layer_.size(); ++i) {
      if (i % 1024 == 0 && is_spent()) return false;
      if (!expand(layer_[i], static_cast<std::uint32_t>(first_of_layer_ + i))) return false;
      if (candidates_.size() >= kCandidatesMax) take_candidates();
    }
    take_candidates();
    return true;
  }

  bool expand(const World& world, std::uint32_t position) {
    cluster_.successors(world, successors_);
    result_.transitions += successors_.size();
    for (std::uint32_t ordinal = 0; ordinal < successors_.size(); ++ordinal) {
      const Successor& next = successors_[ordinal];
      if (next.violation != nullptr) {
        result_.violation = Violation{next.violation, start_, path_to({position, ordinal})};
        return false;
      }
      const std::uint64_t hash = cluster_.hash(next.world);
      seen_.prefetch(hash);
      candidates_.push_back({next.world, hash, {position, ordinal}});
    }
    return true;
  }

  void take_candidates() {
    for (const Candidate& candidate : candidates_) {
      if (!seen_.insert(candidate.hash)) continue;
      origins_.push_back(candidate.origin);
      next_layer_.push_back(candidate.world);
    }
    candidates_.clear();
  }

  [[nodiscard]] std::vector<PathStep> path_to(Origin last) const {
    std::vector<std::uint32_t> ordinals{last.ordinal};
    for (std::uint32_t at = last.parent; at != 0; at = origins_[at].parent) ordinals.push_back(origins_[at].ordinal);
    std::reverse(ordinals.begin(), ordinals.end());
    std::vector<PathStep> path;
    World world = start_;
    std::vector<Successor> successors;
    for (const std::uint32_t ordinal : ordinals) {
      cluster_.successors(world, successors);
      world = successors.at(ordinal).world;
      path.push_back({successors[ordinal].move, world});
    }
    return path;
  }

  [[nodiscard]] bool is_spent() const {
    if (limits_.is_time_up && limits_.is_time_up()) return true;
    const std::size_t bytes = seen_.bytes() + origins_.capacity() * sizeof(Origin) +
                              (layer_.capacity() + next_layer_.capacity()) * sizeof(World) +
                              cluster_.catalogue().bytes();
    return bytes > limits_.memory_bytes || cluster_.catalogue().is_full() || origins_.size() > 0xf0000000u;
  }

  const Cluster& cluster_;
  const SearchLimits& limits_;
  World start_;
  HashSet seen_;
  std::vector<Origin> origins_;
  std::vector<World> layer_, next_layer_;
  std::size_t first_of_layer_ = 0;
  std::vector<Successor> successors_;
  std::vector<Candidate> candidates_;
  SearchResult result_;
};

}  // namespace

SearchResult search(const Cluster& cluster, const World& start, const SearchLimits& limits) {
  return Search(cluster, limits).run(start);
}

}  // namespace libraft::testkit::explore
