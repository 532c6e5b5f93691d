#include "json/json.hpp"
#include "transport/message_json.hpp"
#include "transport/wire_names.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace kvserver {
namespace {

using json::Fields;
using libraft::LogIndex;
using libraft::Term;
using Outcome = std::variant<WireMessage, MessageRefused>;

// Names and URLs are remembered, so they are bounded.
constexpr std::size_t kTextBytesMax = 1024;

/// What is wrong with a body: a sentence of the JSON reader (then it is malformed), or one with a word of its own.
struct Trouble {
  std::string word = "malformed";
  std::string sentence;
};

/// Reads the members of one body. The first thing found wrong is kept in the trouble; what is read after that is not
/// used.
class BodyReader {
 public:
  BodyReader(Fields& in, Trouble& trouble, const WireNames& names) : in_(in), trouble_(trouble), names_(names) {}

  WireMessage head() {
    WireMessage wire;
    libraft::Routing& route = wire.message.route;
    route.cluster.value = hex("cluster");
    route.group.value = in_.u64("group");
    wire.request_id = in_.u64("requestId");
    wire.name = in_.string("from");
    route.from = names_.id_of(wire.name);
    route.to = names_.id_of(in_.string("to"));
    route.from_incarnation.value = hex("fromIncarnation");
    route.to_incarnation.value = hex("toIncarnation");
    wire.display_name = in_.string_or("displayName", "");
    wire.client_url = in_.string_or("clientUrl", "");
    for (const std::string_view name : {"from", "displayName", "clientUrl"}) {
      if (in_.string_or(name, "").size() > kTextBytesMax) in_.fail(name, "is too long");
    }
    if (in_.has("introduces")) wire.introductions = introductions();
    if (in_.ok() && route.from == libraft::NodeId{}) in_.fail("from", "is empty");
    if (in_.ok() && route.to == libraft::NodeId{}) in_.fail("to", "is empty");
    from_ = route.from;
    return wire;
  }

  libraft::MessageBody vote() {
    check_sender("candidateId");
    const Term of = term();
    const libraft::LogId last = log_id("lastLogIndex", "lastLogTerm");
    const bool is_transfer = in_.boolean_or("leadershipTransfer", false);
    if (in_.boolean_or("preVote", false)) return libraft::PreVote{of, last};
    return libraft::RequestVote{of, last, is_transfer};
  }

  libraft::MessageBody append_entries() {
    check_sender("leaderId");
    libraft::AppendEntries body;
    body.term = term();
    body.previous = log_id("prevLogIndex", "prevLogTerm");
    body.entries = entries();
    body.commit.value = in_.u64("leaderCommit");
    body.read_sequence = in_.u64_or("readSequence", 0);
    return body;
  }

  libraft::MessageBody install_snapshot() {
    check_sender("leaderId");
    libraft::InstallSnapshot body;
    body.term = term();
    body.meta.last = log_id("lastIncludedIndex", "lastIncludedTerm");
    body.meta.configuration = configuration();
    body.meta.size = in_.u64("size");
    read_digest(body.meta.digest);
    body.offset = in_.u64("offset");
    body.data = libraft::Bytes(in_.bytes("data"));
    const bool fits = body.offset <= body.meta.size && body.data.size() <= body.meta.size - body.offset;
    if (in_.ok() && !fits) in_.fail("offset", "and the data lie beyond the size");
    return body;
  }

  libraft::MessageBody timeout_now() { return libraft::TimeoutNow{term()}; }

  libraft::MessageBody reply_to(const libraft::PreVote&) {
    expect_pre_vote(true);
    return libraft::PreVoteReply{term(), Term{in_.u64("proposedTerm")}, in_.boolean("voteGranted")};
  }
  libraft::MessageBody reply_to(const libraft::RequestVote&) {
    expect_pre_vote(false);
    return libraft::RequestVoteReply{term(), in_.boolean("voteGranted")};
  }
  libraft::MessageBody reply_to(const libraft::AppendEntries&) {
    libraft::AppendEntriesReply body;
    body.term = term();
    body.accepted = in_.boolean("success");
    body.match.value = in_.u64("matchIndex");
    body.rejected.value = in_.u64("rejectedIndex");
    body.hint = log_id("hintIndex", "hintTerm");
    body.read_sequence = in_.u64_or("readSequence", 0);
    return body;
  }
  libraft::MessageBody reply_to(const libraft::InstallSnapshot&) {
    libraft::InstallSnapshotReply body;
    body.term = term();
    body.last = log_id("lastIncludedIndex", "lastIncludedTerm");
    body.installed = in_.boolean("installed");
    body.next_offset = in_.u64("nextOffset");
    return body;
  }
  libraft::MessageBody reply_to(const libraft::TimeoutNow&) { return libraft::TimeoutNowReply{term()}; }
  template <class Reply>
  libraft::MessageBody reply_to(const Reply&) {
    in_.fail("requestId", "belongs to no request");
    return libraft::TimeoutNowReply{};
  }

 private:
  Term term() { return {in_.u64("term")}; }

  std::vector<Introduction> introductions() {
    const json::Array& elements = in_.array("introduces");
    std::vector<Introduction> read;
    for (std::size_t at = 0; at < elements.size() && in_.ok(); ++at) {
      Fields third = in_.element("introduces", elements, at);
      for (const std::string_view name : {"id", "displayName", "clientUrl"}) {
        if (third.string(name).size() > kTextBytesMax) third.fail(name, "is too long");
      }
      read.push_back({std::string(third.string("id")), std::string(third.string("displayName")),
                      std::string(third.string("clientUrl"))});
    }
    return read;
  }

  libraft::LogId log_id(std::string_view index, std::string_view of_term) {
    const LogIndex at{in_.u64(index)};
    return {at, Term{in_.u64(of_term)}};
  }

  std::uint64_t hex(std::string_view name) {
    std::uint64_t number = 0;
    const std::string_view text = in_.string(name);
    if (in_.ok() && !from_hex(text, number)) in_.fail(name, "is not 16 hexadecimal digits");
    return number;
  }

  // The role's own name for the sender, where it is given, must be the sender's.
  void check_sender(std::string_view name) {
    if (in_.has(name) && names_.id_of(in_.string(name)) != from_ && in_.ok()) in_.fail(name, "is not the sender");
  }

  void expect_pre_vote(bool expected) {
    if (in_.boolean_or("preVote", false) != expected && in_.ok()) in_.fail("preVote", "is not as in the request");
  }

  libraft::Entries entries() {
    const json::Array& elements = in_.array("entries");
    std::vector<libraft::Entry> read;
    read.reserve(elements.size());
    for (std::size_t at = 0; at < elements.size() && in_.ok(); ++at) {
      Fields element = in_.element("entries", elements, at);
      read.push_back(entry(element));
      const bool follows = at == 0 || read[at].id.index == libraft::next(read[at - 1].id.index);
      if (element.ok() && (!follows || read[at].id.index == LogIndex{})) element.fail("index", "is out of order");
    }
    return read.empty() ? libraft::Entries() : libraft::Entries(std::move(read));
  }

  libraft::Entry entry(Fields& in) {
    libraft::Entry entry;
    entry.id.index.value = in.u64("index");
    entry.id.term.value = in.u64("term");
    const std::string_view kind = in.string("kind");
    if (kind == "command") {
      entry.kind = libraft::EntryKind::command;
    } else if (kind != "noop" && in.ok()) {
      trouble_.word = "unknown_kind";
      in.fail("kind", fmt::format("\"{}\" is not known to this release", kind));
    }
    if (entry.kind == libraft::EntryKind::command || in.has("command"))
      entry.data = libraft::Bytes(in.bytes("command"));
    return entry;
  }

  libraft::ConfigurationAt configuration() {
    Fields in = in_.object("configuration");
    libraft::ConfigurationAt read;
    read.at.index.value = in.u64("index");
    read.at.term.value = in.u64("term");
    read.value.voters = peers(in, "voters");
    read.value.outgoing_voters = peers(in, "outgoingVoters");
    read.value.learners = peers(in, "learners");
    return read;
  }

  std::vector<libraft::Peer> peers(Fields& in, std::string_view name) {
    const json::Array& elements = in.array(name);
    std::vector<libraft::Peer> read;
    for (std::size_t at = 0; at < elements.size() && in.ok(); ++at) {
      Fields element = in.element(name, elements, at);
      libraft::Peer peer;
      peer.id = names_.id_of(element.string("id"));
      peer.address = element.bytes("raftUrl");
      read.push_back(std::move(peer));
    }
    return read;
  }

  void read_digest(std::array<std::uint64_t, 2>& digest) {
    const json::Array& halves = in_.array("digest");
    bool is_right = halves.size() == digest.size();
    for (std::size_t at = 0; at < digest.size() && is_right; ++at) {
      const std::string* half = halves[at].string();
      is_right = half != nullptr && from_hex(*half, digest[at]);
    }
    if (in_.ok() && !is_right) in_.fail("digest", "is not two texts of 16 hexadecimal digits");
  }

  Fields& in_;
  Trouble& trouble_;
  const WireNames& names_;
  libraft::NodeId from_;
};

/// The head, and then what `read_body` makes of the rest.
template <class ReadBody>
Outcome read_message(std::string_view text, const WireNames& names, const ReadBody& read_body) {
  Trouble trouble;
  const std::optional<json::Value> value = json::parse(text, trouble.sentence);
  if (!value) return MessageRefused{trouble.word, trouble.sentence};
  Fields in(*value, trouble.sentence);
  const std::uint64_t version = in.u64("version");
  if (in.ok() && version != kMessageVersion) {
    trouble.word = "unsupported_version";
    in.fail("version",
            std::to_string(version) + " is not known; this release speaks " + std::to_string(kMessageVersion));
  }
  if (!in.ok()) return MessageRefused{trouble.word, trouble.sentence};
  BodyReader reader(in, trouble, names);
  WireMessage wire = reader.head();
  wire.message.body = read_body(reader);
  if (!in.ok()) return MessageRefused{trouble.word, trouble.sentence};
  return wire;
}

}  // namespace

Outcome read_request(std::string_view path, std::string_view body, const WireNames& names) {
  return read_message(body, names, [path](BodyReader& reader) -> libraft::MessageBody {
    if (path == "/raft/appendentries") return reader.append_entries();
    if (path == "/raft/requestvote") return reader.vote();
    if (path == "/raft/installsnapshot") return reader.install_snapshot();
    return reader.timeout_now();
  });
}

Outcome read_reply(const libraft::MessageBody& request, std::string_view body, const WireNames& names) {
  return read_message(body, names, [&request](BodyReader& reader) {
    return std::visit([&reader](const auto& asked) { return reader.reply_to(asked); }, request);
  });
}

}  // namespace kvserver
