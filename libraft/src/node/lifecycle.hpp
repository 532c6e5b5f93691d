// Node::Impl: the life of a node, from created to stopped.
//
//     created -> starting -> running -> stopping -> stopped
//                   |           |           ^
//                   +--> failed <-----+     |      a failure may come at any time; only stop() is left then
//                           +---------------+
#pragma once

#include "node/driver.hpp"
#include "node/inbox.hpp"
#include "node/node.hpp"
#include "node/recovery.hpp"
#include "node/reporter.hpp"
#include "util/published.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace libraft::node {

/// A Job that calls a member function.
template <class Owner, void (Owner::*kFunction)() noexcept>
struct MemberJob final : Job {
  explicit MemberJob(Owner& object) : owner(object) {}
  void run() noexcept override { (owner.*kFunction)(); }
  Owner& owner;
};

/// Protocol lane only, but for `inbox`, `status`, `metrics` and `leader`.
class Node::Impl final : public Driver::Host, public Recovery::Listener {
 public:
  Impl(NodeOptions options, Components components, Runtime& runtime, Randomness randomness);

  Inbox& inbox() { return inbox_; }
  [[nodiscard]] Runtime& runtime() { return runtime_; }
  [[nodiscard]] Status status() const;
  [[nodiscard]] Metrics metrics() const;
  [[nodiscard]] std::optional<NodeId> leader() const;
  void listen(CoreListener& listener) { core_listener_ = &listener; }
  [[nodiscard]] const Core* core() const { return driver_ ? &driver_->core() : nullptr; }
  [[nodiscard]] const NodeOptions& options() const { return options_; }
  [[nodiscard]] Gauges gauges() const;

 private:
  /// What stop() is at.
  enum class Stopping { no, handing_over, draining, closing, closed };

  /// Closes from lane to lane: when it is through, nothing of the node runs on any of them.
  class CloseJob final : public Job {
   public:
    explicit CloseJob(Impl& node) : node_(node) {}
    void start();
    void run() noexcept override;
    void done() noexcept override;

   private:
    Impl& node_;
    Lane lane_ = Lane::background;
  };

  struct Published {
    Status status;
    Metrics metrics;
  };

  // What wakes the node.
  void drain() noexcept;
  void on_timer() noexcept;
  void take_inbox() noexcept;
  void take_deliveries();
  void take_requests();
  void take(Message message);
  void take(const PeerNotice& notice);
  [[nodiscard]] bool is_for_this_node(const Routing& route) const;
  void take(IncomingRequest incoming);

  // Starting.
  void start(StartRequest request);
  void on_recovered(Recovered recovered) override;
  void on_not_recovered(Failure failure) override;
  void begin_to_run(const Recovered& recovered);
  [[nodiscard]] CoreStart core_start(const Recovered& recovered) const;

  // Stopping.
  void stop(StopRequest request);
  void begin_to_stop();
  void advance_stop();
  void close();
  void on_closed() noexcept;

  // Failing.
  void on_driver_failed(Failure failure) override;
  void fail(Failure failure);

  void on_round() override;
  void on_settled() override;
  void enter(NodeState state);
  void publish();
  void arm();
  [[nodiscard]] std::error_code refusal() const;

  NodeOptions options_;
  Components components_;
  Runtime& runtime_;
  const Randomness randomness_;
  Identity identity_;
  Reporter reporter_;
  CoreListener* core_listener_ = nullptr;
  util::Published<Published> published_;

  NodeState state_ = NodeState::created;
  std::optional<Failure> failure_;
  std::unique_ptr<Recovery> recovery_;
  std::unique_ptr<Driver> driver_;
  Completion<> started_;

  Stopping stopping_ = Stopping::no;
  StopOptions stop_options_;
  bool is_handing_over_ = false;
  TimePoint stop_deadline_ = kNever;  // of the phase that stop() is in
  std::vector<Completion<>> stopped_;
  CloseJob close_job_{*this};

  MemberJob<Impl, &Impl::drain> drain_job_{*this};
  MemberJob<Impl, &Impl::on_timer> timer_job_{*this};
  TimePoint armed_ = kNever;
  Inbox inbox_;
  std::vector<Delivery> deliveries_;
  std::vector<IncomingRequest> requests_;
  Fill deliveries_taken_;  // from a full inbox, the last time
  Fill requests_taken_;    // likewise
};

}  // namespace libraft::node
