// Deadlines: what times out when. A heap from which finished requests are not taken out one by one.
#pragma once

#include <libraft/types.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace libraft::node {

/// Most requests end long before their deadline, so an entry stays until it comes up, or until the dead ones are the
/// most: then all dead ones go at once.
template <class Key>
class Deadlines {
 public:
  void add(TimePoint at, Key key) {
    if (at == kNever) return;
    heap_.push_back({at, key});
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

  /// The next deadline of a key that is alive; kNever when there is none.
  template <class IsAlive>
  [[nodiscard]] TimePoint next(const IsAlive& is_alive) {
    while (!heap_.empty() && !is_alive(heap_.front().key, heap_.front().at)) pop();
    return heap_.empty() ? kNever : heap_.front().at;
  }

  /// Takes out a key that is alive and due, if there is one.
  template <class IsAlive>
  [[nodiscard]] bool take_due(TimePoint now, const IsAlive& is_alive, Key& key) {
    if (next(is_alive) > now || heap_.empty()) return false;
    key = heap_.front().key;
    pop();
    return true;
  }

  /// Keeps the memory in proportion: `alive` of the keys are.
  template <class IsAlive>
  void tidy(std::size_t alive, const IsAlive& is_alive) {
    constexpr std::size_t kWorthIt = 1024;
    if (heap_.size() < kWorthIt || heap_.size() < 2 * alive) return;
    std::erase_if(heap_, [&](const Item& item) { return !is_alive(item.key, item.at); });
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  struct Item {
    TimePoint at;
    Key key;
    friend auto operator<=>(const Item&, const Item&) = default;
  };

  void pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
  }

  std::vector<Item> heap_;
};

}  // namespace libraft::node
