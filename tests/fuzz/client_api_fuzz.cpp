// Any query and body at the client API: an answer of a known form, and no command that is not what was asked.
//
// The first byte says which request, the second what the node behind it answers; then the query up to the first line
// feed, and the body.
#include <libraft/error.hpp>

#include <array>
#include <optional>

#include "api/client_api.hpp"
#include "fuzz/fuzz.hpp"
#include "json/json.hpp"
#include "kv/command.hpp"

namespace {

using namespace kvserver;
using libraft::fuzz::require;

/// Answers as told, and remembers what it was asked.
struct OneAnswer final : KvNode {
  libraft::Result<libraft::Applied> propose(libraft::Bytes command, libraft::Duration) override {
    proposed = std::string(command.view());
    if (error) return error;
    const bool is_set = proposed->rfind("1 set", 0) == 0;
    return libraft::Applied{{17}, {3}, libraft::Bytes(is_set ? "stored" : "deleted")};
  }
  libraft::Result<libraft::Applied> query(std::string key, libraft::Consistency, libraft::Duration) override {
    asked = std::move(key);
    if (error) return error;
    return libraft::Applied{{16}, {2}, libraft::Bytes(asked->size() % 2 == 0 ? "=" + *asked : std::string())};
  }
  libraft::Status status() const override { return now; }

  std::error_code error;
  libraft::Status now;
  std::optional<std::string> proposed;
  std::optional<std::string> asked;
};

constexpr std::array kErrors{libraft::errc::not_leader,       libraft::errc::command_too_large,
                             libraft::errc::proposal_dropped, libraft::errc::node_failed,
                             libraft::errc::stopped,          libraft::errc::overloaded,
                             libraft::errc::timeout,          libraft::errc::leadership_lost};

bool is_known_status(int status) {
  constexpr std::array kKnown{200, 400, 404, 409, 413, 500, 503};
  for (const int known : kKnown) {
    if (status == known) return true;
  }
  return false;
}

void check_key(std::string_view key) {
  require(!key.empty() && key.size() <= kKeyBytesMax, "no key out of bounds reaches the node");
}

void check_asked(const OneAnswer& node, const HttpReply& reply, const json::Value& body) {
  if (node.asked) check_key(*node.asked);
  if (!node.proposed) return;
  const auto command = decode(*node.proposed);
  require(command.has_value(), "a command that is proposed decodes");
  const auto* const set = std::get_if<SetCommand>(&*command);
  const std::string_view key = set != nullptr ? set->key : std::get<DeleteCommand>(*command).key;
  check_key(key);
  require(set == nullptr || set->value.size() <= kValueBytesMax, "no value out of bounds reaches the node");
  if (reply.status != 200) return;
  const json::Value* const said = body.find("key");
  require(said != nullptr && said->string() != nullptr && *said->string() == key, "the answer names the key");
}

void check_reply(const HttpReply& reply, const OneAnswer& node) {
  require(is_known_status(reply.status), "the status is a known one");
  std::string problem;
  const auto body = json::parse(reply.body, problem);
  require(body && body->object() != nullptr, "every answer is a JSON object");
  const json::Value* const ok = body->find("ok");
  require(ok != nullptr && ok->boolean() != nullptr, "every answer says whether it is ok");
  require(*ok->boolean() == (reply.status == 200), "ok is what the status says");
  const bool is_error = reply.status != 200 && reply.status != 404;
  require(!is_error || (body->find("error") != nullptr && body->find("message") != nullptr), "an error has a word");
  if (reply.status == 400) require(!node.proposed && !node.asked, "a bad request reaches no node");
  check_asked(node, reply, *body);
}

HttpReply answer(ClientApi& api, std::size_t request, std::string_view query, std::string_view body) {
  switch (request) {
    case 0:
      return api.set({"PUT", "/set", query, body});
    case 1:
      return api.get({"GET", "/get", query, body});
    case 2:
      return api.remove({"DELETE", "/delete", query, body});
    default:
      return api.health({"GET", "/health", query, body});
  }
}

void check(libraft::fuzz::Choices choices) {
  static std::string clash;
  static const NodeNames names{*NodeNames::table_of({"node-8081", "node-8082"}, clash)};
  OneAnswer node;
  node.now.state = libraft::NodeState::running;
  ClientApi api(node, names, std::chrono::milliseconds(1000));
  const std::size_t request = choices.below(4);
  const std::size_t state = choices.byte();
  if (state % 16 < kErrors.size()) node.error = kErrors[state % 16];
  if (state / 16 % 4 == 1) node.now.state = libraft::NodeState::failed;
  if (state / 16 % 4 == 2) node.now.leader = node_id_of("node-8082");
  if (state / 64 != 3) api.enter(state / 64 == 2 ? Phase::stopping : Phase::serving);
  const std::string_view rest = choices.rest();
  const std::size_t split = std::min(rest.find('\n'), rest.size());
  check_reply(answer(api, request, rest.substr(0, split), rest.substr(std::min(split + 1, rest.size()))), node);
}

}  // namespace

std::vector<std::string> libraft::fuzz::seeds() {
  const std::string fine = "\x0f";
  const std::string zero(1, '\0');
  return {
      zero + fine + "\n{\"key\":\"name\",\"value\":\"luffy\"}",
      zero + fine +
          "a=1&b=%20\n{\"value\":\"\\u00e9\\ud83d\\ude00\",\"key\":\"\\\"\\\\\\n\",\"more\":[1,-2.5e3,null,true]}",
      zero + zero + "\n{\"key\":\"name\",\"value\":\"luffy\"}",
      zero + fine + "\n{\"key\":7}",
      "\x01" + fine + "key=name&consistency=linearizable",
      "\x01" + fine + "key=n%C3%A9+me&consistency=local",
      "\x01" + fine + "key=%ff",
      "\x02" + fine + "key=name",
      "\x02" + std::string("\x21") + "key=name",
      "\x03" + fine + "",
      "\x03" + std::string("\x1f") + "",
  };
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(libraft::fuzz::Choices(data, size));
  return 0;
}
