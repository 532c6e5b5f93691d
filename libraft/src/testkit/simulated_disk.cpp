#include "testkit/simulated_disk.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace libraft::testkit {
namespace {

// Purposes of random streams; see simulated_runtime.cpp and simulated_network.cpp for the others.
constexpr std::uint64_t kCrash = 21;
constexpr std::uint64_t kDamage = 22;

// What FaultFileSystem::crash makes of them.
constexpr std::uint64_t kKeepsNothing = 0;
constexpr std::uint64_t kKeepsAll = 1;

constexpr std::uint64_t kContextBytes = 16;

}  // namespace

SimulatedDisk::SimulatedDisk(std::uint64_t seed, NodeId node)
    : crash_(seed, kCrash, node.value), damage_(seed, kDamage, node.value) {}

std::string SimulatedDisk::crash(Unsynced unsynced) {
  may_lose_power_ = false;
  const std::uint64_t kind = crash_.below(6);
  const std::uint64_t subset = 2 + crash_.draw() / 2;
  const bool is_all_lost = unsynced == Unsynced::lost || (unsynced == Unsynced::drawn && kind == 0);
  const bool is_all_kept = unsynced == Unsynced::kept || (unsynced == Unsynced::drawn && kind == 1);
  files_.crash(is_all_lost ? kKeepsNothing : is_all_kept ? kKeepsAll : subset);
  if (is_all_kept) return "what was not synced is kept";
  return is_all_lost ? "what was not synced is lost" : "a subset of what was not synced is lost";
}

void SimulatedDisk::power_off_at(std::uint64_t calls) {
  may_lose_power_ = true;
  files_.power_off_at(files_.calls() + std::max<std::uint64_t>(calls, 1));
}

std::string SimulatedDisk::damage(const DiskRange& range) {
  const std::optional<std::string> contents = files_.durable_contents(range.path);
  if (!contents || range.offset >= contents->size()) return {};
  const std::uint64_t at =
      range.offset + damage_.below(std::min<std::uint64_t>(range.size, contents->size() - range.offset));
  Flip flip;
  flip.path = range.path;
  flip.offset = at - std::min(at, kContextBytes);
  flip.was = contents->substr(flip.offset, 2 * kContextBytes);
  flip.is = flip.was;
  char& byte = flip.is[at - flip.offset];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1u << damage_.below(8)));
  files_.overwrite(flip.path, flip.offset, flip.is);
  flip_ = std::move(flip);
  return range.path + " at byte " + std::to_string(at);
}

void SimulatedDisk::mend() {
  if (is_damaged()) files_.overwrite(flip_->path, flip_->offset, flip_->was);
  flip_.reset();
}

bool SimulatedDisk::is_damaged() const {
  if (!flip_) return false;
  const std::optional<std::string> contents = files_.durable_contents(flip_->path);
  return contents && flip_->offset < contents->size() && contents->substr(flip_->offset, flip_->is.size()) == flip_->is;
}

}  // namespace libraft::testkit
