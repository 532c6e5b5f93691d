// Zones (Gibbons and Korach, "Testing shared memories"): O(n log n) where all values that are written differ.
//
// A value's cluster is its write and its reads. In any order that explains the history a cluster is contiguous: the
// write, then the reads. Let f be the earliest finish in a cluster and s the latest start. A must come before B if
// something of A finishes before something of B starts: f(A) < s(B). So two clusters can't be ordered exactly if
// f(A) < s(B) and f(B) < s(A), and if no two clusters are like that, all of them can be ordered.
//
//     forward zone, f < s: a span in which the value was certainly the register's     |----|
//     backward zone, s <= f: some moment of the span is enough for all of the cluster
//
// Two forward zones must not overlap, and no backward zone may lie inside a forward one.
#include "testkit/linearizability/linearizability_register.hpp"

#include <algorithm>

namespace libraft::testkit {

namespace {

struct Zone {
  bool is_used = false;
  std::int64_t first_finish = kNeverEnds;
  std::int64_t last_start = kBeforeAll;

  [[nodiscard]] bool is_forward() const { return first_finish < last_start; }
};

std::vector<Zone> zones_of(const RegisterHistory& history) {
  std::vector<Zone> zones(1);
  zones[kAbsent] = {true, kBeforeAll, kBeforeAll};  // what the register begins with was written before all
  for (const RegisterOperation& operation : history) {
    if (operation.value >= zones.size()) zones.resize(operation.value + std::size_t{1});
    Zone& zone = zones[operation.value];
    zone.is_used = true;
    zone.first_finish = std::min(zone.first_finish, operation.finish);
    zone.last_start = std::max(zone.last_start, operation.start);
  }
  std::erase_if(zones, [](const Zone& zone) { return !zone.is_used; });
  return zones;
}

}  // namespace

bool zones_are_linearizable(const RegisterHistory& history) {
  const std::vector<Zone> zones = zones_of(history);
  std::vector<Zone> forward;
  std::copy_if(zones.begin(), zones.end(), std::back_inserter(forward),
               [](const Zone& zone) { return zone.is_forward(); });
  std::sort(forward.begin(), forward.end(),
            [](const Zone& a, const Zone& b) { return a.first_finish < b.first_finish; });
  for (std::size_t i = 1; i < forward.size(); ++i) {
    if (forward[i].first_finish < forward[i - 1].last_start) return false;
  }
  for (const Zone& zone : zones) {
    if (zone.is_forward()) continue;
    // The last forward zone that begins before this one; those before it have ended when it begins.
    auto around = std::lower_bound(forward.begin(), forward.end(), zone.last_start,
                                   [](const Zone& other, std::int64_t start) { return other.first_finish < start; });
    if (around == forward.begin()) continue;
    --around;
    if (zone.first_finish < around->last_start) return false;
  }
  return true;
}

}  // namespace libraft::testkit
