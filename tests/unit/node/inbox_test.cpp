#include "node/inbox.hpp"

#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

#include <thread>

namespace libraft::test {
namespace {

struct CountingJob final : Job {
  void run() noexcept override { ++runs; }
  int runs = 0;
};

struct InboxFixture {
  explicit InboxFixture(util::MailboxLimits limits = {3, 100000}) : inbox(limits, runtime, drain) {}

  Future<Applied> propose(std::size_t bytes) {
    auto [done, outcome] = make_request<Applied>();
    inbox.ask(node::ProposeRequest{Bytes(std::string(bytes, 'x')), {}, kNever, std::move(done)});
    return outcome;
  }
  void receive(std::size_t count) {
    std::vector<Message> messages(count);
    inbox.receive(messages);
  }
  std::vector<node::IncomingRequest> requests() {
    std::vector<node::IncomingRequest> taken;
    inbox.take_requests(taken);
    return taken;
  }
  std::size_t deliveries() {
    std::vector<node::Delivery> taken;
    inbox.take_deliveries(taken);
    return taken.size();
  }

  FakeRuntime runtime;
  CountingJob drain;
  node::Inbox inbox;
};

}  // namespace

TEST_CASE_METHOD(InboxFixture,
                 "what comes while a drain is posted shares it, what comes after it began posts another") {
  receive(1);
  propose(1);
  inbox.peer_changed(NodeId{2}, PeerEvent::unreachable);
  runtime.run_all();
  CHECK(drain.runs == 1);
  receive(1);
  CHECK(runtime.is_protocol_lane_idle());
  inbox.begin_drain();
  receive(1);
  runtime.run_all();
  CHECK(drain.runs == 2);
}

TEST_CASE_METHOD(InboxFixture, "a full inbox drops messages and counts them, and still takes requests") {
  receive(5);
  CHECK(inbox.dropped() == 2);
  propose(1);
  CHECK(deliveries() == 3);
  const auto taken = requests();
  REQUIRE(taken.size() == 1);
  CHECK(!taken[0].refused);
  receive(1);
  CHECK(deliveries() == 1);
}

TEST_CASE_METHOD(InboxFixture, "a request that finds the inbox full comes out refused, not inside the call") {
  std::vector<Future<Applied>> outcomes;
  for (int i = 0; i < 4; ++i) outcomes.push_back(propose(10));
  CHECK(outcomes[3]->calls == 0);
  auto taken = requests();
  REQUIRE(taken.size() == 4);
  CHECK(!taken[2].refused);
  CHECK(taken[3].refused == errc::overloaded);
  CHECK(std::get<node::ProposeRequest>(taken[3].request).command.empty());
}

TEST_CASE("the inbox is bounded in bytes too, and an empty one takes anything") {
  InboxFixture fixture({100, 1000});
  fixture.propose(5000);
  fixture.propose(1);
  auto taken = fixture.requests();
  REQUIRE(taken.size() == 2);
  CHECK(!taken[0].refused);
  CHECK(taken[1].refused == errc::overloaded);
}

TEST_CASE_METHOD(InboxFixture, "start and stop are never refused") {
  for (int i = 0; i < 5; ++i) propose(1);
  auto [done, outcome] = make_plain_request();
  inbox.ask(node::StopRequest{StopOptions(), std::move(done)});
  const auto taken = requests();
  REQUIRE(taken.size() == 6);
  CHECK(!taken[5].refused);
}

TEST_CASE("a mailbox loses nothing and keeps each thread's order") {
  util::Mailbox<int> mailbox({1000000, 1000000});
  constexpr int kEach = 20000;
  std::vector<int> taken;
  {
    std::thread other([&] {
      for (int value = 0; value < kEach; ++value) {
        int item = value;
        static_cast<void>(mailbox.put(item, 1));
      }
    });
    for (std::vector<int> batch; taken.size() < kEach;) {
      batch.clear();
      mailbox.take_all(batch);
      taken.insert(taken.end(), batch.begin(), batch.end());
    }
    other.join();
  }
  bool is_in_order = true;
  for (int value = 0; value < kEach; ++value)
    is_in_order = is_in_order && taken[static_cast<std::size_t>(value)] == value;
  CHECK(is_in_order);
}

}  // namespace libraft::test
