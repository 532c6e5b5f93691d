#include "testkit/conformance/storage_programs.hpp"

#include <algorithm>
#include <utility>

namespace libraft::testkit {
namespace {

/// More than a sector, and not a whole number of them.
constexpr std::size_t kLargeBytes = 700;

/// Of one size for all indexes and terms below ten.
Entry small(std::uint64_t index, std::uint64_t term) {
  return sample_entry(index, term, "entry " + std::to_string(index) + " of term " + std::to_string(term));
}

Entry large(std::uint64_t index, std::uint64_t term) {
  return sample_entry(index, term, std::string(kLargeBytes, 'x') + std::to_string(index));
}

/// The numbers that steps are made of.
struct Ends {
  explicit Ends(const StorageModel& model)
      : start(model.start().index.value),
        last(model.last().index.value),
        last_term(model.last().term.value),
        term(std::max({model.hard_state().term.value, last_term, std::uint64_t{1}})),
        snapshot(model.snapshot() ? model.snapshot()->meta.last : LogId{}) {}

  std::uint64_t start;
  std::uint64_t last;
  std::uint64_t last_term;
  std::uint64_t term;  ///< that a new entry may have
  LogId snapshot;
};

using Steps = std::vector<ProgramStep>;

void add_appends(const Ends& at, Steps& steps) {
  const std::uint64_t next = at.last + 1;
  steps.push_back({"append", Do().entry(small(next, at.term))});
  steps.push_back({"append three",
                   Do().entry(small(next, at.term)).entry(small(next + 1, at.term)).entry(small(next + 2, at.term))});
  steps.push_back({"append two", Do().entry(large(next, at.term)).entry(small(next + 1, at.term))});
  steps.push_back(
      {"term and append",
       Do().hard_state(at.term + 1, NodeId{1}).entry(small(next, at.term + 1)).entry(small(next + 1, at.term + 1))});
}

/// Never of what a snapshot covers: that is committed.
void add_truncations(const Ends& at, Steps& steps) {
  const std::uint64_t kept = std::max(at.start, at.snapshot.index.value);
  if (at.last <= kept) return;
  const std::uint64_t term = at.term + 1;
  steps.push_back({"truncate", Do().truncate(at.last)});
  steps.push_back({"truncate and append", Do().truncate(kept + 1).entry(small(kept + 1, term))});
  steps.push_back(
      {"term, truncate and append",
       Do().hard_state(term, NodeId{3}).truncate(at.last).entry(small(at.last, term)).entry(large(at.last + 1, term))});
}

void add_snapshots(const Ends& at, const StorageModel& model, Steps& steps) {
  const std::uint64_t beyond = std::max(at.last, at.snapshot.index.value) + 5;
  steps.push_back({"install", Do().snapshot(beyond, at.term + 1, std::string(kLargeBytes, 'i'))
                                  .hard_state(at.term + 1, std::nullopt)
                                  .truncate(at.start + 1)
                                  .start(beyond, at.term + 1)});
  if (at.snapshot.index.value > at.start) {
    steps.push_back({"new start", Do().start(at.snapshot.index.value, at.snapshot.term.value)});
  }
  if (at.last <= at.snapshot.index.value) return;
  steps.push_back({"snapshot", Do().snapshot(at.last, at.last_term, "taken")});
  steps.push_back(
      {"snapshot, new start and append",
       Do().snapshot(at.last, at.last_term, "taken").start(at.last, at.last_term).entry(small(at.last + 1, at.term))});
  if (model.entries().size() < 2) return;
  const LogId before = model.entries()[model.entries().size() - 2].id;
  if (before.index <= at.snapshot.index) return;
  steps.push_back(
      {"snapshot and new start",
       Do().snapshot(before.index.value, before.term.value, "taken").start(before.index.value, before.term.value)});
}

}  // namespace

std::vector<ProgramBase> program_bases() {
  const StorageCommand format = Do().format();
  const StorageCommand hard_state = Do().hard_state(1, NodeId{3});
  const StorageCommand log = Do().entry(small(1, 1)).entry(small(2, 1)).entry(small(3, 1));
  return {
      {"an empty place", {}},
      {"a log", {format, hard_state, log}},
      {"a log behind a snapshot",
       {format, hard_state, log, Do().snapshot(2, 1, "older").start(2, 1), Do().entry(large(4, 1))}},
  };
}

std::vector<ProgramStep> next_steps(const StorageModel& model) {
  Steps steps{{"open again", std::nullopt}};
  if (!model.is_formatted()) {
    steps.push_back({"format", Do().format()});
    return steps;
  }
  const Ends at(model);
  steps.push_back({"term", Do().hard_state(at.term + 1, std::nullopt)});
  steps.push_back({"vote", Do().hard_state(at.term, NodeId{3})});
  add_appends(at, steps);
  add_truncations(at, steps);
  add_snapshots(at, model, steps);
  return steps;
}

StorageCommand another_write(const StorageModel& model) {
  if (!model.is_formatted()) return Do().format();
  const Ends at(model);
  return Do().entry(large(at.last + 1, at.term + 1));
}

}  // namespace libraft::testkit
