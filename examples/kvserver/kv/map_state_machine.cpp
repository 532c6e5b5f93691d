#include "kv/map_state_machine.hpp"

#include <limits>
#include <vector>

namespace kvserver {
namespace {

constexpr std::string_view kMagic = "kvserver-map";
constexpr std::string_view kFormatVersion = "1";
constexpr std::string_view kBadCommand = "not a command of this release";
constexpr std::size_t kChunkBytes = 64u << 10;

using Pair = std::pair<std::string, std::string>;

// What was captured: shares the pairs, which nobody changes.
class MapSnapshot final : public libraft::SnapshotTask {
 public:
  explicit MapSnapshot(std::vector<std::shared_ptr<const Pair>> pairs) : pairs_(std::move(pairs)) {}

  [[nodiscard]] std::error_code save(libraft::SnapshotSink& sink, const libraft::StopFlag& stop) override {
    std::string chunk;
    chunk.append(kMagic)
        .append(" ")
        .append(kFormatVersion)
        .append(" ")
        .append(std::to_string(pairs_.size()))
        .append("\n");
    for (const auto& pair : pairs_) {
      append(chunk, *pair);
      if (chunk.size() < kChunkBytes) continue;
      if (stop.requested()) return libraft::errc::cancelled;
      if (const std::error_code failed = sink.write(chunk)) return failed;
      chunk.clear();
    }
    if (stop.requested()) return libraft::errc::cancelled;
    return chunk.empty() ? std::error_code{} : sink.write(chunk);
  }

 private:
  static void append(std::string& text, const Pair& pair) {
    text.append(std::to_string(pair.first.size())).append(" ").append(std::to_string(pair.second.size()));
    text.append(" ").append(pair.first).append(" ").append(pair.second).append("\n");
  }

  std::vector<std::shared_ptr<const Pair>> pairs_;
};

// One line of a snapshot; views into its text.
std::optional<std::pair<std::string_view, std::string_view>> read_pair(FieldReader& fields) {
  const auto key_bytes = fields.number(' ');
  const auto value_bytes = fields.number(' ');
  if (!key_bytes || !value_bytes) return std::nullopt;
  const auto key = fields.bytes(*key_bytes);
  if (!key || !fields.skip(' ')) return std::nullopt;
  const auto value = fields.bytes(*value_bytes);
  if (!value || !fields.skip('\n')) return std::nullopt;
  return std::pair(*key, *value);
}

}  // namespace

std::optional<std::string_view> value_in(std::string_view query_answer) {
  if (query_answer.empty()) return std::nullopt;
  return query_answer.substr(1);
}

void MapStateMachine::apply(libraft::ApplyBatch& batch) {
  for (libraft::AppliedCommand& command : batch) command.reply(std::string(execute(command.command())));
}

std::string_view MapStateMachine::execute(std::string_view bytes) {
  const auto command = decode(bytes);
  if (!command) return kBadCommand;
  if (const auto* change = std::get_if<SetCommand>(&*command)) {
    set(change->key, change->value);
    return kStoredReply;
  }
  pairs_.erase(std::get<DeleteCommand>(*command).key);
  return kDeletedReply;
}

void MapStateMachine::set(std::string_view key, std::string_view value) {
  // Key and value are copied out of the command: a slice of it would keep the whole message alive that it came in.
  auto pair = std::make_shared<const Pair>(key, value);
  const auto at = pairs_.lower_bound(key);
  if (at == pairs_.end() || at->first != key) {
    const std::string_view own_key = pair->first;
    pairs_.emplace_hint(at, own_key, std::move(pair));
    return;
  }
  // The map's key must view the pair that it keeps: the old one goes.
  auto node = pairs_.extract(at);
  node.key() = pair->first;
  node.mapped() = std::move(pair);
  pairs_.insert(std::move(node));
}

std::unique_ptr<libraft::SnapshotTask> MapStateMachine::begin_snapshot() {
  std::vector<std::shared_ptr<const Pair>> pairs;
  pairs.reserve(pairs_.size());
  for (const auto& [key, pair] : pairs_) pairs.push_back(pair);
  return std::make_unique<MapSnapshot>(std::move(pairs));
}

std::error_code MapStateMachine::restore(libraft::SnapshotReader& snapshot) {
  const auto text = libraft::read_all(snapshot, std::numeric_limits<std::size_t>::max());
  return text ? restore_text(text->view()) : text.error();
}

std::error_code MapStateMachine::restore_text(std::string_view text) {
  FieldReader fields(text);
  if (fields.word(' ') != kMagic) return libraft::errc::corrupt_data;
  if (fields.word(' ') != kFormatVersion) return libraft::errc::unsupported_version;
  const auto count = fields.number('\n');
  if (!count) return libraft::errc::corrupt_data;
  Pairs restored;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto line = read_pair(fields);
    if (!line) return libraft::errc::corrupt_data;
    if (!restored.empty() && line->first <= restored.rbegin()->first) return libraft::errc::corrupt_data;
    auto pair = std::make_shared<const Pair>(line->first, line->second);
    const std::string_view own_key = pair->first;
    restored.emplace_hint(restored.end(), own_key, std::move(pair));
  }
  if (!fields.at_end()) return libraft::errc::corrupt_data;
  pairs_ = std::move(restored);
  return {};
}

libraft::Result<libraft::Bytes> MapStateMachine::query(std::string_view key) {
  const auto value = find(key);
  if (!value) return libraft::Bytes();
  // One byte in front tells the empty value from no value.
  std::string answer;
  answer.reserve(value->size() + 1);
  answer.append("=").append(*value);
  return libraft::Bytes(std::move(answer));
}

std::optional<std::string_view> MapStateMachine::find(std::string_view key) const {
  const auto at = pairs_.find(key);
  if (at == pairs_.end()) return std::nullopt;
  return at->second->second;
}

}  // namespace kvserver
