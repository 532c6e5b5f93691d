// Clients: each waits for one operation at a time, with a value of its own, sends it to whom it takes for the leader,
// follows hints, gives up when an answer is long in coming, and tries again: now and then with the very same command.
#pragma once

#include "testkit/run/agenda.hpp"
#include "testkit/run/cluster.hpp"
#include "testkit/simulation/watcher.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

namespace libraft::testkit {

class Clients {
 public:
  Clients(const Service& service, Cluster& cluster, Agenda& agenda, const Settings& settings,
          std::vector<Watcher*> watchers);

  void begin();
  /// No new operations; those under way end.
  void stop() { is_stopped_ = true; }
  /// What a node says on an operation.
  void on_answer(std::uint64_t operation, std::error_code error, Applied applied);
  /// What was under way at a node that died has an unknown outcome.
  void on_crash(NodeId node);
  /// Clients ask these first, when they know no better.
  void prefer(std::vector<NodeId> nodes) { preferred_ = std::move(nodes); }

  [[nodiscard]] std::uint64_t completed() const { return completed_; }
  /// Whether every client has completed something since forget_progress().
  [[nodiscard]] bool have_all_progressed() const;
  void forget_progress();
  /// Requests that a node has not ended, though it lives, also when their client gave up.
  [[nodiscard]] std::size_t requests_open() const { return requests_.size(); }
  /// When the oldest of those at `nodes` began; kNever without any.
  [[nodiscard]] TimePoint oldest_at(const std::set<NodeId>& nodes) const;
  /// The oldest of all, in words.
  [[nodiscard]] std::string oldest_request() const;
  /// Called with a sentence when a request ended twice.
  std::function<void(std::string)> on_broken;

 private:
  struct Client {
    std::uint64_t id = 0;
    Random random;
    NodeId target;
    std::optional<std::uint64_t> waits_for;  // an operation
    std::optional<Bytes> again;              // a write that was not acknowledged, and that it may send again
    TimePoint due;                           // of the next operation, by its pace
    TimePoint not_before;                    // of the next operation, after an error
    bool has_progressed = false;
  };
  /// At a node, whoever still waits for it.
  struct Request {
    std::size_t client = 0;
    Operation operation;
    TimePoint begun;
  };

  void next(std::size_t client);
  void invoke(std::size_t client);
  [[nodiscard]] Operation draw(Client& client);
  void send(const Operation& operation);
  void give_up(std::size_t client, std::uint64_t operation);
  /// The client, which waited for the operation, goes on.
  void go_on(std::size_t client, const Operation& operation, std::error_code error);
  void follow_hint(Client& client, std::error_code error);
  [[nodiscard]] NodeId anybody(Random& random) const;

  const Service& service_;
  Cluster& cluster_;
  Agenda& agenda_;
  const ClientSettings& settings_;
  const std::vector<Watcher*> watchers_;
  std::vector<Client> clients_;
  std::map<std::uint64_t, Request> requests_;  // by operation
  std::vector<NodeId> preferred_;
  bool is_stopped_ = false;
  std::uint64_t operations_ = 0;
  std::uint64_t completed_ = 0;
};

}  // namespace libraft::testkit
