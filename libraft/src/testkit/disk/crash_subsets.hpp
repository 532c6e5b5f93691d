// Which subsets of what is pending on a disk a crash is tried with.
#pragma once

#include <libraft/testkit/fault_file_system.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace libraft::testkit {

struct SubsetBounds {
  std::size_t all_max = 10;  ///< up to so many changes: all subsets
  std::size_t drawn = 200;   ///< beyond: so many drawn ones, besides the regular ones
};

/// Calls `visit` with one flag for each of `count` changes: all subsets, or beyond `all_max` none, all, each prefix,
/// each one and each pair alone, all but each one and all but each pair, and drawn ones. True when it was all.
bool for_each_subset(std::size_t count, const SubsetBounds& bounds,
                     const std::function<void(const std::vector<bool>& kept)>& visit);

/// "2 of 3 (sector of a, growth of a)", or "nothing".
std::string subset_text(const std::vector<PendingChange>& pending, const std::vector<bool>& kept);

}  // namespace libraft::testkit
