#include "testkit/simulation/simulated_disk.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace libraft::testkit {
namespace {

// Purposes of random streams; see simulated_runtime.cpp and simulated_network.cpp for the others.
constexpr std::uint64_t kCrash = 21;
constexpr std::uint64_t kFlip = 22;

constexpr std::uint64_t kWindowBytes = 96;

/// All but an eighth one and the same byte, such as padding: others may be that as well.
bool is_telling(std::string_view piece) {
  std::array<std::size_t, 256> counts{};
  for (const char byte : piece) ++counts[static_cast<unsigned char>(byte)];
  return *std::max_element(counts.begin(), counts.end()) <= piece.size() - piece.size() / 8;
}

}  // namespace

SimulatedDisk::SimulatedDisk(std::uint64_t seed, NodeId node)
    : crash_(seed, kCrash, node.value), damage_(seed, kFlip, node.value) {}

SimulatedDisk::Loss SimulatedDisk::crash(Unsynced unsynced) {
  may_lose_power_ = false;
  const std::vector<PendingChange> pending = files_.pending();
  const std::vector<bool> kept = draw_kept(pending, unsynced);
  Loss loss;
  loss.pending = pending.size();
  if (!is_damaged() && std::find(kept.begin(), kept.end(), false) == kept.end()) {
    // Only the process is gone: what it had not synced is there as before, also what a failed sync left, and power may
    // take it later. (Where a bit is flipped the disk settles instead, so that the bit stays where it can be found.)
    files_.kill();
    return loss;
  }
  files_.crash_keeping(kept);
  const auto is_name = [&](std::size_t i) { return pending[i].kind == PendingChange::Kind::name; };
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (kept[i]) continue;
    ++loss.lost;
    // The sectors of a write come one after the other.
    const auto is_kept_part = [&](std::size_t j) {
      return j < kept.size() && kept[j] && !is_name(j) && pending[j].path == pending[i].path;
    };
    const bool is_torn = is_kept_part(i + 1) || (i > 0 && is_kept_part(i - 1));
    (is_name(i) ? loss.name : is_torn ? loss.torn : loss.write) = true;
  }
  return loss;
}

/// Odds are drawn for each crash, so that there are crashes that lose nearly all, some, or nearly nothing; half of them
/// in the order of the writes (a journal), half in any order (a write-back cache).
std::vector<bool> SimulatedDisk::draw_kept(const std::vector<PendingChange>& pending, Unsynced unsynced) {
  constexpr std::array<std::uint64_t, 6> kOdds{0, 2, 8, 8, 14, 16};
  const std::uint64_t drawn = kOdds[crash_.below(kOdds.size())];
  const bool is_in_order = crash_.below(2) == 0;
  RandomStream subset(crash_.draw());  // one draw, however much is pending
  const std::uint64_t odds = unsynced == Unsynced::lost ? 0 : unsynced == Unsynced::kept ? 16 : drawn;
  std::vector<bool> kept;
  const std::string* cut = nullptr;  // the file of which all that follows is lost
  for (const PendingChange& change : pending) {
    const bool is_cut = is_in_order && cut != nullptr && *cut == change.path;
    const bool is_kept = !is_cut && subset.below(16) < odds;
    if (!is_kept) cut = &change.path;
    kept.push_back(is_kept);
  }
  return kept;
}

void SimulatedDisk::power_off_at(std::uint64_t calls) {
  may_lose_power_ = true;
  files_.power_off_at(files_.calls() + std::max<std::uint64_t>(calls, 1));
}

void SimulatedDisk::fill(std::uint64_t bytes_left) {
  files_.set_bytes_max(files_.bytes_used() + bytes_left);
  is_full_ = true;
}

bool SimulatedDisk::free() {
  files_.set_bytes_max(FaultFileSystem::kUnlimited);
  return std::exchange(is_full_, false);
}

std::string SimulatedDisk::damage(const DiskRange& range) {
  if (!files_.pending().empty()) return {};  // what is durable may not be what is read: the bit would have two places
  const std::optional<std::string> contents = files_.durable_contents(range.path);
  if (!contents || range.offset >= contents->size()) return {};
  const std::uint64_t at =
      range.offset + damage_.below(std::min<std::uint64_t>(range.size, contents->size() - range.offset));
  std::string after = *contents;
  after[at] = static_cast<char>(static_cast<unsigned char>(after[at]) ^ (1u << damage_.below(8)));
  const std::uint64_t begin = at - std::min(at, kWindowBytes / 2);
  std::vector<Window> windows{{contents->substr(begin, kWindowBytes), after.substr(begin, kWindowBytes)}};
  // What is before the bit may be dropped; so near to the end it is not.
  if (after.size() - at >= kWindowBytes / 2) {
    windows.push_back({contents->substr(at, kWindowBytes), after.substr(at, kWindowBytes)});
  }
  const auto is_lost_in_padding = [](const Window& window) { return !is_telling(window.is); };
  if (std::any_of(windows.begin(), windows.end(), is_lost_in_padding)) return {};
  files_.overwrite(range.path, at, std::string_view(after).substr(at, 1));
  files_.watch(range.path, at);
  is_flip_older_ = false;
  flip_ = std::move(windows);
  flip_begin_ = begin;
  return range.path + " at byte " + std::to_string(at);
}

void SimulatedDisk::mend() {
  const auto place = find_flip();
  if (!place && files_.watched_was_read()) return;  // nobody knows where it is now: the disk stays damaged
  if (place && place->is_copy) {
    files_.overwrite(place->path, place->offset, place->was);
  } else if (place) {
    files_.overwrite_watched(place->offset, place->was);
  }
  flip_.clear();
}

bool SimulatedDisk::has_overlooked_damage() {
  if (!is_flip_older_) return false;
  if (find_flip()) return true;
  flip_.clear();
  return false;
}

/// Where it was flipped, or, as storages copy what they keep and drop what was before it, elsewhere by now. What nobody
/// has read was not copied: what looks like it is there by right. (A storage that writes over a file in place could
/// hide the bit, or seem to; those that are simulated replace a file or append to it.)
std::optional<SimulatedDisk::Place> SimulatedDisk::find_flip() const {
  if (const auto path = files_.watched_path(); path && !flip_.empty()) {
    const auto contents = files_.durable_contents(*path);
    const Window& around = flip_.front();
    const bool is_there = contents && contents->size() >= flip_begin_ &&
                          std::string_view(*contents).substr(flip_begin_).starts_with(around.is);
    if (is_there) return Place{*path, flip_begin_, around.was, false};
  }
  if (!files_.watched_was_read()) return std::nullopt;
  for (const Window& window : flip_) {
    for (const std::string& path : files_.paths()) {
      const auto contents = files_.durable_contents(path);
      const auto at = contents ? contents->find(window.is) : std::string::npos;
      if (at != std::string::npos) return Place{path, at, window.was, true};
    }
  }
  return std::nullopt;
}

}  // namespace libraft::testkit
