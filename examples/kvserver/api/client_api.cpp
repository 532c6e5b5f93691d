#include "api/client_api.hpp"

#include "api/status_json.hpp"
#include "json/json.hpp"
#include "kv/command.hpp"
#include "kv/map_state_machine.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace kvserver {
namespace {

using libraft::condition;
using libraft::errc;

HttpReply finished(int status, json::Writer& out) {
  auto body = out.take();
  // Only a value that is no text can't be written: nothing of ours puts one there.
  if (!body) return error_reply(500, "internal", "The value is not UTF-8.");
  return json_reply(status, std::move(*body));
}

void add_place(HttpReply& reply, const libraft::Applied& applied) {
  reply.headers.emplace_back("X-Raft-Index", std::to_string(applied.index.value));
  reply.headers.emplace_back("X-Raft-Term", std::to_string(applied.term.value));
}

HttpReply stopping() {
  return error_reply(503, "stopping", "This node is shutting down; nothing was changed.");
}

std::optional<HttpReply> key_error(std::string_view key) {
  if (key.empty()) return error_reply(400, "bad_key", "The key is empty.");
  if (key.size() <= kKeyBytesMax) return std::nullopt;
  return error_reply(400, "key_too_long", fmt::format("The key has more than {} bytes.", kKeyBytesMax));
}

// The key of a request without a body, checked; else the answer that says what is wrong.
struct KeyQuery {
  Query fields;
  std::optional<HttpReply> error;

  [[nodiscard]] const std::string& key() const { return fields.find("key")->second; }
};

KeyQuery read_key_query(std::string_view raw) {
  auto fields = parse_query(raw);
  if (!fields) return {{}, bad_query()};
  const auto key = fields->find("key");
  if (key == fields->end()) return {{}, error_reply(400, "bad_key", "The query has no key.")};
  auto error = key_error(key->second);
  return {std::move(*fields), std::move(error)};
}

// A member that must be a string; else `error` is the answer.
std::string* string_member(json::Value& body, std::string_view name, std::string_view word,
                           std::optional<HttpReply>& error) {
  json::Value* const member = body.find(name);
  std::string* const text = member != nullptr ? member->string() : nullptr;
  if (member == nullptr) {
    error = error_reply(400, word, fmt::format("The body has no {}.", name));
  } else if (text == nullptr) {
    error = error_reply(400, word, fmt::format("The {} is not a string.", name));
  }
  return text;
}

}  // namespace

void ClientApi::install(HttpServer& server) {
  server.route("PUT", "/set", [this](const HttpRequest& request) { return set(request); });
  server.route("GET", "/get", [this](const HttpRequest& request) { return get(request); });
  server.route("DELETE", "/delete", [this](const HttpRequest& request) { return remove(request); });
  server.route("GET", "/health", [this](const HttpRequest& request) { return health(request); });
}

HttpReply starting_reply() {
  return error_reply(503, "starting", "This node is reading its data; nothing was changed.");
}

std::optional<HttpReply> ClientApi::not_serving() const {
  switch (phase_) {
    case Phase::starting:
      return starting_reply();
    case Phase::serving:
      return std::nullopt;
    case Phase::stopping:
      break;
  }
  return stopping();
}

HttpReply ClientApi::set(const HttpRequest& request) {
  if (auto refused = not_serving()) return std::move(*refused);
  if (!parse_query(request.query)) return bad_query();
  std::string problem;
  auto body = json::parse(request.body, problem);
  if (!body) return error_reply(400, "bad_json", "The body is " + problem + ".");
  if (body->object() == nullptr) return error_reply(400, "bad_json", "The body is not a JSON object.");
  std::optional<HttpReply> error;
  const std::string* const key = string_member(*body, "key", "bad_key", error);
  if (key == nullptr) return std::move(*error);
  if (auto bad_key = key_error(*key)) return std::move(*bad_key);
  const std::string* const value = string_member(*body, "value", "bad_value", error);
  if (value == nullptr) return std::move(*error);
  if (value->size() > kValueBytesMax) {
    return error_reply(413, "value_too_large", fmt::format("The value has more than {} bytes.", kValueBytesMax));
  }
  return write(encode(SetCommand{*key, *value}), *key, kStoredReply);
}

HttpReply ClientApi::remove(const HttpRequest& request) {
  if (auto refused = not_serving()) return std::move(*refused);
  const KeyQuery query = read_key_query(request.query);
  if (query.error) return *query.error;
  return write(encode(DeleteCommand{query.key()}), query.key(), kDeletedReply);
}

HttpReply ClientApi::write(std::string command, std::string_view key, std::string_view message) {
  const auto done = node_.propose(libraft::Bytes(std::move(command)), request_timeout_);
  if (!done) return write_error(done.error());
  if (done->reply.view() != message) {
    return error_reply(500, "internal", fmt::format("The state machine answered: {}.", done->reply.view()));
  }
  json::Writer out;
  out.begin_object().member("ok", true).member("message", message).member("key", key).end_object();
  HttpReply reply = finished(200, out);
  add_place(reply, *done);
  return reply;
}

HttpReply ClientApi::get(const HttpRequest& request) {
  if (auto refused = not_serving()) return std::move(*refused);
  const KeyQuery query = read_key_query(request.query);
  if (query.error) return *query.error;
  auto consistency = libraft::Consistency::local;
  if (const auto given = query.fields.find("consistency"); given != query.fields.end()) {
    if (given->second == "linearizable") {
      consistency = libraft::Consistency::linearizable;
    } else if (given->second != "local") {
      return error_reply(400, "bad_consistency", "The consistency is neither local nor linearizable.");
    }
  }
  const auto seen = node_.query(query.key(), consistency, request_timeout_);
  if (!seen) return read_error(seen.error());
  json::Writer out;
  const auto value = value_in(seen->reply.view());
  out.begin_object().member("ok", value.has_value());
  if (value) {
    out.member("key", query.key()).member("value", *value);
  } else {
    out.member("message", "key not found");
  }
  out.end_object();
  HttpReply reply = finished(value ? 200 : 404, out);
  add_place(reply, *seen);
  return reply;
}

HttpReply ClientApi::health(const HttpRequest& request) {
  const libraft::Status status = node_.status();
  if (status.state == libraft::NodeState::failed) return node_failed();
  if (auto refused = not_serving()) return std::move(*refused);
  if (!parse_query(request.query)) return bad_query();
  return json_reply(200, health_json(status, names_));
}

HttpReply ClientApi::write_error(std::error_code error) const {
  if (error == errc::not_leader) return not_leader();
  if (error == errc::command_too_large) {
    return error_reply(413, "value_too_large", "Key and value together are too large.");
  }
  if (error == errc::proposal_dropped) {
    return error_reply(503, "proposal_dropped", "Another leader took over; the write was not done and never will be.");
  }
  if (error == condition::retry_safe) return refusal(error);
  // Unknown, and also the answer to an error that nobody has thought of: a promise is made only where it is known.
  return error_reply(503, "timeout",
                     "The outcome is unknown: the write may have been done, or may still be, or never.");
}

HttpReply ClientApi::read_error(std::error_code error) const {
  // Nothing was changed, so a leader that lost its office is the same as none.
  if (error == errc::not_leader || error == errc::leadership_lost) return not_leader();
  if (error == errc::not_caught_up || error == condition::outcome_unknown) {
    return error_reply(503, "timeout", "The read was not confirmed in time.");
  }
  return refusal(error);
}

HttpReply ClientApi::refusal(std::error_code error) const {
  if (error == errc::node_failed) return node_failed();
  if (error == errc::stopped) return stopping();
  if (error == errc::overloaded) {
    return error_reply(503, "overloaded", "Too many requests are waiting; nothing was changed.");
  }
  if (error == errc::transfer_in_progress) {
    return error_reply(503, "transfer_in_progress", "Leadership is being handed over; nothing was changed.");
  }
  return error_reply(503, "unavailable", fmt::format("Nothing was changed: {}.", error.message()));
}

HttpReply ClientApi::not_leader() const {
  const libraft::Status status = node_.status();
  // A status that is a moment old may still call this node the leader: no hint is better than one that leads here.
  const auto leader = status.leader == status.identity.node ? std::nullopt : status.leader;
  json::Writer out;
  out.begin_object()
      .member("ok", false)
      .member("error", "not_leader")
      .member("message", "not leader")
      .member("leaderId", names_.display_name(leader))
      .member("leader", names_.client_url(leader))
      .end_object();
  return finished(409, out);
}

HttpReply ClientApi::node_failed() const {
  const libraft::Status status = node_.status();
  return error_reply(503, "node_failed", status.failure ? status.failure->reason : "This node has failed.");
}

}  // namespace kvserver
