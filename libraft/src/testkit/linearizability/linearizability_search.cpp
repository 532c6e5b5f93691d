// The search of Wing and Gong with the memory of Lowe: depth first over which operation comes next.
//
// Calls and returns stand in a list by time. Whatever is called before the first return may come next; an operation
// that got its place is lifted out of the list. At a return the search is stuck and goes back to its last choice. What
// it has seen, the set of those placed and the register's value, it does not try again.
//
// Three things keep it short. A read that fits is placed at once, without a choice: it changes nothing, so no order is
// lost. Of several writes of one value that may come next, only the one that ends first is tried: where another order
// has a later one here, the two can change places. And an optional write has no return: the search is over when all
// others have their place.
#include "testkit/linearizability/linearizability_register.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace libraft::testkit {

namespace {

constexpr std::size_t kHead = 0;

/// A call or a return, in a list by time. Operations are numbered by their calls.
struct Moment {
  std::size_t operation = 0;
  bool is_call = false;
  std::size_t before = kHead;
  std::size_t after = kHead;  ///< kHead: the end
};

struct Placed {
  std::size_t operation = 0;
  std::uint32_t value_before = kAbsent;
  std::size_t last_before = 0;
  bool was_choice = false;
};

class Search {
 public:
  explicit Search(RegisterHistory history) : operations_(std::move(history)) {
    std::stable_sort(operations_.begin(), operations_.end(),
                     [](const RegisterOperation& a, const RegisterOperation& b) { return a.start < b.start; });
    make_list();
  }

  Linearizability run(std::uint64_t& steps_left) {
    std::size_t at = moments_[kHead].after;
    while (to_place_ > 0) {
      if (steps_left == 0) return Linearizability::undecided;
      const Moment& moment = moments_[at];
      if (!moment.is_call) {
        if (!go_back(at)) return Linearizability::violated;
      } else if (try_to_place(moment.operation, steps_left)) {
        at = moments_[kHead].after;
      } else {
        at = moment.after;
      }
    }
    return Linearizability::linearizable;
  }

 private:
  struct Event {
    std::int64_t time;
    bool is_return;
    std::size_t operation;
  };

  void make_list() {
    std::vector<Event> events;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      events.push_back({operations_[i].start, false, i});
      if (operations_[i].is_optional) continue;
      events.push_back({operations_[i].finish, true, i});
      ++to_place_;
    }
    // Calls come before returns of the same time: then the two are concurrent.
    std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
      return a.time != b.time ? a.time < b.time : a.is_return < b.is_return;
    });
    moments_.resize(1);
    call_of_.resize(operations_.size());
    return_of_.resize(operations_.size(), kHead);
    for (const Event& event : events) {
      const std::size_t here = moments_.size();
      moments_.push_back({event.operation, !event.is_return, here - 1, kHead});
      moments_[here - 1].after = here;
      (event.is_return ? return_of_ : call_of_)[event.operation] = here;
    }
  }

  bool try_to_place(std::size_t operation, std::uint64_t& steps_left) {
    const RegisterOperation& tried = operations_[operation];
    if (!tried.is_write) {
      if (tried.value != value_) return false;
      place(operation, false);
      return true;
    }
    if (has_better(operation)) return false;
    --steps_left;
    place(operation, true);
    if (seen_.insert(position_reached()).second) return true;
    take_back();
    return false;
  }

  /// A write of the same value that may come next too, and ends before.
  [[nodiscard]] bool has_better(std::size_t operation) const {
    const RegisterOperation& tried = operations_[operation];
    for (std::size_t at = moments_[kHead].after; moments_[at].is_call; at = moments_[at].after) {
      const RegisterOperation& other = operations_[moments_[at].operation];
      if (!other.is_write || other.value != tried.value) continue;
      if (other.finish < tried.finish) return true;
      if (other.finish == tried.finish && moments_[at].operation < operation) return true;
    }
    return false;
  }

  void place(std::size_t operation, bool is_choice) {
    placed_.push_back({operation, value_, last_, is_choice});
    value_ = operations_[operation].value;
    last_ = std::max(last_, operation + 1);
    unlink(call_of_[operation]);
    if (return_of_[operation] == kHead) return;
    unlink(return_of_[operation]);
    --to_place_;
  }

  void take_back() {
    const Placed placed = placed_.back();
    placed_.pop_back();
    value_ = placed.value_before;
    last_ = placed.last_before;
    if (return_of_[placed.operation] != kHead) {
      link(return_of_[placed.operation]);
      ++to_place_;
    }
    link(call_of_[placed.operation]);
  }

  /// To what comes after the last choice; false when there was none.
  bool go_back(std::size_t& at) {
    while (!placed_.empty()) {
      const Placed last = placed_.back();
      take_back();
      if (!last.was_choice) continue;
      at = moments_[call_of_[last.operation]].after;
      return true;
    }
    return false;
  }

  void unlink(std::size_t moment) {
    moments_[moments_[moment].before].after = moments_[moment].after;
    moments_[moments_[moment].after].before = moments_[moment].before;
  }
  void link(std::size_t moment) {
    moments_[moments_[moment].before].after = moment;
    moments_[moments_[moment].after].before = moment;
  }

  /// The register's value and the set of those placed: all up to the last one but these.
  [[nodiscard]] std::string position_reached() const {
    std::string key;
    append(key, value_);
    append(key, last_);
    for (std::size_t at = moments_[kHead].after; at != kHead; at = moments_[at].after) {
      if (!moments_[at].is_call) continue;
      if (moments_[at].operation >= last_) break;
      append(key, moments_[at].operation);
    }
    return key;
  }
  static void append(std::string& key, std::uint64_t number) {
    for (int byte = 0; byte < 4; ++byte) key += static_cast<char>((number >> (8 * byte)) & 0xff);
  }

  RegisterHistory operations_;
  std::vector<Moment> moments_;         ///< the first is the list's head
  std::vector<std::size_t> call_of_;    ///< by operation
  std::vector<std::size_t> return_of_;  ///< by operation; kHead: it has none
  std::vector<Placed> placed_;
  std::uint32_t value_ = kAbsent;
  std::size_t last_ = 0;      ///< one more than the last operation placed
  std::size_t to_place_ = 0;  ///< that are not optional
  std::unordered_set<std::string> seen_;
};

}  // namespace

Linearizability search_linearization(const RegisterHistory& history, std::uint64_t& steps_left) {
  return Search(history).run(steps_left);
}

}  // namespace libraft::testkit
