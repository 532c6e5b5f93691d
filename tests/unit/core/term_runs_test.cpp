// core/term_runs: against a plain vector of terms.
#include "core/term_runs.hpp"

#include "support/catch.hpp"

#include <libraft/error.hpp>

using namespace libraft;
using namespace libraft::core;

namespace {

LogId id(std::uint64_t index, std::uint64_t term) {
  return {{index}, {term}};
}
/// start (4, t2), then 5 and 6 of term 2, 7 to 9 of term 5, 10 of term 6.
TermRuns example() {
  return TermRuns(id(4, 2), {id(6, 2), id(9, 5), id(10, 6)});
}

}  // namespace

TEST_CASE("the term of an index is known, compacted or unavailable, never zero for 'don't know'") {
  const TermRuns runs = example();
  CHECK(runs.term_at({3}) == TermAt(Compacted{}));
  CHECK(runs.term_at({4}) == TermAt(Term{2}));
  CHECK(runs.term_at({6}) == TermAt(Term{2}));
  CHECK(runs.term_at({7}) == TermAt(Term{5}));
  CHECK(runs.term_at({9}) == TermAt(Term{5}));
  CHECK(runs.term_at({10}) == TermAt(Term{6}));
  CHECK(runs.term_at({11}) == TermAt(Unavailable{}));
  CHECK(runs.matches(id(9, 5)));
  CHECK_FALSE(runs.matches(id(9, 6)));
}

TEST_CASE("the last entry that can agree is the last one of at most that term") {
  const TermRuns runs = example();
  CHECK(runs.last_agreeing({10}, {6}) == id(10, 6));
  CHECK(runs.last_agreeing({10}, {5}) == id(9, 5));
  CHECK(runs.last_agreeing({8}, {7}) == id(8, 5));
  CHECK(runs.last_agreeing({10}, {4}) == id(6, 2));
  CHECK(runs.last_agreeing({10}, {1}) == id(4, 2));
  CHECK(runs.last_agreeing({4}, {9}) == id(4, 2));
  CHECK(runs.last_agreeing({2}, {9}) == id(4, 2));
}

TEST_CASE("truncation, append and compaction keep the terms of what is left") {
  for (std::uint64_t from = 5; from <= 11; ++from) {
    CAPTURE(from);
    TermRuns runs = example();
    runs.truncate_from({from});
    CHECK(runs.last().index == LogIndex{from - 1});
    for (std::uint64_t index = 4; index < from; ++index) CHECK(runs.term_at({index}) == example().term_at({index}));
    CHECK(runs.term_at({from}) == TermAt(Unavailable{}));
    runs.append(id(from, 7));
    CHECK(runs.term_at({from}) == TermAt(Term{7}));
  }
  for (std::uint64_t start = 4; start <= 10; ++start) {
    CAPTURE(start);
    TermRuns runs = example();
    const TermAt term = runs.term_at({start});
    runs.compact_to({{start}, std::get<Term>(term)});
    CHECK(runs.term_at({start - 1}) == TermAt(Compacted{}));
    for (std::uint64_t index = start; index <= 10; ++index) CHECK(runs.term_at({index}) == example().term_at({index}));
    CHECK(runs.last() == id(10, 6));
  }
}

TEST_CASE("a gap or a falling term is a broken invariant") {
  TermRuns runs = example();
  CHECK_THROWS_AS(runs.append(id(12, 6)), InvariantViolation);
  CHECK_THROWS_AS(runs.append(id(11, 5)), InvariantViolation);
  CHECK_THROWS_AS(runs.truncate_from({4}), InvariantViolation);
}
