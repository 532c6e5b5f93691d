// Verdicts: where checks tell what they found wrong. The first violation ends a run.
#pragma once

#include <libraft/types.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace libraft::testkit {

/// A rule that was broken.
struct BrokenRule {
  std::string invariant;  ///< its id, such as "iS4"; docs/checks.md lists them
  TimePoint time;         ///< virtual
  NodeId node;            ///< where it was seen; zero: nowhere in particular
  std::string sentence;   ///< what is wrong, with terms and indexes
};

/// Keeps the first violation, and counts the others: what comes after it is a consequence as often as not.
class Verdicts {
 public:
  void set_time(TimePoint now) { now_ = now; }
  [[nodiscard]] TimePoint now() const { return now_; }

  void report(std::string_view invariant, NodeId node, std::string sentence) {
    ++count_;
    if (!first_) first_ = BrokenRule{std::string(invariant), now_, node, std::move(sentence)};
  }

  [[nodiscard]] bool has_violation() const { return first_.has_value(); }
  [[nodiscard]] const std::optional<BrokenRule>& first() const { return first_; }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  TimePoint now_{};
  std::optional<BrokenRule> first_;
  std::size_t count_ = 0;
};

}  // namespace libraft::testkit
