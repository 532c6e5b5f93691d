#include "node/event_queue.hpp"

#include "util/assert.hpp"

#include <libraft/error.hpp>

#include <exception>
#include <utility>

namespace libraft::node {

void EventQueue::end_round() {
  is_in_round_ = false;
  wake();
}

void EventQueue::deliver(Event event) {
  if (is_closed_) return;
  events_.push_back(std::move(event));
  wake();
}

void EventQueue::push(Event event) {
  if (!is_closed_) events_.push_back(std::move(event));
}

void EventQueue::wake() {
  if (!is_busy()) run();
}

void EventQueue::settle() {
  if (!is_busy()) handler_.on_settled();
}

Event EventQueue::take() {
  RAFT_ASSERT(!events_.empty(), "an event is taken only where there is one");
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void EventQueue::run() {
  is_running_ = true;
  do run_round();
  while (!events_.empty() && !is_closed_);
  is_running_ = false;
  handler_.on_settled();
}

void EventQueue::run_round() {
  try {
    handler_.handle_round();
  } catch (const InvariantViolation& violation) {
    fail(errc::invariant_violated, violation.what());
  } catch (const std::exception& exception) {
    fail(errc::invariant_violated, std::string("an exception nobody expected: ") + exception.what());
  } catch (...) {
    fail(errc::invariant_violated, "something was thrown that is no exception");
  }
}

void EventQueue::fail(std::error_code error, std::string reason) {
  if (is_closed_) return;
  handler_.on_failed({error, std::move(reason)});
}

void EventQueue::close() {
  is_closed_ = true;
  events_.clear();
}

}  // namespace libraft::node
