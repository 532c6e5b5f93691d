// Marks: rare things in a node around its core, counted where they happen. As core/marks.hpp.
#pragma once

#include <libraft/export.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace libraft::node {

enum class Mark : std::uint8_t {
  inbox_full,                       ///< a message found the inbox full and was dropped
  request_timed_out,                ///< a request ended because its time was over
  proposals_lost_with_leadership,   ///< proposals waited when their leader lost its role
  held_messages_dropped_with_term,  ///< messages that waited for a write were dropped, for the node moved on to a new
                                    ///< term
  disk_full_met,                    ///< a write found no space and waits
  disk_full_recovered,              ///< a write was done after the disk had been full
  disk_stalled,                     ///< a leader's write took too long
  node_failed_by_write,             ///< a write failed, and the node with it
  save_cancelled_by_chunk,          ///< an own snapshot was given up because one came from the leader
  chunk_of_former_leadership,       ///< a chunk to be sent was read when the leadership was over
};
inline constexpr std::size_t kMarkCount = static_cast<std::size_t>(Mark::chunk_of_former_leadership) + 1;

/// As in the enumeration: "inbox_full".
[[nodiscard]] LIBRAFT_EXPORT std::string_view name_of(Mark mark);

class Marks {
 public:
  void hit(Mark mark) { add(mark, 1); }
  void add(Mark mark, std::uint64_t count) { counts_[static_cast<std::size_t>(mark)] += count; }
  [[nodiscard]] std::uint64_t count(Mark mark) const { return counts_[static_cast<std::size_t>(mark)]; }

 private:
  std::array<std::uint64_t, kMarkCount> counts_{};
};

}  // namespace libraft::node
