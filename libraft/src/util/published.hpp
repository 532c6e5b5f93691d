// Published: a value that one lane keeps up to date and any thread may copy.
#pragma once

#include <mutex>

namespace libraft::util {

/// Thread-safe. Readers wait for the copying of the value, never for the lane that changes it.
template <class T>
class Published {
 public:
  /// Calls change(value) alone. Quick: readers wait.
  template <class Function>
  void update(Function change) {
    const std::lock_guard lock(mutex_);
    change(value_);
  }

  /// What look(value) returns.
  template <class Function>
  [[nodiscard]] auto read(Function look) const {
    const std::lock_guard lock(mutex_);
    return look(value_);
  }

  [[nodiscard]] T get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};  // by mutex_
};

}  // namespace libraft::util
