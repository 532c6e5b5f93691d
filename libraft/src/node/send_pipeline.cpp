#include "node/send_pipeline.hpp"

#include <algorithm>
#include <utility>

namespace libraft::node {
namespace {

/// A pre-vote names a term that nobody is in yet, so it says nothing about the sender's own; and it rests on nothing.
bool is_of_older_term(const MessageBody& body, Term term) {
  return !std::holds_alternative<PreVote>(body) && term_of(body) < term;
}

std::vector<Peer> others(const Configuration& configuration, NodeId self) {
  std::vector<Peer> peers;
  for (const auto* group : {&configuration.voters, &configuration.outgoing_voters, &configuration.learners}) {
    for (const Peer& peer : *group) {
      const bool is_known =
          std::any_of(peers.begin(), peers.end(), [&](const Peer& known) { return known.id == peer.id; });
      if (peer.id != self && !is_known) peers.push_back(peer);
    }
  }
  return peers;
}

}  // namespace

void SendPipeline::announce_peers(const Configuration& configuration) {
  if (announced_ == configuration) return;
  announced_ = configuration;
  transport_.set_peers(others(configuration, self_.node));
}

void SendPipeline::submit(Outgoing outgoing) {
  if (outgoing.after <= persisted_) {
    make_ready(std::move(outgoing.message));
  } else if (held_.size() < kHeldMax) {
    held_.push_back(std::move(outgoing));
  } else {
    ++metrics_.messages_dropped;
  }
}

void SendPipeline::on_persisted(PersistId upto) {
  if (upto <= persisted_) return;
  persisted_ = upto;
  std::size_t kept = 0;
  for (Outgoing& outgoing : held_) {
    if (outgoing.after <= persisted_) {
      make_ready(std::move(outgoing.message));
    } else {
      Outgoing& place = held_[kept++];
      if (&place != &outgoing) place = std::move(outgoing);
    }
  }
  held_.resize(kept);
}

std::size_t SendPipeline::drop_older_than(Term term) {
  return std::erase_if(held_,
                       [term](const Outgoing& outgoing) { return is_of_older_term(outgoing.message.body, term); });
}

void SendPipeline::flush() {
  if (ready_.empty()) return;
  metrics_.messages_sent += ready_.size();
  transport_.send(ready_);
  ready_.clear();
}

void SendPipeline::make_ready(Message message) {
  Routing& route = message.route;
  route.cluster = self_.cluster;
  route.group = self_.group;
  route.from = self_.node;
  route.from_incarnation = self_.incarnation;
  ready_.push_back(std::move(message));
}

}  // namespace libraft::node
