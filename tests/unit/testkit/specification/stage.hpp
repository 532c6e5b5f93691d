// Steps of node 1 of three, made by hand, for the tests of the specification.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "testkit/specification/specification.hpp"

namespace libraft::test::specification {

inline constexpr NodeId kSelf{1};

/// A step by hand. Begins as one in which nothing happens.
struct Step {
  Event event;
  Effects effects;
  CoreStatus after;

  /// The batch of this step.
  PersistBatch& write(std::uint64_t id) {
    if (!effects.persist) effects.persist = PersistBatch{{id}, {}, {}, {}, {}, {}};
    return *effects.persist;
  }
  void send(NodeId to, const MessageBody& body, std::uint64_t after_write = 0) {
    effects.messages.push_back({{{{}, {}, kSelf, to, {}, {}, 0}, body}, {after_write}});
  }
  template <class Body>
  Body& sent(std::size_t place = 0) {
    return std::get<Body>(effects.messages[place].message.body);
  }
};

inline std::vector<Entry> entries_after(std::uint64_t index, std::initializer_list<std::uint64_t> terms) {
  std::vector<Entry> entries;
  for (const std::uint64_t term : terms) entries.push_back({{{++index}, {term}}, EntryKind::noop, {}});
  return entries;
}

inline CoreOptions without_pre_vote() {
  CoreOptions options;
  options.pre_vote = false;
  return options;
}

inline ConfigurationAt three_voters() {
  ConfigurationAt genesis;
  genesis.value.voters = {{{1}, ""}, {{2}, ""}, {{3}, ""}};
  return genesis;
}

inline RecoveredState disk_with(Term term, std::initializer_list<std::uint64_t> terms) {
  RecoveredState disk;
  disk.identity.node = kSelf;
  disk.hard_state = {term, {}};
  disk.configurations = {three_voters()};
  for (const Entry& entry : entries_after(0, terms)) disk.term_runs.push_back(disk.last = entry.id);
  return disk;
}

inline CoreStart start_of(const RecoveredState& disk) {
  CoreStart start;
  start.recovered = disk;
  if (disk.snapshot) start.applied = disk.snapshot->last.index;
  return start;
}

/// Node 1 of three, and the steps that it takes.
class Stage {
 public:
  explicit Stage(const RecoveredState& disk, const CoreOptions& options = without_pre_vote())
      : status_(started(disk)), specification_(options, start_of(disk), status_) {}
  Stage(std::uint64_t term, std::initializer_list<std::uint64_t> terms) : Stage(disk_with({term}, terms)) {}

  [[nodiscard]] const CoreStatus& status() const { return status_; }
  [[nodiscard]] Step step(const Event& event) const { return {event, {}, status_}; }
  [[nodiscard]] Step message(NodeId from, const MessageBody& body) const {
    return step(MessageReceived{{{{}, {}, from, kSelf, {}, {}, 0}, body}});
  }

  void allow(const Step& step) {
    const auto why = specification_.judge({step.event, step.effects, status_, step.after});
    INFO(why.value_or(""));
    REQUIRE(!why);
    status_ = step.after;
  }
  /// The step must not be allowed, for a reason with `part` in it; nothing is taken in.
  void refuse(const Step& step, const std::string& part) const {
    testkit::Specification copy = specification_;
    const auto why = copy.judge({step.event, step.effects, status_, step.after});
    INFO("expected: " << part);
    CHECK_THAT(why.value_or("allowed"), contains_text(part));
  }
  /// The same, after a change to the step.
  template <class Change>
  void refuse_if(Step step, const Change& change, const std::string& part) const {
    change(step);
    refuse(step, part);
  }
  void persist(std::uint64_t upto) { allow(persisted(upto)); }
  [[nodiscard]] Step persisted(std::uint64_t upto) const {
    Step step = this->step(Persisted{{upto}});
    step.after.durable = status_.log_last.index;
    return step;
  }

  // Steps as they should be.
  [[nodiscard]] Step vote(NodeId from, std::uint64_t term, LogId last, std::uint64_t write) const {
    Step step = message(from, RequestVote{{term}, last, false});
    step.after.role = Role::follower;
    step.after.term = {term};
    step.after.vote = from;
    if (term > status_.term.value) step.after.leader.reset();
    step.write(write).hard_state = HardState{{term}, from};
    step.send(from, RequestVoteReply{{term}, true}, write);
    return step;
  }
  [[nodiscard]] Step campaign(std::uint64_t write) const {
    Step step = this->step(TimeAdvanced{});
    step.after.role = Role::candidate;
    step.after.term = {status_.term.value + 1};
    step.after.vote = kSelf;
    step.after.leader.reset();
    step.write(write).hard_state = HardState{step.after.term, kSelf};
    for (const std::uint64_t to : {2u, 3u})
      step.send({to}, RequestVote{step.after.term, status_.log_last, false}, write);
    return step;
  }
  [[nodiscard]] Step elected(Step step, std::uint64_t write) const {
    step.after.role = Role::leader;
    step.after.leader = kSelf;
    step.after.log_last = {next(status_.log_last.index), status_.term};
    step.write(write).entries = Entries(entries_after(status_.log_last.index.value, {status_.term.value}));
    return step;
  }
  [[nodiscard]] Step append(NodeId from, const AppendEntries& request, LogId last, std::uint64_t commit,
                            std::uint64_t write) const {
    Step step = message(from, request);
    step.after.role = Role::follower;
    step.after.leader = from;
    step.after.log_last = last;
    step.after.commit = {commit};
    if (!request.entries.empty()) step.write(write).entries = request.entries;
    const LogIndex match{request.previous.index.value + request.entries.size()};
    step.send(from, AppendEntriesReply{request.term, true, match, {}, {}, request.read_sequence}, write);
    return step;
  }
  [[nodiscard]] Step acknowledged(NodeId from, std::uint64_t match, std::uint64_t commit,
                                  std::uint64_t read_sequence = 0) const {
    Step step = message(from, AppendEntriesReply{status_.term, true, {match}, {}, {}, read_sequence});
    step.after.commit = {commit};
    return step;
  }
  [[nodiscard]] Step proposed(std::uint64_t write) const {
    Step step = this->step(Propose{{Bytes("x")}, {}});
    const LogId first{next(status_.log_last.index), status_.term};
    step.after.log_last = first;
    step.write(write).entries = Entries({{first, EntryKind::command, Bytes("x")}});
    step.effects.proposal = ProposalOutcome{{}, first, 1};
    return step;
  }

  /// Leader of the next term; writes 1 (vote) and 2 (no-op) are handed out, the vote is durable.
  void lead() {
    allow(campaign(1));
    persist(1);
    allow(elected(message({2}, RequestVoteReply{status_.term, true}), 2));
  }

 private:
  static CoreStatus started(const RecoveredState& disk) {
    CoreStatus status;
    status.term = disk.hard_state.term;
    status.vote = disk.hard_state.vote;
    status.log_start = disk.start;
    status.log_last = disk.last;
    status.durable = disk.last.index;
    if (disk.snapshot) {
      status.snapshot = disk.snapshot->last;
      status.commit = status.applied = disk.snapshot->last.index;
    }
    return status;
  }

  CoreStatus status_;
  testkit::Specification specification_;
};

inline AppendEntries append_of(std::uint64_t term, LogId previous, std::initializer_list<std::uint64_t> terms,
                               std::uint64_t commit = 0) {
  return {{term}, previous, Entries(entries_after(previous.index.value, terms)), {commit}, 0};
}

}  // namespace libraft::test::specification
