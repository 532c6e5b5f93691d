#include "config.hpp"
#include "kv/command.hpp"
#include "kv/node_names.hpp"
#include "support/catch.hpp"

#include <map>
#include <string>

using kvserver::Config;
using kvserver::ConfigError;
using kvserver::Member;

namespace {

using Variables = std::map<std::string, std::string>;

std::variant<Config, ConfigError> load(const Variables& variables) {
  return kvserver::load_config([&](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  });
}

Config config_of(const Variables& variables) {
  auto loaded = load(variables);
  if (const auto* error = std::get_if<ConfigError>(&loaded)) FAIL(error->sentence);
  return std::get<Config>(std::move(loaded));
}

std::string error_of(const Variables& variables) {
  auto loaded = load(variables);
  return std::holds_alternative<ConfigError>(loaded) ? std::get<ConfigError>(loaded).sentence : "(accepted)";
}

const std::string kThree = "http://localhost:9081,http://localhost:9082,http://localhost:9083";

}  // namespace

TEST_CASE("without any variable it is a node alone, as the reference says") {
  const Config config = config_of({});
  CHECK(config.client_port == 8080);
  CHECK(config.raft_port == 9080);
  CHECK(config.bind == "127.0.0.1");
  CHECK(config.advertise == "http://localhost:8080");
  CHECK(config.node_id == "node-8080");
  CHECK(config.self == Member{"node-8080", "http://localhost:9080"});
  CHECK(config.peers.empty());
  CHECK(config.folder() == std::filesystem::path("./data/node-8080"));
  CHECK(config.snapshot_threshold == 50);
  CHECK(config.request_timeout == std::chrono::milliseconds(3000));
  CHECK(config.election_timeout == std::chrono::milliseconds(1000));
  CHECK(config.heartbeat == std::chrono::milliseconds(100));
  CHECK(config.log_level == libraft::LogLevel::info);
  CHECK_FALSE(config.is_bound_elsewhere());
}

TEST_CASE("PORT is used where KVSTORE_PORT is not set, and the Raft port follows") {
  CHECK(config_of({{"PORT", "8085"}}).client_port == 8085);
  CHECK(config_of({{"PORT", "8085"}}).raft_port == 9085);
  CHECK(config_of({{"PORT", "8085"}}).node_id == "node-8085");
  CHECK(config_of({{"PORT", "8085"}, {"KVSTORE_PORT", "8086"}}).client_port == 8086);
  CHECK(config_of({{"PORT", "8085"}, {"KVSTORE_PORT", ""}}).client_port == 8085);
  CHECK(config_of({{"PORT", "8085"}, {"KVSTORE_PORT", ""}}).client_port_variable == "PORT");
  CHECK(config_of({{"PORT", "8085"}, {"KVSTORE_PORT", "8086"}}).client_port_variable == "KVSTORE_PORT");
  CHECK(config_of({}).client_port_variable == "KVSTORE_PORT");
  CHECK(config_of({{"KVSTORE_PORT", "8085"}, {"RAFT_PORT", "7000"}}).raft_port == 7000);
}

TEST_CASE("a bad port is refused by its variable's name") {
  for (const char* bad : {"0", "65536", "-1", "80a", "x", " 80", "1e3", "99999999999999999999"}) {
    CHECK(error_of({{"KVSTORE_PORT", bad}}) ==
          "KVSTORE_PORT is \"" + std::string(bad) + "\", which is no port number (1 to 65535).");
  }
  CHECK(error_of({{"PORT", "x"}}) == "PORT is \"x\", which is no port number (1 to 65535).");
  CHECK(error_of({{"RAFT_PORT", "x"}}) == "RAFT_PORT is \"x\", which is no port number (1 to 65535).");
  CHECK(error_of({{"KVSTORE_PORT", "65000"}}) == "RAFT_PORT must be given: KVSTORE_PORT + 1000 is no port number.");
  CHECK(error_of({{"KVSTORE_PORT", "8081"}, {"RAFT_PORT", "8081"}}) ==
        "RAFT_PORT and KVSTORE_PORT are both 8081: each needs a port of its own.");
}

TEST_CASE("other numbers are refused out of their range") {
  for (const char* name :
       {"RAFT_SNAPSHOT_THRESHOLD", "KV_REQUEST_TIMEOUT_MS", "KV_ELECTION_TIMEOUT_MS", "KV_HEARTBEAT_MS"}) {
    for (const char* bad : {"0", "-5", "many", "5s", "99999999999999999999"}) {
      CHECK_THAT(error_of({{name, bad}}), Catch::Matchers::StartsWith(std::string(name) + " is \"" + bad + "\""));
    }
  }
  CHECK(config_of({{"RAFT_SNAPSHOT_THRESHOLD", "1000000"}}).snapshot_threshold == 1000000);
  CHECK(error_of({{"KV_ELECTION_TIMEOUT_MS", "150"}}) ==
        "KV_ELECTION_TIMEOUT_MS (150) must be at least twice KV_HEARTBEAT_MS (100).");
  CHECK(config_of({{"KV_ELECTION_TIMEOUT_MS", "200"}}).election_timeout == std::chrono::milliseconds(200));
  CHECK(error_of({{"KV_LOG_LEVEL", "loud"}}) ==
        "KV_LOG_LEVEL is \"loud\", which is none of debug, info, warning and error.");
  CHECK(config_of({{"KV_LOG_LEVEL", "debug"}}).log_level == libraft::LogLevel::debug);
}

TEST_CASE("a NODE_ID that would leave the data folder is refused") {
  for (const char* bad : {"", ".", "..", "../n1", "a/b", "/tmp", "a\\b", "a\nb", "\x7f", "\xff"}) {
    INFO(bad);
    CHECK_THAT(error_of({{"NODE_ID", bad}}), Catch::Matchers::StartsWith("NODE_ID is "));
  }
  CHECK_THAT(error_of({{"NODE_ID", std::string(129, 'a')}}), Catch::Matchers::StartsWith("NODE_ID is "));
  CHECK(config_of({{"NODE_ID", "..."}}).node_id == "...");
  CHECK(config_of({{"NODE_ID", "n\xc3\xa9 1"}}).folder() == std::filesystem::path("./data/n\xc3\xa9 1"));
}

TEST_CASE("without PEER_IDS every node is called by its Raft port, whatever NODE_ID says") {
  const Config config = config_of({{"KVSTORE_PORT", "8082"}, {"NODE_ID", "n2"}, {"PEERS", kThree}});
  CHECK(config.node_id == "n2");
  CHECK(config.self == Member{"node-8082", "http://localhost:9082"});
  CHECK(config.peers ==
        std::vector<Member>{{"node-8081", "http://localhost:9081"}, {"node-8083", "http://localhost:9083"}});
}

TEST_CASE("with PEER_IDS nodes are called by their NODE_IDs") {
  const Config config = config_of({{"KVSTORE_PORT", "8081"},
                                   {"NODE_ID", "n1"},
                                   {"PEERS", "http://10.0.0.2:9000, http://10.0.0.3:9000/"},
                                   {"PEER_IDS", "n2,n3"}});
  CHECK(config.self == Member{"n1", "http://localhost:9081"});
  CHECK(config.peers == std::vector<Member>{{"n2", "http://10.0.0.2:9000"}, {"n3", "http://10.0.0.3:9000"}});
}

TEST_CASE("the own entry is skipped, wherever it stands and however the own host is written") {
  for (const char* own :
       {"http://localhost:9082", "http://127.0.0.1:9082/", "HTTP://LocalHost:9082", "http://[::1]:9082"}) {
    const Config config = config_of({{"KVSTORE_PORT", "8082"}, {"PEERS", std::string(own) + ",http://localhost:9083"}});
    CHECK(config.peers == std::vector<Member>{{"node-8083", "http://localhost:9083"}});
    CHECK(config.self.name == "node-8082");
  }
  const Config named = config_of({{"KVSTORE_PORT", "8081"},
                                  {"NODE_ID", "b"},
                                  {"KV_BIND", "0.0.0.0"},
                                  {"KV_ADVERTISE", "http://b.example:8081"},
                                  {"PEERS", "http://10.0.0.1:9081,http://10.0.0.2:9081"},
                                  {"PEER_IDS", "a,b"}});
  CHECK(named.self == Member{"b", "http://10.0.0.2:9081"});
  CHECK(named.peers == std::vector<Member>{{"a", "http://10.0.0.1:9081"}});
}

TEST_CASE("the same port on another loopback address is another node") {
  const Config config = config_of({{"KVSTORE_PORT", "8081"},
                                   {"NODE_ID", "a"},
                                   {"KV_BIND", "127.1.0.1"},
                                   {"PEERS", "http://127.1.0.1:9081,http://127.1.0.2:9081"},
                                   {"PEER_IDS", "a,b"}});
  CHECK(config.peers == std::vector<Member>{{"b", "http://127.1.0.2:9081"}});
  CHECK(config.advertise == "http://localhost:8081");
  CHECK(config.is_hint_misleading());
  CHECK(config.is_bound_elsewhere());
  CHECK_THAT(error_of({{"KVSTORE_PORT", "8081"},
                       {"NODE_ID", "a"},
                       {"KV_BIND", "127.1.0.1"},
                       {"PEERS", "http://127.1.0.2:9081"},
                       {"PEER_IDS", "a"}}),
             Catch::Matchers::StartsWith("PEER_IDS calls http://127.1.0.2:9081 \"a\""));
}

TEST_CASE("nodes on one port of several machines need PEER_IDS") {
  CHECK_THAT(error_of({{"KVSTORE_PORT", "8081"}, {"PEERS", "http://10.0.0.2:9081"}}),
             libraft::test::contains_text("PEER_IDS"));
  CHECK_THAT(error_of({{"PEERS", "http://10.0.0.2:9081,http://10.0.0.3:9081"}}),
             libraft::test::contains_text("PEER_IDS"));
}

TEST_CASE("PEER_IDS must fit to PEERS") {
  const std::string two = "http://localhost:9082,http://localhost:9083";
  const Variables base{{"KVSTORE_PORT", "8081"}, {"NODE_ID", "n1"}, {"PEERS", two}};
  const auto with_ids = [&](const char* ids) {
    Variables variables = base;
    variables["PEER_IDS"] = ids;
    return error_of(variables);
  };
  CHECK(with_ids("n2") == "PEER_IDS has 1 names for the 2 URLs of PEERS.");
  CHECK(with_ids("n2,n3,n4") == "PEER_IDS has 3 names for the 2 URLs of PEERS.");
  CHECK(with_ids("n2,n2") == "PEER_IDS has \"n2\" twice.");
  CHECK(with_ids("n2,") == "PEER_IDS has \"\", which is empty.");
  CHECK(with_ids("n2,a/b") == "PEER_IDS has \"a/b\", which contains a slash.");
  CHECK_THAT(with_ids("n2,n1"), Catch::Matchers::StartsWith("PEER_IDS calls http://localhost:9083 \"n1\""));
  CHECK(with_ids("n2,n3") == "(accepted)");
  CHECK_THAT(error_of({{"KVSTORE_PORT", "8081"}, {"NODE_ID", "n1"}, {"PEERS", kThree}, {"PEER_IDS", "x,n2,n3"}}),
             Catch::Matchers::StartsWith("PEER_IDS calls http://localhost:9081 \"x\", but that is this node"));
}

TEST_CASE("PEERS takes http URLs only, each once") {
  CHECK(error_of({{"PEERS", "https://a:9081"}}) ==
        "PEERS has \"https://a:9081\", but the nodes speak plain http to each other.");
  CHECK(error_of({{"RAFT_NODES", "localhost:9081"}}) == "RAFT_NODES has \"localhost:9081\", which is no URL.");
  for (const char* bad :
       {"ftp://a:1", "http://", "http://:9081", "http://a:0", "http://a:70000", "http://a:9081/x", "http://u@a:1",
        "http://a:1?b", "http://a b:1", "http://[::1:9081", "http://[x]:1", "http://a:"}) {
    INFO(bad);
    CHECK_THAT(error_of({{"PEERS", bad}}), Catch::Matchers::StartsWith("PEERS has "));
  }
  CHECK(error_of({{"PEERS", "http://a:9081,,http://a:9082"}}) == "PEERS has \"\", which is no URL.");
  CHECK_THAT(error_of({{"PEERS", "http://a:9081,http://A:9081/"}}), libraft::test::contains_text("twice"));
}

TEST_CASE("RAFT_NODES is another name for PEERS, and both must say the same") {
  const std::string list = "http://localhost:9081,http://localhost:9082";
  CHECK(config_of({{"RAFT_NODES", list}}).peers.size() == 2);
  CHECK(config_of({{"RAFT_NODES", list}, {"PEERS", ""}}).peers.size() == 2);
  CHECK(config_of({{"RAFT_NODES", list}, {"PEERS", "http://localhost:9081/, http://localhost:9082"}}).peers.size() ==
        2);
  CHECK_THAT(error_of({{"RAFT_NODES", list}, {"PEERS", "http://localhost:9081"}}),
             Catch::Matchers::StartsWith("PEERS and RAFT_NODES differ"));
}

TEST_CASE("localhost is another node where this one listens on another address, unless it advertises that name") {
  Variables given{{"KV_BIND", "127.0.0.2"}, {"KVSTORE_PORT", "8081"}};
  for (const char* peers : {"http://localhost:9081", "http://127.0.0.2:9081,http://localhost:9081"}) {
    given["PEERS"] = peers;
    CHECK(
        error_of(given) ==
        "PEERS has http://localhost:9081, and another node uses port 9081 too, so both would be called node-8081: name "
        "the nodes with PEER_IDS.");
  }
  given["PEERS"] = "http://localhost:9082,http://localhost:9081";
  given["KV_ADVERTISE"] = "http://localhost:8081";
  CHECK(config_of(given).peers == std::vector<Member>{{"node-8082", "http://localhost:9082"}});
}

TEST_CASE("an address beyond this machine is known as such, and a wildcard needs KV_ADVERTISE") {
  CHECK(error_of({{"KV_BIND", "here"}}) == "KV_BIND is \"here\", which is no IP address.");
  CHECK_THAT(error_of({{"KV_BIND", "0.0.0.0"}}), Catch::Matchers::StartsWith("KV_ADVERTISE must be given"));
  CHECK_THAT(error_of({{"KV_BIND", "::"}}), Catch::Matchers::StartsWith("KV_ADVERTISE must be given"));
  const Config open = config_of({{"KV_BIND", "0.0.0.0"}, {"KV_ADVERTISE", "https://kv.example/"}});
  CHECK(open.is_bound_elsewhere());
  CHECK(open.advertise == "https://kv.example");
  CHECK_FALSE(open.is_hint_misleading());
  CHECK(config_of({{"KV_BIND", "localhost"}}).bind == "127.0.0.1");
  CHECK(error_of({{"KV_ADVERTISE", "localhost"}}) == "KV_ADVERTISE is \"localhost\", which is no URL.");
}

TEST_CASE("clients are told localhost where KV_ADVERTISE says nothing, with a warning where that may mislead them") {
  CHECK(config_of({}).advertise == "http://localhost:8080");
  CHECK_FALSE(config_of({}).is_hint_misleading());
  CHECK_FALSE(config_of({{"KV_BIND", "localhost"}}).is_hint_misleading());
  for (const char* address : {"10.0.0.1", "127.1.0.1", "::1"}) {
    CAPTURE(address);
    CHECK(config_of({{"KV_BIND", address}}).advertise == "http://localhost:8080");
    CHECK(config_of({{"KV_BIND", address}}).is_hint_misleading());
    CHECK_FALSE(config_of({{"KV_BIND", address}, {"KV_ADVERTISE", "http://localhost:8080"}}).is_hint_misleading());
  }
}

TEST_CASE("nodes with the same members have one cluster id, others have another") {
  const auto cluster_of = [](const Variables& variables) { return config_of(variables).node_options().cluster; };
  const auto first = cluster_of({{"KVSTORE_PORT", "8081"}, {"PEERS", kThree}});
  CHECK(first == cluster_of({{"KVSTORE_PORT", "8083"}, {"PEERS", "http://localhost:9082,http://localhost:9081"}}));
  CHECK(first != cluster_of({{"KVSTORE_PORT", "8081"}, {"PEERS", "http://localhost:9082"}}));
  CHECK(cluster_of({{"KV_CLUSTER", "a"}}) == cluster_of({{"KV_CLUSTER", "a"}, {"PEERS", kThree}}));
  CHECK(cluster_of({{"KV_CLUSTER", "a"}}) != cluster_of({{"KV_CLUSTER", "b"}}));
  CHECK(cluster_of({{"KV_CLUSTER", "a"}}) == kvserver::cluster_id_of("a"));
}

TEST_CASE("the node's options are valid and large enough for the largest pair") {
  const Config config = config_of({{"KVSTORE_PORT", "8081"}, {"PEERS", kThree}, {"RAFT_SNAPSHOT_THRESHOLD", "7"}});
  const libraft::NodeOptions options = config.node_options();
  CHECK(libraft::validate(options).empty());
  CHECK(options.id == kvserver::node_id_of("node-8081"));
  REQUIRE(options.bootstrap);
  CHECK(options.bootstrap->voters.size() == 3);
  CHECK(options.core.snapshot_after_entries == 7);
  CHECK(options.core.trailing_entries == 0);
  CHECK(options.core.command_bytes_max >= kvserver::kCommandBytesMax);
}

TEST_CASE("every variable is described once, with its default") {
  std::map<std::string_view, int> seen;
  for (const auto& variable : kvserver::variables()) {
    ++seen[variable.name];
    CHECK_FALSE(variable.default_value.empty());
    CHECK_FALSE(variable.meaning.empty());
  }
  CHECK(seen.size() == 16);
  for (const auto& [name, count] : seen) CHECK(count == 1);
}
