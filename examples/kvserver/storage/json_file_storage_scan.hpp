// What raft_log.jsonl holds when a storage is opened: reads every line, and tells a torn tail from damage.
//
// The rule. Batch n+1 is written only after batch n was synced. So damage can be the work of a power cut only inside
// the last batch: behind it may be intact lines of the same batch (pages reach the disk in any order), but never one of
// a later batch. Such a batch was never acknowledged, and is dropped whole. Anything else is damage to data that may
// have been promised, and is refused. Lines that the header counts as kept were synced before the file got its name,
// and are never a torn tail.
#pragma once

#include "storage/json_file_storage_format.hpp"
#include "storage/json_file_storage_lines.hpp"

#include <libraft/file_system.hpp>
#include <libraft/result.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvserver::storage {

/// What stands behind the last whole batch.
struct TornTail {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;  ///< the last one may have no end
  std::uint64_t batch = 0;  ///< whose write was torn; 0: that of the header
};

struct LogScan {
  bool has_header = false;  ///< without one the file is empty, or its only write was torn
  LogHeader header;
  libraft::LogId last;                    ///< the last entry, or the header's base when there is none
  std::vector<libraft::LogId> term_runs;  ///< the last entry of each term, ascending
  SparseIndex index;
  std::uint64_t batch = 0;         ///< the last whole batch
  std::uint64_t batch_offset = 0;  ///< where it begins; `end` when all lines are kept ones
  std::uint64_t end = 0;           ///< behind it; what follows is a torn tail
  std::uint64_t file_size = 0;
  std::optional<TornTail> torn_tail;
};

/// Changes nothing. On an error `why` says what is wrong and where in the file.
[[nodiscard]] libraft::Result<LogScan> scan_log(libraft::File& file, std::string& why);

}  // namespace kvserver::storage
