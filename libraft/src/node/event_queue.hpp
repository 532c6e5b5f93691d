// EventQueue: what happened, on its way to the core, round by round.
#pragma once

#include <libraft/event.hpp>
#include <libraft/status.hpp>

#include <deque>
#include <string>
#include <system_error>

namespace libraft::node {

/// Protocol lane only.
///
/// Invariant: rounds come one after the other, never one inside another. What comes while a round is carried out waits
/// for the next one, and what comes between begin_round and end_round gathers until then.
class EventQueue {
 public:
  struct Handler {
    /// Takes the events, and carries out what comes of them. What it throws is a failure.
    virtual void handle_round() = 0;
    /// No event is left, and no round is under way; or nothing happened but that a deadline changed.
    virtual void on_settled() = 0;
    /// Something broke that can't be mended. To close the queue is up to the handler.
    virtual void on_failed(Failure failure) = 0;

   protected:
    ~Handler() = default;
  };

  explicit EventQueue(Handler& handler) : handler_(handler) {}

  void begin_round() { is_in_round_ = true; }
  void end_round();
  /// Puts the event behind the others, and handles it now if nothing else is being handled.
  void deliver(Event event);
  /// Puts the event behind the others: for who is in a round, or about to wake the handler.
  void push(Event event);
  /// A round now, if nothing else is being handled: there is something to be handled that is no event.
  void wake();
  /// Without an event there is no round at whose end a deadline would be looked at: now is the time to look.
  void settle();

  // For the handler.

  [[nodiscard]] bool is_empty() const { return events_.empty(); }
  /// The oldest event. There must be one.
  [[nodiscard]] Event take();

  // The end.

  void fail(std::error_code error, std::string reason);
  /// Drops all events, and takes no more.
  void close();
  [[nodiscard]] bool is_closed() const { return is_closed_; }

 private:
  [[nodiscard]] bool is_busy() const { return is_running_ || is_in_round_; }
  void run();
  void run_round();

  Handler& handler_;
  std::deque<Event> events_;
  bool is_running_ = false;
  bool is_in_round_ = false;
  bool is_closed_ = false;
};

}  // namespace libraft::node
