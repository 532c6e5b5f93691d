// The black-box checker of linearizability: against brute force, and with violations planted into right histories.
#include <libraft/testkit/linearizability.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <random>

using namespace libraft::testkit;
using Kind = HistoryOperation::Kind;
using Outcome = HistoryOperation::Outcome;

namespace {

using History = std::vector<HistoryOperation>;

History history_of(const std::string& text) {
  History history;
  REQUIRE(parse_history(text, history).empty());
  return history;
}

LinearizabilityReport check(const History& history, bool use_zones = true) {
  LinearizabilityOptions options;
  options.use_zones = use_zones;
  return check_linearizability(history, options);
}

std::string explanation_of(const std::string& text) {
  const LinearizabilityReport report = check(history_of(text));
  CHECK(report.verdict == Linearizability::violated);
  CHECK(check(history_of(text), false).verdict == Linearizability::violated);
  return report.explanation;
}

bool is_right(const std::string& text) {
  const bool right = check(history_of(text)).verdict == Linearizability::linearizable;
  CHECK((check(history_of(text), false).verdict == Linearizability::linearizable) == right);
  return right;
}

/// Tries every order of one key's operations, by the definition and nothing else.
class BruteForce {
 public:
  explicit BruteForce(History history) : history_(std::move(history)) {
    std::erase_if(history_, [](const HistoryOperation& operation) {
      return operation.outcome == Outcome::failed ||
             (operation.kind == Kind::get && operation.outcome == Outcome::unknown);
    });
    placed_.resize(history_.size());
  }

  bool finds_an_order() { return go_on(std::nullopt); }

 private:
  bool go_on(const std::optional<std::string>& value) {
    bool is_done = true;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      is_done = is_done && (placed_[i] || history_[i].outcome == Outcome::unknown);
    }
    if (is_done) return true;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (placed_[i] || !may_come_next(i)) continue;
      const HistoryOperation& operation = history_[i];
      if (operation.kind == Kind::get && operation.value != value) continue;
      placed_[i] = true;
      const bool found = go_on(operation.kind == Kind::erase ? std::nullopt : operation.value);
      placed_[i] = false;
      if (found) return true;
    }
    return false;
  }

  [[nodiscard]] bool may_come_next(std::size_t next) const {
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (placed_[i] || i == next || history_[i].outcome == Outcome::unknown) continue;
      if (history_[i].responded < history_[next].invoked) return false;
    }
    return true;
  }

  History history_;
  std::vector<bool> placed_;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(limit));
  }
  bool one_in(std::int64_t chance) { return below(chance) == 0; }

 private:
  std::mt19937_64 engine_;
};

struct Shape {
  std::int64_t operations_max = 7;
  std::int64_t values = 3;  ///< zero: every write has a value of its own
  bool has_deletes = true;
};

/// Anything at all: most of it is wrong.
History random_history(Random& random, const Shape& shape) {
  History history;
  const std::int64_t count = 1 + random.below(shape.operations_max);
  for (std::int64_t i = 0; i < count; ++i) {
    HistoryOperation operation;
    operation.id = static_cast<std::uint64_t>(i) + 1;
    operation.client = "c" + std::to_string(i);
    operation.key = "k";
    operation.invoked = random.below(12);
    operation.responded = operation.invoked + random.below(8);
    operation.kind = random.one_in(2) ? Kind::get : shape.has_deletes && random.one_in(3) ? Kind::erase : Kind::put;
    const std::int64_t value = shape.values > 0 ? random.below(shape.values) : i;
    if (operation.kind == Kind::put) operation.value = std::to_string(value);
    if (operation.kind == Kind::get && !random.one_in(4)) {
      operation.value = std::to_string(random.below(shape.values > 0 ? shape.values : count));
    }
    if (random.one_in(6)) operation.outcome = random.one_in(3) ? Outcome::failed : Outcome::unknown;
    history.push_back(operation);
  }
  return history;
}

/// A register that takes each operation at a moment within its times: right by construction.
History right_history(Random& random, std::int64_t count, const Shape& shape) {
  struct Moment {
    std::int64_t time;
    std::size_t operation;
  };
  History history;
  std::vector<Moment> moments;
  for (std::int64_t i = 0; i < count; ++i) {
    HistoryOperation operation;
    operation.id = static_cast<std::uint64_t>(i) + 1;
    operation.client = "c" + std::to_string(i % 5);
    operation.key = "k";
    operation.invoked = i * 4 + random.below(4);
    operation.responded = operation.invoked + random.below(20);
    std::int64_t moment = operation.invoked + random.below(operation.responded - operation.invoked + 1);
    operation.kind = random.one_in(2) ? Kind::get : shape.has_deletes && random.one_in(3) ? Kind::erase : Kind::put;
    if (operation.kind == Kind::put)
      operation.value = std::to_string(shape.values > 0 ? random.below(shape.values) : i);
    if (operation.kind != Kind::get && random.one_in(10)) {
      operation.outcome = random.one_in(4) ? Outcome::failed : Outcome::unknown;
      moment = operation.invoked + random.below(200);
    }
    const bool is_done =
        operation.outcome == Outcome::ok || (operation.outcome == Outcome::unknown && random.one_in(2));
    if (is_done) moments.push_back({moment, history.size()});
    history.push_back(operation);
  }
  std::stable_sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) { return a.time < b.time; });
  std::optional<std::string> value;
  for (const Moment& moment : moments) {
    HistoryOperation& operation = history[moment.operation];
    if (operation.kind == Kind::get) {
      operation.value = value;
    } else {
      value = operation.value;
    }
  }
  return history;
}

/// One edit; whether it matters is for the checkers to say.
void edit(Random& random, History& history) {
  HistoryOperation& chosen = history[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(history.size())))];
  const HistoryOperation& other =
      history[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(history.size())))];
  switch (random.below(4)) {
    case 0:
      if (chosen.kind == Kind::get) chosen.value = other.value;
      break;
    case 1: {
      const std::int64_t shift = random.below(30) - 15;
      chosen.invoked += shift;
      chosen.responded += shift;
      break;
    }
    case 2:
      chosen.outcome = chosen.outcome == Outcome::ok ? Outcome::failed : Outcome::ok;
      break;
    default:
      if (&chosen != &other) history.erase(history.begin() + (&chosen - history.data()));
  }
}

struct Tally {
  int right = 0;
  int wrong = 0;
  int by_zones = 0;
};

/// Brute force, search, and zones where they apply, say the same.
void compare(const History& history, Tally& tally) {
  const bool right = BruteForce(history).finds_an_order();
  const LinearizabilityReport by_search = check(history, false);
  const LinearizabilityReport by_any = check(history);
  const Linearizability expected = right ? Linearizability::linearizable : Linearizability::violated;
  if (by_search.verdict != expected || by_any.verdict != expected) {
    FAIL("brute force finds " << (right ? "an order" : "none") << "; search: " << by_search.explanation
                              << "; zones: " << by_any.explanation);
  }
  ++(right ? tally.right : tally.wrong);
  if (by_any.keys_searched == 0) ++tally.by_zones;
  if (right) return;
  REQUIRE_FALSE(by_any.offending.empty());
  CHECK_FALSE(by_any.explanation.empty());
}

}  // namespace

TEST_CASE("search and zones agree with brute force on random histories") {
  const Shape shape = GENERATE(Shape{7, 0, false}, Shape{7, 0, true}, Shape{7, 2, false}, Shape{6, 3, true});
  Random random(11);
  Tally tally;
  for (int i = 0; i < 4000; ++i) compare(random_history(random, shape), tally);
  CHECK(tally.right > 300);
  CHECK(tally.wrong > 300);
  CHECK(tally.by_zones > 300);
}

TEST_CASE("search and zones agree with brute force on right histories and on edited ones") {
  const Shape shape = GENERATE(Shape{0, 0, false}, Shape{0, 0, true}, Shape{0, 2, true});
  Random random(23);
  Tally tally;
  Tally edited;
  for (int i = 0; i < 2000; ++i) {
    History history = right_history(random, 3 + random.below(5), shape);
    compare(history, tally);
    edit(random, history);
    compare(history, edited);
  }
  CHECK(tally.wrong == 0);
  CHECK(edited.right > 100);
  CHECK(edited.wrong > 100);
}

TEST_CASE("every tiny history of writes and reads is judged as brute force does") {
  // Three operations out of put 1, put 2, delete, read of 1, of 2 and of nothing, with all outcomes, in all overlaps.
  const std::vector<std::string> kinds{"put k 1", "put k 2", "delete k -", "get k 1", "get k 2", "get k -"};
  const std::vector<std::string> times{"1 2", "1 4", "1 6", "3 4", "3 6", "5 6"};
  const std::vector<std::string> outcomes{"ok", "unknown"};
  std::vector<std::string> lines;
  for (const std::string& kind : kinds) {
    for (const std::string& outcome : outcomes) {
      if (kind[0] == 'g' && outcome != "ok") continue;
      for (const std::string& time : times) lines.push_back("c " + kind + " " + outcome + " " + time + "\n");
    }
  }
  std::vector<HistoryOperation> all;
  for (const std::string& line : lines) all.push_back(history_of(line).front());
  Tally tally;
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (std::size_t b = a; b < all.size(); ++b) {
      for (std::size_t c = b; c < all.size(); ++c) compare({all[a], all[b], all[c]}, tally);
    }
  }
  CHECK(tally.right > 1000);
  CHECK(tally.wrong > 1000);
}

TEST_CASE("the few operations that an explanation names are wrong by themselves") {
  Random random(31);
  int wrong = 0;
  for (int i = 0; i < 400; ++i) {
    History history = right_history(random, 40, {0, 0, false});
    edit(random, history);
    const LinearizabilityReport report = check(history);
    if (report.verdict != Linearizability::violated) continue;
    ++wrong;
    CHECK(report.offending.size() <= 4);
    // The rest may have happened at any time or never: all reads but the named ones go, all other writes are unknown.
    History relaxed;
    for (std::size_t position = 0; position < history.size(); ++position) {
      const auto& named = report.offending;
      HistoryOperation operation = history[position];
      if (std::find(named.begin(), named.end(), position) == named.end()) {
        if (operation.kind == Kind::get || operation.outcome == Outcome::failed) continue;
        operation.outcome = Outcome::unknown;
        operation.invoked = -1000;
      }
      relaxed.push_back(operation);
    }
    CHECK(check(relaxed).verdict == Linearizability::violated);
  }
  CHECK(wrong > 50);
}

TEST_CASE("a stale read is found and told by the two writes before it") {
  CHECK(explanation_of("w1 put k a ok 1 2\nw2 put x z ok 1 9\nw1 put k b ok 3 4\nw3 get k b ok 5 9\n"
                       "w2 get k a ok 7 8\nw2 put k c ok 10 11\n") ==
        "Key \"k\": stale read: w1 put \"a\" (#1, 1 to 2); then w1 put \"b\" (#3, 3 to 4); then w2 read \"a\" "
        "(#5, 7 to 8).");
  CHECK(explanation_of("w1 put k a ok 1 3\nw1 put k b ok 2 4\nr get k a ok 5 9\nr get k b ok 10 11\n") ==
        "Key \"k\": seen and then unseen: w1 put \"b\" (#2, 2 to 4); then r read \"a\" (#3, 5 to 9); then r read "
        "\"b\" (#4, 10 to 11).");
}

TEST_CASE("a lost write is found: acknowledged and then not there") {
  CHECK(explanation_of("w1 put k a ok 1 2\nw2 get k - ok 3 4\n") ==
        "Key \"k\": lost write: w1 put \"a\" (#1, 1 to 2); then w2 found nothing (#2, 3 to 4).");
  CHECK(explanation_of("w1 put k a unknown 1 -\nw2 get k a ok 3 4\nw2 get k - ok 5 6\n") ==
        "Key \"k\": lost write: w2 read \"a\" (#2, 3 to 4); then w2 found nothing (#3, 5 to 6).");
}

TEST_CASE("a value from nowhere is found") {
  CHECK(explanation_of("w1 put k a ok 1 2\nw2 get k b ok 1 4\n") ==
        "Key \"k\": value from nowhere: w2 read \"b\" (#2, 1 to 4), which nobody put.");
}

TEST_CASE("a read of a failed write is found") {
  CHECK(explanation_of("w1 put k a failed 1 2\nw2 get k a ok 3 4\n") ==
        "Key \"k\": read of a failed write: w1 put \"a\" (#1, 1 to 2) and was refused; w2 read \"a\" (#2, 3 to 4).");
}

TEST_CASE("a read from the future is found") {
  CHECK(explanation_of("w2 get k a ok 1 2\nw1 put k a ok 3 4\n") ==
        "Key \"k\": read from the future: w2 read \"a\" (#1, 1 to 2); only then w1 put \"a\" (#2, 3 to 4).");
}

TEST_CASE("an unknown write may be seen at any later time or never and once seen it stays") {
  const std::string write = "w1 put k a ok 1 2\nw2 put k b unknown 3 -\n";
  CHECK(is_right(write));
  CHECK(is_right(write + "w3 get k a ok 5 6\nw3 get k b ok 100 101\nw3 get k b ok 102 103\n"));
  CHECK(is_right(write + "w3 get k a ok 5 6\n"));
  CHECK(
      explanation_of(write + "w3 get k b ok 5 6\nw3 get k a ok 7 8\n") ==
      "Key \"k\": seen and then unseen: w1 put \"a\" (#1, 1 to 2); then w3 read \"b\" (#3, 5 to 6); then w3 read \"a\" "
      "(#4, 7 to 8).");
}

TEST_CASE("an unknown delete may take effect late and only once") {
  const std::string prefix = "w1 put k a ok 1 2\nw2 delete k - unknown 3 -\nw3 get k a ok 5 6\nw3 get k - ok 7 8\n";
  CHECK(is_right(prefix));
  CHECK_FALSE(is_right(prefix + "w3 get k a ok 9 10\n"));
  CHECK(is_right(prefix + "w1 put k a ok 9 10\nw3 get k a ok 11 12\n"));
  CHECK_FALSE(is_right(prefix + "w1 put k a ok 9 10\nw3 get k - ok 11 12\n"));
}

TEST_CASE("operations that touch in time are concurrent and keys don't matter to each other") {
  CHECK(is_right("a put k 1 ok 1 5\nb get k - ok 5 6\n"));
  CHECK_FALSE(is_right("a put k 1 ok 1 5\nb get k - ok 6 6\n"));
  CHECK(is_right("a put k 1 ok 1 2\na put j 1 ok 1 2\nb get k 1 ok 3 4\nb get j 1 ok 3 4\n"));
  CHECK(is_right(""));
}

TEST_CASE("a search that would take too long says so and never yes") {
  std::string text;
  for (int i = 0; i < 24; ++i) text += "w" + std::to_string(i) + " put k " + std::to_string(i % 12) + " ok 1 100\n";
  for (int i = 0; i < 12; ++i) text += "r get k " + std::to_string(i) + " ok " + std::to_string(101 + i) + " 500\n";
  text += "r get k 3 ok 1000 1001\nr get k 4 ok 1002 1003\n";
  LinearizabilityOptions options;
  options.search_steps_max = 1000;
  const LinearizabilityReport report = check_linearizability(history_of(text), options);
  CHECK(report.verdict == Linearizability::undecided);
  CHECK(report.keys_undecided == 1);
  CHECK(report.explanation == "Key \"k\": no order was found within 1000 steps of search, and none ruled out.");
  // A violation elsewhere is reported all the same.
  const LinearizabilityReport both =
      check_linearizability(history_of(text + "w put z a ok 1 2\nr get z - ok 3 4\n"), options);
  CHECK(both.verdict == Linearizability::violated);
  CHECK(both.keys_undecided == 1);
}

TEST_CASE("long histories are judged: a hundred thousand operations by zones and thousands by search") {
  Random random(5);
  History history = right_history(random, 100'000, {0, 0, false});
  LinearizabilityReport report = check(history);
  CHECK(report.explanation.empty());
  CHECK(report.keys_searched == 0);
  for (std::size_t i = history.size() / 2;; ++i) {
    if (history[i].kind != Kind::get) continue;
    history[i].value.reset();
    break;
  }
  report = check(history);
  CHECK(report.verdict == Linearizability::violated);
  CHECK(report.offending.size() == 2);

  report = check(right_history(random, 5'000, {0, 5, true}));
  CHECK(report.explanation.empty());
  CHECK(report.keys_searched == 1);
}

TEST_CASE("the text of a history is read word by word and refused with the number of its line") {
  const History history = history_of(
      "# a comment\n\n  w1 put a%20b %2D ok -5 7 # said so\nw2 get k - ok 1 1\n"
      "w3 delete k - unknown 2 -");
  REQUIRE(history.size() == 3);
  CHECK(history[0].id == 3);
  CHECK(history[0].client == "w1");
  CHECK(history[0].key == "a b");
  CHECK(history[0].value == "-");
  CHECK(history[0].invoked == -5);
  CHECK(history[0].responded == 7);
  CHECK_FALSE(history[1].value.has_value());
  CHECK(history[2].kind == Kind::erase);
  CHECK(history[2].outcome == Outcome::unknown);

  const auto refusal = [](const std::string& line) {
    History ignored;
    return parse_history("# first\n" + line + "\n", ignored);
  };
  CHECK(refusal("w put k v ok 1") == "Line 2: an operation has seven words.");
  CHECK(refusal("w set k v ok 1 2") == "Line 2: the second word is put, get or delete.");
  CHECK(refusal("w put k - ok 1 2") == "Line 2: a put has a value.");
  CHECK(refusal("w delete k v ok 1 2") == "Line 2: a delete has no value but -.");
  CHECK(refusal("w put k v fine 1 2") == "Line 2: the fifth word is ok, failed or unknown.");
  CHECK(refusal("w put k v ok one 2") == "Line 2: the sixth word is a whole number, the time of the invocation.");
  CHECK(refusal("w put k v ok 1 -") == "Line 2: the seventh word is a whole number, the time of the response.");
  CHECK(refusal("w put k v ok 2 1") == "Line 2: an operation ends after it began.");
  CHECK(refusal("w put k%2 v ok 1 2") == "Line 2: after a percent sign come two hexadecimal digits.");
}
