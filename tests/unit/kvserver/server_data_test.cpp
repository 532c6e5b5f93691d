#include "server_data.hpp"

#include "server.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

using kvserver::Config;
using kvserver::node_id_of;
using kvserver::NodeNames;
using libraft::errc;

namespace {

Config config_of(std::map<std::string, std::string> variables) {
  variables.try_emplace("KVSTORE_PORT", "8081");
  variables.try_emplace("PEERS", "http://localhost:9082,http://localhost:9083");
  variables.try_emplace("RAFT_DATA_DIR", "/data");
  auto loaded = kvserver::load_config([&](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  });
  if (const auto* error = std::get_if<kvserver::ConfigError>(&loaded)) FAIL(error->sentence);
  return std::get<Config>(std::move(loaded));
}

libraft::RecoveredState state_of(const Config& config) {
  const libraft::NodeOptions options = config.node_options();
  libraft::RecoveredState state;
  state.identity = {options.cluster, options.group, options.id, {1}};
  state.configurations.push_back({{}, *options.bootstrap});
  return state;
}

// Says in open() what it was told to say.
struct ScriptedStorage final : libraft::Storage {
  libraft::Result<std::optional<libraft::RecoveredState>> open() override {
    is_open = true;
    ++opens;
    if (error) return error;
    return state;
  }
  std::error_code format(const libraft::Identity&, const libraft::Configuration&) override { return errc::io_error; }
  std::error_code write(const libraft::WriteBatch&) override { return errc::io_error; }
  libraft::Result<std::vector<libraft::Entry>> read(libraft::LogIndex, libraft::LogIndex, std::size_t) override {
    return errc::io_error;
  }
  libraft::Result<std::unique_ptr<libraft::SnapshotWriter>> create_snapshot(const libraft::SnapshotMeta&) override {
    return errc::io_error;
  }
  std::error_code publish(std::unique_ptr<libraft::SnapshotWriter>, const libraft::WriteBatch&) override {
    return errc::io_error;
  }
  libraft::Result<std::shared_ptr<libraft::SnapshotReader>> newest_snapshot() override { return errc::no_snapshot; }
  void close() noexcept override { is_open = false; }
  std::string error_detail() const override { return detail; }

  std::error_code error;
  std::string detail;
  std::optional<libraft::RecoveredState> state;
  bool is_open = false;
  int opens = 0;
};

struct DataFixture {
  std::variant<std::optional<libraft::RecoveredState>, kvserver::StartRefused> inspect(const Config& given) {
    std::string clash;
    const NodeNames names(NodeNames::table_of(given.member_names(), clash).value());
    auto owned = std::make_unique<ScriptedStorage>(script);
    const ScriptedStorage& storage = *owned;
    kvserver::EarlyOpenStorage early(std::move(owned));
    auto result = kvserver::inspect_data(early, given, names, [this] {
      ++times_asked;
      return stored;
    });
    const bool is_refused = std::holds_alternative<kvserver::StartRefused>(result);
    CHECK(storage.is_open != is_refused);
    if (!is_refused) CHECK(*early.open() == std::get<0>(result));
    CHECK(storage.opens == 1);
    return result;
  }
  kvserver::StartRefused refusal(const Config& given) {
    auto result = inspect(given);
    if (!std::holds_alternative<kvserver::StartRefused>(result)) return {0, "(accepted)"};
    return std::get<kvserver::StartRefused>(result);
  }

  Config config = config_of({});
  ScriptedStorage script;
  std::map<libraft::NodeId, std::string> stored;  // the names in the files
  int times_asked = 0;
};

}  // namespace

TEST_CASE_METHOD(DataFixture, "an empty folder is a first start, and the own data are taken") {
  CHECK(std::get<0>(inspect(config)) == std::nullopt);
  script.state = state_of(config);
  CHECK(std::get<0>(inspect(config)) == script.state);
  CHECK(times_asked == 0);
}

TEST_CASE_METHOD(DataFixture, "new URLs for the same members are taken") {
  script.state = state_of(config);
  script.state->configurations.back().value.voters[1].address = "http://elsewhere:1";
  CHECK(refusal(config).exit_code == 0);
}

TEST_CASE_METHOD(DataFixture, "other members than those stored are refused with exit 3, naming the file") {
  script.state = state_of(config);
  for (const char* cluster : {"", "named"}) {
    script.state->identity.cluster = config_of({{"KV_CLUSTER", "named"}}).node_options().cluster;
    const auto refused = refusal(config_of({{"PEERS", "http://localhost:9082"}, {"KV_CLUSTER", cluster}}));
    CHECK(refused.exit_code == kvserver::kExitData);
    CHECK_THAT(refused.sentence, Catch::Matchers::StartsWith("/data/node-8081/raft_state.json has the members "));
    CHECK_THAT(refused.sentence,
               libraft::test::contains_text("but PEERS and PEER_IDS say node-8081 "
                                            "(http://localhost:9081), node-8082 (http://localhost:9082)"));
  }
}

TEST_CASE_METHOD(DataFixture, "a refusal calls a node by the name in the files that makes its id, and else by the id") {
  const auto id_text = [](const char* name) { return fmt::format("{:016x}", node_id_of(name).value); };
  script.state = state_of(config);
  const Config given = config_of({{"PEERS", "http://localhost:9082"}});
  const auto members = [&](const std::string& third) {
    return "has the members " + third +
           " (http://localhost:9083), node-8081 (http://localhost:9081), node-8082 (http://localhost:9082), but ";
  };
  CHECK_THAT(refusal(given).sentence, libraft::test::contains_text(members(id_text("node-8083"))));
  stored[node_id_of("node-8083")] = "somebody";  // no name of that id
  stored[node_id_of("node-8082")] = "else";
  CHECK_THAT(refusal(given).sentence, libraft::test::contains_text(members(id_text("node-8083"))));
  stored[node_id_of("node-8083")] = "node-8083";
  CHECK_THAT(refusal(given).sentence,
             libraft::test::contains_text("has the members node-8081 (http://localhost:9081), node-8082 "
                                          "(http://localhost:9082), node-8083 (http://localhost:9083), but "));

  script.state->identity.node = node_id_of("n7");
  const auto other = [](const std::string& name) {
    return "/data/node-8081/raft_state.json belongs to another node (" + name + "), this one is node-8081.";
  };
  CHECK(refusal(given).sentence == other(id_text("n7")));
  stored[node_id_of("n7")] = "n7";
  CHECK(refusal(given).sentence == other("n7"));
}

TEST_CASE_METHOD(DataFixture, "another node's data are refused") {
  script.state = state_of(config);
  script.state->identity.node = node_id_of("node-8082");
  const auto refused = refusal(config);
  CHECK(refused.exit_code == kvserver::kExitData);
  CHECK(refused.sentence ==
        "/data/node-8081/raft_state.json belongs to another node (node-8082), this one is node-8081.");
}

TEST_CASE_METHOD(DataFixture, "another cluster's data are refused") {
  script.state = state_of(config);
  const auto named = refusal(config_of({{"KV_CLUSTER", "orders"}}));
  CHECK(named.exit_code == kvserver::kExitData);
  CHECK(named.sentence ==
        "/data/node-8081/raft_state.json belongs to another cluster than KV_CLUSTER, which is \"orders\".");
  script.state->identity.cluster = kvserver::cluster_id_of("orders");
  CHECK(refusal(config).exit_code == kvserver::kExitData);
}

TEST_CASE_METHOD(DataFixture, "data that can't be read are refused with exit 3, and the sentence names the file") {
  script.error = errc::corrupt_data;
  script.detail = "/data/node-8081/raft_log.jsonl: line 7: the checksum is wrong";
  CHECK(refusal(config).exit_code == kvserver::kExitData);
  CHECK(refusal(config).sentence == script.detail);
  script.error = errc::locked;
  script.detail = "";
  CHECK(refusal(config).exit_code == kvserver::kExitData);
  CHECK_THAT(refusal(config).sentence, Catch::Matchers::StartsWith("/data/node-8081: "));
}

TEST_CASE_METHOD(DataFixture, "a folder that can't be used is a matter of RAFT_DATA_DIR") {
  script.error = std::make_error_code(std::errc::permission_denied);
  CHECK(refusal(config).exit_code == kvserver::kExitConfig);
  CHECK_THAT(refusal(config).sentence,
             Catch::Matchers::StartsWith("RAFT_DATA_DIR: the folder /data/node-8081 can't be used: "));
}

TEST_CASE_METHOD(DataFixture,
                 "a file that can't be read, in a folder that can be used, is refused with exit 3 and named") {
  for (const auto failure : {std::errc::permission_denied, std::errc::operation_not_permitted}) {
    script.error = std::make_error_code(failure);
    for (const char* name : {"raft_state.json", "raft_log.jsonl", "snapshot.json"}) {
      script.detail = "/data/node-8081/" + std::string(name) + ": Permission denied";
      CHECK(refusal(config).exit_code == kvserver::kExitData);
      CHECK(refusal(config).sentence == script.detail);
    }
    // Without the lock, or the list of what is there, the folder can't be used.
    for (const char* detail : {"/data/node-8081/lock: Permission denied", "/data/node-8081: Permission denied"}) {
      script.detail = detail;
      CHECK(refusal(config).exit_code == kvserver::kExitConfig);
      CHECK_THAT(refusal(config).sentence, Catch::Matchers::StartsWith("RAFT_DATA_DIR: "));
    }
  }
  script.error = std::make_error_code(std::errc::read_only_file_system);
  script.detail = "/data/node-8081/raft_log.jsonl: Read-only file system";
  CHECK(refusal(config).exit_code == kvserver::kExitConfig);
}
