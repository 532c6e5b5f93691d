#include "node/lifecycle.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace libraft::node {
namespace {

/// The core must not make what the transport can't carry.
CoreOptions within(const TransportLimits& limits, CoreOptions core) {
  core.command_bytes_max = std::min(core.command_bytes_max, limits.message_bytes_max);
  core.append_bytes_max = std::min(core.append_bytes_max, limits.message_bytes_max);
  core.snapshot_chunk_bytes = std::min(core.snapshot_chunk_bytes, limits.message_bytes_max);
  core.in_flight_messages_max = std::min(core.in_flight_messages_max, limits.in_flight_max);
  return core;
}

bool has_other_voters(const Configuration& configuration, NodeId self) {
  return std::any_of(configuration.voters.begin(), configuration.voters.end(),
                     [self](const Peer& peer) { return peer.id != self; });
}

}  // namespace

Node::Impl::Impl(NodeOptions options, Components components, Runtime& runtime, Randomness randomness)
    : options_(std::move(options)),
      components_(std::move(components)),
      runtime_(runtime),
      randomness_(randomness),
      identity_{options_.cluster, options_.group, options_.id, randomness.incarnation},
      reporter_(components_.observer, components_.logger),
      inbox_({options_.inbox_messages_max, options_.inbox_bytes_max}, runtime, drain_job_) {
  options_.core = within(components_.transport->limits(), options_.core);
  publish();
}

Status Node::Impl::status() const {
  return published_.read([](const Published& published) { return published.status; });
}

Metrics Node::Impl::metrics() const {
  Metrics metrics = published_.read([](const Published& published) { return published.metrics; });
  metrics.messages_dropped += inbox_.dropped();
  return metrics;
}

std::optional<NodeId> Node::Impl::leader() const {
  return published_.read([](const Published& published) { return published.status.leader; });
}

Gauges Node::Impl::gauges() const {
  Gauges gauges;
  gauges.messages = deliveries_taken_;
  gauges.requests = requests_taken_;
  gauges.marks = reporter_.marks();
  gauges.marks.add(Mark::inbox_full, inbox_.dropped());
  if (driver_) driver_->read(gauges);
  return gauges;
}

// What wakes the node.

void Node::Impl::drain() noexcept {
  inbox_.begin_drain();
  take_inbox();
}

void Node::Impl::take_inbox() noexcept {
  // A closed driver takes nothing, but may still be there to be waited for.
  if (driver_) driver_->begin_round();
  try {
    take_deliveries();
    take_requests();
  } catch (const std::exception& exception) {
    fail({errc::invariant_violated, exception.what()});
  } catch (...) {
    fail({errc::invariant_violated, "something was thrown that is no exception"});
  }
  if (driver_) driver_->end_round();
}

void Node::Impl::take_deliveries() {
  deliveries_.clear();
  deliveries_taken_ = inbox_.take_deliveries(deliveries_);
  for (Delivery& delivery : deliveries_) {
    std::visit([this](auto& alternative) { take(std::move(alternative)); }, delivery);
  }
}

void Node::Impl::take(Message message) {
  Metrics& metrics = reporter_.metrics();
  ++metrics.messages_received;
  const bool is_listening = state_ == NodeState::running || state_ == NodeState::stopping;
  if (!driver_ || !is_listening || !is_for_this_node(message.route)) {
    ++metrics.messages_dropped;
    return;
  }
  driver_->deliver(MessageReceived{std::move(message)});
}

void Node::Impl::take(const PeerNotice& notice) {
  if (driver_) driver_->deliver(PeerChanged{notice.peer, notice.event});
}

bool Node::Impl::is_for_this_node(const Routing& route) const {
  const bool is_incarnation_right =
      route.to_incarnation == Incarnation{} || route.to_incarnation == identity_.incarnation;
  return route.cluster == identity_.cluster && route.group == identity_.group && route.to == identity_.node &&
         route.from != NodeId{} && route.from != identity_.node && is_incarnation_right;
}

void Node::Impl::take_requests() {
  requests_.clear();
  requests_taken_ = inbox_.take_requests(requests_);
  for (IncomingRequest& request : requests_) {
    if (request.refused || must_not_be_refused(request.request)) --requests_taken_.count;
    take(std::move(request));
  }
}

void Node::Impl::take(IncomingRequest incoming) {
  if (auto* request = std::get_if<StartRequest>(&incoming.request)) return start(std::move(*request));
  if (auto* request = std::get_if<StopRequest>(&incoming.request)) return stop(std::move(*request));
  const std::error_code error = state_ == NodeState::running ? incoming.refused : refusal();
  if (!error) return driver_->ask(std::move(incoming.request));
  if (std::holds_alternative<ProposeRequest>(incoming.request)) ++reporter_.metrics().proposals_refused;
  end_with(incoming.request, error);
}

std::error_code Node::Impl::refusal() const {
  return state_ == NodeState::failed ? errc::node_failed : errc::stopped;
}

void Node::Impl::on_timer() noexcept {
  armed_ = kNever;
  // What waits in the inbox comes first: a leader's message that is here already is not late, the node is.
  // The drain job may still be posted, and must not be posted again before it runs: it finds what comes from here on.
  take_inbox();
  if (driver_) driver_->on_time(runtime_.now());
  advance_stop();
  arm();
}

void Node::Impl::arm() {
  const TimePoint deadline = std::min(driver_ ? driver_->next_deadline() : kNever, stop_deadline_);
  // A timer that fires too early finds nothing due and arms the right one: cheaper than moving it with each heartbeat.
  if (deadline >= armed_) return;
  armed_ = deadline;
  runtime_.arm(deadline, timer_job_);
}

// Starting.

void Node::Impl::start(StartRequest request) {
  if (state_ != NodeState::created) {
    const bool is_up = state_ == NodeState::starting || state_ == NodeState::running;
    return end_with(request.done, is_up ? make_error_code(errc::invalid_argument) : refusal());
  }
  started_ = std::move(request.done);
  enter(NodeState::starting);
  recovery_ =
      std::make_unique<Recovery>(*components_.storage, *components_.state_machine, runtime_,
                                 Recovery::Plan{identity_, options_.bootstrap.value_or(Configuration{})}, *this);
  recovery_->start();
}

void Node::Impl::on_recovered(Recovered recovered) {
  Completion<> started = std::move(started_);
  identity_ = recovered.state.identity;
  if (stopping_ != Stopping::no) {
    enter(NodeState::stopping);
    end_with(started, errc::stopped);
    return advance_stop();
  }
  try {
    begin_to_run(recovered);
  } catch (const std::exception& exception) {
    fail({errc::invariant_violated, std::string("the node could not start: ") + exception.what()});
  } catch (...) {
    fail({errc::invariant_violated, "the node could not start: something was thrown that is no exception"});
  }
  started(failure_ ? failure_->error : std::error_code{});
}

void Node::Impl::begin_to_run(const Recovered& recovered) {
  driver_ =
      std::make_unique<Driver>(options_,
                               Driver::Parts{*components_.storage, *components_.transport, *components_.state_machine,
                                             runtime_, reporter_, *this, core_listener_},
                               core_start(recovered), recovered.applied);
  reporter_.on_recovered(driver_->status(), identity_);
  // Last: from here on others are answered.
  if (const auto error = components_.transport->start(identity_, inbox_)) {
    driver_->close();
    return fail({error, "the transport could not be started: " + error.message()});
  }
  driver_->announce_peers();
  enter(NodeState::running);
  arm();
}

CoreStart Node::Impl::core_start(const Recovered& recovered) const {
  CoreStart start;
  start.recovered = recovered.state;
  start.applied = recovered.applied.index;
  start.apply_durable_only = recovered.apply_durable_only;
  start.seed = randomness_.seed;
  start.now = runtime_.now();
  return start;
}

void Node::Impl::on_not_recovered(Failure failure) {
  Completion<> started = std::move(started_);
  const std::error_code error = failure.error;
  fail(std::move(failure));
  end_with(started, error);
}

// Failing.

void Node::Impl::on_driver_failed(Failure failure) {
  fail(std::move(failure));
}

/// Nothing is promised any more: the driver is closed and sends nothing. The transport goes on until stop(), into a
/// deaf ear; user code that shows the failure to people may live in it.
void Node::Impl::fail(Failure failure) {
  if (failure_) return;
  failure_ = std::move(failure);
  reporter_.on_failure(*failure_);
  if (driver_) driver_->close();
  enter(NodeState::failed);
  if (driver_) driver_->end_requests(errc::node_failed);
  advance_stop();
}

// Stopping.

void Node::Impl::stop(StopRequest request) {
  if (stopping_ == Stopping::closed) return request.done({});
  stopped_.push_back(std::move(request.done));
  const StopOptions& options = request.options;
  if (stopping_ == Stopping::no) {
    stop_options_ = options;
    begin_to_stop();
  } else if (driver_ && stopping_ != Stopping::closing) {
    // The more impatient one counts. Nothing hurries a start or a closing: a deadline would be due for ever.
    stop_options_.drain_timeout = std::min(stop_options_.drain_timeout, options.drain_timeout);
    const Duration patience = stopping_ == Stopping::draining ? options.drain_timeout : options.transfer_timeout;
    stop_deadline_ = std::min(stop_deadline_, deadline_after(runtime_.now(), patience));
  }
  advance_stop();
}

void Node::Impl::begin_to_stop() {
  stopping_ = Stopping::handing_over;
  if (state_ == NodeState::created) enter(NodeState::stopping);
  if (state_ != NodeState::running) return;
  enter(NodeState::stopping);
  stop_deadline_ = deadline_after(runtime_.now(), stop_options_.transfer_timeout);
  is_handing_over_ = driver_->status().role == Role::leader &&
                     has_other_voters(driver_->core().configuration(), identity_.node) &&
                     stop_options_.transfer_timeout > Duration::zero();
  if (!is_handing_over_) return;
  TransferRequest transfer;
  transfer.deadline = stop_deadline_;
  transfer.done = detail::make_completion<std::error_code>([this](std::error_code) { is_handing_over_ = false; });
  driver_->ask(std::move(transfer));
}

/// Goes on to the next phase if nothing is left to wait for in this one. Called whenever something changed.
void Node::Impl::advance_stop() {
  const bool is_waiting = stopping_ == Stopping::handing_over || stopping_ == Stopping::draining;
  if (!is_waiting || state_ == NodeState::starting) return;  // the end of recovery goes on from there
  if (!driver_ || state_ == NodeState::failed) return close();
  if (stopping_ == Stopping::handing_over) {
    if (is_handing_over_ && runtime_.now() < stop_deadline_) return;
    stopping_ = Stopping::draining;
    stop_deadline_ = deadline_after(runtime_.now(), stop_options_.drain_timeout);
  }
  if (driver_->requests_waiting() == 0 || runtime_.now() >= stop_deadline_) close();
}

void Node::Impl::close() {
  stopping_ = Stopping::closing;
  stop_deadline_ = kNever;
  if (driver_) {
    driver_->close();
    driver_->end_requests(state_ == NodeState::failed ? errc::node_failed : errc::stopped);
    components_.transport->stop();
  }
  close_job_.start();
}

void Node::Impl::CloseJob::start() {
  node_.runtime_.submit(lane_, *this);
}

void Node::Impl::CloseJob::run() noexcept {
  if (lane_ != Lane::storage) return;
  if (node_.driver_) node_.driver_->release();
  node_.components_.storage->close();
}

/// Lanes keep their order: what was on this one before is through.
void Node::Impl::CloseJob::done() noexcept {
  if (lane_ == Lane::storage) return node_.on_closed();
  lane_ = lane_ == Lane::background ? Lane::apply : Lane::storage;
  start();
}

void Node::Impl::on_closed() noexcept {
  stopping_ = Stopping::closed;
  runtime_.arm(kNever, timer_job_);
  enter(NodeState::stopped);
  std::vector<Completion<>> stopped;
  stopped.swap(stopped_);
  // The node may be gone after the last one.
  for (Completion<>& done : stopped) done({});
}

// What others see.

void Node::Impl::on_round() {
  publish();
}

void Node::Impl::on_settled() {
  advance_stop();
  arm();
}

void Node::Impl::enter(NodeState state) {
  state_ = state;
  publish();
  reporter_.on_state(state);
}

void Node::Impl::publish() {
  reporter_.metrics().requests_waiting = driver_ ? driver_->requests_waiting() : 0;
  const bool takes_part = state_ == NodeState::running || state_ == NodeState::stopping;
  published_.update([&](Published& published) {
    published.metrics = reporter_.metrics();
    Status& status = published.status;
    status.identity = identity_;
    status.state = state_;
    status.failure = failure_;
    if (!driver_) return;
    const CoreStatus& core = driver_->status();
    status.role = takes_part ? core.role : Role::follower;
    status.term = core.term;
    status.voted_for = core.vote;
    status.leader = takes_part ? core.leader : std::nullopt;
    status.commit = core.commit;
    status.applied = core.applied;
    status.log_start = core.log_start;
    status.log_last = core.log_last;
    status.snapshot = core.snapshot;
    const Configuration& configuration = driver_->core().configuration();
    if (status.configuration != configuration) status.configuration = configuration;
    status.progress.clear();
    if (status.role == Role::leader) status.progress = driver_->core().progress();
  });
}

}  // namespace libraft::node
