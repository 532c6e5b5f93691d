#include "node/marks.hpp"

namespace libraft::node {
namespace {

/// In the order of the enumeration.
constexpr std::array<std::string_view, kMarkCount> kNames = {
    "inbox_full",
    "request_timed_out",
    "proposals_lost_with_leadership",
    "held_messages_dropped_with_term",
    "disk_full_met",
    "disk_full_recovered",
    "disk_stalled",
    "node_failed_by_write",
    "save_cancelled_by_chunk",
    "chunk_of_former_leadership",
};

}  // namespace

std::string_view name_of(Mark mark) {
  return kNames[static_cast<std::size_t>(mark)];
}

}  // namespace libraft::node
