// Files that nobody vouches for, opened by the kvserver's storage: an error, or a state that can be read, that stays
// the same when it is opened again, and that takes a write. No damage turns into entries that nobody wrote.
//
// The first byte says how the files come about:
//   0  the rest is cut into three files
//   1  valid files, damaged as the rest says: bytes changed, files cut, lengthened, removed
//   2  the rest is cut into lines and texts, each sealed with a right checksum
//   3  lines made of right parts (headers, entries, truncations) in any order and with any numbers
#include <libraft/error.hpp>
#include <libraft/testkit/fault_file_system.hpp>

#include <array>
#include <memory>
#include <optional>
#include <set>

#include "fuzz/fuzz.hpp"
#include "storage/json_file_storage.hpp"
#include "storage/json_file_storage_format.hpp"

namespace {

using namespace kvserver;
using libraft::Entry;
using libraft::LogIndex;
using libraft::NodeId;
using libraft::WriteBatch;
using libraft::fuzz::Choices;
using libraft::fuzz::require;
using libraft::testkit::FaultFileSystem;

const std::string kFolder = "/n";
const std::array<std::string, 3> kPaths{kFolder + "/" + std::string(storage::kStateName),
                                        kFolder + "/" + std::string(storage::kLogName),
                                        kFolder + "/" + std::string(storage::kSnapshotName)};
/// Empty: no such file. (An empty log is one byte of a line that has no end.)
using Files = std::array<std::optional<std::string>, 3>;

const libraft::Identity kIdentity{{0xc1}, {0}, {1}, {0xabcd}};

libraft::Configuration genesis() {
  return {{{NodeId{1}, "http://localhost:9081"}, {NodeId{2}, "http://localhost:9082"}}, {}, {}};
}

std::unique_ptr<libraft::Storage> storage_on(libraft::FileSystem& disk) {
  JsonFileStorageOptions options;
  options.directory = kFolder;
  return json_file_storage(disk, std::move(options));
}

/// What an open storage tells and holds.
struct Seen {
  libraft::RecoveredState state;
  std::vector<Entry> entries;
  std::string snapshot;

  friend bool operator==(const Seen&, const Seen&) = default;
};

/// nullopt when it is an error, or was never formatted. (Entries of a recovered log may turn out damaged when read.)
std::optional<Seen> look(libraft::Storage& storage) {
  auto opened = storage.open();
  if (!opened) require(!storage.error_detail().empty(), "an error says what is wrong");
  if (!opened || !*opened) return std::nullopt;
  Seen seen{**opened, {}, {}};
  require(seen.state.start <= seen.state.last, "a log does not end before it starts");
  if (seen.state.start.index < seen.state.last.index) {
    auto entries = storage.read(next(seen.state.start.index), seen.state.last.index, SIZE_MAX);
    if (!entries) return std::nullopt;
    seen.entries = *std::move(entries);
    require(seen.entries.size() == seen.state.last.index.value - seen.state.start.index.value, "a log has no holes");
    require(seen.entries.back().id == seen.state.last, "a log ends where it is said to end");
  }
  if (seen.state.snapshot) {
    const auto reader = storage.newest_snapshot();
    require(bool(reader), "a snapshot that is told can be read");
    seen.snapshot.resize((*reader)->meta().size);
    const auto count = (*reader)->read_at(0, seen.snapshot);
    require(count && *count == seen.snapshot.size(), "a snapshot has as many bytes as it says");
  }
  return seen;
}

void put(FaultFileSystem& disk, const Files& files) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i]) disk.put(kPaths[i], *files[i]);
  }
}

/// Opens it, opens it again, writes and opens once more. What was seen first.
std::optional<Seen> try_files(const Files& files) {
  FaultFileSystem disk;
  put(disk, files);
  auto storage = storage_on(disk);
  const auto seen = look(*storage);
  if (!seen) return std::nullopt;
  storage = storage_on(disk);
  require(look(*storage) == seen, "a second start sees what the first one saw");
  if (seen->state.last.index.value > UINT64_MAX - 2) return seen;
  const Entry entry{
      {next(seen->state.last.index), seen->state.last.term}, libraft::EntryKind::command, libraft::Bytes("more")};
  const std::vector<Entry> entries{entry};
  WriteBatch batch;
  batch.entries = entries;
  require(!storage->write(batch), "a storage that opened takes a write");
  storage = storage_on(disk);
  const auto after = look(*storage);
  require(after && !after->entries.empty() && after->entries.back() == entry, "and keeps it");
  return seen;
}

// --- Files that are valid --------------------------------------------------------------------------------------------

Files files_on(const FaultFileSystem& disk) {
  Files files;
  for (std::size_t i = 0; i < files.size(); ++i) files[i] = disk.contents(kPaths[i]);
  return files;
}

Entry entry_of(std::uint64_t index, std::uint64_t term) {
  const std::string text = "entry " + std::to_string(index) + " of " + std::to_string(term);
  if (index % 4 == 3) return {{{index}, {term}}, libraft::EntryKind::noop, {}};
  return {{{index}, {term}}, libraft::EntryKind::command, libraft::Bytes(index % 4 == 2 ? text + "\xff" : text)};
}

void write(libraft::Storage& storage, std::uint64_t term, std::optional<std::uint64_t> cut, std::uint64_t first,
           std::uint64_t last) {
  std::vector<Entry> entries;
  for (std::uint64_t index = first; index <= last; ++index) entries.push_back(entry_of(index, term));
  WriteBatch batch;
  batch.hard_state = libraft::HardState{{term}, NodeId{1}};
  if (cut) batch.truncate_from = LogIndex{*cut};
  batch.entries = entries;
  require(!storage.write(batch), "a valid batch is written");
}

void compact(libraft::Storage& storage, std::uint64_t index, std::uint64_t term) {
  const std::string data = "state at " + std::to_string(index);
  const libraft::SnapshotMeta meta{{{index}, {term}}, {{}, genesis()}, data.size(), storage::digest_of(data)};
  auto writer = storage.create_snapshot(meta);
  require(writer && !(*writer)->write(data) && !(*writer)->finish(meta), "a snapshot is written");
  WriteBatch batch;
  batch.new_start = meta.last;
  require(!storage.publish(*std::move(writer), batch), "a snapshot is published");
}

/// Three nodes: a young one, one with a truncation, one with a snapshot.
std::vector<Files> valid_files() {
  std::vector<Files> all;
  FaultFileSystem disk;
  auto storage = storage_on(disk);
  require(bool(storage->open()) && !storage->format(kIdentity, genesis()) && bool(storage->open()), "formats");
  write(*storage, 1, std::nullopt, 1, 3);
  all.push_back(files_on(disk));
  write(*storage, 1, std::nullopt, 4, 5);
  write(*storage, 2, 4, 4, 6);
  all.push_back(files_on(disk));
  compact(*storage, 4, 2);
  write(*storage, 2, std::nullopt, 7, 8);
  write(*storage, 3, 8, 8, 9);
  all.push_back(files_on(disk));
  return all;
}

/// Valid files, and every log that cutting the log file between two of its lines or bytes may leave of them.
struct Variant {
  explicit Variant(Files of) : files(std::move(of)) {
    for (std::size_t size = 0; size <= files[1]->size(); ++size) {
      Files cut = files;
      cut[1]->resize(size);
      if (auto seen = try_files(cut)) states.push_back(*std::move(seen));
    }
  }

  /// A snapshot that no start of the log rests on may be lost without a trace.
  [[nodiscard]] bool allows(const Seen& seen) const {
    for (const Seen& state : states) {
      if (state.entries == seen.entries && state.state.hard_state == seen.state.hard_state &&
          state.state.start == seen.state.start && (seen.snapshot.empty() || state.snapshot == seen.snapshot)) {
        return true;
      }
    }
    return false;
  }

  Files files;
  std::vector<Seen> states;
};

void damage(std::optional<std::string>& file, Choices& choices) {
  if (!file || file->empty()) return;
  const std::size_t at = choices.below(file->size());
  switch (choices.below(7)) {
    case 0:
      file->at(at) = static_cast<char>(choices.byte());
      break;
    case 1:
      file->at(at) = static_cast<char>(file->at(at) ^ (1 << choices.below(8)));
      break;
    case 2:
      file->resize(at);
      break;
    case 3:
      file->erase(at, 1 + choices.below(64));
      break;
    case 4:
      file->insert(at, choices.bytes(1 + choices.below(16)));
      break;
    case 5:  // a copy of an earlier part, at the end or in place
      file->append(file->substr(at, 1 + choices.below(300)));
      break;
    default:
      file.reset();
  }
}

void try_damaged(Choices choices) {
  static const std::vector<Variant> variants = [] {
    std::vector<Variant> all;
    for (Files& files : valid_files()) all.emplace_back(std::move(files));
    return all;
  }();
  const Variant& variant = variants[choices.below(variants.size())];
  Files files = variant.files;
  const std::size_t count = 1 + choices.below(4);
  for (std::size_t i = 0; i < count; ++i) damage(files[choices.below(files.size())], choices);
  if (const auto seen = try_files(files)) require(variant.allows(*seen), "damage shows no state that never was");
}

// --- Files made of any bytes -----------------------------------------------------------------------------------------

void try_any(Choices choices) {
  Files files;
  for (auto& file : files) {
    if (choices.byte() % 8 != 0) file = std::string(choices.bytes(choices.below(2000)));
  }
  try_files(files);
}

std::string with_seal(std::string_view text, bool is_line) {
  const std::uint64_t checksum = storage::checksum_of(text);
  return std::string(text) + (is_line ? storage::line_seal(checksum) : storage::text_seal(checksum));
}

void try_sealed(Choices choices) {
  Files files;
  if (choices.byte() % 8 != 0) files[0] = with_seal(choices.bytes(choices.below(1000)), false);
  if (choices.byte() % 8 != 0) {
    files[1].emplace();
    for (std::size_t lines = choices.below(8); lines > 0; --lines) {
      *files[1] += with_seal(choices.bytes(choices.below(400)), true);
    }
  }
  if (choices.byte() % 2 != 0) files[2] = with_seal(choices.bytes(choices.below(1000)), choices.byte() % 2 == 0);
  try_files(files);
}

/// Mostly small ones, near those of other lines.
std::uint64_t some_number(Choices& choices) {
  const std::uint8_t choice = choices.byte();
  return choice < 250 ? choice % 12 : choice == 255 ? UINT64_MAX - choices.byte() : choices.number();
}

std::string some_line(Choices& choices, storage::BatchPlace& place, std::uint64_t& index) {
  // Often the next part, the next batch or the next index: else no line would ever count.
  const std::uint8_t choice = choices.byte();
  if (place.part >= place.parts) place = {place.batch + 1, 0, 1 + choices.below(3)};
  ++place.part;
  if (choice % 16 == 1) place = {some_number(choices), some_number(choices), some_number(choices)};
  if (choice % 16 == 2) index = some_number(choices);
  const std::uint64_t term = 1 + choice / 64;
  if (choice % 8 == 3) {
    const std::uint64_t from = some_number(choices);
    index = from > 0 ? from - 1 : 0;
    return storage::truncate_line(place, {from});
  }
  ++index;
  return storage::entry_line(place, {{{index}, {term}}, libraft::EntryKind::command, libraft::Bytes("x")});
}

void try_made(Choices choices) {
  storage::StateRecord state{kIdentity, {{3}, NodeId{1}}, {}, {{}, genesis()}};
  state.base = {{some_number(choices)}, {some_number(choices)}};
  storage::LogHeader header{kIdentity, {}, choices.below(3), choices.below(4) == 0 ? some_number(choices) * 40 : 0};
  header.base = choices.below(4) != 0 ? state.base : libraft::LogId{{some_number(choices)}, {some_number(choices)}};
  Files files;
  files[0] = storage::state_text(state, {});
  files[1] = storage::header_line(header, {});
  storage::BatchPlace place{header.batch, 0, 0};
  std::uint64_t index = header.base.index.value;
  while (!choices.at_end()) *files[1] += some_line(choices, place, index);
  if (state.base.index.value != 0) {  // a snapshot that reaches as far
    static const Files with_snapshot = valid_files().back();
    files[2] = with_snapshot[2];
  }
  try_files(files);
}

}  // namespace

std::vector<std::string> libraft::fuzz::seeds() {
  const auto text = [](std::initializer_list<std::size_t> bytes) {
    std::string made;
    for (const std::size_t byte : bytes) made.push_back(static_cast<char>(byte));
    return made;
  };
  std::vector<std::string> all{
      text({0, 1, 0, 3, 'a', 'b', 'c', 1, 0, 1, 'x', 0}),
      text({1, 2, 1, 1, 0, 200, 5, 40, 2, 0, 9, 1, 3}),
      text({1, 2, 0, 2, 3, 6}),
      text({3, 0, 0, 0, 1, 1, 0, 0, 0, 2, 0, 0}),
      text({3, 4, 2, 0, 1, 1, 0, 0, 0, 3, 5, 0, 64, 64, 128}),
  };
  const std::vector<Files> valid = valid_files();
  for (std::size_t variant = 0; variant < valid.size(); ++variant) {
    std::string plain = text({0});
    for (std::size_t file = 0; file < 3; ++file) {
      const std::string bytes = valid[variant][file].value_or("");
      plain += bytes.empty() ? text({0}) : text({1, bytes.size() / 256, bytes.size() % 256}) + bytes;
      // A digit in every few bytes: in numbers, names and data it leaves JSON that only the checksum tells from others.
      for (std::size_t at = 0; at < bytes.size(); at += 7) {
        const std::string place = bytes.size() > 256 ? text({at / 256, at % 256}) : text({at});
        all.push_back(text({1, variant, 0, file}) + place + text({0, '7'}));
      }
    }
    all.push_back(plain);
  }
  return all;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  switch (choices.below(4)) {
    case 0:
      try_any(choices);
      break;
    case 1:
      try_damaged(choices);
      break;
    case 2:
      try_sealed(choices);
      break;
    default:
      try_made(choices);
  }
  return 0;
}
