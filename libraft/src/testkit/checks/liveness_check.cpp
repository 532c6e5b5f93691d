#include "testkit/checks/liveness_check.hpp"

#include "core/state.hpp"
#include "testkit/checks/text.hpp"

#include <algorithm>

namespace libraft::testkit {

namespace {

constexpr int kLeaderTimeouts = 10;
constexpr int kOperationTimeouts = 20;
constexpr int kEvenTimeouts = 30;
constexpr std::size_t kElections = 5;
// A try fails when votes are split. With timeouts drawn from an interval as long as the least of them, that is the
// rarer outcome, so four tries for each of the elections is more than chance gives: of 676 runs that were
// looked at, one had seven in all, and no other more than three. Terms that others had raised before, and told late,
// are nobody's try here.
constexpr std::size_t kTriesOfAnElection = 4;
constexpr int kSteadyTimeouts = 6;  // one disturbance in each is one election too many

}  // namespace

void LivenessCheck::begin(std::vector<NodeId> healed, Duration timeout_max) {
  healed_ = std::move(healed);
  timeout_max_ = timeout_max;
  begun_ = ledger_.verdicts.now();
  elected_.clear();
  campaigned_.clear();
  crashes_ = 0;
  highest_ = {};
  for (const auto& [id, memory] : ledger_.memories) highest_ = std::max(highest_, memory.term);
}

void LivenessCheck::on_stepped(NodeId node, const Core& core) {
  const Core::State& state = core.state();
  if (healed_.empty() || state.term <= highest_) return;
  const bool is_healed = std::find(healed_.begin(), healed_.end(), node) != healed_.end();
  if (is_healed && std::holds_alternative<core::Candidate>(state.role)) campaigned_.insert(state.term);
  if (std::holds_alternative<core::Leader>(state.role)) elected_.insert(state.term);
}

void LivenessCheck::on_started(NodeId node, std::uint64_t) {
  failed_.erase(node);
}

void LivenessCheck::on_failed(NodeId node, const Failure&) {
  failed_.insert(node);
}

void LivenessCheck::on_crashed(NodeId node) {
  if (std::find(healed_.begin(), healed_.end(), node) != healed_.end()) ++crashes_;
}

/// Somebody leads, and all of the healed are in its term. A node that is not healed may well do.
bool LivenessCheck::has_leader() const {
  Term led;
  for (const auto& [id, memory] : ledger_.memories) {
    if (memory.is_leader) led = std::max(led, memory.term);
  }
  return led != Term{} && std::all_of(healed_.begin(), healed_.end(), [&](NodeId id) {
           const auto memory = ledger_.memories.find(id);
           return memory != ledger_.memories.end() && memory->second.term == led;
         });
}

bool LivenessCheck::is_even() const {
  const MemoryShadow* first = nullptr;
  for (const NodeId id : healed_) {
    const auto memory = ledger_.memories.find(id);
    if (memory == ledger_.memories.end() || !memory->second.is_known || failed_.contains(id)) return false;
    const MemoryShadow& now = memory->second;
    if (first == nullptr) first = &now;
    const bool is_whole = now.applied == now.commit && now.commit == now.log.last().index;
    if (!is_whole || now.log.last() != first->log.last()) return false;
  }
  return first != nullptr;
}

bool LivenessCheck::is_late(int timeouts, Duration allowance) const {
  return ledger_.verdicts.now() - begun_ > timeouts * timeout_max_ + allowance;
}

bool LivenessCheck::judge_leader() {
  if (has_leader()) return true;
  if (is_late(kLeaderTimeouts)) ledger_.verdicts.report("iL1", {}, "the healed nodes have no leader in time");
  return false;
}

bool LivenessCheck::judge_operations(TimePoint oldest, Duration allowance) {
  if (oldest > begun_) return true;
  if (is_late(kOperationTimeouts, allowance))
    ledger_.verdicts.report("iL2", {}, "an operation that waited did not end in time");
  return false;
}

bool LivenessCheck::judge_even(Duration allowance) {
  if (is_even()) return true;
  if (is_late(kEvenTimeouts, allowance)) {
    ledger_.verdicts.report("iL3", {}, "the healed nodes did not reach one state in time");
  }
  return false;
}

bool LivenessCheck::judge_elections() {
  const std::size_t elections_max = kElections + crashes_;
  const std::string healed = fmt::format("where {} nodes were healed and {} crashed", healed_.size(), crashes_);
  if (elected_.size() > elections_max) {
    ledger_.verdicts.report("iL6", {}, fmt::format("{} leaders were elected {}", elected_.size(), healed));
  } else if (campaigned_.size() > elections_max * kTriesOfAnElection) {
    ledger_.verdicts.report("iL6", {}, fmt::format("votes were asked for in {} terms {}", campaigned_.size(), healed));
  } else {
    return true;
  }
  return false;
}

bool LivenessCheck::judge_steadiness() {
  if (is_late(kSteadyTimeouts)) return true;
  return !judge_elections();
}

}  // namespace libraft::testkit
