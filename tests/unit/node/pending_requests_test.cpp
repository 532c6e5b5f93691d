#include "node/pending_requests.hpp"

#include "node_world.hpp"
#include "support/catch.hpp"

#include <libraft/error.hpp>

#include <string>
#include <vector>

namespace libraft::test {
namespace {

struct Queries final : node::PendingRequests::QueryStarter {
  void start_query(RequestId id, std::string query) override { started.emplace_back(id, std::move(query)); }
  std::vector<std::pair<RequestId, std::string>> started;
};

constexpr TimePoint at(std::int64_t seconds) {
  return TimePoint(std::chrono::seconds(seconds));
}

struct PendingFixture {
  Future<Applied> propose(std::uint64_t index, std::uint64_t term, TimePoint deadline = at(10)) {
    auto [done, outcome] = make_request<Applied>();
    pending.add_proposal({{index}, {term}}, {Bytes(), {}, deadline, std::move(done)});
    return outcome;
  }
  Future<LogIndex> read(RequestId group, TimePoint deadline = at(10)) {
    auto [done, outcome] = make_request<LogIndex>();
    pending.add_read(group, node::ReadIndexRequest{Consistency::linearizable, deadline, std::move(done)});
    return outcome;
  }
  Future<Applied> query(RequestId group, const std::string& text, TimePoint deadline = at(10)) {
    auto [done, outcome] = make_request<Applied>();
    pending.add_read(group, node::QueryRequest{text, Consistency::linearizable, deadline, std::move(done)});
    return outcome;
  }

  Queries queries;
  node::PendingRequests pending{queries};
};

}  // namespace

TEST_CASE_METHOD(PendingFixture, "a proposal is done when its own entry is applied, with the reply") {
  const auto first = propose(5, 2);
  const auto second = propose(6, 2);
  pending.on_entry_applied({{4}, {2}}, Bytes("other"));
  CHECK(first->calls == 0);
  pending.on_entry_applied({{5}, {2}}, Bytes("reply"));
  CHECK(first->is_done());
  CHECK(first->value.index == LogIndex{5});
  CHECK(first->value.term == Term{2});
  CHECK(first->value.reply.view() == "reply");
  CHECK(second->calls == 0);
  CHECK(pending.size() == 1);
}

TEST_CASE_METHOD(PendingFixture, "an entry of another term applied in its place drops a proposal for certain") {
  const auto proposal = propose(5, 2);
  pending.on_entry_applied({{5}, {3}}, Bytes());
  CHECK(proposal->error == errc::proposal_dropped);
  CHECK(proposal->error == condition::retry_safe);
}

TEST_CASE_METHOD(PendingFixture,
                 "when leadership is lost, committed proposals still complete and the others are unknown") {
  const auto committed = propose(5, 2);
  const auto open = propose(6, 2);
  pending.on_leadership_lost({5});
  CHECK(committed->calls == 0);
  CHECK(open->error == errc::leadership_lost);
  pending.on_entry_applied({{5}, {2}}, Bytes());
  CHECK(committed->is_done());
}

TEST_CASE_METHOD(PendingFixture, "a snapshot in the place of a proposal's entry leaves it unknown") {
  const auto covered = propose(5, 2);
  const auto beyond = propose(6, 2);
  pending.on_entries_skipped({5});
  CHECK(covered->error == errc::leadership_lost);
  CHECK(beyond->calls == 0);
}

TEST_CASE_METHOD(PendingFixture, "a proposal times out at its deadline, not before, and once") {
  const auto proposal = propose(5, 2, at(10));
  CHECK(pending.next_deadline() == at(10));
  pending.on_time(at(9));
  CHECK(proposal->calls == 0);
  pending.on_time(at(10));
  CHECK(proposal->error == errc::timeout);
  CHECK(pending.next_deadline() == kNever);
  CHECK(pending.size() == 0);
  pending.on_entry_applied({{5}, {2}}, Bytes());
  CHECK(proposal->calls == 1);
}

TEST_CASE_METHOD(PendingFixture, "a new proposal at the index of one that ended has its own deadline") {
  const auto lost = propose(5, 2, at(10));
  pending.on_leadership_lost({4});
  const auto again = propose(5, 4, at(20));
  pending.on_time(at(10));
  CHECK(lost->calls == 1);
  CHECK(again->calls == 0);
  CHECK(pending.next_deadline() == at(20));
}

TEST_CASE_METHOD(PendingFixture, "a confirmed read waits until its index is applied") {
  const RequestId group = pending.begin_read_group();
  const auto one = read(group);
  const auto two = read(group);
  pending.on_read_confirmed(group, {7}, {6});
  CHECK(one->calls == 0);
  pending.on_applied({7});
  CHECK(one->is_done());
  CHECK(one->value == LogIndex{7});
  CHECK(two->is_done());
}

TEST_CASE_METHOD(PendingFixture, "a query runs once its index is applied, and tells what it saw") {
  const RequestId group = pending.begin_read_group();
  const auto outcome = query(group, "q");
  pending.on_read_confirmed(group, {7}, {6});
  CHECK(queries.started.empty());
  pending.on_applied({8});
  REQUIRE(queries.started.size() == 1);
  CHECK(queries.started[0].second == "q");
  CHECK(outcome->calls == 0);
  pending.on_query_answered(queries.started[0].first, Bytes("answer"), {{8}, {3}});
  CHECK(outcome->is_done());
  CHECK(outcome->value.index == LogIndex{8});
  CHECK(outcome->value.term == Term{3});
  CHECK(outcome->value.reply.view() == "answer");
}

TEST_CASE_METHOD(PendingFixture, "a refused group of reads ends with the core's error") {
  const RequestId group = pending.begin_read_group();
  const auto outcome = read(group);
  pending.on_read_refused(group, errc::not_leader);
  CHECK(outcome->error == errc::not_leader);
  CHECK(pending.size() == 0);
}

TEST_CASE_METHOD(PendingFixture, "a read times out in each of its phases, and later words about it change nothing") {
  const RequestId unconfirmed = pending.begin_read_group();
  const auto first = read(unconfirmed, at(1));
  const RequestId confirmed = pending.begin_read_group();
  const auto second = read(confirmed, at(2));
  const RequestId running = pending.begin_read_group();
  const auto third = query(running, "q", at(3));
  pending.on_read_confirmed(confirmed, {9}, {5});
  pending.on_read_confirmed(running, {5}, {5});
  REQUIRE(queries.started.size() == 1);
  pending.on_time(at(3));
  CHECK(first->error == errc::not_caught_up);
  CHECK(second->error == errc::not_caught_up);
  CHECK(third->error == errc::not_caught_up);
  pending.on_read_confirmed(unconfirmed, {9}, {9});
  pending.on_applied({9});
  pending.on_query_answered(queries.started[0].first, Bytes(), {{5}, {1}});
  CHECK(first->calls + second->calls + third->calls == 3);
}

TEST_CASE_METHOD(PendingFixture, "the end tells each request once: unknown where it may have had an effect") {
  const auto proposal = propose(5, 2);
  const RequestId group = pending.begin_read_group();
  const auto reading = read(group);
  auto [transfer_done, transfer] = make_plain_request();
  static_cast<void>(pending.add_transfer({{}, at(10), std::move(transfer_done)}));
  auto [leader_done, leader] = make_request<NodeId>();
  pending.add_wait_leader({at(10), std::move(leader_done)});
  CHECK(pending.size() == 4);
  pending.end_all(errc::stopped);
  CHECK(pending.size() == 0);
  CHECK(proposal->error == errc::interrupted);
  CHECK(transfer->error == errc::interrupted);
  CHECK(reading->error == errc::stopped);
  CHECK(leader->error == errc::stopped);
  pending.on_time(at(100));
  pending.on_entry_applied({{5}, {2}}, Bytes());
  CHECK(proposal->calls + transfer->calls + reading->calls + leader->calls == 4);
}

TEST_CASE_METHOD(PendingFixture, "an accepted transfer fails when this node leads again") {
  auto [done, outcome] = make_plain_request();
  const RequestId id = pending.add_transfer({{}, at(10), std::move(done)});
  pending.on_transfer_accepted(id);
  CHECK(outcome->calls == 0);
  pending.on_leader_known(NodeId{1}, NodeId{1});
  CHECK(outcome->error == errc::transfer_failed);
}

TEST_CASE("deadlines of requests that ended do not pile up") {
  node::Deadlines<int> deadlines;
  int alive_from = 0;
  const auto is_alive = [&](int key, TimePoint) { return key >= alive_from; };
  for (int key = 0; key < 100000; ++key) {
    deadlines.add(at(key % 3 + 1000), key);
    alive_from = key;
    deadlines.tidy(1, is_alive);
  }
  CHECK(deadlines.size() <= 1024);
  CHECK(deadlines.next(is_alive) != kNever);
}

}  // namespace libraft::test
