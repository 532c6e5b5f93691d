#include <libraft/testkit/simulate.hpp>

#include <algorithm>
#include <bit>

namespace libraft::testkit {

// With integers only: logarithms differ in their last bits from one C library to the next.
std::uint64_t Random::log_between(std::uint64_t low, std::uint64_t high) {
  const auto low_width = static_cast<std::uint64_t>(std::bit_width(low));
  const auto high_width = static_cast<std::uint64_t>(std::bit_width(high));
  const std::uint64_t width = between(low_width, high_width);
  const std::uint64_t first = std::max(low, std::uint64_t{1} << (width - 1));
  const std::uint64_t last = std::min(high, (std::uint64_t{1} << (width - 1)) * 2 - 1);
  return between(first, last);
}

}  // namespace libraft::testkit
