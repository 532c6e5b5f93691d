#include "plain_log_storage.hpp"

#include <libraft/codec.hpp>
#include <libraft/error.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "util/digest.hpp"

namespace libraft::test {
namespace {

const std::string kFolder = "data";
const std::string kMeta = "meta";
const std::string kLogPath = kFolder + "/log";

void put(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

/// Size, digest, bytes.
std::string framed(std::string_view bytes) {
  std::string out;
  put(out, std::uint64_t{bytes.size()});
  put(out, util::digest64(bytes));
  out += bytes;
  return out;
}

template <class Value>
std::string encoded(const Value& value) {
  std::string bytes;
  encode(value, bytes);
  return bytes;
}

struct Record {
  std::string_view bytes;
  bool is_sound = false;
};

/// nullopt when what is at `at` is no whole record.
std::optional<Record> record_at(std::string_view file, std::size_t at) {
  if (file.size() < at + 16) return std::nullopt;
  const std::uint64_t size = number_at(file, at);
  if (size > file.size() - at - 16) return std::nullopt;
  const std::string_view bytes = file.substr(at + 16, size);
  return Record{bytes, util::digest64(bytes) == number_at(file, at + 8)};
}

/// What "meta" holds.
struct Meta {
  Identity identity;
  Configuration genesis;
  HardState hard_state;
  LogId start;
  std::optional<SnapshotMeta> snapshot;
  std::string snapshot_bytes;
};

std::string text_of(const Meta& meta) {
  std::string out;
  for (const std::uint64_t number :
       {meta.identity.cluster.value, meta.identity.group.value, meta.identity.node.value,
        meta.identity.incarnation.value, meta.hard_state.term.value, meta.hard_state.vote.value_or(NodeId{}).value,
        meta.start.index.value, meta.start.term.value, std::uint64_t{meta.snapshot ? 1u : 0u}}) {
    put(out, number);
  }
  out += framed(encoded(meta.genesis));
  out += framed(encoded(meta.snapshot.value_or(SnapshotMeta{})));
  out += framed(meta.snapshot_bytes);
  return framed(out);
}

Result<Meta> meta_of(std::string_view file) {
  const auto whole = record_at(file, 0);
  if (!whole || !whole->is_sound) return errc::corrupt_data;
  const std::string_view text = whole->bytes;
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < 9; ++i) numbers.push_back(number_at(text, 8 * i));
  Meta meta;
  meta.identity = {{numbers[0]}, {numbers[1]}, {numbers[2]}, {numbers[3]}};
  meta.hard_state.term.value = numbers[4];
  if (numbers[5] != 0) meta.hard_state.vote = NodeId{numbers[5]};
  meta.start = {{numbers[6]}, {numbers[7]}};
  const auto genesis = record_at(text, 72);
  const auto snapshot = record_at(text, 72 + 16 + genesis->bytes.size());
  const auto bytes = record_at(text, 72 + 32 + genesis->bytes.size() + snapshot->bytes.size());
  meta.genesis = *decode_configuration(Bytes(genesis->bytes));
  if (numbers[8] != 0) meta.snapshot = *decode_snapshot_meta(Bytes(snapshot->bytes));
  meta.snapshot_bytes = bytes->bytes;
  return meta;
}

class Writer final : public SnapshotWriter {
 public:
  std::error_code write(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  std::error_code finish(const SnapshotMeta& meta) override {
    meta_ = meta;
    return {};
  }
  [[nodiscard]] const SnapshotMeta& meta() const { return meta_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  SnapshotMeta meta_;
  std::string bytes_;
};

class Reader final : public SnapshotReader {
 public:
  Reader(SnapshotMeta meta, std::string bytes) : meta_(std::move(meta)), bytes_(std::move(bytes)) {}

  [[nodiscard]] const SnapshotMeta& meta() const override { return meta_; }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes_.size() - offset);
    std::copy_n(bytes_.data() + offset, count, into.begin());
    return count;
  }

 private:
  SnapshotMeta meta_;
  std::string bytes_;
};

/// Invariant: `meta_` and `entries_` are what the files say; record i of the log ends at `ends_[i]`.
class PlainLogStorage final : public Storage {
 public:
  PlainLogStorage(FileSystem& files, LogFlaw flaw) : files_(files), flaw_(flaw) {}

  Result<std::optional<RecoveredState>> open() override {
    close();
    if (const auto error = files_.create_directories(kFolder)) return error;
    const auto exists = files_.exists(kFolder + "/" + kMeta);
    if (!exists) return exists.error();
    if (!*exists) return std::optional<RecoveredState>{};
    if (const auto error = files_.sync_directory(kFolder)) return error;
    const auto text = read_file(files_, kFolder + "/" + kMeta, 1u << 24);
    if (!text) return text.error();
    auto meta = meta_of(*text);
    if (!meta) return meta.error();
    if (const auto error = load_log(*meta)) return error;
    meta_ = *std::move(meta);
    return std::optional(recovered());
  }

  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    auto log = files_.open(kLogPath, OpenMode::create_or_truncate);
    if (!log) return log.error();
    if (const auto error = (*log)->sync()) return error;
    if (const auto error = files_.sync_directory(kFolder)) return error;
    Meta fresh;
    fresh.identity = identity;
    fresh.genesis = genesis;
    log_ = *std::move(log);
    return save(std::move(fresh));
  }

  std::error_code write(const WriteBatch& batch) override {
    if (!meta_) return errc::not_formatted;
    const Meta before = *meta_;
    if (batch.hard_state) {
      Meta changed = before;
      changed.hard_state = *batch.hard_state;
      if (const auto error = save(std::move(changed))) return error;
    }
    if (batch.truncate_from) {
      if (const auto error = cut(count_below(*batch.truncate_from))) return final_error(error);
    }
    if (batch.new_start) {
      if (const auto error = start_at(*batch.new_start)) return final_error(error);
    }
    const auto error = append(batch.entries);
    if (error != errc::no_space) return error;
    const bool is_append = !batch.hard_state && !batch.truncate_from && !batch.new_start;
    return is_append ? error : make_error_code(errc::io_error);  // what came before the entries is not taken back
  }

  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t) override {
    if (!meta_) return errc::not_formatted;
    if (first <= meta_->start.index) return errc::compacted;
    if (last > end().index) return errc::unavailable;
    std::vector<Entry> found;
    std::copy_if(entries_.begin(), entries_.end(), std::back_inserter(found),
                 [&](const Entry& entry) { return first <= entry.id.index && entry.id.index <= last; });
    return found;
  }

  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta&) override {
    return std::make_unique<Writer>();
  }

  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    const auto& draft = static_cast<const Writer&>(*snapshot);
    if (meta_->snapshot && draft.meta().last.index <= meta_->snapshot->last.index) return errc::snapshot_stale;
    Meta changed = *meta_;
    changed.snapshot = draft.meta();
    changed.snapshot_bytes = draft.bytes();
    if (const auto error = save(std::move(changed))) return error;
    return write(with);
  }

  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override {
    if (!meta_->snapshot) return errc::no_snapshot;
    return std::make_shared<Reader>(*meta_->snapshot, meta_->snapshot_bytes);
  }

  void close() noexcept override {
    log_.reset();
    meta_.reset();
    entries_.clear();
    ends_.clear();
  }

 private:
  static std::error_code final_error(std::error_code error) {
    return error == errc::no_space ? make_error_code(errc::io_error) : error;
  }

  /// With nothing behind the start: the log file may hold older entries.
  [[nodiscard]] LogId end() const {
    return entries_.empty() || entries_.back().id.index <= meta_->start.index ? meta_->start : entries_.back().id;
  }
  [[nodiscard]] std::uint64_t file_end() const { return ends_.empty() ? 0 : ends_.back(); }
  [[nodiscard]] std::size_t count_below(LogIndex index) const {
    return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                  [index](const Entry& entry) { return entry.id.index < index; }));
  }

  RecoveredState recovered() const {
    RecoveredState state;
    state.identity = meta_->identity;
    state.hard_state = meta_->hard_state;
    state.start = meta_->start;
    state.last = end();
    for (const Entry& entry : entries_) {
      if (entry.id.index <= meta_->start.index) continue;
      if (!state.term_runs.empty() && state.term_runs.back().term == entry.id.term) state.term_runs.pop_back();
      state.term_runs.push_back(entry.id);
    }
    state.configurations = {meta_->snapshot ? meta_->snapshot->configuration : ConfigurationAt{{}, meta_->genesis}};
    state.snapshot = meta_->snapshot;
    return state;
  }

  /// Takes records as long as they are sound and follow each other, and cuts the rest.
  std::error_code load_log(const Meta& meta) {
    auto log = files_.open(kLogPath, OpenMode::write);
    if (!log) return log.error();
    log_ = *std::move(log);
    const auto text = read_file(files_, kLogPath, 1u << 24);
    if (!text) return text.error();
    for (std::size_t at = 0; const auto record = record_at(*text, at); at = file_end()) {
      if (!record->is_sound && flaw_ != LogFlaw::checks_no_sums) break;
      auto entry = decode_entry(Bytes(record->bytes));
      if (!entry || (!entries_.empty() && entry->id.index != next(entries_.back().id.index))) break;
      entries_.push_back(*std::move(entry));
      ends_.push_back(at + 16 + record->bytes.size());
    }
    if (!entries_.empty() && entries_.back().id.index < meta.start.index) {  // an install that was interrupted
      entries_.clear();
      ends_.clear();
    }
    if (flaw_ == LogFlaw::leaves_the_torn_tail) return {};
    if (file_end() < text->size()) {
      if (const auto error = log_->truncate(file_end())) return error;
    }
    // Also what a killed process wrote and did not sync is told from here on.
    return log_->sync();
  }

  std::error_code save(Meta changed) {
    const auto error = replace_meta(text_of(changed));
    if (!error) meta_ = std::move(changed);
    return error;
  }

  std::error_code replace_meta(const std::string& text) {
    if (flaw_ != LogFlaw::syncs_no_directory && flaw_ != LogFlaw::renames_before_sync) {
      return replace_file(files_, kFolder, kMeta, text);
    }
    auto file = files_.open(kFolder + "/new", OpenMode::create_or_truncate);
    if (!file) return file.error();
    if (const auto error = (*file)->write_at(0, text)) return error;
    if (flaw_ == LogFlaw::syncs_no_directory) {
      if (const auto error = (*file)->sync()) return error;
      return files_.rename(kFolder + "/new", kFolder + "/" + kMeta);
    }
    if (const auto error = files_.rename(kFolder + "/new", kFolder + "/" + kMeta)) return error;
    if (const auto error = files_.sync_directory(kFolder)) return error;
    return (*file)->sync();
  }

  /// Keeps the first `count` records. Durable before anything is written behind them: else a crash may keep what comes
  /// behind the cut and lose the cut.
  std::error_code cut(std::size_t count) {
    if (count >= entries_.size()) return {};
    entries_.resize(count);
    ends_.resize(count);
    if (const auto error = log_->truncate(file_end())) return error;
    return flaw_ == LogFlaw::cuts_without_sync ? std::error_code{} : log_->sync();
  }

  std::error_code start_at(const LogId& start) {
    const bool is_beyond = end().index < start.index;
    Meta changed = *meta_;
    changed.start = start;
    if (const auto error = save(std::move(changed))) return error;
    return is_beyond ? cut(0) : std::error_code{};
  }

  std::error_code append(std::span<const Entry> entries) {
    std::string text;
    std::vector<std::uint64_t> ends;
    for (const Entry& entry : entries) {
      text += framed(encoded(entry));
      ends.push_back(file_end() + text.size());
    }
    if (text.empty()) return {};
    if (const auto error = log_->write_at(file_end(), text)) {
      if (error != errc::no_space || flaw_ == LogFlaw::keeps_what_has_no_room) return error;
      if (const auto failed = log_->truncate(file_end())) return final_error(failed);
      const auto failed = log_->sync();
      return failed ? final_error(failed) : error;
    }
    if (flaw_ != LogFlaw::syncs_no_file) {
      const auto error = log_->sync();
      if (error && flaw_ != LogFlaw::ignores_a_failed_sync) return final_error(error);
    }
    entries_.insert(entries_.end(), entries.begin(), entries.end());
    ends_.insert(ends_.end(), ends.begin(), ends.end());
    return {};
  }

  FileSystem& files_;
  const LogFlaw flaw_;
  std::optional<Meta> meta_;
  std::unique_ptr<File> log_;
  std::vector<Entry> entries_;  ///< as in the file: some may be at or below the start
  std::vector<std::uint64_t> ends_;
};

}  // namespace

std::unique_ptr<Storage> plain_log_storage(FileSystem& files, LogFlaw flaw) {
  return std::make_unique<PlainLogStorage>(files, flaw);
}

}  // namespace libraft::test
