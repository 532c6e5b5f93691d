// Caretaker: who looks after the cluster asks its nodes for what clients do not ask: to take a snapshot, to hand
// leadership over, to say when an index is applied and when there is a leader. Each request must end exactly once, or
// its node dies.
#pragma once

#include "testkit/run/agenda.hpp"
#include "testkit/run/cluster.hpp"

#include <libraft/types.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <system_error>

namespace libraft::testkit {

class Caretaker {
 public:
  Caretaker(Cluster& cluster, Agenda& agenda, const Settings& settings)
      : cluster_(cluster), agenda_(agenda), random_(stream(settings.seed, Purpose::caretaker)) {}

  /// Waits for leaders and for indexes from now on, a few times a minute.
  void begin();
  /// Asks nothing any more.
  void stop() { is_stopped_ = true; }

  void transfer_leadership(NodeId at, Duration timeout);
  void take_snapshot(NodeId at, Duration timeout);

  /// What was under way at a node that died never ends.
  void on_crash(NodeId node);

  /// When the last of the requests must have ended, by a clock that is right.
  [[nodiscard]] TimePoint due() const { return due_; }
  [[nodiscard]] std::size_t requests_open() const { return requests_.size(); }
  /// The oldest of them, in words.
  [[nodiscard]] std::string oldest_request() const;
  /// Called with a sentence when a request ended twice, or with what is not so.
  std::function<void(std::string)> on_broken;

 private:
  struct Request {
    std::string what;
    NodeId at;
    TimePoint begun;
  };

  void look();
  void wait_leader(NodeId at, Duration timeout);
  void wait_applied(NodeId at, Duration timeout);
  /// Its number.
  std::uint64_t begin_request(std::string what, NodeId at, Duration timeout);
  void end_request(std::uint64_t number);
  void broken(std::string sentence) {
    if (on_broken) on_broken(std::move(sentence));
  }

  Cluster& cluster_;
  Agenda& agenda_;
  Random random_;
  std::map<std::uint64_t, Request> requests_;
  std::uint64_t last_number_ = 0;
  TimePoint due_{};
  bool is_stopped_ = false;
};

}  // namespace libraft::testkit
