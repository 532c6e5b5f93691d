#include "node/request_groups.hpp"

#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

#include <string>
#include <vector>

namespace libraft::test {
namespace {

/// Gathers events, and hears of none before it asks.
struct Deaf final : node::EventQueue::Handler {
  void handle_round() override {}
  void on_settled() override {}
  void on_failed(Failure) override {}
};

struct NoQueries final : node::PendingRequests::QueryStarter {
  void start_query(RequestId, std::string) override { FAIL("no query is due"); }
};

struct GroupsFixture {
  Future<Applied> propose(std::size_t bytes, std::optional<Term> only_in_term = {}) {
    auto [done, outcome] = make_request<Applied>();
    groups.add(node::ProposeRequest{Bytes(std::string(bytes, 'x')), only_in_term, kNever, std::move(done)});
    return outcome;
  }
  Future<LogIndex> read() {
    auto [done, outcome] = make_request<LogIndex>();
    groups.add(node::ReadIndexRequest{Consistency::linearizable, kNever, std::move(done)});
    return outcome;
  }
  /// "p3" is a Propose of three commands, "r" a ReadIndexRequested.
  std::vector<std::string> handed_over() {
    groups.hand_over();
    std::vector<std::string> events;
    while (!queue.is_empty()) {
      const Event event = queue.take();
      const auto* propose = std::get_if<Propose>(&event);
      events.push_back(propose != nullptr ? "p" + std::to_string(propose->commands.size()) : "r");
      if (propose == nullptr) reads.push_back(std::get<ReadIndexRequested>(event).id);
    }
    return events;
  }
  static CoreOptions options() {
    CoreOptions options;
    options.command_bytes_max = 1000;
    options.append_bytes_max = 4 * (100 + kEntryOverheadBytes);
    return options;
  }

  const CoreOptions core = options();
  Deaf handler;
  NoQueries queries;
  Metrics metrics;
  node::EventQueue queue{handler};
  node::PendingRequests pending{queries};
  node::RequestGroups groups{core, queue, pending, metrics};
  std::vector<RequestId> reads;
};

using Events = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(GroupsFixture, "neighbours that ask for the same become one event and the order of kinds is kept") {
  propose(1);
  propose(1);
  read();
  read();
  propose(1);
  CHECK(handed_over() == Events{"p2", "r", "p1"});
  CHECK(handed_over().empty());
}

TEST_CASE_METHOD(GroupsFixture, "a group of proposals is closed by its bytes") {
  for (int count = 0; count < 4; ++count) propose(100);
  CHECK(handed_over() == Events{"p4"});
  for (int count = 0; count < 5; ++count) propose(100);
  CHECK(handed_over() == Events{"p4", "p1"});
}

TEST_CASE_METHOD(GroupsFixture, "proposals for different terms don't share an event") {
  propose(1, Term{2});
  propose(1, Term{2});
  propose(1, Term{3});
  propose(1);
  CHECK(handed_over() == Events{"p2", "p1", "p1"});
}

TEST_CASE_METHOD(GroupsFixture, "a command that is too large is refused by itself") {
  const auto fits = propose(1000);
  const auto large = propose(1001);
  CHECK(large->error == errc::command_too_large);
  CHECK(fits->calls == 0);
  CHECK(groups.size() == 1);
  CHECK(metrics.proposals_refused == 1);
}

TEST_CASE_METHOD(GroupsFixture, "what the core accepts waits for its entries in the order of the log") {
  const auto first = propose(1);
  const auto second = propose(1);
  CHECK(handed_over() == Events{"p2"});
  CHECK(groups.size() == 2);
  groups.settle({{}, {{5}, {2}}, 2});
  CHECK(groups.size() == 0);
  CHECK(pending.size() == 2);
  CHECK(metrics.proposals == 2);
  pending.on_entry_applied({{5}, {2}}, Bytes("a"));
  CHECK(first->value.index == LogIndex{5});
  CHECK(second->calls == 0);
  pending.on_entry_applied({{6}, {2}}, Bytes("b"));
  CHECK(second->value.reply.view() == "b");
}

TEST_CASE_METHOD(GroupsFixture, "what the core refuses ends with its error and later groups wait for their own word") {
  const auto refused = propose(1, Term{2});
  const auto later = propose(1);
  CHECK(handed_over() == Events{"p1", "p1"});
  groups.settle({errc::not_leader, {}, 0});
  CHECK(refused->error == errc::not_leader);
  CHECK(later->calls == 0);
  CHECK(metrics.proposals_refused == 1);
  CHECK(groups.size() == 1);
}

TEST_CASE_METHOD(GroupsFixture, "a word of the core on a Propose that nobody made is a broken invariant") {
  CHECK_THROWS_AS(groups.settle({{}, {{5}, {2}}, 1}), InvariantViolation);
}

TEST_CASE_METHOD(GroupsFixture, "reads of a group share one confirmation and the next group has its own") {
  const auto first = read();
  const auto second = read();
  CHECK(handed_over() == Events{"r"});
  const auto third = read();
  CHECK(handed_over() == Events{"r"});
  REQUIRE(reads.size() == 2);
  pending.on_read_confirmed(reads[0], {7}, {7});
  CHECK(first->is_done());
  CHECK(second->is_done());
  CHECK(third->calls == 0);
}

TEST_CASE_METHOD(GroupsFixture, "the end comes to what gathers and to what was handed over") {
  const auto handed = propose(1);
  handed_over();
  const auto gathering = propose(1);
  groups.end_all(errc::stopped);
  CHECK(handed->error == errc::stopped);
  CHECK(gathering->error == errc::stopped);
  CHECK(groups.size() == 0);
  CHECK(handed_over().empty());
}

}  // namespace libraft::test
