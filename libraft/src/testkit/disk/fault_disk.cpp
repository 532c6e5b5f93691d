#include "testkit/disk/fault_disk.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "util/digest.hpp"

namespace libraft::testkit {
namespace {

/// What a disk writes whole.
constexpr std::uint64_t kSectorBytes = 512;

void place(std::string& contents, std::uint64_t offset, std::string_view bytes) {
  if (contents.size() < offset + bytes.size()) contents.resize(offset + bytes.size(), '\0');
  contents.replace(offset, bytes.size(), bytes);
}

}  // namespace

/// One draw of odds for each crash, so that across seeds there are crashes that lose nearly all, some, or nearly
/// nothing; half of them in order (a journal), half in any order (a write-back cache).
class DiskModel::Survival {
 public:
  explicit Survival(std::uint64_t seed) : random_(seed) {
    constexpr std::array<std::uint64_t, 5> kOdds{0, 2, 8, 14, 16};
    odds_ = seed == 0 ? 0 : seed == 1 ? 16 : kOdds[random_.below(kOdds.size())];
    in_order_ = seed > 1 && random_.below(2) == 0;
    may_grow_ = seed > 1;
  }

  /// A new sequence of changes that depend on each other's order: a file, or the names.
  void begin_sequence() { cut_ = false; }

  bool keeps() {
    const bool kept = !cut_ && random_.below(16) < odds_;
    if (in_order_ && !kept) cut_ = true;
    return kept;
  }

  /// The size of a file reached the disk before its bytes.
  bool keeps_only_growth() { return may_grow_ && random_.below(8) == 0; }

 private:
  DiskRandom random_;
  std::uint64_t odds_ = 0;  ///< of 16
  bool in_order_ = false;
  bool may_grow_ = false;
  bool cut_ = false;
};

template <class Visit>
void DiskModel::for_each_sector(const DataChange& change, Visit visit) {
  const std::uint64_t end = change.offset + change.bytes.size();
  for (std::uint64_t from = change.offset; from < end;) {
    const std::uint64_t to = std::min(end, (from / kSectorBytes + 1) * kSectorBytes);
    visit(from, to);
    from = to;
  }
}

DiskModel::DiskModel() : directories_{"", "/", "."} {}

std::string DiskModel::parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::optional<FileNumber> DiskModel::find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> DiskModel::durable_contents(const std::string& path) const {
  const auto found = durable_names_.find(path);
  return found == durable_names_.end() ? std::nullopt : std::optional(files_.at(found->second).durable);
}

std::optional<std::string> DiskModel::durable_path(FileNumber file) const {
  for (const auto& [path, number] : durable_names_) {
    if (number == file) return path;
  }
  return std::nullopt;
}

std::vector<std::string> DiskModel::paths() const {
  std::vector<std::string> all;
  for (const auto& [path, file] : names_) all.push_back(path);
  return all;
}

std::vector<std::string> DiskModel::names_in(const std::string& directory) const {
  std::vector<std::string> found;
  for (const auto& [path, file] : names_) {
    if (parent_of(path) == directory) found.push_back(path.substr(path.find_last_of('/') + 1));
  }
  return found;  // ordered: `names_` is, and all share a prefix
}

std::uint64_t DiskModel::bytes_used() const {
  std::uint64_t sum = 0;
  for (const auto& [path, file] : names_) sum += files_.at(file).current.size();
  return sum;
}

FileNumber DiskModel::create(const std::string& path) {
  const FileNumber file = next_file_++;
  files_[file];
  change_name({NameChange::Kind::create, path, {}, file});
  return file;
}

void DiskModel::rename(const std::string& from, const std::string& to) {
  change_name({NameChange::Kind::rename, from, to, names_.at(from)});
}

void DiskModel::remove(const std::string& path) {
  change_name({NameChange::Kind::remove, path, {}, names_.at(path)});
}

void DiskModel::change_name(NameChange change) {
  apply(names_, change);
  pending_names_.push_back(std::move(change));
}

void DiskModel::add_directory(const std::string& path) {
  if (directories_.insert(path).second) add_directory(parent_of(path));
}

void DiskModel::write(FileNumber file, std::uint64_t offset, std::string_view bytes) {
  FileState& state = files_.at(file);
  place(state.current, offset, bytes);
  state.pending.push_back({false, offset, std::string(bytes)});
}

void DiskModel::truncate(FileNumber file, std::uint64_t size) {
  FileState& state = files_.at(file);
  state.current.resize(size, '\0');
  state.pending.push_back({true, size, {}});
}

void DiskModel::sync(FileNumber file) {
  FileState& state = files_.at(file);
  for (const DataChange& change : state.pending) apply(state.durable, change);
  state.pending.clear();
}

void DiskModel::fail_sync(FileNumber file) {
  files_.at(file).pending.clear();
}

void DiskModel::sync_directory(const std::string& path) {
  std::vector<NameChange> others;
  for (NameChange& change : pending_names_) {
    if (change.directory() == path) {
      apply(durable_names_, change);
    } else {
      others.push_back(std::move(change));
    }
  }
  pending_names_ = std::move(others);
}

void DiskModel::overwrite(FileNumber file, std::uint64_t offset, std::string_view bytes) {
  FileState& state = files_.at(file);
  place(state.current, offset, bytes);
  place(state.durable, offset, bytes);
}

void DiskModel::crash(std::uint64_t seed) {
  Survival survival(seed);
  for (auto& [number, state] : files_) {
    survival.begin_sequence();
    for (const DataChange& change : state.pending) apply_partly(state.durable, change, survival);
    state.pending.clear();
    state.current = state.durable;
  }
  survival.begin_sequence();
  for (const NameChange& change : pending_names_) {
    if (survival.keeps()) apply(durable_names_, change);
  }
  settle_names();
}

void DiskModel::settle_names() {
  pending_names_.clear();
  names_ = durable_names_;
  forget_unreachable();
}

std::map<FileNumber, std::string> DiskModel::possible_names() const {
  std::map<FileNumber, std::string> names;
  for (const NameChange& change : pending_names_) names[change.file] = change.path;
  for (const auto& [path, file] : durable_names_) names[file] = path;
  for (const auto& [path, file] : names_) names[file] = path;
  return names;
}

std::vector<PendingChange> DiskModel::pending() const {
  using Kind = PendingChange::Kind;
  std::vector<PendingChange> all;
  for (const auto& named : possible_names()) {
    const FileState& state = files_.at(named.first);
    const std::string& path = named.second;
    for (const DataChange& change : state.pending) {
      if (change.is_truncation) {
        all.push_back({Kind::truncation, path});
        continue;
      }
      for_each_sector(change, [&](std::uint64_t, std::uint64_t) { all.push_back({Kind::sector, path}); });
      if (change.offset + change.bytes.size() > state.durable.size()) all.push_back({Kind::growth, path});
    }
  }
  for (const NameChange& change : pending_names_) {
    all.push_back({Kind::name, change.kind == NameChange::Kind::rename ? change.to : change.path});
  }
  return all;
}

void DiskModel::crash_keeping(const std::vector<bool>& kept) {
  std::size_t next = 0;
  const auto keeps = [&] { return next < kept.size() ? bool(kept[next++]) : false; };
  for (const auto& [file, path] : possible_names()) {
    FileState& state = files_.at(file);
    const std::uint64_t size_before = state.durable.size();
    for (const DataChange& change : state.pending) {
      if (change.is_truncation) {
        if (keeps()) apply(state.durable, change);
        continue;
      }
      const std::uint64_t end = change.offset + change.bytes.size();
      for_each_sector(change, [&](std::uint64_t from, std::uint64_t to) {
        const std::string_view sector = std::string_view(change.bytes).substr(from - change.offset, to - from);
        if (keeps()) place(state.durable, from, sector);
      });
      if (end > size_before && keeps() && state.durable.size() < end) state.durable.resize(end, '\0');
    }
  }
  for (auto& [file, state] : files_) {
    state.pending.clear();
    state.current = state.durable;
  }
  for (const NameChange& change : pending_names_) {
    if (keeps()) apply(durable_names_, change);
  }
  settle_names();
}

DiskDigest DiskModel::digest() const {
  util::Digest digest;
  const auto add = [&digest](std::string_view bytes) {
    const std::uint64_t size = bytes.size();
    std::array<char, 8> length{};
    for (unsigned i = 0; i < 8; ++i) length[i] = static_cast<char>((size >> (8 * i)) & 0xff);
    digest.update({length.data(), length.size()});
    digest.update(bytes);
  };
  for (const auto& [path, file] : names_) {
    add(path);
    add(files_.at(file).current);
  }
  return digest.value();
}

void DiskModel::apply(std::string& contents, const DataChange& change) {
  if (change.is_truncation) {
    contents.resize(change.offset, '\0');
  } else {
    place(contents, change.offset, change.bytes);
  }
}

// A change of a name that rests on a lost one is made all the same: it names the file, not the older name.
void DiskModel::apply(Names& names, const NameChange& change) {
  const auto named = names.find(change.path);
  const bool is_there = named != names.end() && named->second == change.file;
  switch (change.kind) {
    case NameChange::Kind::create:
      names[change.path] = change.file;
      break;
    case NameChange::Kind::rename:
      if (is_there) names.erase(named);
      names[change.to] = change.file;
      break;
    case NameChange::Kind::remove:
      if (is_there) names.erase(named);
      break;
  }
}

void DiskModel::apply_partly(std::string& contents, const DataChange& change, Survival& survival) {
  if (change.is_truncation) {
    if (survival.keeps()) apply(contents, change);
    return;
  }
  for_each_sector(change, [&](std::uint64_t from, std::uint64_t to) {
    const std::string_view sector = std::string_view(change.bytes).substr(from - change.offset, to - from);
    if (survival.keeps()) place(contents, from, sector);
  });
  const std::uint64_t end = change.offset + change.bytes.size();
  if (contents.size() < end && survival.keeps_only_growth()) contents.resize(end, '\0');
}

void DiskModel::forget_unreachable() {
  std::set<FileNumber> named;
  for (const auto& [path, file] : names_) named.insert(file);
  for (auto file = files_.begin(); file != files_.end();) {
    file = named.count(file->first) != 0 ? std::next(file) : files_.erase(file);
  }
}

}  // namespace libraft::testkit
