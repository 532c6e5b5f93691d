// Mailbox: many threads put items in, one takes all of them out at once. Bounded by count and by bytes.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace libraft::util {

struct MailboxLimits {
  std::size_t items_max = 0;
  std::size_t bytes_max = 0;
};

/// Thread-safe. Keeps the order in which one thread puts; nothing is held locked while an item is made or used.
template <class T>
class Mailbox {
 public:
  explicit Mailbox(MailboxLimits limits) : limits_(limits) {}

  /// Takes `item`, which counts as `bytes`. False when full: `item` is untouched.
  [[nodiscard]] bool put(T& item, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (!has_room(bytes)) return false;
    bytes_ += bytes;
    items_.push_back(std::move(item));
    return true;
  }

  /// Takes `item` beyond the bound: for the few that must never be refused.
  void put_always(T item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
  }

  /// Moves all items to `into`, which is empty. Its memory becomes the mailbox's: two buffers are used in turn. Returns
  /// what they counted as.
  std::size_t take_all(std::vector<T>& into) {
    const std::lock_guard lock(mutex_);
    items_.swap(into);
    return std::exchange(bytes_, 0);
  }

 private:
  /// An empty mailbox takes anything: an item above the bound must not be refused for ever.
  [[nodiscard]] bool has_room(std::size_t bytes) const {
    if (items_.empty()) return true;
    return items_.size() < limits_.items_max && bytes_ <= limits_.bytes_max && bytes <= limits_.bytes_max - bytes_;
  }

  const MailboxLimits limits_;
  std::mutex mutex_;
  std::vector<T> items_;   // by mutex_
  std::size_t bytes_ = 0;  // by mutex_
};

}  // namespace libraft::util
