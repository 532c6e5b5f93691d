#include "kv/node_names.hpp"
#include "support/catch.hpp"

#include <set>

using kvserver::node_id_of;
using kvserver::NodeNames;

namespace {

NodeNames names_of(const std::vector<std::string>& names) {
  std::string clash;
  return NodeNames(NodeNames::table_of(names, clash).value());
}

}  // namespace

TEST_CASE("a name's id is the same on every machine and in every release") {
  CHECK(node_id_of("n1").value == 0xd733a26dd4b49b94u);
  CHECK(node_id_of("node-8081").value == 0xb40ffe5a9214a74fu);
}

TEST_CASE("no name has the id that stands for nobody, and small names have ids of their own") {
  std::set<libraft::NodeId> ids;
  for (int i = 0; i < 10000; ++i) ids.insert(node_id_of("node-" + std::to_string(i)));
  CHECK(ids.size() == 10000);
  CHECK_FALSE(ids.contains(libraft::NodeId{}));
}

TEST_CASE("two nodes with one name are refused with a sentence") {
  std::string clash;
  const auto table = NodeNames::table_of({"n1", "n2", "n1"}, clash);
  CHECK_FALSE(table);
  CHECK(table.error() == libraft::errc::invalid_argument);
  CHECK(clash == "two nodes are called \"n1\"");
}

TEST_CASE("a member is shown by its protocol name until it says what it calls itself") {
  NodeNames names = names_of({"node-8081", "node-8082"});
  const auto id = node_id_of("node-8082");
  CHECK(names.name(id) == "node-8082");
  CHECK(names.display_name(id) == "node-8082");
  CHECK(names.client_url(id).empty());
  names.learn(id, "n2", "http://localhost:8082");
  CHECK(names.name(id) == "node-8082");
  CHECK(names.display_name(id) == "n2");
  CHECK(names.client_url(id) == "http://localhost:8082");
}

TEST_CASE("heard of are the members that said where clients reach them") {
  NodeNames names = names_of({"node-8081", "node-8082"});
  CHECK(names.heard_of().empty());
  names.learn(node_id_of("node-8082"), "n2", "http://localhost:8082");
  CHECK(names.heard_of() == std::vector<kvserver::NodeCard>{{"node-8082", "n2", "http://localhost:8082"}});
}

TEST_CASE("empty texts teach nothing, and nodes that are no members stay unknown") {
  NodeNames names = names_of({"n1"});
  names.learn(node_id_of("n1"), "one", "http://a:1");
  names.learn(node_id_of("n1"), "", "");
  CHECK(names.card(node_id_of("n1")) == kvserver::NodeCard{"n1", "one", "http://a:1"});
  names.learn({7}, "seven", "http://b:1");
  CHECK_FALSE(names.card({7}));
}

TEST_CASE("two members that call themselves the same are shown by their protocol names") {
  NodeNames names = names_of({"node-8081", "node-8082", "node-8083"});
  names.learn(node_id_of("node-8081"), "n1", "");
  names.learn(node_id_of("node-8082"), "n1", "");
  names.learn(node_id_of("node-8083"), "n3", "");
  CHECK(names.display_name(node_id_of("node-8081")) == "node-8081");
  CHECK(names.display_name(node_id_of("node-8082")) == "node-8082");
  CHECK(names.display_name(node_id_of("node-8083")) == "n3");
}

TEST_CASE("nobody is the empty text, and an unknown node its number") {
  const NodeNames names = names_of({"n1"});
  CHECK(names.name(std::nullopt).empty());
  CHECK(names.display_name(std::nullopt).empty());
  CHECK(names.client_url(std::nullopt).empty());
  CHECK(names.display_name(libraft::NodeId{0xab}) == "00000000000000ab");
}

TEST_CASE("a member is found by its protocol name, not by what it calls itself") {
  NodeNames names = names_of({"node-8081"});
  names.learn(node_id_of("node-8081"), "n1", "");
  CHECK(names.id("node-8081") == node_id_of("node-8081"));
  CHECK_FALSE(names.id("n1"));
}
