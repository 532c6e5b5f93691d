// From a history that is not linearizable to the few operations that show it, and a sentence on them.
//
// An operation is let go by forgetting what it forbids: a read altogether, a write its times and whether it was done.
// What is then still violated is violated whatever the forgotten ones did, so what remains is a proof by itself.
#include "testkit/linearizability/linearizability_register.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace libraft::testkit {

namespace {

using Kind = HistoryOperation::Kind;
using Outcome = HistoryOperation::Outcome;

/// What was known at that time: what had not ended may have been done or not.
RegisterHistory until(const RegisterHistory& history, std::int64_t time) {
  RegisterHistory known;
  for (RegisterOperation operation : history) {
    if (operation.start > time) continue;
    if (operation.finish > time) {
      if (!operation.is_write) continue;
      operation.is_optional = true;
      operation.finish = kNeverEnds;
    }
    known.push_back(operation);
  }
  return known;
}

bool is_free(const RegisterOperation& operation) {
  return operation.is_optional && operation.start == kBeforeAll;
}

/// Lets go of [first, first + count) of those that still forbid something.
RegisterHistory let_go(const RegisterHistory& history, std::size_t first, std::size_t count) {
  RegisterHistory rest;
  std::size_t seen = 0;
  for (RegisterOperation operation : history) {
    const bool is_chosen = !is_free(operation) && seen >= first && seen < first + count;
    if (!is_free(operation)) ++seen;
    if (is_chosen && !operation.is_write) continue;
    if (is_chosen) {
      operation.is_optional = true;
      operation.start = kBeforeAll;
      operation.finish = kNeverEnds;
    }
    rest.push_back(operation);
  }
  return rest;
}

/// A reduction may cost this many times what a verdict may.
constexpr std::uint64_t kChecks = 8;

class Reduction {
 public:
  Reduction(RegisterHistory history, const LinearizabilityOptions& options)
      : history_(std::move(history)), use_zones_(options.use_zones), steps_left_(kChecks * options.search_steps_max) {}

  RegisterHistory run() {
    cut_the_end();
    for (std::size_t count = std::max<std::size_t>(constrained(history_) / 2, 1);; count /= 2) {
      while (let_go_in_groups(count) && count == 1) {
      }
      if (count == 1) break;
    }
    std::erase_if(history_, is_free);
    std::stable_sort(history_.begin(), history_.end(), [](const RegisterOperation& a, const RegisterOperation& b) {
      return a.start != b.start ? a.start < b.start : a.finish < b.finish;
    });
    return history_;
  }

 private:
  bool is_violation(const RegisterHistory& history) {
    return judge_register(history, use_zones_, steps_left_).verdict == Linearizability::violated;
  }

  static std::size_t constrained(const RegisterHistory& history) {
    return static_cast<std::size_t>(
        std::count_if(history.begin(), history.end(), [](const auto& operation) { return !is_free(operation); }));
  }

  /// Once violated, always violated: the first moment of it is found by halving.
  void cut_the_end() {
    std::vector<std::int64_t> ends;
    for (const RegisterOperation& operation : history_) {
      if (operation.finish != kNeverEnds) ends.push_back(operation.finish);
    }
    std::sort(ends.begin(), ends.end());
    const auto first = std::partition_point(ends.begin(), ends.end(),
                                            [&](std::int64_t end) { return !is_violation(until(history_, end)); });
    if (first != ends.end()) history_ = until(history_, *first);
  }

  bool let_go_in_groups(std::size_t count) {
    bool went = false;
    for (std::size_t first = 0; first < constrained(history_);) {
      RegisterHistory rest = let_go(history_, first, count);
      if (is_violation(rest)) {
        history_ = std::move(rest);
        went = true;
      } else {
        first += count;
      }
    }
    return went;
  }

  RegisterHistory history_;
  bool use_zones_;
  std::uint64_t steps_left_;
};

std::string quoted(const std::optional<std::string>& value) {
  return fmt::format("\"{}\"", value.value_or(""));
}

std::string describe(const HistoryOperation& operation) {
  std::string text = operation.client.empty() ? "somebody" : operation.client;
  switch (operation.kind) {
    case Kind::put:
      text += " put " + quoted(operation.value);
      break;
    case Kind::erase:
      text += " deleted it";
      break;
    case Kind::get:
      text += operation.value ? " read " + quoted(operation.value) : " found nothing";
      break;
  }
  text += " (#" + std::to_string(operation.id) + ", " + std::to_string(operation.invoked) + " to ";
  return text + (operation.outcome == Outcome::unknown ? "an unknown end)" : std::to_string(operation.responded) + ")");
}

/// All that is known of the value that a read saw, as positions.
struct Origin {
  std::optional<std::size_t> failed;
  std::optional<std::size_t> earliest;  ///< of the writes that may have been done
};

Origin origin_of(std::span<const HistoryOperation> whole, const std::vector<std::size_t>& part,
                 const std::string& value) {
  Origin origin;
  for (const std::size_t position : part) {
    const HistoryOperation& operation = whole[position];
    if (operation.kind != Kind::put || operation.value != value) continue;
    if (operation.outcome == Outcome::failed) {
      origin.failed = position;
    } else if (!origin.earliest || operation.invoked < whole[*origin.earliest].invoked) {
      origin.earliest = position;
    }
  }
  return origin;
}

/// Of a read whose value nobody can have put before it ended.
ViolationStory explain_read_from_nowhere(std::span<const HistoryOperation> whole, const Origin& origin,
                                         std::size_t read) {
  const std::string seen = describe(whole[read]);
  if (origin.earliest) {
    return {"read from the future: " + seen + "; only then " + describe(whole[*origin.earliest]) + ".",
            {read, *origin.earliest}};
  }
  if (origin.failed) {
    return {"read of a failed write: " + describe(whole[*origin.failed]) + " and was refused; " + seen + ".",
            {*origin.failed, read}};
  }
  return {"value from nowhere: " + seen + ", which nobody put.", {read}};
}

/// What kind of violation it is, by its last operation. Empty: none that has a name.
std::string name_of(const RegisterHistory& violation) {
  const RegisterOperation& last = *std::max_element(violation.begin(), violation.end(),
                                                    [](const auto& a, const auto& b) { return a.start < b.start; });
  if (last.is_write) return {};
  const bool was_deleted = std::any_of(violation.begin(), violation.end(), [](const RegisterOperation& operation) {
    return operation.is_write && operation.value == kAbsent;
  });
  if (last.value == kAbsent && !was_deleted) return "lost write";
  const bool was_seen = std::any_of(violation.begin(), violation.end(), [&](const RegisterOperation& operation) {
    return !operation.is_write && operation.value != last.value && operation.finish < last.start;
  });
  return was_seen ? "seen and then unseen" : "stale read";
}

/// Where a search could not be shortened there may be many.
constexpr std::size_t kToldMax = 12;

std::string told_in_order(std::span<const HistoryOperation> whole, const RegisterHistory& violation) {
  std::string text;
  std::int64_t ended = kBeforeAll;
  std::size_t told = 0;
  for (const RegisterOperation& operation : violation) {
    if (++told > kToldMax) return text + "; and " + std::to_string(violation.size() - kToldMax) + " more";
    if (!text.empty()) text += operation.start > ended ? "; then " : "; meanwhile ";
    text += describe(whole[operation.position]);
    ended = std::max(ended, whole[operation.position].outcome == Outcome::unknown ? kNeverEnds : operation.finish);
  }
  return text;
}

}  // namespace

RegisterHistory smallest_violation(const RegisterHistory& history, const LinearizabilityOptions& options) {
  return Reduction(history, options).run();
}

ViolationStory explain_violation(std::span<const HistoryOperation> whole, const std::vector<std::size_t>& part,
                                 const RegisterHistory& violation) {
  const std::string key = "Key " + quoted(whole[part.front()].key) + ": ";
  ViolationStory story;
  for (const RegisterOperation& operation : violation) {
    story.offending.push_back(operation.position);
    const HistoryOperation& read = whole[operation.position];
    if (operation.is_write || !read.value) continue;
    const Origin origin = origin_of(whole, part, *read.value);
    if (origin.earliest && whole[*origin.earliest].invoked <= read.responded) continue;
    story = explain_read_from_nowhere(whole, origin, operation.position);
    story.sentence = key + story.sentence;
    return story;
  }
  const std::string name = name_of(violation);
  story.sentence =
      key + (name.empty() ? "no order explains this" : name) + ": " + told_in_order(whole, violation) + ".";
  return story;
}

}  // namespace libraft::testkit
