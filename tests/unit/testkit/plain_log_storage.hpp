// A storage with a log that is appended to and cut in place: where orders of truncating, writing and syncing matter.
//
// Two files: "log" holds a record for each entry, "meta" (replaced whole) all the rest. A reference of a few lines, not
// a conforming storage in every respect: the log is never compacted, and there is no lock. And the same with a flaw.
#pragma once

#include <libraft/file_system.hpp>
#include <libraft/storage.hpp>

#include <memory>

namespace libraft::test {

enum class LogFlaw {
  none,
  syncs_no_directory,      ///< the new name of "meta" is not durable when a write returns
  syncs_no_file,           ///< entries are not durable when a write returns
  renames_before_sync,     ///< "meta" may be replaced by a file without contents
  cuts_without_sync,       ///< a truncation and the entries behind it are made durable by one sync
  leaves_the_torn_tail,    ///< a recovery does not cut what it does not take
  ignores_a_failed_sync,   ///< and says that the entries are durable
  keeps_what_has_no_room,  ///< the part of a refused write that fitted
  checks_no_sums,          ///< a record counts when its length fits
};

std::unique_ptr<Storage> plain_log_storage(FileSystem& files, LogFlaw flaw = LogFlaw::none);

}  // namespace libraft::test
