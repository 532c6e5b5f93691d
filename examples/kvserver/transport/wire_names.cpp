#include "transport/wire_names.hpp"

#include "kv/node_names.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace kvserver {
namespace {

constexpr std::size_t kOthersMax = 1024;
constexpr std::size_t kHexDigits = 16;

}  // namespace

std::string to_hex(std::uint64_t number) {
  std::array<char, kHexDigits> digits{};
  const auto [end, failed] = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
  const auto count = static_cast<std::size_t>(end - digits.data());
  return std::string(kHexDigits - count, '0').append(digits.data(), count);
}

bool from_hex(std::string_view text, std::uint64_t& number) {
  if (text.size() != kHexDigits || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return false;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return failed == std::errc();
}

std::string WireNames::name_of(libraft::NodeId id) const {
  std::string name;
  if (auto member = members_.card(id)) {
    name = std::move(member->name);
  } else {
    const std::lock_guard lock(mutex_);
    if (const auto other = others_.find(id); other != others_.end()) name = other->second;
  }
  return id_of(name) == id ? name : fmt::format("#{}", to_hex(id.value));
}

libraft::NodeId WireNames::id_of(std::string_view name) const {
  libraft::NodeId id;
  if (name.starts_with('#') && from_hex(name.substr(1), id.value)) return id;
  return name.empty() ? libraft::NodeId{} : node_id_of(name);
}

void WireNames::remember(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (others_.size() < kOthersMax) others_.emplace(id_of(name), name);
}

}  // namespace kvserver
