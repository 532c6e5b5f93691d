// XXH3: the digests of snapshots and the checksums of what is stored and sent.
#pragma once

#include <libraft/export.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace libraft::util {

/// Low half, high half: as SnapshotMeta::digest.
using Digest128 = std::array<std::uint64_t, 2>;

/// XXH3-128 of bytes that come in pieces. A value: copies go on independently. One that was moved from may only be
/// assigned to or destroyed.
class LIBRAFT_EXPORT Digest {
 public:
  Digest();
  Digest(const Digest&);
  Digest& operator=(const Digest&);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();

  void update(std::string_view bytes);
  /// Of all bytes so far; more may follow.
  [[nodiscard]] Digest128 value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// XXH3-128 at once.
[[nodiscard]] LIBRAFT_EXPORT Digest128 digest128(std::string_view bytes);
/// XXH3-64 at once. `seed` makes independent hashes of the same bytes.
[[nodiscard]] LIBRAFT_EXPORT std::uint64_t digest64(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace libraft::util
