#include "testkit/conformance/storage_model.hpp"

#include <libraft/error.hpp>
#include <libraft/state_machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "util/digest.hpp"

namespace libraft::testkit {
namespace {

/// Uneven, so that pieces don't end where sectors do.
constexpr std::size_t kSnapshotPieceBytes = 10'007;
constexpr std::size_t kSnapshotBytesMax = 64u << 20;
constexpr std::size_t kReadBytes = 300'000;

std::string text_of(const LogId& id) {
  return std::to_string(id.index.value) + "@" + std::to_string(id.term.value);
}

std::string text_of(const HardState& state) {
  return "term " + std::to_string(state.term.value) + ", vote " +
         (state.vote ? std::to_string(state.vote->value) : "none");
}

std::string text_of(const std::vector<LogId>& ids) {
  std::string text;
  for (const LogId& id : ids) text += fmt::format(" {}", text_of(id));
  return text.empty() ? " none" : text;
}

std::string not_this(const std::string& what, const std::string& expected, const std::string& seen) {
  return what + " should be " + expected + ", is " + seen + ". ";
}

std::string difference_of_state(const RecoveredState& expected, const RecoveredState& seen) {
  std::string text;
  if (expected.identity != seen.identity) text += "The identity is another one. ";
  if (expected.hard_state != seen.hard_state) {
    text += not_this("The hard state", text_of(expected.hard_state), text_of(seen.hard_state));
  }
  if (expected.start != seen.start) text += not_this("The start", text_of(expected.start), text_of(seen.start));
  if (expected.last != seen.last) text += not_this("The last entry", text_of(expected.last), text_of(seen.last));
  if (expected.term_runs != seen.term_runs) {
    text += not_this("The term runs", text_of(expected.term_runs), text_of(seen.term_runs));
  }
  if (expected.configurations != seen.configurations) text += "The configurations differ. ";
  if (expected.snapshot != seen.snapshot) {
    text += not_this("The newest snapshot", expected.snapshot ? text_of(expected.snapshot->last) : "none",
                     seen.snapshot ? text_of(seen.snapshot->last) : "none");
    if (expected.snapshot && seen.snapshot && expected.snapshot->last == seen.snapshot->last) {
      text += "(Its meta differs.) ";
    }
  }
  return text;
}

}  // namespace

Do& Do::format() {
  command_.is_format = true;
  return *this;
}

Do& Do::snapshot(std::uint64_t index, std::uint64_t term, std::string bytes) {
  command_.snapshot = sample_snapshot(index, term, std::move(bytes));
  return *this;
}

Do& Do::hard_state(std::uint64_t term, std::optional<NodeId> vote) {
  command_.hard_state = HardState{{term}, vote};
  return *this;
}

Do& Do::truncate(std::uint64_t from) {
  command_.truncate_from = LogIndex{from};
  return *this;
}

Do& Do::start(std::uint64_t index, std::uint64_t term) {
  command_.new_start = LogId{{index}, {term}};
  return *this;
}

Do& Do::entries(std::uint64_t first, std::uint64_t last, std::uint64_t term) {
  for (Entry& entry : sample_entries(first, last, term)) command_.entries.push_back(std::move(entry));
  return *this;
}

Do& Do::entry(Entry entry) {
  command_.entries.push_back(std::move(entry));
  return *this;
}

std::error_code perform(Storage& storage, const StorageCommand& command) {
  if (command.is_format) return storage.format(sample_identity(), sample_configuration());
  if (!command.snapshot) return storage.write(command.batch());

  SnapshotMeta known = command.snapshot->meta;  // size and digest are not known yet when a snapshot begins
  known.size = 0;
  known.digest = {};
  auto writer = storage.create_snapshot(known);
  if (!writer) return writer.error();
  const std::string_view bytes = command.snapshot->bytes;
  for (std::size_t done = 0; done < bytes.size(); done += kSnapshotPieceBytes) {
    if (const auto error = (*writer)->write(bytes.substr(done, kSnapshotPieceBytes))) return error;
  }
  if (const auto error = (*writer)->finish(command.snapshot->meta)) return error;
  return storage.publish(*std::move(writer), command.batch());
}

Result<std::vector<Entry>> read_entries(Storage& storage, LogIndex start, LogIndex last) {
  std::vector<Entry> all;
  for (LogIndex from = next(start); from <= last; from = next(all.back().id.index)) {
    auto some = storage.read(from, last, kReadBytes);
    if (!some) return some.error();
    if (some->empty() || some->front().id.index != from) return errc::malformed;
    for (Entry& entry : *some) all.push_back(std::move(entry));
  }
  return all;
}

Result<SnapshotData> read_snapshot(Storage& storage) {
  const auto reader = storage.newest_snapshot();
  if (!reader) return reader.error();
  const auto bytes = read_all(**reader, kSnapshotBytesMax);
  if (!bytes) return bytes.error();
  return SnapshotData{(*reader)->meta(), std::string(bytes->view())};
}

Result<Observation> open_and_observe(Storage& storage) {
  auto recovered = storage.open();
  if (!recovered) return recovered.error();
  Observation seen;
  seen.recovered = *std::move(recovered);
  if (!seen.recovered) return seen;
  auto entries = read_entries(storage, seen.recovered->start.index, seen.recovered->last.index);
  if (!entries) return entries.error();
  seen.entries = *std::move(entries);
  if (seen.recovered->snapshot) {
    auto snapshot = read_snapshot(storage);
    if (!snapshot) return snapshot.error();
    if (snapshot->meta != *seen.recovered->snapshot) return errc::malformed;
    seen.snapshot = std::move(snapshot->bytes);
  }
  return seen;
}

std::string difference(const Observation& expected, const Observation& seen) {
  if (expected == seen) return {};
  if (!expected.recovered || !seen.recovered) {
    return seen.recovered ? "It is formatted and should not be. " : "It is not formatted any more. ";
  }
  std::string text = difference_of_state(*expected.recovered, *seen.recovered);
  const std::size_t common = std::min(expected.entries.size(), seen.entries.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (expected.entries[i] == seen.entries[i]) continue;
    text += "Entry " + text_of(expected.entries[i].id) + " reads differently (" + text_of(seen.entries[i].id) + "). ";
    break;
  }
  if (expected.snapshot != seen.snapshot) text += "The snapshot's bytes differ. ";
  return text.empty() ? "The number of entries differs. " : text;
}

void StorageModel::apply(const StorageCommand& command) {
  *this = prefixes(command).back();
}

std::vector<StorageModel> StorageModel::prefixes(const StorageCommand& command) const {
  std::vector<StorageModel> states{*this};
  StorageModel now = *this;
  if (command.is_format) {
    now.formatted_ = true;
    states.push_back(now);
  }
  if (command.snapshot) {
    now.snapshot_ = command.snapshot;
    states.push_back(now);
  }
  if (command.hard_state) {
    now.hard_state_ = *command.hard_state;
    states.push_back(now);
  }
  if (command.truncate_from) {
    std::erase_if(now.entries_, [&](const Entry& entry) { return entry.id.index >= *command.truncate_from; });
    states.push_back(now);
  }
  if (command.new_start) {
    std::erase_if(now.entries_, [&](const Entry& entry) { return entry.id.index <= command.new_start->index; });
    now.start_ = *command.new_start;
    states.push_back(now);
  }
  for (const Entry& entry : command.entries) {
    now.entries_.push_back(entry);
    states.push_back(now);
  }
  return states;
}

Observation StorageModel::expected() const {
  Observation seen;
  if (!formatted_) return seen;
  RecoveredState state;
  state.identity = sample_identity();
  state.hard_state = hard_state_;
  state.start = start_;
  state.last = last();
  for (const Entry& entry : entries_) {
    if (!state.term_runs.empty() && state.term_runs.back().term == entry.id.term) state.term_runs.pop_back();
    state.term_runs.push_back(entry.id);
  }
  state.configurations = {ConfigurationAt{{}, sample_configuration()}};
  if (snapshot_) {
    state.snapshot = snapshot_->meta;
    state.configurations = {snapshot_->meta.configuration};
    seen.snapshot = snapshot_->bytes;
  }
  seen.recovered = std::move(state);
  seen.entries = entries_;
  return seen;
}

Identity sample_identity() {
  return {{0xfedcba9876543210}, {7}, {UINT64_MAX - 1}, {(std::uint64_t{1} << 53) + 1}};
}

Configuration sample_configuration() {
  return {{{NodeId{1}, "10.0.0.1:9081"}, {NodeId{UINT64_MAX - 1}, "h\xc3\xb6st \"quoted\" \\ back"}, {NodeId{3}, ""}},
          {},
          {{NodeId{(std::uint64_t{1} << 53) + 1}, "[::1]:9084"}}};
}

Entry sample_entry(std::uint64_t index, std::uint64_t term, std::string data) {
  return {{{index}, {term}}, EntryKind::command, Bytes(std::move(data))};
}

std::vector<Entry> sample_entries(std::uint64_t first, std::uint64_t last, std::uint64_t term) {
  static const std::array<std::string, 8> kContents{
      std::string("plain"),
      std::string("\0\0\0", 3),
      std::string("two\nlines\r\n"),
      std::string("{\"quoted\": \"\\u0000\"}"),
      std::string("\xff\xfe\xc3\x28\x80", 5),
      std::string(700, 'x'),
      std::string("\xe2\x82\xac \xf0\x9f\x98\x80"),
      std::string(1, '\0'),
  };
  std::vector<Entry> entries;
  for (std::uint64_t index = first; index <= last; ++index) {
    if (index % 9 == 0) {
      entries.push_back({{{index}, {term}}, EntryKind::noop, Bytes()});
    } else if (index % 9 == 8) {
      entries.push_back(sample_entry(index, term, ""));
    } else {
      entries.push_back(sample_entry(index, term, kContents[(index + term) % kContents.size()]));
    }
  }
  return entries;
}

SnapshotData sample_snapshot(std::uint64_t index, std::uint64_t term, std::string bytes) {
  SnapshotData snapshot;
  snapshot.meta.last = {{index}, {term}};
  snapshot.meta.configuration = {{{index}, {term}}, sample_configuration()};
  snapshot.meta.configuration.value.outgoing_voters = {{NodeId{index + 100}, "old"}};
  snapshot.meta.size = bytes.size();
  snapshot.meta.digest = util::digest128(bytes);
  snapshot.bytes = std::move(bytes);
  return snapshot;
}

}  // namespace libraft::testkit
