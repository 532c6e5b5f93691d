#include "testkit/run/trace.hpp"

#include <fmt/format.h>

namespace libraft::testkit {
namespace {

std::string_view name_of(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::write:
      return "write";
    case Operation::Kind::read_index:
      return "read index";
    case Operation::Kind::read:
      break;
  }
  return operation.is_linearizable ? "read" : "local read";
}

std::string at(LogId id) {
  return fmt::format("{}@{}", id.index.value, id.term.value);
}

struct MessageText {
  std::string operator()(const PreVote& body) const {
    return fmt::format("PreVote term {} log {}", body.term.value, at(body.last));
  }
  std::string operator()(const PreVoteReply& body) const {
    return fmt::format("PreVoteReply term {} {} for {}", body.term.value, body.granted ? "granted" : "refused",
                       body.proposed.value);
  }
  std::string operator()(const RequestVote& body) const {
    return fmt::format("RequestVote term {} log {}{}", body.term.value, at(body.last),
                       body.leadership_transfer ? " as the leader wishes" : "");
  }
  std::string operator()(const RequestVoteReply& body) const {
    return fmt::format("RequestVoteReply term {} {}", body.term.value, body.granted ? "granted" : "refused");
  }
  std::string operator()(const AppendEntries& body) const {
    return fmt::format("AppendEntries term {} after {}: {} entries, commit {}, read {}", body.term.value,
                       at(body.previous), body.entries.size(), body.commit.value, body.read_sequence);
  }
  std::string operator()(const AppendEntriesReply& body) const {
    if (body.accepted) {
      return fmt::format("AppendEntriesReply term {} match {}, read {}", body.term.value, body.match.value,
                         body.read_sequence);
    }
    return fmt::format("AppendEntriesReply term {} refused {} hint {}", body.term.value, body.rejected.value,
                       at(body.hint));
  }
  std::string operator()(const InstallSnapshot& body) const {
    return fmt::format("InstallSnapshot term {} of {}: bytes {} to {} of {}", body.term.value, at(body.meta.last),
                       body.offset, body.offset + body.data.size(), body.meta.size);
  }
  std::string operator()(const InstallSnapshotReply& body) const {
    return fmt::format("InstallSnapshotReply term {} of {}: {}", body.term.value, at(body.last),
                       body.installed ? "installed" : fmt::format("go on at {}", body.next_offset));
  }
  std::string operator()(const TimeoutNow& body) const { return fmt::format("TimeoutNow term {}", body.term.value); }
  std::string operator()(const TimeoutNowReply& body) const {
    return fmt::format("TimeoutNowReply term {}", body.term.value);
  }
};

std::string batch_text(const WriteBatch& batch) {
  std::string text;
  if (batch.hard_state) {
    text += fmt::format(" term {} vote {}", batch.hard_state->term.value,
                        batch.hard_state->vote ? batch.hard_state->vote->value : 0);
  }
  if (batch.truncate_from) text += fmt::format(" truncate from {}", batch.truncate_from->value);
  if (batch.new_start) text += fmt::format(" start {}", at(*batch.new_start));
  if (!batch.entries.empty()) {
    text += fmt::format(" entries {} to {}", at(batch.entries.front().id), at(batch.entries.back().id));
  }
  return text.empty() ? " nothing" : text;
}

std::string error_text(std::error_code error) {
  return error ? fmt::format(": {}", error.message()) : std::string();
}

}  // namespace

std::string to_string(const MessageBody& body) {
  return std::visit(MessageText{}, body);
}

std::string printable(std::string_view bytes, std::size_t bytes_max) {
  std::string text;
  for (const char c : bytes.substr(0, bytes_max)) text += c >= ' ' && c <= '~' ? c : '.';
  if (bytes.size() > bytes_max) text += fmt::format("... ({} bytes)", bytes.size());
  return text;
}

void Trace::write(NodeId id, std::string_view line) {
  if (text_.size() > bytes_max_) text_.erase(0, text_.size() / 2);
  const double seconds = static_cast<double>(now_.time_since_epoch().count()) / 1e9;
  text_ += id == NodeId{} ? fmt::format("{:>13.6f}      {}\n", seconds, line)
                          : fmt::format("{:>13.6f}  n{}  {}\n", seconds, id.value, line);
}

void Trace::note(std::string_view line) {
  write({}, line);
}

void Trace::on_started(NodeId id, std::uint64_t life) {
  before_.erase(id);
  write(id, fmt::format("starts its life {}", life));
}

void Trace::on_recovered(NodeId id, const std::optional<RecoveredState>& state) {
  if (!state) return write(id, "finds an empty disk");
  write(id, fmt::format("recovers term {}, log {} to {}, snapshot {}", state->hard_state.term.value, at(state->start),
                        at(state->last), state->snapshot ? at(state->snapshot->last) : "none"));
}

void Trace::on_stepped(NodeId id, const Core& core) {
  const CoreStatus now = core.status();
  const auto [known, is_new] = before_.try_emplace(id);
  CoreStatus& before = known->second;
  if (is_new || now.role != before.role || now.term != before.term) {
    write(id, fmt::format("is {} in term {}", to_string(now.role), now.term.value));
  }
  if (now.leader != before.leader && now.leader) write(id, fmt::format("follows {}", now.leader->value));
  if (now.commit != before.commit) write(id, fmt::format("commits to {}", now.commit.value));
  if (now.log_last != before.log_last) write(id, fmt::format("log ends with {}", at(now.log_last)));
  before = now;
}

void Trace::on_failed(NodeId id, const Failure& failure) {
  write(id, fmt::format("FAILED: {} ({})", failure.reason, failure.error.message()));
}
void Trace::on_stopped(NodeId id) {
  write(id, "stopped");
}
void Trace::on_crashed(NodeId id) {
  write(id, "CRASHED");
}
void Trace::on_written(NodeId id, const WriteBatch& batch, std::error_code error) {
  write(id, fmt::format("wrote{}{}", batch_text(batch), error_text(error)));
}
void Trace::on_published(NodeId id, const SnapshotMeta& meta, const WriteBatch& batch, std::error_code error) {
  write(id, fmt::format("published snapshot {}, {} bytes, and{}{}", at(meta.last), meta.size, batch_text(batch),
                        error_text(error)));
}
void Trace::on_applied(NodeId id, LogId where, const Bytes& command, const Bytes& reply) {
  write(id, fmt::format("applied {}: {} -> {}", at(where), printable(command.view()), printable(reply.view())));
}
void Trace::on_restored(NodeId id, const SnapshotMeta& meta) {
  write(id, fmt::format("restored snapshot {}", at(meta.last)));
}
void Trace::on_sent(const Message& message) {
  write(message.route.from, fmt::format("-> n{} {}", message.route.to.value, to_string(message.body)));
}
void Trace::on_delivered(const Message& message) {
  write(message.route.to, fmt::format("<- n{} {}", message.route.from.value, to_string(message.body)));
}

void Trace::on_invoked(const Operation& operation) {
  const bool is_write = operation.kind == Operation::Kind::write;
  write({}, fmt::format("client {} asks n{}: #{} {} {}", operation.client, operation.at.value, operation.id,
                        name_of(operation),
                        printable(is_write ? operation.command.view() : std::string_view(operation.query))));
}

void Trace::on_given_up(const Operation& operation) {
  write({}, fmt::format("client {} gives up: #{}", operation.client, operation.id));
}

void Trace::on_ended(const Operation& operation, const Outcome& outcome) {
  const std::string end = outcome.error ? outcome.error.message()
                                        : fmt::format("{} at {}@{}", printable(outcome.applied.reply.view()),
                                                      outcome.applied.index.value, outcome.applied.term.value);
  write({}, fmt::format("client {} is answered: #{} {}", operation.client, operation.id, end));
}

void Trace::on_fault(const FaultNote& note) {
  std::string line = fmt::format("FAULT {}", note.kind);
  if (note.node != NodeId{}) line += fmt::format(" n{}", note.node.value);
  if (note.other != NodeId{}) line += fmt::format(" n{}", note.other.value);
  if (!note.detail.empty()) line += fmt::format(" ({})", note.detail);
  write({}, line);
}

}  // namespace libraft::testkit
