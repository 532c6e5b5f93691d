// Marks of the checks: rare things that only somebody who sees the whole cluster can tell. As core/marks.hpp.
#pragma once

#include <libraft/export.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace libraft::testkit {

enum class CheckMark : std::uint8_t {
  // Disks.
  disk_full,                      ///< a write found no space
  disk_full_ended,                ///< a write was done that had found no space before
  write_failed,                   ///< a write failed for good
  crash_lost_write,               ///< a crash took a write that was under way, all of it
  crash_tore_write,               ///< a crash left a part of the writes that were under way
  crash_kept_write,               ///< a crash left a write that was never reported as done
  crash_kept_hard_state,          ///< a crash left a term or vote that was never reported as durable
  crash_between_publish_and_cut,  ///< a crash left a new snapshot and the log that it was to replace
  disk_truncated,                 ///< entries that were durable were replaced durably
  majority_entry_replaced,        ///< an entry that a majority had on disk was replaced (Figure 3.7, d)
  // Nodes.
  leader_crashed,         ///< a leader crashed
  candidate_crashed,      ///< a candidate crashed
  two_leaders_at_once,    ///< two nodes led at once, in different terms
  snapshot_restored,      ///< a state machine was replaced while the node ran
  commit_known_by_other,  ///< a follower knew of a commit that its leader's crash had kept from all others
  // Clients.
  unknown_write_done,      ///< a write of unknown outcome is in the log
  unknown_write_not_done,  ///< a write of unknown outcome was not in the log when its client gave up
  refused_write,           ///< a write was certainly not done
  stale_read,              ///< a read that may be stale was
  read_beside_write,       ///< a linearizable read and a write overlapped, and the read saw the write
};
inline constexpr std::size_t kCheckMarkCount = static_cast<std::size_t>(CheckMark::read_beside_write) + 1;

/// As in the enumeration: "disk_full".
[[nodiscard]] LIBRAFT_EXPORT std::string_view name_of(CheckMark mark);

class CheckMarks {
 public:
  void hit(CheckMark mark) { ++counts_[static_cast<std::size_t>(mark)]; }
  [[nodiscard]] std::uint64_t count(CheckMark mark) const { return counts_[static_cast<std::size_t>(mark)]; }

 private:
  std::array<std::uint64_t, kCheckMarkCount> counts_{};
};

}  // namespace libraft::testkit
