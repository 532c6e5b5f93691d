// What a handler works with: the state, the effects of this step, and the time. And the two ways out: writes and
// messages, where "persist, then promise" is decided.
#pragma once

#include "core/state.hpp"

#include <libraft/effects.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <vector>

namespace libraft::core {

/// Terms and indexes beyond this are no numbers that a cluster reaches: they are refused, so that counting on never
/// wraps.
inline constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;

struct Context {
  Core::State& state;
  Effects& effects;
  TimePoint now;
  std::vector<Entry> new_entries;  ///< of this step's batch

  void mark(Mark mark) const { state.marks.hit(mark); }
  [[nodiscard]] Leader* leader() { return std::get_if<Leader>(&state.role); }
};

/// This step's write, begun when first asked for.
PersistBatch& batch(Context& context);
/// Writes term and vote as they are now.
void write_hard_state(Context& context);
/// Appends to the log and to this step's write.
void append_entry(Context& context, const Entry& entry);
/// Seals this step's write. The last thing of a step.
void finish_batch(Context& context);

/// What a message may rest on.
enum class Rests {
  on_nothing,      ///< claims nothing: a pre-vote request
  on_term_write,   ///< claims the term, and beside it only what is durable already
  on_newest_write  ///< claims what this step, or one shortly before, has handed out
};
/// A message to `to`.
void send(Context& context, NodeId to, MessageBody body, Rests rests);
/// The one reply to the request that came by `request`.
void reply(Context& context, const Routing& request, MessageBody body, Rests rests);
/// The write that stands for `rests` now.
[[nodiscard]] PersistId resting_on(const Context& context, Rests rests);

}  // namespace libraft::core
