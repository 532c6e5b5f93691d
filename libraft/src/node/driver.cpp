#include "node/driver.hpp"

#include <algorithm>
#include <utility>

namespace libraft::node {

// The parts know each other by reference only: some of those that they are given come to life after them.
Driver::Driver(const NodeOptions& options, const Parts& parts, const CoreStart& start, LogId applied)
    : runtime_(parts.runtime),
      reporter_(parts.reporter),
      host_(parts.host),
      core_listener_(parts.core_listener),
      core_(options.core, start),
      status_(core_.status()),
      events_(*this),
      sender_(parts.transport, start.recovered.identity, parts.reporter.metrics()),
      requests_(options, start.recovered.identity.node, {events_, apply_, status_, parts.reporter}),
      snapshots_(parts.storage, parts.runtime, {events_, sender_, requests_.pending(), parts.reporter, status_}),
      log_(options, parts.storage, parts.runtime, {events_, sender_, snapshots_, parts.reporter, status_}),
      apply_(options.core, parts.machine, parts.storage, parts.runtime, applied,
             {events_, snapshots_, requests_.pending(), parts.reporter}) {
  if (core_listener_ != nullptr) core_listener_->on_core_started(options.core, start, status_);
}

// Rounds.

void Driver::handle_round() {
  requests_.hand_over();
  while (!events_.is_empty()) {
    const Event event = events_.take();
    step(event);
  }
  if (!events_.is_closed()) sender_.flush();
  host_.on_round();
  apply_.conclude();
  requests_.conclude();
}

void Driver::step(const Event& event) {
  const CoreStatus before = status_;
  core_.step(runtime_.now(), event, effects_);
  status_ = core_.status();
  if (core_listener_ != nullptr) core_listener_->on_core_step({event, effects_, before, status_});
  requests_.settle_proposals(effects_);
  if (effects_.persist && effects_.persist->truncate_from) {
    reporter_.on_truncated(*effects_.persist->truncate_from, before.log_last);
  }
  carry_out();
  follow_up(before);
}

/// Persist and send start side by side: a message that rests on the write waits for it in the send pipeline.
void Driver::carry_out() {
  if (effects_.persist) log_.write(*std::move(effects_.persist));
  for (Outgoing& outgoing : effects_.messages) sender_.submit(std::move(outgoing));
  for (const ReadLog& read : effects_.log_reads) log_.read(read);
  apply_.carry_out(effects_);
  snapshots_.carry_out(effects_);
  requests_.carry_out(effects_);
}

void Driver::follow_up(const CoreStatus& before) {
  reporter_.on_step(before, status_);
  requests_.on_step(before);
  // A snapshot from the leader may bring other members.
  if (status_.commit != before.commit) announce_peers();
}

void Driver::on_settled() {
  host_.on_settled();
}

// Time.

void Driver::on_time(TimePoint now) {
  if (events_.is_closed()) return;
  begin_round();
  requests_.on_time(now);
  log_.on_time(now);
  snapshots_.on_time(now);
  if (core_.next_deadline() <= now) deliver(TimeAdvanced{});
  end_round();
}

TimePoint Driver::next_deadline() {
  if (events_.is_closed()) return kNever;
  return std::min({core_.next_deadline(), requests_.next_deadline(), log_.next_deadline(), snapshots_.next_deadline()});
}

void Driver::read(Gauges& gauges) const {
  gauges.requests_waiting = requests_.size();
  gauges.held_messages = sender_.held();
  log_.read(gauges);
  apply_.read(gauges);
  snapshots_.read(gauges);
}

// The end.

void Driver::on_failed(Failure failure) {
  close();
  host_.on_driver_failed(std::move(failure));
}

void Driver::close() {
  events_.close();
  log_.close();
  apply_.close();
  snapshots_.close();
}

void Driver::end_requests(std::error_code harmless) {
  // Applied is applied, even if the end came before it was told.
  apply_.conclude();
  requests_.end_all(harmless);
}

void Driver::release() noexcept {
  log_.release();
  snapshots_.release();
}

}  // namespace libraft::node
