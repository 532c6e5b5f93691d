// Splits a history by keys, and has each judged by the means that fit.
#include "testkit/linearizability/linearizability_register.hpp"
#include "util/assert.hpp"

#include <algorithm>
#include <map>

namespace libraft::testkit {

namespace {

using Kind = HistoryOperation::Kind;
using Outcome = HistoryOperation::Outcome;

/// Numbers the values of one register.
class ValueNumbers {
 public:
  std::uint32_t of(const std::optional<std::string>& value) {
    if (!value) return kAbsent;
    return numbers_.emplace(*value, static_cast<std::uint32_t>(numbers_.size()) + 1).first->second;
  }

 private:
  std::map<std::string_view, std::uint32_t> numbers_;
};

/// What constrains the order: reads that were answered, and writes that were or may have been done.
RegisterHistory register_history(std::span<const HistoryOperation> whole, const std::vector<std::size_t>& part) {
  RegisterHistory history;
  ValueNumbers numbers;
  for (const std::size_t position : part) {
    const HistoryOperation& operation = whole[position];
    if (operation.outcome == Outcome::failed) continue;
    if (operation.kind == Kind::get && operation.outcome != Outcome::ok) continue;
    RegisterOperation converted;
    converted.is_write = operation.kind != Kind::get;
    converted.is_optional = operation.outcome == Outcome::unknown;
    converted.value = operation.kind == Kind::erase ? kAbsent : numbers.of(operation.value);
    converted.start = operation.invoked;
    converted.finish = converted.is_optional ? kNeverEnds : operation.responded;
    converted.position = position;
    RAFT_ASSERT(converted.start <= converted.finish, "an operation ends after it began");
    RAFT_ASSERT(operation.kind != Kind::put || operation.value.has_value(), "a put has a value");
    history.push_back(converted);
  }
  return history;
}

/// For each value, its writes and reads.
struct ValueUse {
  std::size_t writes = 0;
  std::size_t definite_writes = 0;
  std::int64_t first_write_start = kNeverEnds;
  std::int64_t first_read_finish = kNeverEnds;
  std::int64_t last_read_finish = kBeforeAll;
};

std::vector<ValueUse> value_uses(const RegisterHistory& history) {
  std::vector<ValueUse> uses;
  for (const RegisterOperation& operation : history) {
    if (operation.value >= uses.size()) uses.resize(operation.value + std::size_t{1});
    ValueUse& use = uses[operation.value];
    if (operation.is_write) {
      ++use.writes;
      if (!operation.is_optional) ++use.definite_writes;
      use.first_write_start = std::min(use.first_write_start, operation.start);
    } else {
      use.first_read_finish = std::min(use.first_read_finish, operation.finish);
      use.last_read_finish = std::max(use.last_read_finish, operation.finish);
    }
  }
  return uses;
}

}  // namespace

bool has_read_from_nowhere(const RegisterHistory& history) {
  const std::vector<ValueUse> uses = value_uses(history);
  return std::any_of(history.begin(), history.end(), [&](const RegisterOperation& operation) {
    return !operation.is_write && operation.value != kAbsent &&
           operation.finish < uses[operation.value].first_write_start;
  });
}

RegisterHistory simplified(const RegisterHistory& history) {
  const std::vector<ValueUse> uses = value_uses(history);
  RegisterHistory kept;
  for (RegisterOperation operation : history) {
    const ValueUse& use = uses[operation.value];
    if (operation.is_optional) {
      // Nobody saw it: an order without it explains as much as one with it.
      if (use.last_read_finish < operation.start) continue;
      if (operation.value != kAbsent && use.writes == 1) {
        operation.is_optional = false;
        operation.finish = std::max(operation.start, use.first_read_finish);
      }
    }
    kept.push_back(operation);
  }
  return kept;
}

bool has_unique_values(const RegisterHistory& history) {
  const std::vector<ValueUse> uses = value_uses(history);
  for (std::size_t value = 0; value < uses.size(); ++value) {
    if (uses[value].writes > (value == kAbsent ? 0u : 1u)) return false;
  }
  return true;
}

RegisterJudgement judge_register(const RegisterHistory& history, bool use_zones, std::uint64_t& steps_left) {
  if (has_read_from_nowhere(history)) return {Linearizability::violated, false};
  const RegisterHistory simple = simplified(history);
  if (use_zones && has_unique_values(simple)) {
    return {zones_are_linearizable(simple) ? Linearizability::linearizable : Linearizability::violated, false};
  }
  return {search_linearization(simple, steps_left), true};
}

LinearizabilityReport check_linearizability(std::span<const HistoryOperation> history,
                                            const LinearizabilityOptions& options) {
  std::map<std::string_view, std::vector<std::size_t>> parts;
  for (std::size_t position = 0; position < history.size(); ++position) {
    parts[history[position].key].push_back(position);
  }
  LinearizabilityReport report;
  report.keys = parts.size();
  for (const auto& [key, part] : parts) {
    const RegisterHistory of_key = register_history(history, part);
    std::uint64_t steps_left = options.search_steps_max;
    const RegisterJudgement judgement = judge_register(of_key, options.use_zones, steps_left);
    if (judgement.was_searched) ++report.keys_searched;
    if (judgement.verdict == Linearizability::undecided) {
      ++report.keys_undecided;
      if (report.verdict == Linearizability::linearizable) {
        report.verdict = Linearizability::undecided;
        report.explanation = "Key \"" + std::string(key) + "\": no order was found within " +
                             std::to_string(options.search_steps_max) + " steps of search, and none ruled out.";
      }
    }
    if (judgement.verdict != Linearizability::violated) continue;
    ++report.keys_violated;
    if (report.verdict == Linearizability::violated) continue;
    report.verdict = Linearizability::violated;
    ViolationStory story = explain_violation(history, part, smallest_violation(of_key, options));
    report.explanation = std::move(story.sentence);
    report.offending = std::move(story.offending);
  }
  return report;
}

}  // namespace libraft::testkit
