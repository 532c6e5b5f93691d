#include "api/status_json.hpp"

#include "json/json.hpp"

namespace kvserver {
namespace {

void write_log(json::Writer& out, const libraft::Status& status) {
  out.member("logLen", status.log_last.index.value - status.log_start.index.value)
      .member("lastLogIndex", status.log_last.index.value)
      .member("lastLogTerm", status.log_last.term.value)
      .member("logBaseIndex", status.log_start.index.value)
      .member("logBaseTerm", status.log_start.term.value);
}

void write_progress(json::Writer& out, const libraft::Status& status, const NodeNames& names) {
  out.key("nextIndex").begin_object();
  for (const libraft::PeerProgress& peer : status.progress) out.member(names.display_name(peer.id), peer.next.value);
  out.end_object().key("matchIndex").begin_object();
  for (const libraft::PeerProgress& peer : status.progress) out.member(names.display_name(peer.id), peer.match.value);
  out.end_object();
}

void write_peers(json::Writer& out, const Config& config, const NodeNames& names) {
  out.key("peers").begin_array();
  for (const Member& peer : config.peers) {
    const libraft::NodeId id = node_id_of(peer.name);
    out.begin_object()
        .member("id", names.display_name(id))
        .member("raftUrl", peer.raft_url)
        .member("clientUrl", names.client_url(id))
        .end_object();
  }
  out.end_array();
}

}  // namespace

std::string_view state_word(libraft::Role role) {
  switch (role) {
    case libraft::Role::leader:
      return "leader";
    case libraft::Role::follower:
      return "follower";
    case libraft::Role::pre_candidate:
    case libraft::Role::candidate:
      break;
  }
  return "candidate";
}

std::string health_json(const libraft::Status& status, const NodeNames& names) {
  json::Writer out;
  out.begin_object()
      .member("ok", true)
      .member("nodeId", names.display_name(status.identity.node))
      .member("state", state_word(status.role))
      .member("term", status.term.value)
      .member("leaderId", names.display_name(status.leader))
      .member("leader", names.client_url(status.leader))
      .member("commitIndex", status.commit.value)
      .member("lastApplied", status.applied.value)
      .end_object();
  return out.take().value_or("{}");
}

std::string raft_status_json(const libraft::Status& status, const libraft::Metrics& metrics, const Config& config,
                             const NodeNames& names) {
  json::Writer out;
  out.begin_object()
      .member("nodeId", names.display_name(status.identity.node))
      .member("state", state_word(status.role))
      .member("term", status.term.value)
      .member("leaderId", names.display_name(status.leader))
      .member("votedFor", names.display_name(status.voted_for))
      .member("commitIndex", status.commit.value)
      .member("lastApplied", status.applied.value);
  write_log(out, status);
  out.member("snapshotIndex", status.snapshot.index.value).member("snapshotsInstalled", metrics.snapshots_installed);
  if (status.role == libraft::Role::leader) write_progress(out, status, names);
  write_peers(out, config, names);
  out.end_object();
  return out.take().value_or("{}");
}

}  // namespace kvserver
