#include "testkit/checks/client_check.hpp"

#include "core/state.hpp"
#include "testkit/checks/text.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace libraft::testkit {

// Operations.

void ClientCheck::on_invoked(const Operation& operation) {
  if (operation.id <= last_id_) report("iX1", operation.at, fmt::format("operation {} began twice", operation.id));
  last_id_ = operation.id;
  Open open{operation.id, operation.kind, operation.is_linearizable, floor_, 0, ledger_.verdicts.now(), ++moments_};
  if (operation.kind == Operation::Kind::write) {
    open.command = content_hash(operation.command.view());
    Uses& uses = uses_[open.command];
    ++uses.possible;
    ++uses.under_way;
  }
  open_.push_back(open);
}

void ClientCheck::on_ended(const Operation& operation, const Outcome& outcome) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& o) { return o.id == operation.id; });
  if (found == open_.end()) {
    return report("iX1", operation.at, fmt::format("operation {} ended twice, or never began", operation.id));
  }
  const Open open = *found;
  open_.erase(found);
  ++moments_;
  if (open.kind == Operation::Kind::write) {
    Uses& uses = uses_[open.command];
    --uses.under_way;
    uses.ended = moments_;
  }
  if (outcome.error) {
    take_failure(open, operation.at, outcome.error);
  } else if (open.kind == Operation::Kind::write) {
    judge_write(open, operation.at, outcome.applied);
  } else if (judge_read_index(open, operation.at, outcome.applied.index) && open.kind == Operation::Kind::read) {
    judge_read(operation, outcome.applied);
  }
  catch_up();
}

void ClientCheck::judge_write(const Open& open, NodeId node, const Applied& applied) {
  ++writes_done_;
  const LogId id{applied.index, applied.term};
  const LogHistory& history = ledger_.history;
  const LogHistory::AppliedAt* at = history.find_applied(id.index);
  const bool is_committed =
      id.index <= history.committed() && id.index != LogIndex{} && history.committed_at(id.index).term == id.term;
  if (!is_committed || at == nullptr || at->command != open.command) {
    return report("iX4", node,
                  fmt::format("operation {} is done as entry {}, which is {}", open.id, text(id),
                              is_committed ? "another command" : "not committed"));
  }
  if (at->reply != content_hash(applied.reply.view())) {
    report("iR2", node, fmt::format("operation {} got another reply than entry {} has", open.id, text(id)));
  }
  if (id.index <= open.floor) {
    report("iR1", node,
           fmt::format("operation {} is done as entry {}, and {} was acknowledged before it began", open.id,
                       id.index.value, open.floor.value));
  }
  if (acknowledged_.size() < id.index.value) acknowledged_.resize(id.index.value);
  if (acknowledged_[id.index.value - 1]) {
    report("iX1", node, fmt::format("entry {} is acknowledged to two operations", id.index.value));
  }
  acknowledged_[id.index.value - 1] = true;
  if (!ledger_.is_durable_on_quorum(id)) {
    report("iD5", node,
           fmt::format("operation {} is done as entry {}, which no quorum has on disk", open.id, text(id)));
  }
  floor_ = std::max(floor_, id.index);
}

bool ClientCheck::judge_read_index(const Open& open, NodeId node, LogIndex index) {
  ++reads_done_;
  if (index > ledger_.history.committed()) {
    report("iR1", node, fmt::format("operation {} read entry {}, which is not committed", open.id, index.value));
    return false;
  }
  if (open.is_linearizable) {
    if (index < open.floor) {
      report("iR1", node,
             fmt::format("operation {} read the state after entry {}, and {} was acknowledged before it began", open.id,
                         index.value, open.floor.value));
    }
    if (saw_overlapping_write(open, index)) ledger_.marks.hit(CheckMark::read_beside_write);
    floor_ = std::max(floor_, index);
  } else if (index < open.floor) {
    ledger_.marks.hit(CheckMark::stale_read);
  }
  return true;
}

void ClientCheck::judge_read(const Operation& operation, const Applied& applied) {
  if (model_ == nullptr) return;
  const auto place = std::upper_bound(reads_.begin(), reads_.end(), applied.index,
                                      [](LogIndex index, const Read& read) { return index < read.index; });
  reads_.insert(place, {applied.index, operation.at, operation.query, applied.reply});
}

bool ClientCheck::saw_overlapping_write(const Open& read, LogIndex upto) const {
  const LogHistory& history = ledger_.history;
  for (LogIndex index = next(read.floor); index <= upto; index = next(index)) {
    const LogHistory::Made* made = history.find({index, history.committed_at(index).term});
    if (made == nullptr || made->kind != EntryKind::command) continue;
    const auto uses = uses_.find(made->content);
    if (uses != uses_.end() && (uses->second.under_way != 0 || uses->second.ended > read.begun)) return true;
  }
  return false;
}

void ClientCheck::take_failure(const Open& open, NodeId node, std::error_code error) {
  const bool is_unknown = error == condition::outcome_unknown;
  if (!is_unknown && error != condition::retry_safe) {
    report("iX1", node,
           fmt::format("operation {} ended with \"{}\", which says neither that it is not done nor that it "
                       "may be",
                       open.id, error.message()));
  }
  if (open.kind != Operation::Kind::write) return;
  Uses& uses = uses_[open.command];
  if (is_unknown) {
    ledger_.marks.hit(uses.committed != 0 ? CheckMark::unknown_write_done : CheckMark::unknown_write_not_done);
    return;
  }
  ledger_.marks.hit(CheckMark::refused_write);
  --uses.possible;
  ++uses.refused;
  judge_uses(uses, node);
}

void ClientCheck::judge_uses(const Uses& uses, NodeId node) {
  if (uses.committed <= uses.possible) return;
  if (uses.refused != 0) {
    report("iX3", node, "a write that was refused for certain is in the log");
  } else if (uses.possible != 0) {
    report("iX2", node,
           fmt::format("a write that was asked for {} times is in the log {} times", uses.possible, uses.committed));
  }
}

void ClientCheck::on_stepped(NodeId node, const Core& core) {
  judge_hint(node, core);
  const LogHistory& history = ledger_.history;
  while (counted_ < history.committed()) {
    counted_ = next(counted_);
    const LogHistory::Made* made = history.find({counted_, history.committed_at(counted_).term});
    if (made == nullptr || made->kind != EntryKind::command) continue;
    Uses& uses = uses_[made->content];
    ++uses.committed;
    judge_uses(uses, node);
  }
}

/// What a refused client is told: who leads.
void ClientCheck::judge_hint(NodeId node, const Core& core) {
  const auto* follower = std::get_if<core::Follower>(&core.state().role);
  if (follower == nullptr || !follower->leader) return;
  const NodeId leader = *follower->leader;
  const Configuration& members = core.configuration();
  const auto contains = [&](const std::vector<Peer>& peers) {
    return std::any_of(peers.begin(), peers.end(), [&](const Peer& peer) { return peer.id == leader; });
  };
  const bool is_member = contains(members.voters) || contains(members.outgoing_voters) || contains(members.learners);
  if (!is_member) report("iX5", node, fmt::format("clients are sent to node {}, which is no member", leader.value));
}

TimePoint ClientCheck::oldest_open() const {
  TimePoint oldest = kNever;
  for (const Open& open : open_) oldest = std::min(oldest, open.since);
  return oldest;
}

// The model. It is fed as late as a read under way may still need an older state.

void ClientCheck::on_applied(NodeId node, LogId id, const Bytes& command, const Bytes&) {
  if (model_ == nullptr || id.index <= queued_) return;
  const LogHistory& history = ledger_.history;
  const std::uint64_t before = queued_ == LogIndex{} ? 0 : history.committed_at(queued_).commands;
  if (id.index > history.committed() || history.committed_at(id.index).commands != before + 1) {
    report("iS7", node, fmt::format("entry {} is applied, and nobody applied what comes before it", text(id)));
    return;
  }
  queued_ = id.index;
  commands_.push_back({id, command});
}

/// No read under way can see a state before this.
LogIndex ClientCheck::horizon() const {
  LogIndex least = queued_;
  for (const Open& open : open_) {
    if (open.kind == Operation::Kind::read && open.is_linearizable) least = std::min(least, open.floor);
  }
  return least;
}

void ClientCheck::catch_up() {
  if (model_ == nullptr) return;
  const LogIndex limit = horizon();
  std::size_t asked = 0;
  while (asked < reads_.size() && reads_[asked].index <= limit) {
    feed_model(reads_[asked].index);
    ask_model(reads_[asked]);
    ++asked;
  }
  reads_.erase(reads_.begin(), reads_.begin() + static_cast<std::ptrdiff_t>(asked));
  feed_model(limit);
}

void ClientCheck::finish() {
  if (model_ == nullptr) return;
  open_.clear();
  for (const Read& read : reads_) {
    feed_model(read.index);
    ask_model(read);
  }
  reads_.clear();
  feed_model(queued_);
}

void ClientCheck::feed_model(LogIndex upto) {
  while (!commands_.empty() && commands_.front().id.index <= upto) {
    const Command command = std::move(commands_.front());
    commands_.pop_front();
    try {
      const Bytes reply = model_->apply(command.id, command.bytes);
      const LogHistory::AppliedAt* at = ledger_.history.find_applied(command.id.index);
      if (at != nullptr && at->reply != content_hash(reply.view())) {
        report("iR2", {}, fmt::format("the reply to entry {} is not the model's", text(command.id)));
      }
    } catch (const std::exception& exception) {
      report("iR2", {}, fmt::format("the model throws at entry {}: {}", text(command.id), exception.what()));
    }
  }
}

void ClientCheck::ask_model(const Read& read) {
  try {
    const auto answer = model_->query(read.index, read.query);
    if (!answer) {
      ++reads_not_judged_;
    } else if (!*answer || (**answer).view() != read.answer.view()) {
      report("iR2", read.node,
             fmt::format("a read after entry {} got another answer than the model's", read.index.value));
    }
  } catch (const std::exception& exception) {
    report("iR2", read.node,
           fmt::format("the model throws on a read after entry {}: {}", read.index.value, exception.what()));
  }
}

}  // namespace libraft::testkit
