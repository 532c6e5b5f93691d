#include "node/recovery.hpp"

#include <libraft/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace libraft::node {

void Recovery::start() {
  step_ = Step::storage;
  runtime_.submit(Lane::storage, *this);
}

void Recovery::run() noexcept {
  const bool is_storage = step_ == Step::storage;
  try {
    if (is_storage) {
      open_storage();
    } else {
      restore_state_machine();
    }
  } catch (const std::exception& exception) {
    failure_ = Failure{is_storage ? errc::io_error : errc::state_machine_failed,
                       fmt::format("the {} threw: {}", is_storage ? "storage" : "state machine", exception.what())};
  } catch (...) {
    failure_ = Failure{is_storage ? errc::io_error : errc::state_machine_failed, "something was thrown in recovery"};
  }
}

void Recovery::done() noexcept {
  if (failure_) {
    snapshot_.reset();
    listener_.on_not_recovered(*std::move(failure_));
  } else if (step_ == Step::storage) {
    step_ = Step::state_machine;
    runtime_.submit(Lane::apply, *this);
  } else {
    listener_.on_recovered(std::move(recovered_));
  }
}

void Recovery::open_storage() {
  auto opened = storage_.open();
  if (opened && !*opened) {
    if (const auto error = storage_.format(plan_.identity, plan_.genesis)) {
      return fail(error, "the storage could not be formatted");
    }
    opened = storage_.open();
    if (opened && !*opened) return fail(errc::not_formatted, "the storage is empty after it was formatted");
  }
  if (!opened) return fail(opened.error(), "the storage could not be opened");
  recovered_.state = **std::move(opened);
  check_identity();
  if (!failure_) find_snapshot();
}

void Recovery::check_identity() {
  const Identity& found = recovered_.state.identity;
  const Identity& meant = plan_.identity;
  if (found.cluster == meant.cluster && found.group == meant.group && found.node == meant.node) return;
  fail(errc::identity_mismatch,
       fmt::format("the storage is of node {} in group {} of cluster {}, and this is node {} in group {} of cluster {}",
                   found.node.value, found.group.value, found.cluster.value, meant.node.value, meant.group.value,
                   meant.cluster.value));
}

void Recovery::find_snapshot() {
  if (!recovered_.state.snapshot) return;
  auto newest = storage_.newest_snapshot();
  if (!newest) return fail(newest.error(), "the newest snapshot could not be opened");
  snapshot_ = *std::move(newest);
  replace_log_by_snapshot();
}

/// A crash may come between an installed snapshot becoming the newest and the write that goes with it. The log then
/// ends before the snapshot, or holds another entry at its place: the snapshot stands for all of it (figure 5.3).
void Recovery::replace_log_by_snapshot() {
  RecoveredState& state = recovered_.state;
  const LogId covered = state.snapshot->last;
  if (covered == LogId{} || (covered.index <= state.last.index && term_of(covered.index) == covered.term)) return;
  WriteBatch batch;
  if (state.start.index < state.last.index) batch.truncate_from = LogIndex{state.start.index.value + 1};
  batch.new_start = covered;
  if (const auto error = storage_.write(batch)) {
    return fail(error, "the log could not be replaced by the snapshot that covers it");
  }
  state.start = covered;
  state.last = covered;
  state.term_runs.clear();
  state.configurations = {state.snapshot->configuration};
}

void Recovery::restore_state_machine() {
  const std::optional<LogIndex> durable = machine_.durable_index();
  const auto& snapshot = recovered_.state.snapshot;
  recovered_.apply_durable_only = durable.has_value();
  const LogIndex covered = snapshot ? snapshot->last.index : LogIndex{};
  if (durable && *durable > std::max(recovered_.state.last.index, covered)) {
    return fail(errc::state_machine_ahead, fmt::format("the state machine holds entry {}, and the log ends at {}",
                                                       durable->value, recovered_.state.last.index.value));
  }
  if (snapshot && (!durable || *durable < covered)) {
    if (const auto error = machine_.restore(*snapshot_)) {
      return fail(errc::state_machine_failed, fmt::format("the state machine could not restore the snapshot at {}: {}",
                                                          covered.value, error.message()));
    }
  }
  snapshot_.reset();
  const auto applied = find_applied(std::max(durable.value_or(LogIndex{}), covered));
  if (!applied) return fail(errc::corrupt_data, "the storage does not know the term of the entry applied last");
  recovered_.applied = *applied;
}

/// Of an entry in the log or at its start; nullopt for any other.
std::optional<Term> Recovery::term_of(LogIndex index) const {
  const RecoveredState& state = recovered_.state;
  if (state.start.index == index) return state.start.term;
  const auto run =
      std::find_if(state.term_runs.begin(), state.term_runs.end(), [index](LogId last) { return last.index >= index; });
  if (run == state.term_runs.end() || index < state.start.index) return std::nullopt;
  return run->term;
}

/// The entry at `index`, which is in the log or at its start, or covered by the snapshot.
std::optional<LogId> Recovery::find_applied(LogIndex index) const {
  const RecoveredState& state = recovered_.state;
  if (index == LogIndex{}) return LogId{};
  if (state.snapshot && state.snapshot->last.index == index) return state.snapshot->last;
  if (state.start.index == index) return state.start;
  const auto run =
      std::find_if(state.term_runs.begin(), state.term_runs.end(), [index](LogId last) { return last.index >= index; });
  if (run == state.term_runs.end() || index < state.start.index) return std::nullopt;
  return LogId{index, run->term};
}

void Recovery::fail(std::error_code error, std::string_view what) {
  const std::string detail = step_ == Step::storage ? storage_.error_detail() : std::string();
  failure_ = Failure{error, detail.empty() ? std::string(what) : fmt::format("{}: {}", what, detail)};
}

}  // namespace libraft::node
