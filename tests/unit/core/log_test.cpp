// core/log: what is durable, and what is in memory.
#include "core/log.hpp"

#include "support/catch.hpp"

using namespace libraft;
using namespace libraft::core;

namespace {

Entry logged(std::uint64_t index, std::uint64_t term, const char* data = "x") {
  return {{{index}, {term}}, EntryKind::command, Bytes(data)};
}

/// Entries 1 to `last` of term 1, all durable and in memory.
Log durable_log(std::uint64_t last) {
  Log log{RecoveredState{}};
  for (std::uint64_t i = 1; i <= last; ++i) log.append(logged(i, 1));
  log.handed_out({1});
  log.persisted({1});
  return log;
}

}  // namespace

TEST_CASE("entries are durable once their write is") {
  Log log{RecoveredState{}};
  log.append(logged(1, 1));
  log.handed_out({1});
  log.append(logged(2, 1));
  log.handed_out({2});
  CHECK(log.durable() == LogIndex{0});
  log.persisted({1});
  CHECK(log.durable() == LogIndex{1});
  log.persisted({2});
  CHECK(log.durable() == LogIndex{2});
}

TEST_CASE("the completion of an old write proves nothing about entries that replaced its own") {
  Log log{RecoveredState{}};
  for (std::uint64_t i = 1; i <= 3; ++i) log.append(logged(i, 1));
  log.handed_out({1});
  log.truncate_from({2});
  log.append(logged(2, 2));
  log.append(logged(3, 2));
  log.handed_out({2});
  log.persisted({1});
  CHECK(log.durable() == LogIndex{1});
  log.persisted({2});
  CHECK(log.durable() == LogIndex{3});
}

TEST_CASE("a truncation takes back what was durable") {
  Log log = durable_log(3);
  log.truncate_from({3});
  CHECK(log.durable() == LogIndex{2});
  CHECK(log.last().index == LogIndex{2});
}

TEST_CASE("a slice holds at least one entry and keeps to its limits") {
  const Log log = durable_log(5);
  CHECK(log.slice({1}, {5}, 100, 1u << 20)->size() == 5);
  CHECK(log.slice({2}, {4}, 100, 1u << 20)->front().id.index == LogIndex{2});
  CHECK(log.slice({1}, {5}, 2, 1u << 20)->size() == 2);
  CHECK(log.slice({1}, {5}, 100, 1)->size() == 1);
  CHECK(log.slice({1}, {5}, 100, 2 * (kEntryOverheadBytes + 1))->size() == 2);
}

TEST_CASE("only durable entries leave the memory, oldest first") {
  Log log = durable_log(3);
  log.append(logged(4, 1));
  log.handed_out({2});
  log.shrink_cache(0);
  CHECK_FALSE(log.slice({3}, {4}, 100, 1u << 20));
  CHECK(log.slice({4}, {4}, 100, 1u << 20)->size() == 1);
  CHECK(log.term_at({1}) == TermAt(Term{1}));
}

TEST_CASE("compaction drops the prefix, a reset drops all") {
  Log log = durable_log(5);
  log.compact_to({{3}, {1}});
  CHECK(log.start() == LogId{{3}, {1}});
  CHECK(log.slice({4}, {5}, 100, 1u << 20)->size() == 2);
  log.reset_to({{9}, {4}});
  CHECK(log.last() == LogId{{9}, {4}});
  log.append(logged(10, 4));
  CHECK(log.slice({10}, {10}, 1, 1)->front() == logged(10, 4));
}

TEST_CASE("only durable entries are compacted") {
  Log log = durable_log(2);
  log.append(logged(3, 1));
  CHECK_THROWS_AS(log.compact_to({{3}, {1}}), InvariantViolation);
}
