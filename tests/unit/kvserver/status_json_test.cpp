#include "api/status_json.hpp"
#include "support/catch.hpp"

#include <variant>

using kvserver::node_id_of;
using libraft::Role;

namespace {

struct StatusFixture {
  StatusFixture() : config(load()), names(table()) {
    names.learn(node_id_of("node-8081"), "n1", "http://localhost:8081");
    names.learn(node_id_of("node-8082"), "n2", "http://localhost:18082");
    status.identity.node = node_id_of("node-8081");
    status.term = {5};
    status.commit = {70};
    status.applied = {69};
    status.log_start = {{50}, {3}};
    status.log_last = {{71}, {5}};
    status.snapshot = {{60}, {4}};
    metrics.snapshots_installed = 2;
  }
  static kvserver::Config load() {
    auto loaded = kvserver::load_config([](std::string_view name) -> std::optional<std::string> {
      if (name == "KVSTORE_PORT") return "8081";
      if (name == "PEERS") return "http://localhost:9082,http://localhost:9083";
      return std::nullopt;
    });
    return std::get<kvserver::Config>(loaded);
  }
  std::map<libraft::NodeId, kvserver::NodeCard> table() const {
    std::string clash;
    return kvserver::NodeNames::table_of(config.member_names(), clash).value();
  }
  std::string body() const { return kvserver::raft_status_json(status, metrics, config, names); }

  kvserver::Config config;
  kvserver::NodeNames names;
  libraft::Status status;
  libraft::Metrics metrics;
};

}  // namespace

TEST_CASE_METHOD(StatusFixture, "a follower shows log, term and peers, and no progress") {
  status.voted_for = node_id_of("node-8082");
  status.leader = node_id_of("node-8082");
  CHECK(body() == R"({"nodeId":"n1","state":"follower","term":5,"leaderId":"n2","votedFor":"n2","commitIndex":70,)"
                  R"("lastApplied":69,"logLen":21,"lastLogIndex":71,"lastLogTerm":5,"logBaseIndex":50,)"
                  R"("logBaseTerm":3,"snapshotIndex":60,"snapshotsInstalled":2,"peers":[)"
                  R"({"id":"n2","raftUrl":"http://localhost:9082","clientUrl":"http://localhost:18082"},)"
                  R"({"id":"node-8083","raftUrl":"http://localhost:9083","clientUrl":""}]})");
}

TEST_CASE_METHOD(StatusFixture, "a leader shows where each peer is") {
  status.role = Role::leader;
  status.leader = status.identity.node;
  status.progress = {{node_id_of("node-8082"), libraft::ProgressState::replicate, {71}, {72}, true},
                     {node_id_of("node-8083"), libraft::ProgressState::probe, {0}, {51}, false}};
  CHECK_THAT(body(), libraft::test::contains_text(R"("nextIndex":{"n2":72,"node-8083":51},)"
                                                  R"("matchIndex":{"n2":71,"node-8083":0},"peers":)"));
  CHECK_THAT(body(), libraft::test::contains_text(R"("state":"leader","term":5,"leaderId":"n1","votedFor":"")"));
}

TEST_CASE_METHOD(StatusFixture, "ids that are absent are empty, in health too") {
  CHECK_THAT(body(), libraft::test::contains_text(R"("leaderId":"","votedFor":"")"));
  CHECK(kvserver::health_json(status, names) == R"({"ok":true,"nodeId":"n1","state":"follower","term":5,"leaderId":"",)"
                                                R"("leader":"","commitIndex":70,"lastApplied":69})");
}

TEST_CASE("the state is one of three words") {
  CHECK(kvserver::state_word(Role::leader) == "leader");
  CHECK(kvserver::state_word(Role::follower) == "follower");
  CHECK(kvserver::state_word(Role::candidate) == "candidate");
  CHECK(kvserver::state_word(Role::pre_candidate) == "candidate");
}
