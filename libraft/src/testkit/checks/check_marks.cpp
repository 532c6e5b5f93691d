#include "testkit/checks/check_marks.hpp"

namespace libraft::testkit {

namespace {

/// In the order of the enumeration.
constexpr std::array<std::string_view, kCheckMarkCount> kNames = {
    "disk_full",
    "disk_full_ended",
    "write_failed",
    "crash_lost_write",
    "crash_tore_write",
    "crash_kept_write",
    "crash_kept_hard_state",
    "crash_between_publish_and_cut",
    "disk_truncated",
    "majority_entry_replaced",
    "leader_crashed",
    "candidate_crashed",
    "two_leaders_at_once",
    "snapshot_restored",
    "commit_known_by_other",
    "unknown_write_done",
    "unknown_write_not_done",
    "refused_write",
    "stale_read",
    "read_beside_write",
};

}  // namespace

std::string_view name_of(CheckMark mark) {
  return kNames[static_cast<std::size_t>(mark)];
}

}  // namespace libraft::testkit
