#include "core/read_index.hpp"

#include <algorithm>

namespace libraft::core {

void on_read_index_requested(Context& context, const ReadIndexRequested& request) {
  Leader* leader = context.leader();
  if (leader == nullptr) {
    context.effects.reads.push_back({request.id, make_error_code(errc::not_leader), {}});
  } else if (leader->reads.size() >= context.state.options.reads_waiting_max) {
    context.effects.reads.push_back({request.id, make_error_code(errc::overloaded), {}});
  } else {
    if (context.state.applying.commit < leader->term_start) context.mark(Mark::read_waits_for_noop);
    if (!leader->reads.empty() && leader->reads.front().sequence != 0) context.mark(Mark::read_waits_for_round);
    leader->reads.push_back({request.id, 0, {}});
  }
}

bool advance_reads(Context& context) {
  Core::State& state = context.state;
  Leader& leader = *context.leader();
  // Until an entry of its own term is committed, a leader may not know what is (§6.4).
  if (leader.reads.empty() || state.applying.commit < leader.term_start) return false;

  const auto confirm = [&] {
    // Followers answer with the newest round that they saw after it began, in this term: the same quorum as for commit.
    const std::uint64_t confirmed =
        leader.followers.quorum(state.configuration, state.self, leader.read_sequence,
                                [](const Progress& progress) { return progress.read_sequence(); });
    while (!leader.reads.empty() && leader.reads.front().sequence != 0 && leader.reads.front().sequence <= confirmed) {
      context.effects.reads.push_back({leader.reads.front().id, {}, leader.reads.front().index});
      leader.reads.pop_front();
    }
  };

  confirm();
  // One round at a time: what arrives meanwhile shares the next one.
  if (leader.reads.empty() || leader.reads.front().sequence != 0) return false;
  ++leader.read_sequence;
  for (WaitingRead& read : leader.reads) {
    read.sequence = leader.read_sequence;
    read.index = state.applying.commit;
  }
  confirm();  // a single voter needs nobody
  return !leader.reads.empty();
}

}  // namespace libraft::core
