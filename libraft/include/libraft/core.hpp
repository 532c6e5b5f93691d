// Core: the Raft protocol as a value, for experts who drive it themselves. Most users want raft_node.hpp.
//
// A Core has no clock, thread, file or socket. It is told events and answers with effects:
//
//     Effects effects;
//     core.step(now, event, effects);   // then write, send, apply what `effects` names, and report back by events
//
// The same options, recovered state, seed and events give the same effects, byte for byte. A Core can be copied and
// compared, which is what the simulator and the explorer of states live on.
//
// Not thread-safe. A broken invariant (a bug, or memory that changed) throws InvariantViolation; the Core is then of no
// further use.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/effects.hpp>
#include <libraft/error.hpp>
#include <libraft/event.hpp>
#include <libraft/export.hpp>
#include <libraft/options.hpp>
#include <libraft/status.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace libraft {

/// What a Core starts from.
struct CoreStart {
  /// What Storage::open told. The log holds the snapshot's last entry, or starts there: else it is replaced first
  /// (§5.1).
  RecoveredState recovered;
  /// What the state machine holds already: the newest snapshot's last index after its restore, or its durable index.
  LogIndex applied;
  /// The state machine keeps its own durable state: apply only what is durable in the own log too.
  bool apply_durable_only = false;
  std::uint64_t seed = 0;  ///< of the random election timeouts
  TimePoint now;           ///< the time to begin at
};

/// The protocol's view of a node. Cheap.
struct CoreStatus {
  Role role = Role::follower;    ///< in `term`
  Term term;                     ///< the current term
  std::optional<NodeId> vote;    ///< given in `term`
  std::optional<NodeId> leader;  ///< of `term`, when known
  LogIndex commit;               ///< known to be committed
  LogIndex applied;              ///< reported by EntriesApplied
  LogIndex durable;              ///< the end of the own log that is on disk; an install counts once it is handed out
  LogId log_start;               ///< the entry before the first one kept
  LogId log_last;                ///< the last entry, durable or not
  LogId snapshot;                ///< what the newest snapshot covers

  friend bool operator==(const CoreStatus&, const CoreStatus&) = default;
};

/// Other ids for members, from old to new; one to one. Who is not in it keeps the id.
using Renaming = std::map<NodeId, NodeId>;

/// The protocol of one node. See the head of this file.
class LIBRAFT_EXPORT Core {
 public:
  /// `options` are valid (see validate) and `start` is what a Storage recovered.
  Core(const CoreOptions& options, const CoreStart& start);
  /// Copies everything: the copy goes on independently.
  Core(const Core&);
  /// Copies everything.
  Core& operator=(const Core&);
  /// What was moved from can only be assigned to or destroyed.
  Core(Core&&) noexcept;
  /// What was moved from can only be assigned to or destroyed.
  Core& operator=(Core&&) noexcept;
  ~Core();

  /// Takes one event at time `now` (never earlier than the step before; an earlier one counts as the same). Clears
  /// `out` and fills it with what is to be done.
  void step(TimePoint now, const Event& event, Effects& out);

  /// When a TimeAdvanced is due; kNever if nothing waits for time.
  [[nodiscard]] TimePoint next_deadline() const;

  /// The state as the last step left it.
  [[nodiscard]] CoreStatus status() const;
  /// On a leader, its view of the other members; else empty. Ascending by id.
  [[nodiscard]] std::vector<PeerProgress> progress() const;
  /// The configuration in force: the newest one in the log.
  [[nodiscard]] const Configuration& configuration() const;

  /// A hash of what the protocol's future depends on: timers, random state and counters are left out, so that states
  /// which differ in nothing else are found equal. With `names`, the hash that it would be if the members had these
  /// ids: states that differ only in who is who are found equal by trying all ways to name them.
  [[nodiscard]] std::uint64_t protocol_digest(const Renaming& names = {}) const;

  /// Equal in everything, timers and random state too: equal Cores go on equally.
  friend LIBRAFT_EXPORT bool operator==(const Core& a, const Core& b);

  struct State;  ///< of the implementation
  /// For the testkit, which judges it.
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace libraft
