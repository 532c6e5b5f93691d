// Plays a scenario on a cluster of bare Cores. docs/scenarios.md has the language.
#pragma once

#include "script.hpp"
#include "support/core_cluster.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace libraft::test {

class Player {
 public:
  /// Every statement that there is, for parse_scenario.
  [[nodiscard]] static std::vector<std::string_view> patterns();

  /// Throws ScenarioError when the statement makes no sense here, an expectation is not met, or a safety rule is
  /// broken.
  void play(const Statement& statement);

 private:
  using Handler = void (Player::*)(const Statement&);
  struct Verb {
    std::string_view pattern;
    Handler handler;
  };
  static const std::vector<Verb>& verbs();

  // player.cpp: what is done.
  void cluster(const Statement&);
  void disk(const Statement&);
  void time_out(const Statement&);
  void wait(const Statement&);
  void clock(const Statement&);
  void elect(const Statement&);
  void settle(const Statement&);
  void deliver(const Statement&);
  void deliver_all(const Statement&);
  void drop(const Statement&);
  void drop_all(const Statement&);
  void duplicate(const Statement&);
  void copy(const Statement&);
  void replay(const Statement&);
  void send(const Statement&);
  void lose(const Statement&);
  void hold(const Statement&);
  void cut(const Statement&);
  void heal(const Statement&);
  void crash(const Statement&);
  void crash_after(const Statement&);
  void restart(const Statement&);
  void persist(const Statement&);
  void persist_all(const Statement&);
  void hold_disk(const Statement&);
  void release_disk(const Statement&);
  void fail_write(const Statement&);
  void full_disk(const Statement&);
  void hold_jobs(const Statement&);
  void release_jobs(const Statement&);
  void run_job(const Statement&);
  void fail_job(const Statement&);
  void propose(const Statement&);
  void read(const Statement&);
  void transfer(const Statement&);
  void snapshot(const Statement&);
  void step_down(const Statement&);
  void stops(const Statement&);

  // expectations.cpp: what is expected.
  void expect_node(const Statement&);
  void expect_progress(const Statement&);
  void expect_message(const Statement&);
  void expect_no_message(const Statement&);
  void expect_proposal(const Statement&);
  void expect_read(const Statement&);
  void expect_transfer(const Statement&);
  void expect_committed(const Statement&);
  void expect_leader(const Statement&);
  void expect_same_state(const Statement&);

  /// A kind of message between two ends; zeros: any.
  struct Selection {
    std::string kind;
    NodeId from, to;

    [[nodiscard]] bool covers(const Message& message) const;
  };

  [[nodiscard]] static Selection selection(const Statement& statement);
  /// Of the oldest such message; fails when none is under way.
  [[nodiscard]] std::size_t position_of(const Statement& statement);
  [[nodiscard]] CoreCluster& running(const Statement& statement);
  [[nodiscard]] CoreNode& node(const Statement& statement, std::size_t argument = 0);
  [[nodiscard]] CoreNode& live_node(const Statement& statement, std::size_t argument = 0);
  [[nodiscard]] std::vector<CoreNode*> nodes(const Statement& statement);
  [[nodiscard]] bool has_message(const Statement& statement);
  [[nodiscard]] std::string under_way();

  std::unique_ptr<CoreCluster> cluster_;
  std::vector<Selection> lost_;
  std::vector<Selection> held_;
  std::set<NodeId> cut_;  ///< nothing passes between these and the others
  std::map<std::string, Message> copies_;
  std::map<std::string, RequestId> requests_;
};

/// Reads the file and plays it.
void play_scenario(const std::string& path);
/// The same with its text; `file` is for errors.
void play_text(const std::string& file, std::string_view text);

}  // namespace libraft::test
