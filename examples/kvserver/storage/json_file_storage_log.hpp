// raft_log.jsonl: appended to, read by index, rewritten when it is compacted.
#pragma once

#include "storage/json_file_storage_format.hpp"
#include "storage/json_file_storage_lines.hpp"
#include "storage/json_file_storage_scan.hpp"

#include <libraft/entry.hpp>
#include <libraft/file_system.hpp>
#include <libraft/result.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace kvserver::storage {

/// Invariant: the file up to `end_` is synced and holds whole batches only; the index leads to the entries that count.
///
/// errc::no_space from append and prepare_rewrite means that nothing changed; any other error of any call that writes
/// leaves the log unusable. One thread writes; read() may run beside it.
class LogFile {
 public:
  LogFile(libraft::FileSystem& files, std::string directory, NodeNaming name_of)
      : files_(&files), directory_(std::move(directory)), name_of_(std::move(name_of)) {}

  /// Makes an empty file, durably.
  [[nodiscard]] std::error_code create();

  /// Takes the file over for a node whose other files hold `state`; `is_fresh`: these say that nothing was ever
  /// written. Cuts a torn tail, and makes the last batch durable once more. Gives the term runs behind the base. On an
  /// error nothing is changed, and `why` tells.
  [[nodiscard]] libraft::Result<std::vector<libraft::LogId>> open(const StateRecord& state, bool is_fresh,
                                                                  std::string& why);

  /// What open() cut; nullopt when nothing was torn.
  [[nodiscard]] const std::optional<TornTail>& torn_tail() const { return torn_tail_; }

  /// Writes a batch: the cut, then the entries. One sync.
  [[nodiscard]] std::error_code append(std::optional<libraft::LogIndex> truncate_from,
                                       std::span<const libraft::Entry> entries);

  /// Writes the file that shall replace this one: the entries behind `base` and before `truncate_from`, then `entries`.
  /// Durable, without effect before commit_rewrite. What is appended in between is not in it.
  [[nodiscard]] std::error_code prepare_rewrite(const libraft::LogId& base,
                                                std::optional<libraft::LogIndex> truncate_from,
                                                std::span<const libraft::Entry> entries);
  [[nodiscard]] std::error_code commit_rewrite();
  void abandon_rewrite();

  /// Takes back what was appended since `end()` and `last()` were these; the file must not have been rewritten since.
  struct Position {
    std::uint64_t end = 0;
    std::uint64_t batch = 0;
    libraft::LogIndex last;
    SparseIndex index;
  };
  [[nodiscard]] Position position() const;
  [[nodiscard]] std::error_code roll_back(Position to);

  [[nodiscard]] libraft::LogIndex start() const;
  [[nodiscard]] libraft::LogIndex last() const;
  [[nodiscard]] libraft::Result<std::vector<libraft::Entry>> read(libraft::LogIndex first, libraft::LogIndex last,
                                                                  std::size_t bytes_max, std::string& why);

 private:
  /// Reads don't share a file with the writer: calls on one File must not overlap.
  struct ReadSide {
    std::mutex mutex;
    std::unique_ptr<libraft::File> file;
  };
  /// Lines ready to be written, and where in them the entries are.
  struct Lines {
    std::string text;
    std::vector<std::size_t> offsets;  ///< of the entries
  };
  struct Rewrite {
    libraft::LogId base;
    std::uint64_t header_bytes = 0;
    std::uint64_t copied_from = 0;
    std::uint64_t copied_bytes = 0;
    libraft::LogIndex copied_last;  ///< the base when none is copied
    std::uint64_t batch = 0;
    libraft::LogIndex first_new;
    Lines lines;
  };

  [[nodiscard]] std::string path() const { return directory_ + "/" + std::string(kLogName); }
  [[nodiscard]] std::string temporary_path() const { return path() + std::string(kTemporarySuffix); }
  [[nodiscard]] static libraft::Result<Lines> lines_of(std::uint64_t batch, std::optional<libraft::LogIndex> cut,
                                                       std::span<const libraft::Entry> entries);
  [[nodiscard]] std::error_code open_files();
  [[nodiscard]] std::error_code check(const LogScan& scan, const StateRecord& state, bool is_fresh,
                                      std::string& why) const;
  [[nodiscard]] std::error_code write_first_header();
  [[nodiscard]] std::error_code write_again(std::uint64_t offset);
  [[nodiscard]] std::error_code cut_file(std::uint64_t end);
  [[nodiscard]] std::error_code write_replacement(const Rewrite& rewrite, const std::string& header);
  [[nodiscard]] libraft::Result<std::uint64_t> offset_of(libraft::LogIndex index);

  libraft::FileSystem* files_;
  std::string directory_;
  NodeNaming name_of_;
  libraft::Identity identity_;
  std::unique_ptr<libraft::File> file_;
  std::uint64_t end_ = 0;
  std::uint64_t batch_ = 0;
  std::optional<Rewrite> rewrite_;
  std::optional<TornTail> torn_tail_;

  mutable std::mutex mutex_;  // what follows is read beside the writer
  libraft::LogIndex start_;
  libraft::LogIndex last_;
  SparseIndex index_;
  std::uint64_t readable_end_ = 0;
  std::shared_ptr<ReadSide> read_side_;
};

}  // namespace kvserver::storage
