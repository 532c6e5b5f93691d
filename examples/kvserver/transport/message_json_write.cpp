#include "json/json.hpp"
#include "transport/message_json.hpp"
#include "transport/wire_names.hpp"

#include <type_traits>
#include <vector>

namespace kvserver {
namespace {

using json::Writer;

std::string_view name_of(libraft::EntryKind kind) {
  switch (kind) {
    case libraft::EntryKind::noop:
      return "noop";
    case libraft::EntryKind::command:
      return "command";
  }
  return {};
}

/// Writes what follows the head, member by member.
class BodyWriter {
 public:
  BodyWriter(Writer& out, const WireMessage& wire, const WireNames& names) : out_(out), wire_(wire), names_(names) {}

  void operator()(const libraft::PreVote& body) { write_vote(body.term, body.last, true, false); }
  void operator()(const libraft::RequestVote& body) {
    write_vote(body.term, body.last, false, body.leadership_transfer);
  }
  void operator()(const libraft::PreVoteReply& body) {
    term(body.term).member("voteGranted", body.granted).member("preVote", true);
    out_.member("proposedTerm", body.proposed.value);
  }
  void operator()(const libraft::RequestVoteReply& body) {
    term(body.term).member("voteGranted", body.granted).member("preVote", false);
  }
  void operator()(const libraft::AppendEntries& body) {
    term(body.term).member("leaderId", names_.name_of(wire_.message.route.from));
    out_.member("prevLogIndex", body.previous.index.value).member("prevLogTerm", body.previous.term.value);
    out_.key("entries").begin_array();
    for (const libraft::Entry& entry : body.entries) write_entry(entry);
    out_.end_array();
    out_.member("leaderCommit", body.commit.value).member("readSequence", body.read_sequence);
  }
  void operator()(const libraft::AppendEntriesReply& body) {
    term(body.term).member("success", body.accepted);
    out_.member("matchIndex", body.match.value).member("rejectedIndex", body.rejected.value);
    out_.member("hintIndex", body.hint.index.value).member("hintTerm", body.hint.term.value);
    out_.member("readSequence", body.read_sequence);
  }
  void operator()(const libraft::InstallSnapshot& body) {
    term(body.term).member("leaderId", names_.name_of(wire_.message.route.from));
    write_last(body.meta.last);
    write_configuration(body.meta.configuration);
    out_.member("size", body.meta.size);
    out_.key("digest").begin_array();
    for (const std::uint64_t half : body.meta.digest) out_.string(to_hex(half));
    out_.end_array();
    out_.member("offset", body.offset).bytes("data", body.data.view());
  }
  void operator()(const libraft::InstallSnapshotReply& body) {
    term(body.term);
    write_last(body.last);
    out_.member("installed", body.installed).member("nextOffset", body.next_offset);
  }
  void operator()(const libraft::TimeoutNow& body) { term(body.term); }
  void operator()(const libraft::TimeoutNowReply& body) { term(body.term); }

 private:
  Writer& term(libraft::Term term) { return out_.member("term", term.value); }

  void write_vote(libraft::Term term_asked, libraft::LogId last, bool is_pre_vote, bool is_transfer) {
    term(term_asked).member("candidateId", names_.name_of(wire_.message.route.from));
    out_.member("lastLogIndex", last.index.value).member("lastLogTerm", last.term.value);
    out_.member("preVote", is_pre_vote).member("leadershipTransfer", is_transfer);
  }

  void write_entry(const libraft::Entry& entry) {
    out_.begin_object().member("index", entry.id.index.value).member("term", entry.id.term.value);
    out_.member("kind", name_of(entry.kind));
    if (entry.kind == libraft::EntryKind::command || !entry.data.empty()) out_.bytes("command", entry.data.view());
    out_.end_object();
  }

  void write_last(libraft::LogId last) {
    out_.member("lastIncludedIndex", last.index.value).member("lastIncludedTerm", last.term.value);
  }

  void write_configuration(const libraft::ConfigurationAt& configuration) {
    out_.key("configuration").begin_object();
    out_.member("index", configuration.at.index.value).member("term", configuration.at.term.value);
    write_peers("voters", configuration.value.voters);
    write_peers("outgoingVoters", configuration.value.outgoing_voters);
    write_peers("learners", configuration.value.learners);
    out_.end_object();
  }

  void write_peers(std::string_view name, const std::vector<libraft::Peer>& peers) {
    out_.key(name).begin_array();
    for (const libraft::Peer& peer : peers) {
      out_.begin_object().member("id", names_.name_of(peer.id)).bytes("raftUrl", peer.address).end_object();
    }
    out_.end_array();
  }

  Writer& out_;
  const WireMessage& wire_;
  const WireNames& names_;
};

}  // namespace

std::string_view path_of(const libraft::MessageBody& request) {
  return std::visit(
      [](const auto& body) -> std::string_view {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, libraft::PreVote> || std::is_same_v<Body, libraft::RequestVote>) {
          return "/raft/requestvote";
        } else if constexpr (std::is_same_v<Body, libraft::AppendEntries>) {
          return "/raft/appendentries";
        } else if constexpr (std::is_same_v<Body, libraft::InstallSnapshot>) {
          return "/raft/installsnapshot";
        } else if constexpr (std::is_same_v<Body, libraft::TimeoutNow>) {
          return "/raft/timeoutnow";
        } else {
          return {};
        }
      },
      request);
}

namespace {

void write_introductions(Writer& out, const std::vector<Introduction>& introductions) {
  out.key("introduces").begin_array();
  for (const Introduction& third : introductions) {
    out.begin_object().member("id", third.name).member("displayName", third.display_name);
    out.member("clientUrl", third.client_url).end_object();
  }
  out.end_array();
}

}  // namespace

std::optional<std::string> write_message(const WireMessage& wire, const WireNames& names) {
  const libraft::Routing& route = wire.message.route;
  Writer out;
  out.begin_object().member("version", kMessageVersion).member("cluster", to_hex(route.cluster.value));
  out.member("group", route.group.value).member("requestId", wire.request_id);
  out.member("from", names.name_of(route.from)).member("to", names.name_of(route.to));
  out.member("fromIncarnation", to_hex(route.from_incarnation.value));
  out.member("toIncarnation", to_hex(route.to_incarnation.value));
  out.member("displayName", wire.display_name).member("clientUrl", wire.client_url);
  if (!wire.introductions.empty()) write_introductions(out, wire.introductions);
  std::visit(BodyWriter(out, wire, names), wire.message.body);
  return out.end_object().take();
}

}  // namespace kvserver
