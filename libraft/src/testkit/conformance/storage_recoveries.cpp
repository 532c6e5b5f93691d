#include "testkit/conformance/storage_recoveries.hpp"

#include <libraft/codec.hpp>

#include <utility>

#include "testkit/conformance/storage_programs.hpp"
#include "util/digest.hpp"

namespace libraft::testkit {
namespace {

void put(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

void put(std::string& out, const LogId& id) {
  put(out, id.index.value);
  put(out, id.term.value);
}

/// With its size in front.
template <class Value>
void put_encoded(std::string& out, const Value& value) {
  std::string bytes;
  encode(value, bytes);
  put(out, std::uint64_t{bytes.size()});
  out += bytes;
}

void put(std::string& out, const RecoveredState& state) {
  for (const std::uint64_t number :
       {state.identity.cluster.value, state.identity.group.value, state.identity.node.value,
        state.identity.incarnation.value, state.hard_state.term.value, std::uint64_t{state.hard_state.vote ? 1u : 0u},
        state.hard_state.vote.value_or(NodeId{}).value, std::uint64_t{state.term_runs.size()},
        std::uint64_t{state.configurations.size()}, std::uint64_t{state.snapshot ? 1u : 0u}}) {
    put(out, number);
  }
  put(out, state.start);
  put(out, state.last);
  for (const LogId& run : state.term_runs) put(out, run);
  for (const ConfigurationAt& configuration : state.configurations) {
    put(out, configuration.at);
    put_encoded(out, configuration.value);
  }
  if (state.snapshot) put_encoded(out, *state.snapshot);
}

std::string told_of(Storage& storage, std::error_code error) {
  const std::string detail = storage.error_detail();
  return error.message() + (detail.empty() ? "" : " (" + detail + ")");
}

/// The power goes while `storage` is open, and nothing that was not synced is left.
void crash_without_goodbye(FaultFileSystem& disk, std::unique_ptr<Storage>& storage) {
  disk.power_off();
  storage.reset();
  disk.crash(0);
}

}  // namespace

DiskDigest digest_of(const Observation& seen) {
  std::string out;
  put(out, std::uint64_t{seen.recovered ? 1u : 0u});
  if (seen.recovered) put(out, *seen.recovered);
  put_encoded(out, Entries(seen.entries));
  out += seen.snapshot;
  return util::digest128(out);
}

AllowedStates::AllowedStates(std::vector<StorageModel> models) : models_(std::move(models)) {
  for (const StorageModel& model : models_) digests_.push_back(digest_of(model.expected()));
}

const StorageModel* AllowedStates::find(const DiskDigest& observed) const {
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (digests_[i] == observed) return &models_[i];
  }
  return nullptr;
}

DiskDigest AllowedStates::digest() const {
  std::string all;
  for (const DiskDigest& digest : digests_) {
    put(all, digest[0]);
    put(all, digest[1]);
  }
  return util::digest128(all);
}

void CrashFindings::add(CrashProperty property, const std::string& detail) {
  if (!has(property)) first_[static_cast<std::size_t>(property)] = detail;
}

const StorageModel* Recoveries::judge(FaultFileSystem& disk, const AllowedStates& allowed, CrashProperty property,
                                      const Where& where) {
  const DiskDigest key = disk.digest();
  auto known = known_.find(key);
  if (known == known_.end()) {
    const DiskImage crashed = disk.image();
    known = known_.emplace(key, recover(disk, After::crash, allowed, where)).first;
    disk.restore(crashed);
  }
  return allowed_model(known->second, disk, allowed, property, where);
}

void Recoveries::judge_kill(FaultFileSystem& disk, const AllowedStates& allowed, CrashProperty property,
                            const Where& where) {
  const DiskImage killed = disk.image();
  const Found found = recover(disk, After::kill, allowed, where);
  disk.restore(killed);
  allowed_model(found, disk, allowed, property, where);
}

const StorageModel* Recoveries::allowed_model(const Found& found, FaultFileSystem& disk, const AllowedStates& allowed,
                                              CrashProperty property, const Where& where) {
  const StorageModel* const model = found.is_open ? allowed.find(found.observed) : nullptr;
  if (model == nullptr && !findings_.has(property)) findings_.add(property, where() + ": " + explain(disk, allowed));
  return model;
}

Recoveries::Found Recoveries::recover(FaultFileSystem& disk, After after, const AllowedStates& allowed,
                                      const Where& where) {
  auto storage = make_(disk);
  const auto seen = open_and_observe(*storage);
  if (!seen) return {};
  const Found found{true, digest_of(*seen)};
  disk.power_off();
  storage.reset();
  const auto bytes = after == After::crash ? std::optional(disk.digest()) : std::nullopt;
  disk.crash(0);
  recover_again(disk, *seen, bytes, where);
  if (const StorageModel* const model = allowed.find(found.observed)) write_more(disk, *model, where);
  return found;
}

/// What a recovery tells is durable, and doing it twice is doing it once.
void Recoveries::recover_again(FaultFileSystem& disk, const Observation& told, const std::optional<DiskDigest>& bytes,
                               const Where& where) {
  if (findings_.has(CrashProperty::twice)) return;
  auto storage = make_(disk);
  const auto seen = open_and_observe(*storage);
  const auto fail = [&](const std::string& what) { findings_.add(CrashProperty::twice, where() + ": " + what); };
  if (!seen) {
    fail("opening once more after another crash failed: " + told_of(*storage, seen.error()));
  } else if (const std::string changed = difference(told, *seen); !changed.empty()) {
    fail("what open() told was not durable. " + changed);
  } else if (bytes && disk.digest() != *bytes) {
    fail("a second recovery left other bytes than the first.");
  }
  crash_without_goodbye(disk, storage);
}

/// A recovered storage takes a write and keeps it.
void Recoveries::write_more(FaultFileSystem& disk, const StorageModel& model, const Where& where) {
  if (findings_.has(CrashProperty::usable)) return;
  const auto fail = [&](const std::string& what) { findings_.add(CrashProperty::usable, where() + ": " + what); };
  auto storage = make_(disk);
  if (const auto opened = storage->open(); !opened)
    return fail("opening again failed: " + told_of(*storage, opened.error()));
  const StorageCommand command = another_write(model);
  if (const auto error = perform(*storage, command)) {
    return fail("a write after the recovery failed: " + told_of(*storage, error));
  }
  crash_without_goodbye(disk, storage);
  storage = make_(disk);
  const auto seen = open_and_observe(*storage);
  if (!seen) return fail("opening after a write and another crash failed: " + told_of(*storage, seen.error()));
  StorageModel expected = model;
  expected.apply(command);
  const std::string changed = difference(expected.expected(), *seen);
  if (!changed.empty()) fail("after a recovery, a write and another crash: " + changed);
}

std::string Recoveries::explain(FaultFileSystem& disk, const AllowedStates& allowed) const {
  auto storage = make_(disk);
  const auto seen = open_and_observe(*storage);
  if (!seen) return "opening and reading all of it failed: " + told_of(*storage, seen.error());
  return difference(allowed.first().expected(), *seen) + "(Compared with what was acknowledged before.)";
}

}  // namespace libraft::testkit
