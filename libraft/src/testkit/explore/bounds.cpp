#include "testkit/explore/bounds.hpp"

#include <algorithm>
#include <deque>

namespace libraft::testkit::explore {

namespace {

using Action = ScriptLine::Action;

ScriptLine times_out(std::uint8_t node) {
  return {Action::happen, Happening::election_timeout, node, 0};
}
/// Between these two all messages arrive and all writes complete, until nothing is left to do; the others' wait.
ScriptLine settle(std::uint8_t node, std::uint8_t other) {
  return {Action::settle, Happening::deliver, node, other};
}
ScriptLine loses_all() {
  return {Action::lose_all, Happening::deliver, 0, 0};
}

/// Each count by its name.
struct Counts {
  std::uint8_t terms, in_flight, proposals, crashes;
};

Limits within(Counts counts) {
  Limits limits;
  limits.term_max = counts.terms;
  limits.in_flight = counts.in_flight;
  limits.proposals = counts.proposals;
  limits.crashes = counts.crashes;
  return limits;
}

Limits in_order(Limits limits) {
  limits.in_order = true;
  return limits;
}

Limits with_reads(Limits limits) {
  limits.reads = 1;
  return limits;
}

Limits with_quorum_loss(Limits limits) {
  limits.quorum_loss = true;
  return limits;
}

Shape three(bool pre_vote) {
  Shape shape;
  shape.pre_vote = pre_vote;
  return shape;
}

Shape voter_and_learner() {
  Shape shape;
  shape.voters = 1;
  shape.learners = 1;
  return shape;
}

/// Node 1 leads term 1, and all have its no-op.
std::vector<ScriptLine> elected() {
  return {times_out(1), settle(1, 2), settle(1, 3), loses_all()};
}

/// Node 1 led term 1, with its no-op on its own disk and that of node 2 only; node 3, with an empty log, is about to
/// lead a later term or to lose to one. From here, in two more elections, Figure 3.7 of the thesis (Figure 8 of the
/// paper) is near.
std::vector<ScriptLine> two_logs() {
  return {times_out(1), settle(1, 2), loses_all(), times_out(3), settle(3, 2), loses_all()};
}

std::vector<Bound> make_bounds() {
  const Shape free = three(false), shipped = three(true);
  const Start voter_with_learner{"a voter and a learner", voter_and_learner(), {}, within({3, 2, 1, 1})};
  const Start way_to_figure_3_7{"two logs that differ, 3 terms", free, two_logs(), within({3, 1, 0, 0})};
  return {
      {"two-terms",
       "3 nodes, 2 terms, 1 proposal, 1 crash, 1 message in flight",
       {{"empty disks, 1 proposal and 1 crash", free, {}, within({2, 1, 1, 1})},
        {"empty disks, pre-vote, 1 crash", shipped, {}, within({2, 1, 0, 1})}}},
      {"elected",
       "from a leader: 1 proposal, 1 crash, 2 messages in flight, 2 terms, pre-vote (with both a proposal and a crash, "
       "a link keeps the order of messages); from the way to Figure 3.7; and one voter with a learner",
       {voter_with_learner,
        way_to_figure_3_7,
        {"a leader, no second election, 1 read", shipped, elected(), with_reads(within({1, 2, 1, 1}))},
        {"a leader, 1 proposal and 1 crash, links keep their order", shipped, elected(),
         in_order(within({2, 2, 1, 1}))},
        {"a leader, 1 crash", shipped, elected(), within({2, 2, 0, 1})},
        {"a leader, 1 proposal", shipped, elected(), within({2, 2, 1, 0})}}},
      {"two-terms-quick",
       "two-terms with 1 proposal or 1 crash from empty disks, and both from a leader",
       {{"empty disks, 1 proposal", free, {}, within({2, 1, 1, 0})},
        {"empty disks, 1 crash", free, {}, within({2, 1, 0, 1})},
        {"empty disks, pre-vote, 1 crash", shipped, {}, within({2, 1, 0, 1})},
        {"a leader, 1 proposal and 1 crash", free, elected(), within({2, 1, 1, 1})}}},
      {"elected-quick",
       "elected with 1 proposal or 1 crash (a link keeps the order of messages), and both with 1 message in flight",
       {voter_with_learner,
        way_to_figure_3_7,
        {"a leader, no second election, 1 read", shipped, elected(), with_reads(within({1, 2, 1, 1}))},
        {"a leader, 1 crash, links keep their order", shipped, elected(), in_order(within({2, 2, 0, 1}))},
        {"a leader, 1 proposal, links keep their order", shipped, elected(), in_order(within({2, 2, 1, 0}))},
        {"a leader, 1 proposal and 1 crash, 1 in flight", shipped, elected(), within({2, 1, 1, 1})}}},
      {"three-terms",
       "3 nodes from empty disks, 3 terms, 2 proposals, 1 read, 2 crashes, 2 messages in flight: as deep as time "
       "allows",
       {{"empty disks", shipped, {}, with_quorum_loss(with_reads(within({3, 2, 2, 2})))}}},
  };
}

/// What is sent waits in a queue of its own: a script has no bound on it.
class Script {
 public:
  Script(const Cluster& cluster, World world) : cluster_(cluster), world_(world), start_(world) {}

  void run(const ScriptLine& line) {
    switch (line.action) {
      case Action::happen:
        return happen({line.what, line.node, 0});
      case Action::settle:
        return settle(line.node, line.other);
      case Action::lose_all:
        return under_way_.clear();
    }
  }
  [[nodiscard]] const World& world() const { return world_; }
  /// The first that was found.
  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }

 private:
  [[nodiscard]] const NodeView& view(std::uint8_t node) const {
    return cluster_.catalogue().view(world_.nodes[node - 1u]);
  }
  [[nodiscard]] bool is_writing(std::uint8_t node) const { return view(node).is_writing; }

  void happen(const Move& move) {
    std::vector<MessageKey> sent;
    const Successor next = cluster_.after(world_, move, sent);
    world_ = next.world;
    world_.crashes = world_.proposals = world_.reads = 0;
    path_.push_back({move, world_});
    if (next.violation != nullptr && !violation_) violation_ = Violation{next.violation, start_, path_};
    under_way_.insert(under_way_.end(), sent.begin(), sent.end());
  }

  void settle(std::uint8_t node, std::uint8_t other) {
    const auto is_between = [&](MessageKey key) {
      const Routing& route = cluster_.catalogue().message(key).message.route;
      return std::min(route.from.value, route.to.value) == std::min(node, other) &&
             std::max(route.from.value, route.to.value) == std::max(node, other);
    };
    while (!violation_) {
      if (is_writing(node)) {
        happen({Happening::write_completes, node, 0});
      } else if (is_writing(other)) {
        happen({Happening::write_completes, other, 0});
      } else if (const auto found = std::find_if(under_way_.begin(), under_way_.end(), is_between);
                 found != under_way_.end()) {
        const MessageKey key = *found;
        under_way_.erase(found);
        happen({Happening::deliver, cluster_.catalogue().message(key).to, key});
      } else {
        return;
      }
    }
  }

  const Cluster& cluster_;
  World world_;
  World start_;
  std::vector<PathStep> path_;
  std::optional<Violation> violation_;
  std::deque<MessageKey> under_way_;
};

}  // namespace

const std::vector<Bound>& bounds() {
  static const std::vector<Bound> all = make_bounds();
  return all;
}

const Bound* find_bound(std::string_view name) {
  const auto found =
      std::find_if(bounds().begin(), bounds().end(), [&](const Bound& bound) { return bound.name == name; });
  return found == bounds().end() ? nullptr : &*found;
}

Scripted scripted(Catalogue& catalogue, const Start& start) {
  const Cluster cluster(catalogue, start.limits);
  Script script(cluster, cluster.boot());
  for (const ScriptLine& line : start.script) {
    if (!script.violation()) script.run(line);
  }
  return {script.world(), script.violation()};
}

SearchResult explore(Catalogue& catalogue, const Start& start, const SearchLimits& limits) {
  const Scripted begin = scripted(catalogue, start);
  if (!begin.violation) return search(Cluster(catalogue, start.limits), begin.world, limits);
  SearchResult result;
  result.violation = begin.violation;
  return result;
}

}  // namespace libraft::testkit::explore
