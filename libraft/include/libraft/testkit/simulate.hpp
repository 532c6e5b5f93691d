// Simulate: runs of your own state machine in whole clusters with faults, by seeds. The tool raft_sim is this with a
// command line.
//
//     Service service;
//     service.machine = [] { return std::make_unique<MyStateMachine>(); };
//     service.command = [](Random& random, std::uint64_t number) { return Bytes("add " + std::to_string(number)); };
//     service.query = [](Random&) { return std::string("sum"); };
//     service.storage.make = [](FileSystem& files, NodeId) { return my_storage(files, "/data"); };
//
//     SimulateOptions options;
//     options.seeds = 1000;
//     const SimulateReport report = simulate(service, options);
//     std::cout << to_text(report);                       // a violation is told with how to run it again
//     return report.violations.empty() ? 0 : 1;
//
// Each seed is one run: a swarm configuration (which faults, how strong, all options of the nodes, how many clients), a
// plan of faults, then three phases: faults while clients write and read; a healed quorum that must make progress while
// the rest stays broken; healing of all, and an audit. docs/simulation.md is the guide.
//
// What the service throws is a violation, told with its seed: inside a node as one of `core`, elsewhere as one of
// `threw`. What ends the process (abort, a signal, a destructor that throws) takes the report with it: note the seed in
// `on_run`, and print it from a handler of that signal; raft_sim does.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/export.hpp>
#include <libraft/result.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/storage.hpp>
#include <libraft/testkit/simulation.hpp>
#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace libraft::testkit {

/// Random numbers: the same on every machine for the same seed and purpose (splitmix64).
class Random {
 public:
  /// Streams of one seed for different purposes have nothing to do with each other.
  Random(std::uint64_t seed, std::uint64_t purpose) : state_(seed * 0x9e3779b97f4a7c15u + purpose) {
    state_ = draw() ^ (purpose << 32);
  }

  /// Any number.
  [[nodiscard]] std::uint64_t draw() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, bound); `bound` is positive.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return draw() % bound; }
  /// Uniform in [low, high].
  [[nodiscard]] std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  /// Uniform in [low, high].
  [[nodiscard]] Duration between(Duration low, Duration high) {
    return low + Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>((high - low).count()) + 1)));
  }
  /// In [low, high], all orders of magnitude alike; `low` is positive.
  [[nodiscard]] LIBRAFT_EXPORT std::uint64_t log_between(std::uint64_t low, std::uint64_t high);
  /// In [low, high], all orders of magnitude alike; `low` is positive.
  [[nodiscard]] Duration log_between(Duration low, Duration high) {
    return Duration(static_cast<Duration::rep>(
        log_between(static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count()))));
  }
  /// True in so many of a million cases.
  [[nodiscard]] bool chance(std::uint64_t parts_per_million) { return below(1000000) < parts_per_million; }

 private:
  std::uint64_t state_;
};

/// What one command does to a map.
struct KeyValueChange {
  std::string key;                   ///< empty: it changes nothing
  std::optional<std::string> value;  ///< nullopt: the key goes
};

/// What commands and queries of a service mean whose state is a map of texts.
struct KeyValueLanguage {
  std::function<KeyValueChange(std::string_view command)> change_of;  ///< of a command
  /// `before` is the key's value before the change; null: it had none.
  std::function<Bytes(const KeyValueChange& change, const std::string* before)> reply_to;
  std::function<std::string(std::string_view query)> key_of;  ///< that a query asks for
  /// `value` is null when the key has none.
  std::function<Result<Bytes>(const std::string* value)> answer_to;
};

/// What is simulated. The functions are called by several threads, each for runs of its own: they share no state.
struct Service {
  /// A machine in its first state. Called for each start of a node.
  std::function<std::unique_ptr<StateMachine>()> machine;
  /// A machine that is known to be right: every reply and answer is compared with its own. Without it, another instance
  /// of `machine` stands in, which finds what is not the same each time, not what is always wrong.
  std::function<std::unique_ptr<StateMachine>()> model;
  /// For a map of texts, in place of `model`: with it every read is judged, local ones at whatever index they saw. With
  /// a machine as the model, those are judged whose index the model has not gone past.
  std::optional<KeyValueLanguage> key_value;
  /// A command that a client sends. `number` is another one in each call of a run: commands that carry it differ, and
  /// a command that is applied twice, or out of nowhere, can be told. Make keys collide: draw them from a few.
  std::function<Bytes(Random&, std::uint64_t number)> command;
  /// A query that a client sends; without it there are no reads.
  std::function<std::string(Random&)> query;
  /// Real storage code on a simulated disk, with all the faults of one. Without `find` no bit flips.
  DiskStorage storage;
  /// Without files: called once for each run, and what it gives for each start. memory_storages of
  /// storage/memory_storage.hpp is one. No fault of a disk reaches such a storage. Used when `storage.make` is empty.
  std::function<std::function<std::unique_ptr<Storage>(NodeId)>()> memory;
};

/// Which runs.
struct SimulateOptions {
  std::uint64_t first_seed = 1;        ///< they count up from here
  std::optional<std::uint64_t> seeds;  ///< at most so many, not zero; neither this nor minutes: one
  std::optional<double> minutes;       ///< no run begins later than so long after the start
  std::size_t jobs = 0;                ///< runs side by side, up to 1024; zero: as many as there are cores
  std::optional<std::size_t> nodes;    ///< in place of what the seed draws
  bool fixed_profile = false;          ///< the yardstick in place of a swarm configuration: see docs/simulation.md
  std::optional<std::vector<std::string>> faults;  ///< exactly these in place of what the seed draws; see fault_kinds()
  std::optional<std::vector<std::uint64_t>> only_events;  ///< of the seed's plan, by their numbers; a shrunk run
  std::optional<double> seconds;                          ///< how long faults last, in place of what the seed draws
  /// Each step of each node is held to a second, naive specification (iS11). It notices first what other rules would
  /// notice later; without it, those get their turn.
  bool specification = true;
  std::size_t violations_max = 5;           ///< no run begins after so many
  bool shrink = true;                       ///< look for a smaller run with the same violation
  std::string replay_command = "raft_sim";  ///< what a reader types before the options that repeat a run
  /// Called with the seed of each run before it begins, by the thread that runs it. May be empty. For those who want to
  /// know, when their process dies, of which seed: see the head of this file.
  std::function<void(std::uint64_t seed)> on_run;
};

/// A run in which a rule was broken.
struct FailedRun {
  std::uint64_t seed = 0;         ///< of the run
  std::string invariant;          ///< its id, such as "iS1"
  std::string sentence;           ///< what happened
  std::string replay;             ///< a command that shows it again
  std::vector<std::string> plan;  ///< the faults that are left after shrinking, in words
  std::size_t plan_before = 0;    ///< how many there were
};

/// What all runs came to.
struct SimulateReport {
  std::uint64_t seeds = 0;            ///< that ran
  std::uint64_t first_seed = 0;       ///< the first of them
  double simulated_hours = 0;         ///< of clusters
  double real_seconds = 0;            ///< that it took
  std::size_t jobs = 0;               ///< runs side by side
  std::uint64_t events = 0;           ///< steps of simulations
  std::uint64_t requests = 0;         ///< of clients, done without error
  std::uint64_t crashes = 0;          ///< of nodes
  std::uint64_t twice = 0;            ///< seeds that ran twice, and had to give the same run
  std::vector<FailedRun> violations;  ///< by seed
  /// By the names of fault_kinds(): of the kinds that last for a whole run, how many runs had them; of the others, how
  /// often they struck.
  std::map<std::string, std::uint64_t> faults;
  /// What the simulation did, by its own names (docs/simulation.md): messages lost, links cut, processes crashed. One
  /// fault does many of these; some are done besides, as to the nodes that stay broken in the second phase.
  std::map<std::string, std::uint64_t> effects;
  std::map<std::string, std::uint64_t> marks;  ///< all coverage marks, and how often they were hit
};

/// One English sentence on the first thing that can't be done, or an empty string.
[[nodiscard]] LIBRAFT_EXPORT std::string validate(const Service& service, const SimulateOptions& options);
/// Runs the seeds. Throws std::invalid_argument with what validate() says, when it says something.
[[nodiscard]] LIBRAFT_EXPORT SimulateReport simulate(const Service& service, const SimulateOptions& options);
/// For people: some lines, and the violations.
[[nodiscard]] LIBRAFT_EXPORT std::string to_text(const SimulateReport& report);
/// One line of JSON.
[[nodiscard]] LIBRAFT_EXPORT std::string to_json(const SimulateReport& report);

/// What a program should end with: 0 fine; 1 a violation; 3 some mark was never hit, asked from 1000 seeds on.
[[nodiscard]] LIBRAFT_EXPORT int exit_code(const SimulateReport& report);

/// What one run showed.
struct RunRecord {
  std::string trace;                   ///< a line for each thing that happened
  std::string html;                    ///< the same as a page to look at, whole in itself
  std::optional<FailedRun> violation;  ///< not shrunk
};

/// The run of `options.first_seed` alone, written down. Throws as simulate() does.
[[nodiscard]] LIBRAFT_EXPORT RunRecord record(const Service& service, const SimulateOptions& options);

/// A kind of fault that a run may have.
struct FaultKind {
  std::string_view name;         ///< such as "network.partition"
  std::string_view description;  ///< for people
};
/// All of them.
[[nodiscard]] LIBRAFT_EXPORT std::vector<FaultKind> fault_kinds();

}  // namespace libraft::testkit
