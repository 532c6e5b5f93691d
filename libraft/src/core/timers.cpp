#include "core/timers.hpp"

#include <algorithm>

namespace libraft::core {

namespace {

/// splitmix64: small, and the same everywhere.
std::uint64_t draw(RandomState& random) {
  random.state += 0x9e3779b97f4a7c15u;
  std::uint64_t z = random.state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

void arm_election(Context& context) {
  const Duration least = context.state.options.election_timeout;
  const auto extra = draw(context.state.random) % static_cast<std::uint64_t>(least.count());
  context.state.timers.election = context.now + least + Duration(static_cast<Duration::rep>(extra));
}

void arm_heartbeat(Context& context) {
  context.state.timers.heartbeat = context.now + context.state.options.heartbeat_interval;
}

void arm_quorum_check(Context& context) {
  Timers& timers = context.state.timers;
  timers.quorum = kNever;
  if (!context.state.options.check_quorum) return;
  const TimePoint heard =
      context.leader()->followers.quorum(context.state.configuration, context.state.self, TimePoint::max(),
                                         [](const Progress& progress) { return progress.heard_at(); });
  if (heard != TimePoint::max()) timers.quorum = heard + context.state.options.election_timeout;
}

void stop_timers(Context& context) {
  Timers& timers = context.state.timers;
  timers.election = timers.heartbeat = timers.quorum = kNever;
}

void leader_heard(Context& context) {
  context.state.timers.leader_heard = context.now;
  context.state.timers.has_heard_leader = true;
}

bool is_leader_recent(const Context& context) {
  const Timers& timers = context.state.timers;
  return timers.has_heard_leader && context.now - timers.leader_heard < context.state.options.election_timeout;
}

TimePoint next_deadline(const Core::State& state) {
  TimePoint deadline = std::min({state.timers.election, state.timers.heartbeat, state.timers.quorum});
  if (const auto* leader = std::get_if<Leader>(&state.role); leader != nullptr && leader->transfer) {
    deadline = std::min(deadline, leader->transfer->deadline);
  }
  return deadline;
}

}  // namespace libraft::core
