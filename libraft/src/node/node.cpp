#include "node/node.hpp"

#include "node/lifecycle.hpp"

#include <utility>

namespace libraft::node {

Node::Node(NodeOptions options, Components components, Runtime& runtime, Randomness randomness)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(components), runtime, randomness)) {}

Node::~Node() = default;

void Node::start(Completion<> done) {
  impl_->inbox().ask(StartRequest{std::move(done)});
}

void Node::stop(StopOptions options, Completion<> done) {
  impl_->inbox().ask(StopRequest{options, std::move(done)});
}

void Node::propose(Bytes command, ProposeOptions options, Completion<Applied> done) {
  const TimePoint deadline = deadline_after(impl_->runtime().now(), options.timeout);
  impl_->inbox().ask(ProposeRequest{std::move(command), options.only_in_term, deadline, std::move(done)});
}

void Node::read_index(ReadOptions options, Completion<LogIndex> done) {
  const TimePoint deadline = deadline_after(impl_->runtime().now(), options.timeout);
  impl_->inbox().ask(ReadIndexRequest{options.consistency, deadline, std::move(done)});
}

void Node::query(std::string request, ReadOptions options, Completion<Applied> done) {
  const TimePoint deadline = deadline_after(impl_->runtime().now(), options.timeout);
  impl_->inbox().ask(QueryRequest{std::move(request), options.consistency, deadline, std::move(done)});
}

void Node::wait_applied(LogIndex index, Duration timeout, Completion<LogIndex> done) {
  const TimePoint deadline = deadline_after(impl_->runtime().now(), timeout);
  impl_->inbox().ask(WaitAppliedRequest{index, deadline, std::move(done)});
}

void Node::wait_leader(Duration timeout, Completion<NodeId> done) {
  impl_->inbox().ask(WaitLeaderRequest{deadline_after(impl_->runtime().now(), timeout), std::move(done)});
}

void Node::transfer_leadership(std::optional<NodeId> target, Duration timeout, Completion<> done) {
  const TimePoint deadline = deadline_after(impl_->runtime().now(), timeout);
  impl_->inbox().ask(TransferRequest{target, deadline, std::move(done)});
}

void Node::snapshot(Duration timeout, Completion<LogId> done) {
  impl_->inbox().ask(SnapshotRequest{deadline_after(impl_->runtime().now(), timeout), std::move(done)});
}

Status Node::status() const {
  return impl_->status();
}

Metrics Node::metrics() const {
  return impl_->metrics();
}

std::optional<NodeId> Node::leader() const {
  return impl_->leader();
}

void Node::listen(CoreListener& listener) {
  impl_->listen(listener);
}

const Core* Node::core() const {
  return impl_->core();
}

Gauges Node::gauges() const {
  return impl_->gauges();
}

const NodeOptions& Node::options() const {
  return impl_->options();
}

}  // namespace libraft::node
