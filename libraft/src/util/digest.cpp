#include "util/digest.hpp"

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include <utility>

namespace libraft::util {

struct Digest::State {
  XXH3_state_t xxh;
};

namespace {

Digest128 halves(XXH128_hash_t hash) {
  return {hash.low64, hash.high64};
}

}  // namespace

// Value-initialised: xxHash 0.8.1 reads the state's seed before it sets it.
Digest::Digest() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh);
}

Digest::Digest(const Digest& other) : state_(std::make_unique<State>(*other.state_)) {}

Digest& Digest::operator=(const Digest& other) {
  if (this != &other) state_ = std::make_unique<State>(*other.state_);
  return *this;
}

Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::update(std::string_view bytes) {
  if (!bytes.empty()) XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

Digest128 Digest::value() const {
  return halves(XXH3_128bits_digest(&state_->xxh));
}

Digest128 digest128(std::string_view bytes) {
  return halves(XXH3_128bits(bytes.data(), bytes.size()));
}

std::uint64_t digest64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace libraft::util
