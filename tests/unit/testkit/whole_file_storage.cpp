#include "whole_file_storage.hpp"

#include <libraft/codec.hpp>
#include <libraft/error.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

#include "util/digest.hpp"

namespace libraft::test {
namespace {

const std::string kFolder = "data";
const std::string kName = "state";

struct State {
  Identity identity;
  Configuration genesis;
  HardState hard_state;
  LogId start;
  std::vector<Entry> entries;
  std::optional<SnapshotMeta> meta;
  std::string snapshot;

  [[nodiscard]] LogId last() const { return entries.empty() ? start : entries.back().id; }
};

void put(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

void put(std::string& out, std::string_view bytes) {
  put(out, std::uint64_t{bytes.size()});
  out += bytes;
}

template <class Value>
void put_encoded(std::string& out, const Value& value) {
  std::string bytes;
  encode(value, bytes);
  put(out, bytes);
}

std::string encoded(const State& state) {
  std::string out;
  for (const std::uint64_t number :
       {state.identity.cluster.value, state.identity.group.value, state.identity.node.value,
        state.identity.incarnation.value, state.hard_state.term.value,
        state.hard_state.vote ? state.hard_state.vote->value : std::uint64_t{0}, state.start.index.value,
        state.start.term.value, std::uint64_t{state.meta ? 1u : 0u}}) {
    put(out, number);
  }
  put_encoded(out, state.genesis);
  put_encoded(out, Entries(state.entries));
  put_encoded(out, state.meta.value_or(SnapshotMeta{}));
  put(out, state.snapshot);
  put(out, util::digest64(out));
  return out;
}

/// Trusts what it reads: the digest was checked before.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(8);
    return value;
  }
  std::string_view bytes() {
    const std::size_t size = number();
    const std::string_view found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return found;
  }

 private:
  std::string_view rest_;
};

Result<State> decoded(std::string_view text) {
  if (text.size() < 8 ||
      util::digest64(text.substr(0, text.size() - 8)) != Decoder(text.substr(text.size() - 8)).number()) {
    return errc::corrupt_data;
  }
  Decoder from(text);
  State state;
  state.identity.cluster.value = from.number();
  state.identity.group.value = from.number();
  state.identity.node.value = from.number();
  state.identity.incarnation.value = from.number();
  state.hard_state.term.value = from.number();
  if (const NodeId vote{from.number()}; vote != NodeId{}) state.hard_state.vote = vote;
  state.start.index.value = from.number();
  state.start.term.value = from.number();
  const bool has_snapshot = from.number() != 0;
  state.genesis = *decode_configuration(Bytes(from.bytes()));
  const Entries entries = *decode_entries(Bytes(from.bytes()));
  state.entries.assign(entries.begin(), entries.end());
  const SnapshotMeta meta = *decode_snapshot_meta(Bytes(from.bytes()));
  if (has_snapshot) state.meta = meta;
  state.snapshot = from.bytes();
  return state;
}

RecoveredState recovered(const State& state) {
  RecoveredState found;
  found.identity = state.identity;
  found.hard_state = state.hard_state;
  found.start = state.start;
  found.last = state.last();
  for (const Entry& entry : state.entries) {
    if (!found.term_runs.empty() && found.term_runs.back().term == entry.id.term) found.term_runs.pop_back();
    found.term_runs.push_back(entry.id);
  }
  found.configurations = {state.meta ? state.meta->configuration : ConfigurationAt{{}, state.genesis}};
  found.snapshot = state.meta;
  return found;
}

struct Draft {
  SnapshotMeta meta;
  std::string bytes;
};

class Writer final : public SnapshotWriter {
 public:
  explicit Writer(std::shared_ptr<Draft> draft) : draft_(std::move(draft)) {}

  std::error_code write(std::string_view bytes) override {
    draft_->bytes += bytes;
    return {};
  }
  std::error_code finish(const SnapshotMeta& meta) override {
    draft_->meta = meta;
    return {};
  }
  [[nodiscard]] const Draft& draft() const { return *draft_; }

 private:
  std::shared_ptr<Draft> draft_;
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

class WholeFileStorage final : public Storage {
 public:
  WholeFileStorage(FileSystem& files, Flaw flaw) : files_(files), flaw_(flaw) {}
  ~WholeFileStorage() override { close(); }

  Result<std::optional<RecoveredState>> open() override {
    close();
    if (const auto error = files_.create_directories(kFolder)) return error;
    if (flaw_ != Flaw::takes_no_lock) {
      auto lock = files_.lock(kFolder + "/LOCK");
      if (!lock) return lock.error();
      lock_ = *std::move(lock);
    }
    auto found = load();
    if (!found) close();
    return found;
  }

  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    if (state_) return errc::already_formatted;
    State fresh;
    fresh.identity = identity;
    fresh.genesis = genesis;
    return save(std::move(fresh));
  }

  std::error_code write(const WriteBatch& batch) override {
    if (!state_) return errc::not_formatted;
    State changed = *state_;
    if (flaw_ == Flaw::writes_out_of_order && batch.hard_state) {
      WriteBatch later = batch;
      later.hard_state.reset();
      apply(changed, later);
      if (const auto error = save(changed)) return error;
      changed.hard_state = *batch.hard_state;
      return save(std::move(changed));
    }
    apply(changed, batch);
    return save(std::move(changed));
  }

  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override {
    const std::lock_guard lock(mutex_);
    if (!state_) return errc::not_formatted;
    if (first <= state_->start.index) return errc::compacted;
    if (last > state_->last().index) return errc::unavailable;
    std::vector<Entry> found;
    std::size_t bytes = 0;
    for (LogIndex index = first; index <= last; index = next(index)) {
      const Entry& entry = state_->entries[index.value - state_->start.index.value - 1];
      bytes += charged_bytes(entry);
      if (bytes > bytes_max && !found.empty() && flaw_ != Flaw::ignores_bytes_max) break;
      found.push_back(entry);
    }
    return found;
  }

  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta& meta) override {
    if (!state_) return errc::not_formatted;
    draft_ = std::make_shared<Draft>();
    draft_->meta = meta;
    return std::make_unique<Writer>(draft_);
  }

  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    const Draft& draft = static_cast<const Writer&>(*snapshot).draft();
    if (state_->meta && draft.meta.last.index <= state_->meta->last.index && flaw_ != Flaw::takes_stale_snapshots) {
      return errc::snapshot_stale;
    }
    draft_.reset();
    State changed = *state_;
    changed.meta = draft.meta;
    changed.snapshot = draft.bytes;
    apply(changed, with);
    return save(std::move(changed));
  }

  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override {
    const std::lock_guard lock(mutex_);
    if (!state_) return errc::not_formatted;
    if (flaw_ == Flaw::keeps_drafts && draft_) return std::make_shared<Reader>(draft_->meta, draft_->bytes);
    if (!state_->meta) return errc::no_snapshot;
    return std::make_shared<Reader>(*state_->meta, state_->snapshot);
  }

  void close() noexcept override {
    lock_.reset();
    state_.reset();
    draft_.reset();
  }

 private:
  Result<std::optional<RecoveredState>> load() {
    const auto exists = files_.exists(kFolder + "/" + kName);
    if (!exists) return exists.error();
    if (!*exists) return std::optional<RecoveredState>{};
    // A process may have died between a rename and its sync: what is told from here on must be durable.
    if (flaw_ != Flaw::believes_what_it_reads) {
      if (const auto error = files_.sync_directory(kFolder)) return error;
    }
    const auto text = read_file(files_, kFolder + "/" + kName, 64u << 20);
    if (!text) return text.error();
    auto state = decoded(*text);
    if (!state) return state.error();
    state_ = *std::move(state);
    return std::optional(recovered(*state_));
  }

  void apply(State& state, const WriteBatch& batch) const {
    if (batch.hard_state) state.hard_state = *batch.hard_state;
    if (batch.hard_state && flaw_ == Flaw::forgets_the_vote) state.hard_state.vote.reset();
    if (batch.truncate_from && (flaw_ != Flaw::forgets_truncations || !batch.entries.empty())) {
      std::erase_if(state.entries, [&](const Entry& entry) { return entry.id.index >= *batch.truncate_from; });
    }
    if (batch.new_start) {
      std::erase_if(state.entries, [&](const Entry& entry) { return entry.id.index <= batch.new_start->index; });
      state.start = *batch.new_start;
    }
    state.entries.insert(state.entries.end(), batch.entries.begin(), batch.entries.end());
  }

  std::error_code save(State changed) {
    const auto error = write_file(encoded(changed));
    if (!error || (error == errc::no_space && flaw_ == Flaw::keeps_what_found_no_room)) {
      const std::lock_guard lock(mutex_);
      state_ = std::move(changed);
    }
    return error;
  }

  std::error_code write_file(const std::string& text) {
    if (flaw_ != Flaw::syncs_no_file && flaw_ != Flaw::syncs_no_directory && flaw_ != Flaw::ignores_failed_syncs) {
      return replace_file(files_, kFolder, kName, text);
    }
    const std::string temporary = kFolder + "/" + kName + ".tmp";
    auto file = files_.open(temporary, OpenMode::create_or_truncate);
    if (!file) return file.error();
    if (const auto error = (*file)->write_at(0, text)) return error;
    if (flaw_ != Flaw::syncs_no_file) {
      const auto error = (*file)->sync();
      if (error && flaw_ != Flaw::ignores_failed_syncs) return error;
    }
    if (const auto error = files_.rename(temporary, kFolder + "/" + kName)) return error;
    return flaw_ == Flaw::syncs_no_directory ? std::error_code{} : files_.sync_directory(kFolder);
  }

  FileSystem& files_;
  const Flaw flaw_;
  std::unique_ptr<FileLock> lock_;
  std::shared_ptr<Draft> draft_;
  std::mutex mutex_;  ///< `state_`, for read() beside write()
  std::optional<State> state_;
};

}  // namespace

std::unique_ptr<Storage> whole_file_storage(FileSystem& files, Flaw flaw) {
  return std::make_unique<WholeFileStorage>(files, flaw);
}

}  // namespace libraft::test
