// The simplest storage that keeps all rules: one file, replaced whole by each write. And the same with a flaw each.
#pragma once

#include <libraft/file_system.hpp>
#include <libraft/storage.hpp>

#include <memory>

namespace libraft::test {

enum class Flaw {
  none,
  forgets_truncations,
  forgets_the_vote,
  ignores_bytes_max,
  takes_stale_snapshots,
  takes_no_lock,
  keeps_drafts,
  keeps_what_found_no_room,
  writes_out_of_order,
  syncs_no_file,
  syncs_no_directory,
  ignores_failed_syncs,
  believes_what_it_reads,
};

std::unique_ptr<Storage> whole_file_storage(FileSystem& files, Flaw flaw = Flaw::none);

}  // namespace libraft::test
