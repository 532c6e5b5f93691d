// Ids, terms, indexes and time: the small values that everything else is made of.
//
// Each is a type of its own, so that a term can't be passed where an index belongs. A default value is zero, and
// zero means "none": real node ids, terms of elections and indexes of entries start at one.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>

/// Raft consensus, and what a service needs to embed it.
namespace libraft {

/// An unsigned 64-bit number that can't be mixed up with another one of a different `Tag`.
template <class Tag>
struct Strong {
  std::uint64_t value = 0;  ///< zero: none

  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

/// A member of the cluster. Zero is nobody.
using NodeId = Strong<struct NodeIdTag>;
/// The cluster; messages and data of another cluster are refused.
using ClusterId = Strong<struct ClusterIdTag>;
/// One Raft group of several that share a process or a transport. Zero is fine for the only one.
using GroupId = Strong<struct GroupIdTag>;
/// Drawn at random when a storage is formatted: tells a node from the same node with a new disk.
using Incarnation = Strong<struct IncarnationTag>;
/// The logical clock of Raft (thesis §3.1): at most one leader for each.
using Term = Strong<struct TermTag>;
/// The position of an entry in the log; the first entry has index 1.
using LogIndex = Strong<struct LogIndexTag>;
/// Names a write handed to storage; rises by one over the life of a Core, over all terms.
using PersistId = Strong<struct PersistIdTag>;
/// Names a request that waits for an answer (a read, a log read, a transfer).
using RequestId = Strong<struct RequestIdTag>;

/// The index after `index`.
constexpr LogIndex next(LogIndex index) {
  return {index.value + 1};
}
/// The index before `index`; the one before the first is zero. `index` must not be zero.
constexpr LogIndex previous(LogIndex index) {
  return {index.value - 1};
}

/// An entry's place and the term in which a leader made it. Two entries with the same LogId are the same entry, and so
/// are all entries before them (Log Matching, thesis §3.5).
///
/// Ordered as logs are compared in elections (§3.6.1): by term first, then by index.
struct LogId {
  LogIndex index;  ///< the place; zero: before the first entry
  Term term;       ///< the leader's that made it

  friend constexpr bool operator==(const LogId&, const LogId&) = default;
  /// By term first, then by index.
  friend constexpr std::strong_ordering operator<=>(const LogId& a, const LogId& b) {
    if (const auto by_term = a.term <=> b.term; by_term != 0) return by_term;
    return a.index <=> b.index;
  }
};

/// The monotonic time that the library counts in. It has no `now()`: time comes in from outside (a Runtime), which is
/// what makes runs repeatable.
struct Clock {
  using duration = std::chrono::nanoseconds;          ///< what TimePoint counts in
  using rep = duration::rep;                          ///< of `duration`
  using period = duration::period;                    ///< of `duration`
  using time_point = std::chrono::time_point<Clock>;  ///< a TimePoint
  static constexpr bool is_steady = true;             ///< never goes back
};
using TimePoint = Clock::time_point;  ///< a point on Clock; only differences mean anything
using Duration = Clock::duration;     ///< a span on Clock, in nanoseconds

/// "Never": the deadline of something that is not waiting.
inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace libraft

/// Strong numbers are keys of unordered containers in user code. (The library itself uses ordered ones only.)
template <class Tag>
struct std::hash<libraft::Strong<Tag>> {
  /// The hash of its value.
  std::size_t operator()(const libraft::Strong<Tag>& number) const noexcept {
    return std::hash<std::uint64_t>{}(number.value);
  }
};
