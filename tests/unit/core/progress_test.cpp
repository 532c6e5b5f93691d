// core/progress, core/inflight_window: what may be sent to a follower.
#include "core/progress.hpp"

#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::core;

namespace {

CoreOptions options(std::size_t messages, std::size_t bytes = 1u << 20) {
  CoreOptions result;
  result.in_flight_messages_max = messages;
  result.in_flight_bytes_max = bytes;
  return result;
}

Progress replicating(std::uint64_t match) {
  Progress progress({match + 1}, {});
  progress.accepted({match}, {match});
  return progress;
}

}  // namespace

TEST_CASE("a probe sends one append and waits for the answer") {
  Progress progress({5}, {});
  REQUIRE(progress.state() == ProgressState::probe);
  CHECK(progress.can_send(options(8)));
  progress.sent({7}, 10);
  CHECK_FALSE(progress.can_send(options(8)));
  CHECK(progress.next() == LogIndex{5});
  CHECK(progress.accepted({7}, {7}));
  CHECK(progress.state() == ProgressState::replicate);
  CHECK(progress.match() == LogIndex{7});
  CHECK(progress.next() == LogIndex{8});
}

TEST_CASE("an answer that is no news is good for one more append and no window") {
  Progress progress = replicating(4);
  for (std::uint64_t index = 5; index <= 8; ++index) progress.sent({index}, 10);
  REQUIRE(progress.refused({7}, {4}));
  progress.sent({5}, 10);
  REQUIRE(progress.is_waiting());
  CHECK_FALSE(progress.accepted({4}, {8}));  // late, or the answer to a heartbeat: the append may be lost
  CHECK(progress.state() == ProgressState::probe);
  CHECK(progress.can_send(options(8)));
  progress.sent({5}, 10);
  CHECK_FALSE(progress.can_send(options(8)));
  CHECK(progress.accepted({5}, {8}));
  CHECK(progress.state() == ProgressState::replicate);
}

TEST_CASE("a follower that lacks nothing is sent ahead to again") {
  Progress progress = replicating(4);
  progress.become_probe();
  CHECK_FALSE(progress.accepted({4}, {4}));
  CHECK(progress.state() == ProgressState::replicate);
}

TEST_CASE("replication runs ahead of the answers as far as the window allows") {
  Progress progress = replicating(4);
  progress.sent({5}, 10);
  progress.sent({6}, 10);
  CHECK(progress.next() == LogIndex{7});
  CHECK_FALSE(progress.can_send(options(2)));
  CHECK(progress.can_send(options(3)));
  CHECK_FALSE(progress.can_send(options(3, 20)));
  CHECK(progress.can_send(options(3, 21)));
  progress.accepted({5}, {5});
  CHECK(progress.can_send(options(2)));
}

TEST_CASE("a refusal moves next back, never below match") {
  Progress progress = replicating(4);
  progress.sent({9}, 10);
  CHECK(progress.refused({9}, {2}));
  CHECK(progress.state() == ProgressState::probe);
  CHECK(progress.next() == LogIndex{5});
}

TEST_CASE("a late refusal changes nothing") {
  Progress progress = replicating(4);
  CHECK_FALSE(progress.refused({4}, {0}));
  Progress probing({9}, {});
  CHECK_FALSE(probing.refused({5}, {1}));
  CHECK(probing.next() == LogIndex{9});
  CHECK(probing.refused({8}, {6}));
  CHECK(probing.next() == LogIndex{7});
}

TEST_CASE("a refusal always moves next, so that probing ends") {
  Progress probing({9}, {});
  CHECK(probing.refused({8}, {8}));
  CHECK(probing.next() == LogIndex{8});
}

TEST_CASE("match never falls") {
  Progress progress = replicating(7);
  CHECK_FALSE(progress.accepted({3}, {3}));
  CHECK(progress.match() == LogIndex{7});
}

TEST_CASE("while a snapshot is sent nothing else is, until the follower has what it covers") {
  Progress progress({5}, {});
  SnapshotMeta meta;
  meta.last = {{20}, {3}};
  progress.become_snapshot(meta, {});
  CHECK_FALSE(progress.can_send(options(8)));
  CHECK_FALSE(progress.refused({4}, {0}));
  progress.accepted({19}, {19});
  CHECK(progress.state() == ProgressState::snapshot);
  progress.accepted({20}, {20});
  CHECK(progress.state() == ProgressState::probe);
  CHECK(progress.next() == LogIndex{21});
}

TEST_CASE("appends flow while some arrive between two heartbeats") {
  Progress progress = replicating(4);
  CHECK_FALSE(progress.is_flowing());
  progress.sent({5}, 1);
  progress.sent({6}, 1);
  progress.accepted({5}, {5});
  CHECK(progress.is_flowing());
  progress.heartbeat_sent();
  CHECK_FALSE(progress.is_flowing());
}
