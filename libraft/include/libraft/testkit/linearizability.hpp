// Linearizability, judged from outside: was there one order of all operations that explains what every client saw?
//
// A history comes from clients of a real system, each noting when it asked, when it was answered, and what it was told.
// It is linearizable if each operation can be given one moment between its invocation and its response such that,
// taken in that order, every read sees the last write before it (Herlihy and Wing). Nothing of the system's inside is
// needed: no log, no index.
//
//     std::vector<HistoryOperation> history;
//     if (const std::string error = parse_history(text, history); !error.empty()) ...
//     const LinearizabilityReport report = check_linearizability(history);
//     if (report.verdict == Linearizability::violated) std::cerr << report.explanation << '\n';
//
// The system is a map of registers: put, get, delete. A history is linearizable exactly if the part of each key is, so
// keys are judged one by one. A key whose writes all have values of their own takes O(n log n) (zones of Gibbons and
// Korach); any other takes a search with memory (Wing and Gong, Lowe), which gives up after a number of steps and says
// so. It never calls a history linearizable that is not.
//
// Thread-safe: there is no state.
#pragma once

#include <libraft/export.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace libraft::testkit {

/// One operation, as its client saw it.
struct HistoryOperation {
  /// What was asked for.
  enum class Kind {
    put,    ///< set `key` to `value`
    get,    ///< read `key`
    erase,  ///< remove `key`
  };
  /// What the client was told.
  enum class Outcome {
    ok,       ///< done
    failed,   ///< certainly not done, and never will be
    unknown,  ///< may have been done, may still be done at any later time, or never
  };

  std::uint64_t id = 0;              ///< what explanations call it, such as its line
  std::string client;                ///< likewise: who asked
  Kind kind = Kind::get;             ///< what was asked for
  Outcome outcome = Outcome::ok;     ///< what the client was told
  std::string key;                   ///< of which register
  std::optional<std::string> value;  ///< of a put: what it writes; of a get: what it saw, nullopt: no such key
  std::int64_t invoked = 0;          ///< before the request left, on a clock that all clients share; any unit
  std::int64_t responded = 0;        ///< after the answer came, not before `invoked`; ignored where it is unknown
};

/// What became of a check.
enum class Linearizability {
  linearizable,  ///< an order exists
  violated,      ///< none does
  undecided,     ///< the search gave up
};

/// How hard to try.
struct LinearizabilityOptions {
  /// For each key that has to be searched. 2 million: some seconds, and at most some hundred megabytes.
  std::uint64_t search_steps_max = 2'000'000;
  /// False: search every key, also one that zones could judge. For tests of this very checker.
  bool use_zones = true;
};

/// The answer of check_linearizability.
struct LinearizabilityReport {
  Linearizability verdict = Linearizability::linearizable;  ///< violated if any key is, else undecided if any key is
  /// Unless linearizable: in one sentence, what is wrong with the first such key, told by as few operations as will do.
  std::string explanation;
  std::vector<std::size_t> offending;  ///< the operations of that sentence, as positions in the history, in its order
  std::size_t keys = 0;                ///< how many the history has
  std::size_t keys_searched = 0;       ///< of these, not judged by zones
  std::size_t keys_violated = 0;       ///< of these, not linearizable
  std::size_t keys_undecided = 0;      ///< of these, given up
};

/// Judges the history, whose operations may come in any order. At its beginning no key is there. Operations that end
/// and begin at the same time count as concurrent.
[[nodiscard]] LIBRAFT_EXPORT LinearizabilityReport check_linearizability(std::span<const HistoryOperation> history,
                                                                         const LinearizabilityOptions& options = {});

/// Reads a history from text, a line for each operation (docs/testing.md), and appends it to `history` with lines as
/// ids. One English sentence on the first line that is none, or an empty string.
[[nodiscard]] LIBRAFT_EXPORT std::string parse_history(std::string_view text, std::vector<HistoryOperation>& history);

}  // namespace libraft::testkit
