#include "testkit/checks/model.hpp"

#include <algorithm>
#include <utility>

namespace libraft::testkit {

Bytes ReplayModel::apply(LogId id, const Bytes& command) {
  std::vector<AppliedCommand> commands;
  commands.emplace_back(id, command);
  ApplyBatch batch(std::move(commands), id);
  machine_->apply(batch);
  applied_ = id.index;
  return batch.begin()->take_reply();
}

std::optional<Result<Bytes>> ReplayModel::query(LogIndex index, std::string_view request) {
  if (index < applied_) return std::nullopt;
  return machine_->query(request);
}

Bytes KeyValueModel::apply(LogId id, const Bytes& command) {
  KeyValueChange change = language_.change_of(command.view());
  if (change.key.empty()) return language_.reply_to(change, nullptr);
  std::vector<Version>& versions = versions_[change.key];
  const std::string* before = versions.empty() || !versions.back().value ? nullptr : &*versions.back().value;
  Bytes reply = language_.reply_to(change, before);
  versions.push_back({id.index, std::move(change.value)});
  return reply;
}

std::optional<Result<Bytes>> KeyValueModel::query(LogIndex index, std::string_view request) {
  return language_.answer_to(value_at(language_.key_of(request), index));
}

const std::string* KeyValueModel::value_at(const std::string& key, LogIndex index) const {
  const auto versions = versions_.find(key);
  if (versions == versions_.end()) return nullptr;
  const auto later = std::partition_point(versions->second.begin(), versions->second.end(),
                                          [index](const Version& version) { return version.index <= index; });
  if (later == versions->second.begin()) return nullptr;
  const Version& version = *std::prev(later);
  return version.value ? &*version.value : nullptr;
}

}  // namespace libraft::testkit
