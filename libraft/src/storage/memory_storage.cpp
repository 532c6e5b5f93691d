// A Storage in memory.
#include <libraft/storage/memory_storage.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace libraft {
namespace {

/// A published snapshot: immutable, shared with its readers.
struct Snapshot {
  SnapshotMeta meta;
  std::string bytes;
};

/// The log proper. Entry i of `entries` has index start.index + 1 + i.
struct Log {
  LogId start;
  std::deque<Entry> entries;

  [[nodiscard]] LogId last() const { return entries.empty() ? start : entries.back().id; }
};

}  // namespace

// Grouped by protection: all of it under `mutex`.
struct MemoryDisk::Contents {
  mutable std::mutex mutex;
  bool locked = false;
  std::uint64_t bytes_max = kUnlimited;
  std::uint64_t log_bytes = 0;
  std::uint64_t draft_bytes = 0;  ///< of the snapshot that is being written
  std::uint64_t draft = 0;        ///< rises with each create_snapshot: an older writer sees that it was given up

  bool formatted = false;
  Identity identity;
  Configuration genesis;
  HardState hard_state;
  Log log;
  std::shared_ptr<const Snapshot> snapshot;

  [[nodiscard]] std::uint64_t bytes_used() const {
    return log_bytes + draft_bytes + (snapshot ? snapshot->bytes.size() : 0);
  }
};

namespace {

using Contents = MemoryDisk::Contents;

std::uint64_t charged(std::span<const Entry> entries) {
  std::uint64_t sum = 0;
  for (const Entry& entry : entries) sum += charged_bytes(entry);
  return sum;
}

std::vector<LogId> term_runs_of(const Log& log) {
  std::vector<LogId> runs;
  for (const Entry& entry : log.entries) {
    if (!runs.empty() && runs.back().term == entry.id.term) {
      runs.back() = entry.id;
    } else {
      runs.push_back(entry.id);
    }
  }
  return runs;
}

/// Why `batch` can't be applied to `log`, whose newest snapshot reaches to `snapshot`; empty when it can.
std::string broken_rule(const WriteBatch& batch, const Log& log, LogIndex snapshot) {
  LogIndex last = log.last().index;
  LogIndex start = log.start.index;
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
  for (const Entry& entry : batch.entries) {
    if (entry.id.index != next(last)) return "the entries don't follow the end of the log";
    last = entry.id.index;
  }
  return {};
}

/// The same steps that a crash may stop between in a storage on a disk; here they can't fail.
void apply(Contents& disk, const WriteBatch& batch) {
  Log& log = disk.log;
  if (batch.hard_state) disk.hard_state = *batch.hard_state;
  if (batch.truncate_from) {
    while (!log.entries.empty() && log.entries.back().id.index >= *batch.truncate_from) {
      disk.log_bytes -= charged_bytes(log.entries.back());
      log.entries.pop_back();
    }
  }
  if (batch.new_start) {
    while (!log.entries.empty() && log.entries.front().id.index <= batch.new_start->index) {
      disk.log_bytes -= charged_bytes(log.entries.front());
      log.entries.pop_front();
    }
    log.start = *batch.new_start;
  }
  for (const Entry& entry : batch.entries) {
    disk.log_bytes += charged_bytes(entry);
    log.entries.push_back(entry);
  }
}

/// Gathers in memory of its own; the disk sees it at publish.
class Writer final : public SnapshotWriter {
 public:
  Writer(std::shared_ptr<Contents> disk, std::uint64_t draft) : disk_(std::move(disk)), draft_(draft) {}

  ~Writer() override {
    const std::lock_guard lock(disk_->mutex);
    if (disk_->draft == draft_) disk_->draft_bytes = 0;
  }

  std::error_code write(std::string_view bytes) override {
    const std::lock_guard lock(disk_->mutex);
    if (disk_->draft != draft_) return errc::cancelled;
    if (bytes.size() > disk_->bytes_max || disk_->bytes_used() > disk_->bytes_max - bytes.size()) {
      return errc::no_space;
    }
    disk_->draft_bytes += bytes.size();
    content_.bytes.append(bytes);
    return {};
  }

  std::error_code finish(const SnapshotMeta& meta) override {
    if (meta.size != content_.bytes.size()) return errc::invalid_argument;
    content_.meta = meta;
    finished_ = true;
    return {};
  }

  [[nodiscard]] bool may_publish(const Contents& disk) const {
    return finished_ && disk_.get() == &disk && disk.draft == draft_;
  }
  [[nodiscard]] const SnapshotMeta& meta() const { return content_.meta; }
  [[nodiscard]] Snapshot take() { return std::move(content_); }

 private:
  std::shared_ptr<Contents> disk_;
  std::uint64_t draft_;
  bool finished_ = false;
  Snapshot content_;
};

class Reader final : public SnapshotReader {
 public:
  explicit Reader(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}

  [[nodiscard]] const SnapshotMeta& meta() const override { return snapshot_->meta; }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    const std::string& bytes = snapshot_->bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.data() + offset, count, into.begin());
    return count;
  }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
};

/// Invariant: `open_` holds exactly while this instance has the disk's lock.
class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::shared_ptr<Contents> disk) : disk_(std::move(disk)) {}
  ~MemoryStorage() override { close(); }

  Result<std::optional<RecoveredState>> open() override {
    close();
    const std::lock_guard lock(disk_->mutex);
    if (disk_->locked) return fail(errc::locked, "another instance is open on this memory disk");
    disk_->locked = true;
    open_ = true;
    if (!disk_->formatted) return std::optional<RecoveredState>{};
    return std::optional(recovered());
  }

  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    const std::lock_guard lock(disk_->mutex);
    if (!open_) return not_open();
    if (disk_->formatted) return fail(errc::already_formatted, "this memory disk is formatted");
    disk_->identity = identity;
    disk_->genesis = genesis;
    disk_->formatted = true;
    return {};
  }

  std::error_code write(const WriteBatch& batch) override {
    const std::lock_guard lock(disk_->mutex);
    if (const auto error = check_usable()) return error;
    const LogIndex snapshot = disk_->snapshot ? disk_->snapshot->meta.last.index : LogIndex{};
    if (const auto error = check(batch, snapshot)) return error;
    apply(*disk_, batch);
    return {};
  }

  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override {
    const std::lock_guard lock(disk_->mutex);
    if (const auto error = check_usable()) return error;
    const Log& log = disk_->log;
    if (first <= log.start.index) return errc::compacted;
    if (last > log.last().index || first > last) return errc::unavailable;
    std::vector<Entry> found;
    std::size_t bytes = 0;
    for (auto index = first; index <= last; index = next(index)) {
      const Entry& entry = log.entries[index.value - log.start.index.value - 1];
      bytes += charged_bytes(entry);
      if (bytes > bytes_max && !found.empty()) break;
      found.push_back(entry);
    }
    return found;
  }

  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta&) override {
    const std::lock_guard lock(disk_->mutex);
    if (const auto error = check_usable()) return error;
    disk_->draft_bytes = 0;
    return std::make_unique<Writer>(disk_, ++disk_->draft);
  }

  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    // The writer is destroyed after the lock is released: its destructor takes the lock.
    auto* const writer = dynamic_cast<Writer*>(snapshot.get());
    const std::lock_guard lock(disk_->mutex);
    if (const auto error = check_usable()) return error;
    if (writer == nullptr || !writer->may_publish(*disk_)) {
      return fail(errc::invalid_argument, "published a snapshot that is not finished, or was given up");
    }
    const SnapshotMeta& meta = writer->meta();
    if (disk_->snapshot && meta.last.index <= disk_->snapshot->meta.last.index) {
      return fail(errc::snapshot_stale, "the newest snapshot reaches as far");
    }
    if (const auto error = check(with, meta.last.index)) return error;
    disk_->snapshot = std::make_shared<const Snapshot>(writer->take());
    disk_->draft_bytes = 0;
    apply(*disk_, with);
    return {};
  }

  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override {
    const std::lock_guard lock(disk_->mutex);
    if (const auto error = check_usable()) return error;
    if (!disk_->snapshot) return errc::no_snapshot;
    return std::make_shared<Reader>(disk_->snapshot);
  }

  void close() noexcept override {
    const std::lock_guard lock(disk_->mutex);
    if (open_) disk_->locked = false;
    open_ = false;
    final_error_.clear();
    detail_.clear();
  }

  [[nodiscard]] std::string error_detail() const override {
    const std::lock_guard lock(disk_->mutex);
    return detail_;
  }

 private:
  std::error_code fail(errc code, std::string detail) {
    detail_ = std::move(detail);
    return code;
  }

  std::error_code not_open() { return fail(errc::not_formatted, "the memory storage is not open"); }

  std::error_code check_usable() {
    if (!open_) return not_open();
    if (!disk_->formatted) return fail(errc::not_formatted, "this memory disk is not formatted");
    return final_error_;
  }

  /// Whether `batch` keeps the rules and fits.
  std::error_code check(const WriteBatch& batch, LogIndex snapshot) {
    if (auto rule = broken_rule(batch, disk_->log, snapshot); !rule.empty()) {
      final_error_ = errc::invalid_argument;
      return fail(errc::invalid_argument, std::move(rule));
    }
    const std::uint64_t added = charged(batch.entries);
    if (added == 0) return {};
    if (added > disk_->bytes_max || disk_->bytes_used() > disk_->bytes_max - added) {
      return fail(errc::no_space, "the memory disk is full");
    }
    return {};
  }

  [[nodiscard]] RecoveredState recovered() const {
    RecoveredState state;
    state.identity = disk_->identity;
    state.hard_state = disk_->hard_state;
    state.start = disk_->log.start;
    state.last = disk_->log.last();
    state.term_runs = term_runs_of(disk_->log);
    if (disk_->snapshot) state.snapshot = disk_->snapshot->meta;
    state.configurations = {state.snapshot ? state.snapshot->configuration : ConfigurationAt{{}, disk_->genesis}};
    return state;
  }

  const std::shared_ptr<Contents> disk_;
  // Protected by the disk's mutex.
  bool open_ = false;
  std::error_code final_error_;
  std::string detail_;
};

}  // namespace

MemoryDisk::MemoryDisk() : contents_(std::make_unique<Contents>()) {}
MemoryDisk::~MemoryDisk() = default;

void MemoryDisk::set_bytes_max(std::uint64_t bytes_max) {
  const std::lock_guard lock(contents_->mutex);
  contents_->bytes_max = bytes_max;
}

std::uint64_t MemoryDisk::bytes_used() const {
  const std::lock_guard lock(contents_->mutex);
  return contents_->bytes_used();
}

std::unique_ptr<Storage> memory_storage(std::shared_ptr<MemoryDisk> disk) {
  Contents* const contents = disk->contents_.get();
  return std::make_unique<MemoryStorage>(std::shared_ptr<Contents>(std::move(disk), contents));
}

std::unique_ptr<Storage> memory_storage() {
  return memory_storage(std::make_shared<MemoryDisk>());
}

std::function<std::unique_ptr<Storage>(NodeId)> memory_storages() {
  auto disks = std::make_shared<std::map<NodeId, std::shared_ptr<MemoryDisk>>>();
  return [disks](NodeId id) {
    auto& disk = (*disks)[id];
    if (!disk) disk = std::make_shared<MemoryDisk>();
    return memory_storage(disk);
  };
}

}  // namespace libraft
