// Random schedules over bare Cores: loss, repetition, reordering, messages that come very late, slow disks, crashes,
// nodes cut off. Safety at every move, and after healing everything converges.
#include "support/catch.hpp"
#include "support/core_cluster.hpp"

#include <array>
#include <random>
#include <set>
#include <stdexcept>

using namespace libraft;
using libraft::test::CoreCluster;
using libraft::test::CoreNode;

namespace {

/// Small numbers, so that every bound is met.
CoreOptions small_options(std::uint64_t seed) {
  std::mt19937_64 random(seed ^ 0x5eed);
  const auto draw = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  CoreOptions options;
  options.trailing_entries = draw(5);
  // Where followers hold back compaction hardly at all, they get snapshots of what is on its way to their disks.
  if (draw(2) == 0) options.trailing_entries_for_followers_max = draw(5);
  options.snapshot_after_entries = draw(4) == 0 ? 0 : 2 + draw(7);
  options.snapshot_chunk_bytes = draw(2) == 0 ? 3 : 30;
  options.entry_cache_bytes = draw(2) == 0 ? 0 : 1u << 20;
  options.append_entries_max = 1 + draw(4);
  options.apply_entries_max = 1 + draw(3);
  options.in_flight_messages_max = 1 + draw(6);
  options.pre_vote = draw(4) != 0;
  // The longer the interval, the fewer moves lie between a leader's last word and the next election.
  options.heartbeat_interval = std::chrono::milliseconds(100 + 200 * draw(3));
  return options;
}

std::size_t voters_of(std::uint64_t seed) {
  constexpr std::array<std::size_t, 10> kVoters{3, 3, 3, 5, 3, 2, 3, 5, 4, 1};
  return kVoters[seed % kVoters.size()];
}

enum Move {
  crash,
  restart,
  pass,      // of time: whoever is next to be due
  time_out,  // somebody's clock runs ahead
  ask_read,
  ask_transfer,
  change_peer,
  write,
  work,
  propose,
  deliver,
  drop,
  repeat,
  keep,     // a message is held back,
  release,  // and comes much later
  isolate,  // nothing reaches the node, or nothing leaves it
  moves
};

/// Every schedule has its own mix of moves: some faults not at all, some far more often than others.
class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) : cluster_(voters_of(seed), small_options(seed), seed), random_(seed) {
    constexpr std::array<std::uint64_t, moves> kUsual{2, 10, 12, 1, 10, 1, 10, 180, 180, 40, 400, 20, 20, 10, 10, 3};
    constexpr std::array<bool, moves> kNeeded{false, true, true, false, false, false, false, true, true, true, true};
    constexpr std::array<std::uint64_t, 4> kShares{0, 1, 4, 16};
    for (std::size_t i = 0; i < moves; ++i) {
      const std::uint64_t share = kShares[draw(kShares.size())];
      weights_[i] = kUsual[i] * (kNeeded[i] ? 3 + share / 4 : share);
      total_ += weights_[i];
    }
    has_slow_disks_ = draw(2) == 0;
    change_weather();
  }

  void run(int count) {
    for (int i = 0; i < count; ++i) {
      if (i % 300 == 299) change_weather();
      make(pick());
    }
  }
  /// Everybody is back, and everybody hears everybody: all nodes come to hold the same.
  void heal();
  [[nodiscard]] CoreCluster::MarkCounts marks() const { return cluster_.marks(); }

 private:
  std::size_t draw(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  CoreNode& any_node() {
    const auto nodes = cluster_.nodes();
    return *nodes[draw(nodes.size())];
  }

  CoreNode* next_due() {
    CoreNode* earliest = nullptr;
    for (CoreNode* node : cluster_.nodes()) {
      if (!node->core) continue;
      if (earliest == nullptr || node->core->next_deadline() < earliest->core->next_deadline()) earliest = node;
    }
    return earliest;
  }

  Move pick() {
    std::uint64_t number = random_() % total_;
    for (std::size_t i = 0; i < moves; ++i) {
      if (number < weights_[i]) return static_cast<Move>(i);
      number -= weights_[i];
    }
    return deliver;
  }

  void change_weather() {
    slow_disk_ = has_slow_disks_ ? any_node().id : NodeId{};
    deaf_ = mute_ = NodeId{};
  }

  [[nodiscard]] bool is_lost(const Message& message) const {
    return message.route.to == deaf_ || message.route.from == mute_;
  }

  void require(bool condition, const char* rule);
  [[nodiscard]] std::string describe();
  void cut_off(NodeId id);
  void make(Move move);
  void make_with_message(Move move);

  CoreCluster cluster_;
  std::mt19937_64 random_;
  std::array<std::uint64_t, moves> weights_{};
  std::uint64_t total_ = 0;
  std::uint64_t number_ = 0;  ///< of a command or a request
  bool has_slow_disks_ = false;
  NodeId slow_disk_;
  NodeId deaf_;
  NodeId mute_;
  std::deque<Message> kept_;
};

void Schedule::cut_off(NodeId id) {
  deaf_ = draw(2) == 0 ? id : NodeId{};
  mute_ = deaf_ == NodeId{} || draw(2) == 0 ? id : NodeId{};
}

void Schedule::make(Move move) {
  CoreNode& node = any_node();
  CoreNode* leader = cluster_.leader();
  switch (move) {
    case crash:
      return cluster_.crash(node);
    case restart:
      if (!node.core) cluster_.restart(node);
      return;
    case pass:
      if (CoreNode* next = next_due()) cluster_.time_out(*next);
      return;
    case time_out:
      return cluster_.time_out(node);
    case ask_read:
      return cluster_.step(node, ReadIndexRequested{{++number_}});
    case ask_transfer:
      return cluster_.step(node, TransferRequested{{++number_}, std::nullopt});
    case change_peer:
      if (leader != nullptr) {
        cluster_.step(*leader, PeerChanged{node.id, draw(2) == 0 ? PeerEvent::dropped : PeerEvent::reachable});
      }
      return;
    case write:
      if (node.id != slow_disk_ || draw(40) == 0) cluster_.persist(node);
      return;
    case work:
      return cluster_.run_job(node);
    case propose:
      if (leader != nullptr) {
        cluster_.step(*leader, Propose{{Bytes("c" + std::to_string(++number_))}, std::nullopt});
      }
      return;
    case isolate:
      return cut_off(leader != nullptr && draw(2) == 0 ? leader->id : node.id);
    case release:
      if (!kept_.empty()) {
        cluster_.network().push_back(kept_.front());
        kept_.pop_front();
      }
      return;
    default:
      if (!cluster_.network().empty()) make_with_message(move);
  }
}

constexpr std::size_t kNetworkMax = 60;

void Schedule::make_with_message(Move move) {
  auto& network = cluster_.network();
  // Mostly in order, as networks are; a queue that is long loses what is oldest.
  if (network.size() > kNetworkMax) return cluster_.drop(0);
  const std::size_t position = draw(draw(8) == 0 ? network.size() : std::min<std::size_t>(network.size(), 8));
  if (move == drop || is_lost(network[position])) return cluster_.drop(position);
  if (move == repeat) return cluster_.duplicate(position);
  if (move == keep) {
    kept_.push_back(network[position]);
    return cluster_.drop(position);
  }
  cluster_.deliver(position);
}

void Schedule::require(bool condition, const char* rule) {
  if (!condition) throw std::runtime_error(std::string("violated: ") + rule + "\n" + describe());
}

void Schedule::heal() {
  for (Message& message : kept_) cluster_.network().push_back(std::move(message));
  for (CoreNode* node : cluster_.nodes()) {
    if (!node->core) cluster_.restart(*node);
  }
  require(cluster_.elect(), "iL1: a healed cluster elects a leader");
  CoreNode& leader = *cluster_.leader();
  cluster_.step(leader, Propose{{Bytes("last")}, std::nullopt});
  require(leader.proposal.has_value(), "iL2: a request ends");
  cluster_.run_for(std::chrono::seconds(10));
  const LogIndex last = cluster_.leader()->core->status().log_last.index;
  for (CoreNode* node : cluster_.nodes()) {
    require(node->core->status().commit == last, "iL3: all nodes commit the same in a healed cluster");
    require(node->applied == last && node->state == leader.state, "iL3: all nodes come to the same state");
  }
}

std::string Schedule::describe() {
  std::string text;
  for (CoreNode* node : cluster_.nodes()) {
    if (!node->core) continue;
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
  CoreCluster::MarkCounts marks{};
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Schedule schedule(seed);
    REQUIRE_NOTHROW(schedule.run(3000));
    REQUIRE_NOTHROW(schedule.heal());
    const auto hit = schedule.marks();
    for (std::size_t i = 0; i < marks.size(); ++i) marks[i] += hit[i];
  }
  // A generator that never comes by a dangerous place proves nothing about it. Full and stalled disks and failed writes
  // of snapshots are not among the moves, the bound of proposals is far off, and the last two take rare luck.
  const std::set<std::string_view> may_be_missed{"leader_with_bad_disk",        "snapshot_not_saved",
                                                 "snapshot_chunk_not_stored",   "proposal_overloaded",
                                                 "snapshot_incoming_forgotten", "snapshot_overtaken_by_appends"};
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const std::string_view name = core::name_of(static_cast<core::Mark>(i));
    CAPTURE(name);
    CHECK((marks[i] != 0 || may_be_missed.contains(name)));
  }
}
