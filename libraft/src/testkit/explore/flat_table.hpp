// Open addressing for numbers that are hashes already: what the explorer keeps most of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace libraft::testkit::explore {

/// A set of 64-bit hashes. Invariant: at most seven of ten places are taken; zero marks a free one.
class HashSet {
 public:
  HashSet() : places_(std::size_t{1} << 12) {}

  /// Begins to fetch what insert() will look at: most of a search's time is waiting for memory.
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&places_[hash & (places_.size() - 1)], 1); }
  /// True when `hash` is new.
  bool insert(std::uint64_t hash) {
    if (hash == 0) hash = 1;
    if (10 * (size_ + 1) > 7 * places_.size()) grow();
    std::uint64_t& place = places_[place_of(hash)];
    if (place == hash) return false;
    place = hash;
    ++size_;
    return true;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return places_.size() * sizeof(std::uint64_t); }

 private:
  [[nodiscard]] std::size_t place_of(std::uint64_t hash) const {
    const std::size_t mask = places_.size() - 1;
    std::size_t place = hash & mask;
    while (places_[place] != 0 && places_[place] != hash) place = (place + 1) & mask;
    return place;
  }
  void grow() {
    std::vector<std::uint64_t> old(places_.size() * 2);
    old.swap(places_);
    for (const std::uint64_t hash : old) {
      if (hash != 0) places_[place_of(hash)] = hash;
    }
  }

  std::vector<std::uint64_t> places_;
  std::size_t size_ = 0;
};

/// From 64-bit keys, which are mixed well, to positions. Invariant as above; key zero is not used.
class PositionMap {
 public:
  PositionMap() : places_(std::size_t{1} << 12) {}

  /// The position of `key`; a new key gets `fresh`.
  std::uint32_t find_or_insert(std::uint64_t key, std::uint32_t fresh) {
    if (10 * (size_ + 1) > 7 * places_.size()) grow();
    Place& place = places_[place_of(key)];
    if (place.key == key) return place.position;
    place = {key, fresh};
    ++size_;
    return fresh;
  }
  [[nodiscard]] std::size_t bytes() const { return places_.size() * sizeof(Place); }

 private:
  struct Place {
    std::uint64_t key = 0;
    std::uint32_t position = 0;
  };
  [[nodiscard]] std::size_t place_of(std::uint64_t key) const {
    const std::size_t mask = places_.size() - 1;
    std::size_t place = key & mask;
    while (places_[place].key != 0 && places_[place].key != key) place = (place + 1) & mask;
    return place;
  }
  void grow() {
    std::vector<Place> old(places_.size() * 2);
    old.swap(places_);
    for (const Place& place : old) {
      if (place.key != 0) places_[place_of(place.key)] = place;
    }
  }

  std::vector<Place> places_;
  std::size_t size_ = 0;
};

}  // namespace libraft::testkit::explore
