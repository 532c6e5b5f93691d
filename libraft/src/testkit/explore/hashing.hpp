// Hashes of what the explorer meets. The same on every machine, so that counts of states can be compared.
#pragma once

#include <libraft/core.hpp>

#include <cstdint>

namespace libraft::testkit::explore {

/// splitmix64's finish: every bit depends on every bit.
[[nodiscard]] inline std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

/// Of a sequence of numbers.
class Hash {
 public:
  Hash& add(std::uint64_t value) {
    hash_ = mixed(hash_ + value + 0x9e3779b97f4a7c15u);
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0x2545f4914f6cdd1du;
};

[[nodiscard]] inline std::uint64_t renamed(NodeId id, const Renaming& names) {
  const auto found = names.find(id);
  return found == names.end() ? id.value : found->second.value;
}

}  // namespace libraft::testkit::explore
