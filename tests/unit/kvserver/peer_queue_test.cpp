#include "transport/peer_queue.hpp"

#include "support/catch.hpp"

#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace kvserver;
using libraft::AppendEntries;
using libraft::Bytes;
using libraft::Entries;
using libraft::EntryKind;
using libraft::InstallSnapshot;
using libraft::Message;
using libraft::MessageBody;
using libraft::RequestVote;
using libraft::Term;

constexpr std::size_t kPlenty = 1u << 20;

Message message(MessageBody body) {
  Message made;
  made.body = std::move(body);
  return made;
}

Message vote(std::uint64_t term) {
  return message(RequestVote{{term}, {}, false});
}

// `mark` tells heartbeats of one term apart.
Message heartbeat(std::uint64_t term, std::uint64_t mark) {
  return message(AppendEntries{{term}, {}, {}, {}, mark});
}

Message append_of(std::uint64_t term, std::size_t bytes) {
  const Entries entries({{{{5}, {term}}, EntryKind::command, Bytes(std::string(bytes, 'x'))}});
  return message(AppendEntries{{term}, {}, entries, {}, 0});
}

// The next so many messages, which are there.
std::vector<MessageBody> popped(PeerQueue& queue, std::size_t count) {
  std::vector<MessageBody> bodies;
  bool is_writable = false;
  for (std::size_t i = 0; i < count; ++i) bodies.push_back(queue.pop(is_writable)->body);
  return bodies;
}

bool pop_tells_writable(PeerQueue& queue) {
  bool is_writable = false;
  CHECK(queue.pop(is_writable));
  return is_writable;
}

// The other thread says that it is about to wait. On one processor it gets there only when this one yields; a round
// where it does not shows nothing, and fails nothing.
void until_likely_waiting(std::promise<void>& about_to_wait) {
  about_to_wait.get_future().wait();
  for (int i = 0; i < 20; ++i) std::this_thread::yield();
}

}  // namespace

TEST_CASE("entries and snapshots are bulk, and all other requests control") {
  CHECK(lane_of(append_of(1, 1).body) == Lane::bulk);
  CHECK(lane_of(InstallSnapshot{}) == Lane::bulk);
  CHECK(lane_of(heartbeat(1, 1).body) == Lane::control);
  for (const MessageBody& body :
       {MessageBody(libraft::PreVote{}), MessageBody(RequestVote{}), MessageBody(libraft::TimeoutNow{})}) {
    CHECK(lane_of(body) == Lane::control);
  }
}

TEST_CASE("a message counts its payload and a flat charge, which is that of a message without payload") {
  const std::size_t flat = queued_bytes(vote(1));
  CHECK(flat > 0);
  CHECK(queued_bytes(heartbeat(1, 1)) == flat);
  CHECK(queued_bytes(append_of(1, 1000)) == flat + 1000 + libraft::kEntryOverheadBytes);
  InstallSnapshot chunk;
  chunk.data = Bytes(std::string(700, 'x'));
  CHECK(queued_bytes(message(chunk)) == flat + 700);
}

TEST_CASE("PeerQueue: a heartbeat takes the place of the one that waits") {
  PeerQueue queue(Lane::control, {3, kPlenty});
  for (const Message& sent : {vote(1), heartbeat(2, 1), vote(3)}) CHECK_FALSE(queue.push(sent).dropped);
  CHECK_FALSE(queue.push(heartbeat(2, 2)).dropped);  // though the queue is full
  CHECK(popped(queue, 3) == std::vector{vote(1).body, heartbeat(2, 2).body, vote(3).body});
}

TEST_CASE("PeerQueue: a heartbeat does not take the place of one of a newer term") {
  PeerQueue queue(Lane::control, {3, kPlenty});
  for (const Message& sent : {heartbeat(2, 1), heartbeat(1, 2)}) CHECK_FALSE(queue.push(sent).dropped);
  CHECK_FALSE(queue.push(heartbeat(1, 3)).dropped);
  CHECK(popped(queue, 2) == std::vector{heartbeat(2, 1).body, heartbeat(1, 3).body});
}

TEST_CASE("PeerQueue: where the control lane is full the oldest makes room") {
  SECTION("by messages") {
    PeerQueue queue(Lane::control, {2, kPlenty});
    for (const std::uint64_t term : {1u, 2u}) CHECK_FALSE(queue.push(vote(term)).dropped);
    const auto pushed = queue.push(vote(3));
    CHECK(pushed.dropped);
    CHECK_FALSE(pushed.saturated);  // the lane takes everything
    CHECK(popped(queue, 2) == std::vector{vote(2).body, vote(3).body});
  }
  SECTION("by bytes") {
    PeerQueue queue(Lane::control, {100, 2 * queued_bytes(vote(1))});
    for (const std::uint64_t term : {1u, 2u}) CHECK_FALSE(queue.push(vote(term)).dropped);
    CHECK(queue.push(vote(3)).dropped);
    CHECK(popped(queue, 2) == std::vector{vote(2).body, vote(3).body});
    CHECK_FALSE(queue.push(vote(4)).dropped);  // what was dropped and taken counts no longer
    CHECK_FALSE(queue.push(vote(5)).dropped);
  }
}

TEST_CASE("PeerQueue: the bulk lane tells once that it is full, and once that it is half empty") {
  PeerQueue queue(Lane::bulk, {4, kPlenty});
  for (const std::uint64_t term : {1u, 2u, 3u}) CHECK_FALSE(queue.push(append_of(term, 1)).saturated);
  const auto last = queue.push(append_of(4, 1));
  CHECK(last.saturated);
  CHECK_FALSE(last.dropped);
  const auto beyond = queue.push(append_of(5, 1));
  CHECK(beyond.dropped);
  CHECK_FALSE(beyond.saturated);
  CHECK_FALSE(pop_tells_writable(queue));  // three are left
  CHECK(pop_tells_writable(queue));
  CHECK_FALSE(pop_tells_writable(queue));
  CHECK_FALSE(queue.push(append_of(6, 1)).saturated);
  CHECK(popped(queue, 2) == std::vector{append_of(4, 1).body, append_of(6, 1).body});
}

TEST_CASE("PeerQueue: half empty is meant in bytes too") {
  const std::size_t large = queued_bytes(append_of(1, 1000));
  PeerQueue queue(Lane::bulk, {100, 4 * large});
  for (const std::uint64_t term : {1u, 2u, 3u}) CHECK_FALSE(queue.push(append_of(term, 1000)).saturated);
  CHECK(queue.push(append_of(4, 1000)).saturated);
  CHECK_FALSE(pop_tells_writable(queue));
  CHECK(pop_tells_writable(queue));
}

TEST_CASE("PeerQueue: what does not fit into the bulk lane is dropped, and what waits stays") {
  const std::size_t small = queued_bytes(append_of(1, 10));
  PeerQueue queue(Lane::bulk, {100, 2 * small});
  CHECK_FALSE(queue.push(append_of(1, 10)).dropped);
  const auto large = queue.push(append_of(2, 11));  // a byte too much
  CHECK(large.dropped);
  CHECK(large.saturated);
  CHECK_FALSE(queue.push(append_of(3, 10)).dropped);
  CHECK(popped(queue, 2) == std::vector{append_of(1, 10).body, append_of(3, 10).body});
}

TEST_CASE("PeerQueue: a first message fits, however large it is") {
  PeerQueue queue(Lane::bulk, {2, 100});
  const auto first = queue.push(append_of(1, 2000));
  CHECK_FALSE(first.dropped);
  CHECK(first.saturated);
  const auto second = queue.push(append_of(2, 1));
  CHECK(second.dropped);
  CHECK_FALSE(second.saturated);  // that was told with the first
  CHECK(pop_tells_writable(queue));
}

TEST_CASE("PeerQueue: a closed queue drops what waits, and takes nothing") {
  PeerQueue queue(Lane::control, {2, kPlenty});
  CHECK_FALSE(queue.push(vote(1)).dropped);
  queue.close();
  bool is_writable = true;
  CHECK(queue.pop(is_writable) == std::nullopt);
  CHECK_FALSE(is_writable);
  CHECK_FALSE(queue.push(vote(2)).dropped);
  CHECK(queue.pop(is_writable) == std::nullopt);
}

TEST_CASE("PeerQueue: a thread that waits is woken by a message and by the end") {
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    PeerQueue queue(Lane::control, {2, kPlenty});
    std::optional<Message> taken;
    std::promise<void> begins[2];
    const auto take = [&](std::promise<void>& comes) {
      bool is_writable = false;
      comes.set_value();
      taken = queue.pop(is_writable);
    };
    std::thread first(take, std::ref(begins[0]));
    until_likely_waiting(begins[0]);
    (void)queue.push(vote(1));
    first.join();
    CHECK(taken == vote(1));
    std::thread second(take, std::ref(begins[1]));
    until_likely_waiting(begins[1]);
    queue.close();
    second.join();
    CHECK(taken == std::nullopt);
  }
}
