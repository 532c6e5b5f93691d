#include "kv_disk.hpp"

#include "storage/json_file_storage.hpp"
#include "storage/json_file_storage_format.hpp"

#include <string_view>
#include <variant>
#include <vector>

namespace raft_sim {
namespace {

using libraft::testkit::DiskPart;
using libraft::testkit::DiskRange;
namespace storage = kvserver::storage;

struct Line {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // without its end
  std::uint64_t batch = 0;
};

/// The lines behind the header up to the first one that is not whole.
std::vector<Line> lines_of(std::string_view log) {
  std::vector<Line> lines;
  std::string why;
  for (std::size_t from = log.find('\n') + 1; from > 0 && from < log.size();) {
    const std::size_t end = log.find('\n', from);
    if (end == std::string_view::npos) break;
    const std::string_view text = log.substr(from, end - from);
    if (!storage::is_sealed_line(text)) break;
    const auto line = storage::read_line(text, why);
    if (!line) break;
    lines.push_back({from, end - from, storage::place_of(*line).batch});
    from = end + 1;
  }
  return lines;
}

std::optional<DiskRange> find_in_log(std::string path, std::string_view log, bool is_tail) {
  std::vector<Line> lines = lines_of(log);
  if (lines.empty()) return std::nullopt;
  const std::uint64_t last_batch = lines.back().batch;
  while (!lines.empty() && lines.back().batch == last_batch) lines.pop_back();
  if (lines.empty()) return std::nullopt;
  const Line last = lines.back();
  if (is_tail) return DiskRange{std::move(path), last.offset, last.size};
  if (last.offset == lines.front().offset) return std::nullopt;
  return DiskRange{std::move(path), lines.front().offset, last.offset - lines.front().offset};
}

}  // namespace

std::string kv_directory(libraft::NodeId id) {
  return "/data/node-" + std::to_string(id.value);
}

std::optional<DiskRange> find_on_kv_disk(const libraft::testkit::FaultFileSystem& disk, libraft::NodeId id,
                                         DiskPart part) {
  const bool is_log = part == DiskPart::log_middle || part == DiskPart::log_tail;
  const std::string_view name = is_log                         ? storage::kLogName
                                : part == DiskPart::hard_state ? storage::kStateName
                                                               : storage::kSnapshotName;
  std::string path = kv_directory(id) + "/" + std::string(name);
  const std::optional<std::string> contents = disk.durable_contents(path);
  if (!contents || contents->empty()) return std::nullopt;
  if (is_log) return find_in_log(std::move(path), *contents, part == DiskPart::log_tail);
  return DiskRange{std::move(path), 0, contents->size()};
}

libraft::testkit::DiskStorage kv_disk_storage() {
  libraft::testkit::DiskStorage storage;
  storage.make = [](libraft::FileSystem& files, libraft::NodeId id) {
    return kvserver::json_file_storage(files, {kv_directory(id), {}});
  };
  storage.find = find_on_kv_disk;
  return storage;
}

}  // namespace raft_sim
