#include "kv_service.hpp"

#include "kv/command.hpp"
#include "kv/map_state_machine.hpp"
#include "storage/json_file_storage.hpp"
#include "storage/json_file_storage_format.hpp"

#include <libraft/testkit/fault_file_system.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace raft_sim {
namespace {

using libraft::testkit::DiskPart;
using libraft::testkit::DiskRange;
using libraft::testkit::FaultFileSystem;
using libraft::testkit::Random;

constexpr std::string_view kFolder = "/data";

std::string draw_key(Random& random) {
  return "k" + std::to_string(random.log_between(1, 64));  // some keys are hot
}

// Deletes carry no value: that of a key which nobody else uses tells them apart.
libraft::Bytes draw_command(Random& random, std::uint64_t number) {
  const std::string key = draw_key(random);
  if (random.chance(150000)) return libraft::Bytes(kvserver::encode(kvserver::DeleteCommand{key}));
  std::string value = "v" + std::to_string(number);
  if (random.chance(50000)) value.append(random.log_between(1, 700), '.');
  return libraft::Bytes(kvserver::encode(kvserver::SetCommand{key, value}));
}

// Where the last two batches of the log begin, and where the log ends: a power cut may tear the last one, so that
// damage there can't be told from a torn write.
struct LastBatches {
  std::uint64_t before_last = 0;
  std::uint64_t last = 0;
};

std::optional<LastBatches> last_batches(std::string_view log) {
  LastBatches found;
  std::uint64_t batch = 0;
  std::uint64_t batches = 0;
  std::string why;
  const std::size_t header = log.find('\n');
  for (std::size_t at = header; at != std::string_view::npos && at + 1 < log.size(); at = log.find('\n', at + 1)) {
    const std::size_t end = log.find('\n', at + 1);
    if (end == std::string_view::npos) break;
    const auto line = kvserver::storage::read_line(log.substr(at + 1, end - at - 1), why);
    if (!line) return std::nullopt;
    const std::uint64_t of_line = place_of(*line).batch;
    if (of_line == batch) continue;
    batch = of_line;
    ++batches;
    found.before_last = found.last;
    found.last = at + 1;
  }
  return batches >= 3 ? std::optional(found) : std::nullopt;
}

// The storage's own files, as it documents them (docs/formats.md).
std::optional<DiskRange> find_part(const FaultFileSystem& files, libraft::NodeId, DiskPart part) {
  const auto file = [](std::string_view name) { return std::string(kFolder) + "/" + std::string(name); };
  if (part == DiskPart::hard_state || part == DiskPart::snapshot) {
    const std::string path =
        file(part == DiskPart::snapshot ? kvserver::storage::kSnapshotName : kvserver::storage::kStateName);
    const auto contents = files.durable_contents(path);
    if (!contents || contents->size() < 2) return std::nullopt;
    return DiskRange{path, 0, contents->size() - 1};
  }
  const std::string path = file(kvserver::storage::kLogName);
  const auto contents = files.durable_contents(path);
  const auto batches = contents ? last_batches(*contents) : std::nullopt;
  if (!batches) return std::nullopt;
  if (part == DiskPart::log_tail)
    return DiskRange{path, batches->before_last, batches->last - batches->before_last - 1};
  return DiskRange{path, 0, batches->before_last - 1};
}

}  // namespace

libraft::testkit::Service kv_service() {
  libraft::testkit::Service service;
  service.machine = [] { return std::make_unique<kvserver::MapStateMachine>(); };
  service.command = draw_command;
  service.query = draw_key;
  service.storage.make = [](libraft::FileSystem& files, libraft::NodeId) {
    return kvserver::json_file_storage(files, {std::string(kFolder), {}});
  };
  service.storage.find = find_part;
  return service;
}

}  // namespace raft_sim
