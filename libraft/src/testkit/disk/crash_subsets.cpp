#include "testkit/disk/crash_subsets.hpp"

#include <algorithm>
#include <cstdint>

#include "testkit/disk/fault_disk.hpp"

namespace libraft::testkit {
namespace {

using Visit = std::function<void(const std::vector<bool>& kept)>;

void visit_all(std::size_t count, const Visit& visit) {
  std::vector<bool> kept(count);
  for (std::uint64_t subset = 0; subset < std::uint64_t{1} << count; ++subset) {
    for (std::size_t i = 0; i < count; ++i) kept[i] = (subset >> i & 1) != 0;
    visit(kept);
  }
}

/// One and two that are alone, kept or lost.
void visit_pairs(std::size_t count, bool alone, const Visit& visit) {
  std::vector<bool> kept(count, !alone);
  for (std::size_t first = 0; first < count; ++first) {
    kept[first] = alone;
    visit(kept);
    for (std::size_t second = first + 1; second < count; ++second) {
      kept[second] = alone;
      visit(kept);
      kept[second] = !alone;
    }
    kept[first] = !alone;
  }
}

void visit_prefixes(std::size_t count, const Visit& visit) {
  std::vector<bool> kept(count);
  visit(kept);
  for (std::size_t i = 0; i < count; ++i) {
    kept[i] = true;
    visit(kept);
  }
}

void visit_drawn(std::size_t count, std::size_t drawn, const Visit& visit) {
  DiskRandom random(count);
  std::vector<bool> kept(count);
  for (std::size_t i = 0; i < drawn; ++i) {
    const std::uint64_t odds = 1 + random.below(15);  // of 16: few, half or most of it
    for (std::size_t bit = 0; bit < count; ++bit) kept[bit] = random.below(16) < odds;
    visit(kept);
  }
}

const char* text_of(PendingChange::Kind kind) {
  switch (kind) {
    case PendingChange::Kind::sector:
      return "sector of ";
    case PendingChange::Kind::growth:
      return "growth of ";
    case PendingChange::Kind::truncation:
      return "truncation of ";
    case PendingChange::Kind::name:
      return "name of ";
  }
  return "";
}

}  // namespace

bool for_each_subset(std::size_t count, const SubsetBounds& bounds, const Visit& visit) {
  if (count <= std::min<std::size_t>(bounds.all_max, 30)) {
    visit_all(count, visit);
    return true;
  }
  visit_prefixes(count, visit);
  visit_pairs(count, true, visit);
  visit_pairs(count, false, visit);
  visit_drawn(count, bounds.drawn, visit);
  return false;
}

std::string subset_text(const std::vector<PendingChange>& pending, const std::vector<bool>& kept) {
  std::string text;
  std::size_t count = 0;
  for (std::size_t i = 0; i < pending.size() && i < kept.size(); ++i) {
    if (!kept[i]) continue;
    ++count;
    text += (text.empty() ? "" : ", ") + std::string(text_of(pending[i].kind)) + pending[i].path;
  }
  if (count == 0) return "nothing of " + std::to_string(pending.size());
  return std::to_string(count) + " of " + std::to_string(pending.size()) + " (" + text + ")";
}

}  // namespace libraft::testkit
