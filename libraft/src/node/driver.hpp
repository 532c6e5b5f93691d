// Driver: tells the core what happened and has carried out what it wants, round by round, until nothing is left.
//
//     EventQueue --> Core --> Effects --> LogDriver       persist, read the log      --> events
//         ^                          |--> SendPipeline    messages
//         |                          |--> ApplyDriver     the state machine          --> events, answers
//         |                          |--> SnapshotDriver  save, send, receive        --> events
//     RequestDriver <----------------+    answers
#pragma once

#include "node/apply_driver.hpp"
#include "node/core_listener.hpp"
#include "node/event_queue.hpp"
#include "node/gauges.hpp"
#include "node/log_driver.hpp"
#include "node/reporter.hpp"
#include "node/request.hpp"
#include "node/request_driver.hpp"
#include "node/send_pipeline.hpp"
#include "node/snapshot_driver.hpp"

#include <libraft/core.hpp>

#include <cstddef>
#include <system_error>
#include <utility>

namespace libraft::node {

/// Protocol lane only. Invariant: `status_` is the core's after the last step, and all that this step wanted is handed
/// to the parts before the next one is made.
class Driver final : private EventQueue::Handler {
 public:
  struct Host {
    /// The core or something around it broke. The driver is closed.
    virtual void on_driver_failed(Failure failure) = 0;
    /// A round of events is carried out: what others can see of the node may have changed.
    virtual void on_round() = 0;
    /// After the requests that the round concludes were told.
    virtual void on_settled() = 0;

   protected:
    ~Host() = default;
  };
  struct Parts {
    Storage& storage;
    Transport& transport;
    StateMachine& machine;
    Runtime& runtime;
    Reporter& reporter;
    Host& host;
    CoreListener* core_listener = nullptr;
  };

  /// `options` as they are after the transport's limits; `applied` is what the state machine holds.
  Driver(const NodeOptions& options, const Parts& parts, const CoreStart& start, LogId applied);

  /// Tells the transport whom to send to. Once it is started.
  void announce_peers() { sender_.announce_peers(core_.configuration()); }

  // Events and requests. Between begin_round and end_round they gather, and are handled together at its end.

  void begin_round() { events_.begin_round(); }
  void end_round() { events_.end_round(); }
  void deliver(Event event) { events_.deliver(std::move(event)); }
  void ask(Request request) { requests_.ask(std::move(request)); }
  void on_time(TimePoint now);
  [[nodiscard]] TimePoint next_deadline();

  [[nodiscard]] const CoreStatus& status() const { return status_; }
  [[nodiscard]] const Core& core() const { return core_; }
  [[nodiscard]] std::size_t requests_waiting() const { return requests_.size(); }
  /// All but the inbox.
  void read(Gauges& gauges) const;

  // The end.

  /// Starts nothing more and sends nothing more; jobs on the lanes end unheard.
  void close();
  /// Ends all requests: those that had no effect with `harmless`.
  void end_requests(std::error_code harmless);
  /// After close, when the lanes are idle, on the storage lane: lets go of all that belongs to the storage.
  void release() noexcept;

 private:
  void handle_round() override;
  void on_settled() override;
  void on_failed(Failure failure) override;
  void step(const Event& event);
  void carry_out();
  void follow_up(const CoreStatus& before);

  Runtime& runtime_;
  Reporter& reporter_;
  Host& host_;
  CoreListener* const core_listener_;

  Core core_;
  CoreStatus status_;
  Effects effects_;

  EventQueue events_;
  SendPipeline sender_;
  RequestDriver requests_;
  SnapshotDriver snapshots_;
  LogDriver log_;
  ApplyDriver apply_;
};

}  // namespace libraft::node
