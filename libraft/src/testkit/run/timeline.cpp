#include "testkit/run/timeline.hpp"

#include "testkit/run/trace.hpp"

#include <fmt/format.h>

#include <utility>

namespace libraft::testkit {

/// The page around the data; of timeline_page.cpp.
extern const char* const kTimelinePage;

namespace {

/// More would not be read, and a browser would take long over them.
constexpr std::size_t kMessagesMax = 200000;

/// A JavaScript string. Nothing in it ends the script either.
std::string script_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : printable(text, 300)) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '<') {
      result += "\\x3c";
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string replaced(std::string page, std::string_view mark, std::string_view by) {
  const std::size_t at = page.find(mark);
  return at == std::string::npos ? page : page.replace(at, mark.size(), by);
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string key_of(const Message& message) {
  return fmt::format("{}>{} {}", message.route.from.value, message.route.to.value, to_string(message.body));
}

}  // namespace

std::int64_t Timeline::microseconds() const {
  return now_.time_since_epoch().count() / 1000;
}

void Timeline::begin_bar(NodeId id, std::string kind, std::uint64_t term) {
  end_bar(id);
  Lane& lane = lanes_[id];
  lane.kind = std::move(kind);
  lane.status.term = {term};
  lane.since = microseconds();
}

void Timeline::end_bar(NodeId id) {
  Lane& lane = lanes_[id];
  if (lane.kind.empty()) return;
  bars_ +=
      fmt::format("[{},{},{},\"{}\",{}],\n", id.value, lane.since, microseconds(), lane.kind, lane.status.term.value);
  lane.kind.clear();
}

void Timeline::event(NodeId id, std::string_view kind, std::string_view text) {
  events_ += fmt::format("[{},{},\"{}\",{}],\n", id.value, microseconds(), kind, script_string(text));
}

void Timeline::on_started(NodeId id, std::uint64_t life) {
  lanes_[id].status = {};
  begin_bar(id, "starting", 0);
  event(id, "start", fmt::format("life {}", life));
}

void Timeline::on_stepped(NodeId id, const Core& core) {
  const CoreStatus now = core.status();
  Lane& lane = lanes_[id];
  if (lane.kind != to_string(now.role) || now.term != lane.status.term) {
    begin_bar(id, std::string(to_string(now.role)), now.term.value);
  }
  if (now.commit != lane.status.commit && now.role == Role::leader) {
    event(id, "commit", fmt::format("commits up to {}", now.commit.value));
  }
  lane.status = now;
}

void Timeline::on_failed(NodeId id, const Failure& failure) {
  begin_bar(id, "failed", 0);
  event(id, "fault", failure.reason);
}
void Timeline::on_stopped(NodeId id) {
  end_bar(id);
}
void Timeline::on_crashed(NodeId id) {
  end_bar(id);
}
void Timeline::on_restored(NodeId id, const SnapshotMeta& meta) {
  event(id, "snapshot", fmt::format("restores the snapshot at {}", meta.last.index.value));
}
void Timeline::on_published(NodeId id, const SnapshotMeta& meta, const WriteBatch&, std::error_code error) {
  event(id, "snapshot",
        fmt::format("snapshot at {}, {} bytes{}{}", meta.last.index.value, meta.size, error ? ": " : "",
                    error ? error.message() : ""));
}

void Timeline::on_sent(const Message& message) {
  if (messages_count_ < kMessagesMax) under_way_.emplace(key_of(message), microseconds());
}

// Equal messages are told apart by nobody: a line begins where the first of them was sent.
void Timeline::on_delivered(const Message& message) {
  if (messages_count_ >= kMessagesMax) return;
  const auto sent = under_way_.find(key_of(message));
  const std::int64_t since = sent == under_way_.end() ? microseconds() : sent->second;
  ++messages_count_;
  messages_ += fmt::format("[{},{},{},{},{}],\n", message.route.from.value, message.route.to.value, since,
                           microseconds(), script_string(to_string(message.body)));
  if (sent != under_way_.end()) under_way_.erase(sent);
}

void Timeline::on_invoked(const Operation& operation) {
  begun_[operation.id] = microseconds();
}

void Timeline::on_given_up(const Operation& operation) {
  on_ended(operation, {errc::timeout, {}});
}

// What is answered after its client gave up is shown as the client saw it.
void Timeline::on_ended(const Operation& operation, const Outcome& outcome) {
  const auto begun = begun_.find(operation.id);
  if (begun == begun_.end()) return;
  const bool is_write = operation.kind == Operation::Kind::write;
  const std::string_view what = is_write ? operation.command.view() : std::string_view(operation.query);
  const std::string text =
      fmt::format("#{} at node {}: {} {} -> {}", operation.id, operation.at.value, is_write ? "write" : "read",
                  printable(what), outcome.error ? outcome.error.message() : printable(outcome.applied.reply.view()));
  const std::string_view end = !outcome.error                                ? "done"
                               : outcome.error == condition::outcome_unknown ? "unknown"
                                                                             : "refused";
  operations_ +=
      fmt::format("[{},{},{},\"{}\",{}],\n", operation.client, begun->second, microseconds(), end, script_string(text));
  begun_.erase(begun);
}

void Timeline::on_fault(const FaultNote& note) {
  // What strikes single messages is seen by the messages.
  for (const std::string_view often :
       {"network.loss", "network.burst_loss", "network.duplication", "network.delay", "network.corruption",
        "network.truncation", "network.refused_by_checksum", "network.refused_by_codec"}) {
    if (note.kind == often) return;
  }
  std::string text(note.kind);
  if (note.other != NodeId{}) text += fmt::format(" to node {}", note.other.value);
  if (!note.detail.empty()) text += fmt::format(" ({})", note.detail);
  event(note.node, "fault", text);
}

std::string Timeline::html(std::string_view title, std::string_view about) const {
  std::string bars = bars_;
  for (const auto& [id, lane] : lanes_) {
    if (lane.kind.empty()) continue;
    bars +=
        fmt::format("[{},{},{},\"{}\",{}],\n", id.value, lane.since, microseconds(), lane.kind, lane.status.term.value);
  }
  std::string page = replaced(kTimelinePage, "@title@", escaped(title));
  page = replaced(std::move(page), "@title@", escaped(title));
  page = replaced(std::move(page), "@about@", escaped(about));
  page =
      replaced(std::move(page), "@data@",
               fmt::format("const nodes={},end={};\nconst bars=[\n{}];\nconst events=[\n{}];\nconst messages=[\n{}];\n"
                           "const operations=[\n{}];\n",
                           nodes_, microseconds(), bars, events_, messages_, operations_));
  return page;
}

}  // namespace libraft::testkit
