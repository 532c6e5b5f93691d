#include "storage/json_file_storage.hpp"

#include "storage/json_file_storage_format.hpp"
#include "storage/json_file_storage_log.hpp"
#include "storage/json_file_storage_snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

namespace kvserver {
namespace {

using libraft::errc;
using libraft::LogId;
using libraft::LogIndex;
using libraft::Result;
using libraft::WriteBatch;
using storage::kLockName;
using storage::kLogName;
using storage::kSnapshotName;
using storage::kStateName;
using storage::LogFile;
using storage::Snapshot;
using storage::SnapshotDraft;
using storage::StateRecord;

constexpr std::uint64_t kStateBytesMax = 16u << 20u;

/// Why `batch` can't be applied to a log of (start, last] whose newest snapshot reaches to `snapshot`; empty: it can.
std::string broken_rule(const WriteBatch& batch, LogIndex start, LogIndex last, LogIndex snapshot) {
  if (batch.truncate_from) {
    if (*batch.truncate_from <= start) return "truncate_from is at or below the start of the log";
    if (*batch.truncate_from > next(last)) return "truncate_from is beyond the end of the log";
    last = previous(*batch.truncate_from);
  }
  if (batch.new_start) {
    if (batch.new_start->index < start) return "new_start is below the start of the log";
    if (batch.new_start->index > snapshot) return "new_start is above the newest snapshot";
    last = std::max(last, batch.new_start->index);
  }
  for (const libraft::Entry& entry : batch.entries) {
    if (entry.id.index != next(last)) return "the entries don't follow the end of the log";
    last = entry.id.index;
  }
  return {};
}

/// A disk that loses what it has promised looks the same, hence the last clause.
std::string sentence_of(const storage::TornTail& tail, const std::string& log_path) {
  const std::string what = tail.batch == 0 ? "its header" : fmt::format("batch {}", tail.batch);
  return fmt::format(
      "{}: cut at byte {}: {} bytes ({} {}) of {}, which is torn: a crash in the middle of a write leaves that, and "
      "nothing acknowledged is lost by it; without a crash the disk has damaged the file",
      log_path, tail.offset, tail.bytes, tail.lines, tail.lines == 1 ? "line" : "lines", what);
}

/// Invariant: `state_` and `log_` are what the files say, but for the moment inside a write; `failed_` is set when they
/// may not be.
class JsonFileStorage final : public libraft::Storage {
 public:
  JsonFileStorage(libraft::FileSystem& files, JsonFileStorageOptions options)
      : files_(files), options_(std::move(options)) {
    while (options_.directory.size() > 1 && options_.directory.back() == '/') options_.directory.pop_back();
  }
  ~JsonFileStorage() override { close(); }

  Result<std::optional<libraft::RecoveredState>> open() override;
  std::error_code format(const libraft::Identity& identity, const libraft::Configuration& genesis) override;
  std::error_code write(const WriteBatch& batch) override;
  Result<std::vector<libraft::Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override;
  Result<std::unique_ptr<libraft::SnapshotWriter>> create_snapshot(const libraft::SnapshotMeta& meta) override;
  std::error_code publish(std::unique_ptr<libraft::SnapshotWriter> snapshot, const WriteBatch& with) override;
  Result<std::shared_ptr<libraft::SnapshotReader>> newest_snapshot() override;
  void close() noexcept override;
  [[nodiscard]] std::string error_detail() const override;

 private:
  struct Present {
    bool state = false;
    bool log = false;
    bool snapshot = false;
  };

  [[nodiscard]] std::string path(std::string_view name) const { return options_.directory + "/" + std::string(name); }
  std::error_code fail(std::error_code error, std::string_view file, std::string_view what);
  std::error_code fail_for_good(std::error_code error, std::string_view file, std::string_view what);
  [[nodiscard]] std::error_code usable() const;
  [[nodiscard]] LogIndex snapshot_index() const;

  // Opening.
  Result<std::optional<libraft::RecoveredState>> take_over();
  Result<std::optional<libraft::RecoveredState>> load(const Present& present);
  Result<Present> look() const;
  std::error_code check_never_used(const Present& present);
  std::error_code load_state();
  std::error_code load_snapshot(const Present& present);
  std::error_code remove_temporary_files();
  [[nodiscard]] libraft::RecoveredState recovered(std::vector<LogId> term_runs) const;

  // Writing.
  std::error_code check(const WriteBatch& batch, LogIndex snapshot);
  std::error_code apply(const WriteBatch& batch);
  std::error_code append(const WriteBatch& batch);
  std::error_code compact(const WriteBatch& batch);
  std::error_code cut_and_replace_state(const WriteBatch& batch, const StateRecord& compacted);
  std::error_code failed_write(std::error_code error, std::string_view file);
  std::error_code write_file(const std::string& file_path, std::string_view text);
  // Nothing changes with errc::no_space; any other error is final.
  std::error_code replace_state(const StateRecord& state);
  std::error_code write_state(const StateRecord& state);
  std::error_code restore_state(const StateRecord& before);
  [[nodiscard]] StateRecord with_hard_state(const WriteBatch& batch) const;

  libraft::FileSystem& files_;
  JsonFileStorageOptions options_;
  std::unique_ptr<libraft::FileLock> lock_;
  StateRecord state_;
  std::unique_ptr<LogFile> log_;
  std::shared_ptr<SnapshotDraft::Shared> drafts_;

  mutable std::mutex mutex_;  // what follows is read beside the storage lane
  bool formatted_ = false;
  std::shared_ptr<const Snapshot> snapshot_;
  std::error_code failed_;
  std::string detail_;
};

// --- Errors --------------------------------------------------------------------------------------------------------

std::error_code JsonFileStorage::fail(std::error_code error, std::string_view file, std::string_view what) {
  const std::lock_guard lock(mutex_);
  detail_ = fmt::format("{}: {}", file.empty() ? options_.directory : path(file),
                        what.empty() ? error.message() : std::string(what));
  return error;
}

std::error_code JsonFileStorage::fail_for_good(std::error_code error, std::string_view file, std::string_view what) {
  (void)fail(error, file, what);
  const std::lock_guard lock(mutex_);
  failed_ = error;
  return error;
}

std::error_code JsonFileStorage::usable() const {
  const std::lock_guard lock(mutex_);
  return formatted_ ? failed_ : errc::not_formatted;
}

std::string JsonFileStorage::error_detail() const {
  const std::lock_guard lock(mutex_);
  return detail_;
}

// --- Opening -------------------------------------------------------------------------------------------------------

Result<std::optional<libraft::RecoveredState>> JsonFileStorage::open() {
  close();
  auto opened = take_over();
  if (!opened) {
    const std::string detail = error_detail();
    close();
    const std::lock_guard lock(mutex_);
    detail_ = detail;
  }
  return opened;
}

Result<std::optional<libraft::RecoveredState>> JsonFileStorage::take_over() {
  if (const auto error = files_.create_directories(options_.directory)) return fail(error, "", "");
  auto lock = files_.lock(path(kLockName));
  if (!lock) {
    return fail(lock.error(), kLockName, lock.error() == errc::locked ? "another process uses this folder" : "");
  }
  lock_ = std::move(*lock);

  const auto present = look();
  if (!present) return fail(present.error(), "", "");
  if (!present->state) {
    if (const auto error = check_never_used(*present)) return error;
    if (const auto error = remove_temporary_files()) return error;
    return std::optional<libraft::RecoveredState>{};
  }
  return load(*present);
}

Result<std::optional<libraft::RecoveredState>> JsonFileStorage::load(const Present& present) {
  if (const auto error = load_state()) return error;
  if (const auto error = load_snapshot(present)) return error;
  if (!present.log) return fail(errc::corrupt_data, kLogName, "missing, though raft_state.json is there");

  std::string why;
  const bool is_fresh = state_.hard_state == libraft::HardState{} && state_.base == LogId{} && !snapshot_;
  log_ = std::make_unique<LogFile>(files_, options_.directory, options_.name_of);
  auto term_runs = log_->open(state_, is_fresh, why);
  if (!term_runs) return fail(term_runs.error(), kLogName, why);
  if (log_->torn_tail() && options_.warn) options_.warn(sentence_of(*log_->torn_tail(), path(kLogName)));
  if (const auto error = remove_temporary_files()) return error;
  // The last rename may have been made by an instance whose next step failed.
  if (const auto error = files_.sync_directory(options_.directory)) return fail(error, "", "");
  {
    const std::lock_guard guard(mutex_);
    formatted_ = true;
  }
  return std::optional(recovered(std::move(*term_runs)));
}

Result<JsonFileStorage::Present> JsonFileStorage::look() const {
  Present present;
  for (const auto& [name, found] : {std::pair{kStateName, &present.state}, std::pair{kLogName, &present.log},
                                    std::pair{kSnapshotName, &present.snapshot}}) {
    const auto exists = files_.exists(path(name));
    if (!exists) return exists.error();
    *found = *exists;
  }
  return present;
}

/// The first start makes raft_log.jsonl, empty, and then raft_state.json. Anything more without a raft_state.json means
/// that it was lost, and with it votes that were given.
std::error_code JsonFileStorage::check_never_used(const Present& present) {
  if (present.snapshot) return fail(errc::corrupt_data, kStateName, "missing, though snapshot.json is there");
  if (!present.log) return {};
  const auto file = files_.open(path(kLogName), libraft::OpenMode::read);
  if (!file) return fail(file.error(), kLogName, "");
  const auto size = (*file)->size();
  if (!size) return fail(size.error(), kLogName, "");
  return *size == 0 ? std::error_code{}
                    : fail(errc::corrupt_data, kStateName, "missing, though raft_log.jsonl holds data");
}

std::error_code JsonFileStorage::load_state() {
  const auto text = libraft::read_file(files_, path(kStateName), kStateBytesMax);
  if (text.error() == errc::message_too_large) return fail(errc::corrupt_data, kStateName, "far too large");
  if (!text) return fail(text.error(), kStateName, "");
  std::string why;
  auto state = storage::read_state(*text, why);
  if (!state) return fail(state.error(), kStateName, why);
  state_ = std::move(*state);
  const std::uint64_t drafts_before = drafts_ ? drafts_->newest.load() : 0;
  drafts_ = std::make_shared<SnapshotDraft::Shared>();
  drafts_->newest = drafts_before;  // a writer from before close() keeps a file name of its own
  drafts_->files = &files_;
  drafts_->directory = options_.directory;
  drafts_->identity = state_.identity;
  drafts_->name_of = options_.name_of;
  return {};
}

std::error_code JsonFileStorage::load_snapshot(const Present& present) {
  if (!present.snapshot) {
    if (state_.base.index.value == 0) return {};
    return fail(errc::corrupt_data, kSnapshotName,
                fmt::format("missing, though the log starts after entry {}", state_.base.index.value));
  }
  auto text = libraft::read_file(files_, path(kSnapshotName), storage::kSnapshotFileBytesMax);
  if (text.error() == errc::message_too_large) return fail(errc::corrupt_data, kSnapshotName, "far too large");
  if (!text) return fail(text.error(), kSnapshotName, "");
  std::string why;
  auto snapshot = storage::read_snapshot(std::move(*text), state_.identity, why);
  if (!snapshot) return fail(snapshot.error(), kSnapshotName, why);
  const LogId last = snapshot->meta.last;
  if (last.index < state_.base.index || (last.index == state_.base.index && last.term != state_.base.term)) {
    return fail(errc::corrupt_data, kSnapshotName,
                fmt::format("reaches to entry {} of term {}, but raft_state.json has the log start after {} of {}",
                            last.index.value, last.term.value, state_.base.index.value, state_.base.term.value));
  }
  const std::lock_guard lock(mutex_);
  snapshot_ = std::make_shared<const Snapshot>(std::move(*snapshot));
  return {};
}

/// What an interrupted replacement left behind.
std::error_code JsonFileStorage::remove_temporary_files() {
  const auto names = files_.list(options_.directory);
  if (!names) return fail(names.error(), "", "");
  for (const std::string& name : *names) {
    const bool is_ours = name.starts_with(kStateName) || name.starts_with(kLogName) || name.starts_with(kSnapshotName);
    if (!is_ours || !name.ends_with(storage::kTemporarySuffix)) continue;
    if (const auto error = files_.remove(path(name))) return fail(error, name, "");
  }
  return {};
}

libraft::RecoveredState JsonFileStorage::recovered(std::vector<LogId> term_runs) const {
  libraft::RecoveredState found;
  found.identity = state_.identity;
  found.hard_state = state_.hard_state;
  found.start = state_.base;
  found.last = term_runs.empty() ? state_.base : term_runs.back();
  found.term_runs = std::move(term_runs);
  found.configurations = {snapshot_ ? snapshot_->meta.configuration : state_.configuration};
  if (snapshot_) found.snapshot = snapshot_->meta;
  return found;
}

std::error_code JsonFileStorage::format(const libraft::Identity& identity, const libraft::Configuration& genesis) {
  if (!lock_) return fail(errc::not_formatted, "", "not open");
  if (failed_) return failed_;
  const auto present = look();
  if (!present) return fail(present.error(), "", "");
  if (present->state) return fail(errc::already_formatted, kStateName, "there already");

  LogFile log(files_, options_.directory, options_.name_of);
  if (const auto error = log.create()) return fail(error, kLogName, "");
  StateRecord state;
  state.identity = identity;
  state.configuration = {{}, genesis};
  if (const auto error = write_state(state)) return error;
  // What is formatted now is opened like any other: this puts the header into the log.
  return load({.state = true, .log = true, .snapshot = false}).error();
}

void JsonFileStorage::close() noexcept {
  if (drafts_) ++drafts_->newest;  // gives the last writer up
  log_.reset();
  const std::lock_guard lock(mutex_);
  formatted_ = false;
  snapshot_.reset();
  failed_.clear();
  detail_.clear();
  lock_.reset();
}

// --- Writing -------------------------------------------------------------------------------------------------------

LogIndex JsonFileStorage::snapshot_index() const {
  const std::lock_guard lock(mutex_);
  return snapshot_ ? snapshot_->meta.last.index : LogIndex{};
}

StateRecord JsonFileStorage::with_hard_state(const WriteBatch& batch) const {
  StateRecord state = state_;
  if (batch.hard_state) state.hard_state = *batch.hard_state;
  return state;
}

std::error_code JsonFileStorage::check(const WriteBatch& batch, LogIndex snapshot) {
  const std::string rule = broken_rule(batch, log_->start(), log_->last(), snapshot);
  return rule.empty() ? std::error_code{} : fail_for_good(errc::invalid_argument, "", rule);
}

std::error_code JsonFileStorage::write(const WriteBatch& batch) {
  if (const auto error = usable()) return error;
  if (const auto error = check(batch, snapshot_index())) return error;
  return apply(batch);
}

std::error_code JsonFileStorage::apply(const WriteBatch& batch) {
  const StateRecord before = state_;
  const auto error = batch.new_start && *batch.new_start != state_.base ? compact(batch) : append(batch);
  if (!error || usable()) return error;
  // The device is full. The term and the vote may be written already, and nothing of the batch may stay.
  const auto failure = restore_state(before);
  return failure ? failure : error;
}

std::error_code JsonFileStorage::append(const WriteBatch& batch) {
  if (const auto error = replace_state(with_hard_state(batch))) return error;
  const bool cuts = batch.truncate_from && *batch.truncate_from <= log_->last();
  const auto error = log_->append(cuts ? batch.truncate_from : std::nullopt, batch.entries);
  return error ? failed_write(error, kLogName) : error;
}

/// The replacement of the log is written first, as it takes the most space: afterwards a full device is unlikely.
std::error_code JsonFileStorage::compact(const WriteBatch& batch) {
  const bool cuts = batch.truncate_from && *batch.truncate_from <= log_->last();
  const auto truncate_from = cuts ? batch.truncate_from : std::nullopt;
  if (const auto error = log_->prepare_rewrite(*batch.new_start, truncate_from, batch.entries)) {
    return failed_write(error, kLogName);
  }
  StateRecord compacted = with_hard_state(batch);
  compacted.base = *batch.new_start;
  if (snapshot_) compacted.configuration = snapshot_->meta.configuration;
  if (const auto error = cuts ? cut_and_replace_state(batch, compacted) : replace_state(compacted)) {
    log_->abandon_rewrite();
    return error;
  }
  const auto error = log_->commit_rewrite();
  return error ? fail_for_good(error, kLogName, "") : error;
}

/// An installed snapshot that the log contradicts. A crash may not leave the new start with entries that were to be
/// cut, so each step is durable before the next.
std::error_code JsonFileStorage::cut_and_replace_state(const WriteBatch& batch, const StateRecord& compacted) {
  if (const auto error = replace_state(with_hard_state(batch))) return error;
  LogFile::Position before = log_->position();
  if (const auto error = log_->append(batch.truncate_from, {})) return failed_write(error, kLogName);
  const auto error = replace_state(compacted);
  if (error != errc::no_space) return error;
  const auto failure = log_->roll_back(std::move(before));
  return failure ? fail_for_good(failure, kLogName, "") : error;
}

std::error_code JsonFileStorage::restore_state(const StateRecord& before) {
  const auto error = replace_state(before);
  return error == errc::no_space ? fail_for_good(errc::io_error, kStateName, "no space to take a write back") : error;
}

/// A full device leaves the storage usable, everything else does not.
std::error_code JsonFileStorage::failed_write(std::error_code error, std::string_view file) {
  return error == errc::no_space ? fail(error, file, "") : fail_for_good(error, file, "");
}

std::error_code JsonFileStorage::replace_state(const StateRecord& state) {
  return state == state_ ? std::error_code{} : write_state(state);
}

std::error_code JsonFileStorage::write_state(const StateRecord& state) {
  const auto text = storage::state_text(state, options_.name_of);
  if (!text) return fail_for_good(errc::invalid_argument, kStateName, "an address is not UTF-8");
  const std::string temporary = path(kStateName) + std::string(storage::kTemporarySuffix);
  auto error = write_file(temporary, *text);
  if (!error) error = files_.rename(temporary, path(kStateName));
  if (error) {
    (void)files_.remove(temporary);  // else open() removes it
    return failed_write(error, kStateName);
  }
  if (const auto failure = files_.sync_directory(options_.directory)) {
    return fail_for_good(failure == errc::no_space ? errc::io_error : failure, kStateName, "");
  }
  state_ = state;
  return {};
}

std::error_code JsonFileStorage::write_file(const std::string& file_path, std::string_view text) {
  auto file = files_.open(file_path, libraft::OpenMode::create_or_truncate);
  if (!file) return file.error();
  if (const auto error = (*file)->write_at(0, text)) return error;
  return (*file)->sync();
}

// --- Snapshots and reading -----------------------------------------------------------------------------------------

Result<std::unique_ptr<libraft::SnapshotWriter>> JsonFileStorage::create_snapshot(const libraft::SnapshotMeta&) {
  if (const auto error = usable()) return error;
  return std::make_unique<SnapshotDraft>(drafts_, ++drafts_->newest);
}

std::error_code JsonFileStorage::publish(std::unique_ptr<libraft::SnapshotWriter> snapshot, const WriteBatch& with) {
  if (const auto error = usable()) return error;
  auto* const draft = dynamic_cast<SnapshotDraft*>(snapshot.get());
  if (draft == nullptr || !draft->may_publish(*drafts_)) {
    return fail(errc::invalid_argument, kSnapshotName, "published before it was finished, or after it was given up");
  }
  const LogIndex reached = draft->meta().last.index;
  if (reached <= snapshot_index()) return fail(errc::snapshot_stale, kSnapshotName, "the newest one reaches as far");
  if (const auto error = check(with, reached)) return error;

  if (const auto error = draft->rename_into_place()) return failed_write(error, kSnapshotName);
  if (const auto error = files_.sync_directory(options_.directory)) {
    return fail_for_good(error == errc::no_space ? errc::io_error : error, kSnapshotName, "");
  }
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::make_shared<const Snapshot>(draft->take());
  }
  return apply(with);
}

Result<std::shared_ptr<libraft::SnapshotReader>> JsonFileStorage::newest_snapshot() {
  if (const auto error = usable()) return error;
  const std::lock_guard lock(mutex_);
  if (!snapshot_) return errc::no_snapshot;
  return storage::reader_of(snapshot_);
}

Result<std::vector<libraft::Entry>> JsonFileStorage::read(LogIndex first, LogIndex last, std::size_t bytes_max) {
  if (const auto error = usable()) return error;
  std::string why;
  auto entries = log_->read(first, last, bytes_max, why);
  if (!entries && !why.empty()) return fail(entries.error(), kLogName, why);
  return entries;
}

}  // namespace

std::unique_ptr<libraft::Storage> json_file_storage(libraft::FileSystem& files, JsonFileStorageOptions options) {
  return std::make_unique<JsonFileStorage>(files, std::move(options));
}

std::map<libraft::NodeId, std::string> stored_names(libraft::FileSystem& files, const std::string& directory) {
  const auto text = libraft::read_file(files, directory + "/" + std::string(kStateName), kStateBytesMax);
  return text ? storage::read_names(*text) : std::map<libraft::NodeId, std::string>{};
}

}  // namespace kvserver
