#include "messages.hpp"

#include "support/core_cluster.hpp"

#include <algorithm>
#include <array>

namespace libraft::test {

namespace {

/// In the order of MessageBody.
constexpr std::array<std::string_view, 10> kKinds{
    "PreVote",         "PreVoteReply",         "RequestVote", "RequestVoteReply", "AppendEntries", "AppendEntriesReply",
    "InstallSnapshot", "InstallSnapshotReply", "TimeoutNow",  "TimeoutNowReply"};
static_assert(kKinds.size() == std::variant_size_v<MessageBody>);

std::string text(std::uint64_t number) {
  return std::to_string(number);
}
std::string text(bool is_so) {
  return is_so ? "yes" : "no";
}

// Each kind's fields, once for writing them down...
Fields fields(const PreVote& body) {
  return {{"last", to_text(body.last)}};
}
Fields fields(const PreVoteReply& body) {
  return {{"proposed", text(body.proposed.value)}, {"granted", text(body.granted)}};
}
Fields fields(const RequestVote& body) {
  return {{"last", to_text(body.last)}, {"transfer", text(body.leadership_transfer)}};
}
Fields fields(const RequestVoteReply& body) {
  return {{"granted", text(body.granted)}};
}
Fields fields(const AppendEntries& body) {
  std::vector<std::uint64_t> terms;
  for (const Entry& each : body.entries) terms.push_back(each.id.term.value);
  return {{"previous", to_text(body.previous)},
          {"entries", to_text(terms)},
          {"commit", text(body.commit.value)},
          {"read", text(body.read_sequence)}};
}
Fields fields(const AppendEntriesReply& body) {
  return {{"accepted", text(body.accepted)},
          {"match", text(body.match.value)},
          {"rejected", text(body.rejected.value)},
          {"hint", to_text(body.hint)},
          {"read", text(body.read_sequence)}};
}
Fields fields(const InstallSnapshot& body) {
  return {{"last", to_text(body.meta.last)},
          {"size", text(body.meta.size)},
          {"offset", text(body.offset)},
          {"data", std::string(body.data.view())}};
}
Fields fields(const InstallSnapshotReply& body) {
  return {{"last", to_text(body.last)}, {"installed", text(body.installed)}, {"next", text(body.next_offset)}};
}
Fields fields(const TimeoutNow&) {
  return {};
}
Fields fields(const TimeoutNowReply&) {
  return {};
}

/// ... and once for reading them; every field of the statement has to be asked for.
class FieldReader {
 public:
  explicit FieldReader(const Statement& statement) : statement_(statement), left_(statement.fields) {}

  std::string word(std::string_view name, std::string_view otherwise) {
    const auto found = std::find_if(left_.begin(), left_.end(), [&](const auto& field) { return field.first == name; });
    if (found == left_.end()) return std::string(otherwise);
    std::string value = found->second;
    left_.erase(found);
    return value;
  }
  std::uint64_t number(std::string_view name) { return number_of(statement_, word(name, "0")); }
  bool is_so(std::string_view name) { return yes_or_no(statement_, word(name, "no")); }
  std::vector<std::uint64_t> numbers(std::string_view name) { return numbers_of(statement_, word(name, "-")); }
  LogId log_id(std::string_view name) {
    const std::string id = word(name, "-");
    if (id == "-") return {};
    const std::size_t at = id.find('@');
    if (at == std::string::npos) statement_.fail("'" + id + "' is no index@term");
    return {{number_of(statement_, std::string_view(id).substr(0, at))},
            {number_of(statement_, std::string_view(id).substr(at + 1))}};
  }
  void finish() const {
    if (!left_.empty()) statement_.fail("this kind of message has no field '" + left_.front().first + "'");
  }

 private:
  const Statement& statement_;
  Fields left_;
};

MessageBody read_append(FieldReader& reader, Term term) {
  AppendEntries body{term, reader.log_id("previous"), {}, {reader.number("commit")}, reader.number("read")};
  std::vector<Entry> entries;
  for (const std::uint64_t entry_term : reader.numbers("entries")) {
    entries.push_back(entry(body.previous.index.value + entries.size() + 1, entry_term));
  }
  body.entries = Entries(std::move(entries));
  return body;
}

MessageBody read_snapshot(FieldReader& reader, Term term, const Configuration& configuration) {
  InstallSnapshot body;
  body.term = term;
  body.meta.last = reader.log_id("last");
  body.meta.configuration.value = configuration;
  body.offset = reader.number("offset");
  const std::string data = reader.word("data", "abc");
  const std::string size = reader.word("size", "");
  body.meta.size = size.empty() ? data.size() : std::stoull(size);
  body.data = Bytes(data);
  return body;
}

MessageBody read_body(FieldReader& reader, std::string_view kind, Term term, const Configuration& configuration) {
  if (kind == "PreVote") return PreVote{term, reader.log_id("last")};
  if (kind == "PreVoteReply") return PreVoteReply{term, {reader.number("proposed")}, reader.is_so("granted")};
  if (kind == "RequestVote") return RequestVote{term, reader.log_id("last"), reader.is_so("transfer")};
  if (kind == "RequestVoteReply") return RequestVoteReply{term, reader.is_so("granted")};
  if (kind == "AppendEntries") return read_append(reader, term);
  if (kind == "AppendEntriesReply") {
    AppendEntriesReply body{term, reader.is_so("accepted"), {reader.number("match")}, {reader.number("rejected")}, {},
                            0};
    body.hint = reader.log_id("hint");
    body.read_sequence = reader.number("read");
    return body;
  }
  if (kind == "InstallSnapshot") return read_snapshot(reader, term, configuration);
  if (kind == "InstallSnapshotReply") {
    const LogId last = reader.log_id("last");
    return InstallSnapshotReply{term, last, reader.is_so("installed"), reader.number("next")};
  }
  if (kind == "TimeoutNow") return TimeoutNow{term};
  return TimeoutNowReply{term};
}

}  // namespace

bool is_kind(std::string_view word) {
  return word == "any" || std::find(kKinds.begin(), kKinds.end(), word) != kKinds.end();
}

std::string_view kind_of(const MessageBody& body) {
  return kKinds.at(body.index());
}

Fields fields_of(const MessageBody& body) {
  Fields all{{"term", text(term_of(body).value)}};
  for (auto& field : std::visit([](const auto& alternative) { return fields(alternative); }, body)) {
    all.push_back(std::move(field));
  }
  return all;
}

MessageBody message_of(const Statement& statement, std::string_view kind, const Configuration& configuration) {
  if (kind == "any") statement.fail("which kind of message?");
  FieldReader reader(statement);
  const Term term{reader.number("term")};
  MessageBody body = read_body(reader, kind, term, configuration);
  reader.finish();
  return body;
}

std::string to_text(LogId id) {
  return id == LogId{} ? "-" : std::to_string(id.index.value) + "@" + std::to_string(id.term.value);
}

std::string to_text(const std::vector<std::uint64_t>& numbers) {
  std::string list;
  for (const std::uint64_t number : numbers) list += (list.empty() ? "" : ",") + std::to_string(number);
  return list.empty() ? "-" : list;
}

std::string to_text(const Fields& fields) {
  std::string list;
  for (const auto& [name, value] : fields) list += (list.empty() ? "" : " ") + name + "=" + value;
  return list;
}

}  // namespace libraft::test
