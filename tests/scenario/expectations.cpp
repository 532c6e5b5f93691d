// What scenarios expect: every expectation compares words, so that a failure shows both sides.
#include "messages.hpp"
#include "player.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace libraft::test {

namespace {

using Properties = std::map<std::string, std::string>;

std::string name_of(std::optional<NodeId> id) {
  return id ? "n" + std::to_string(id->value) : "-";
}

std::string name_of(const std::error_code& error) {
  constexpr std::array kNamed{
      std::pair{errc::not_leader, "not_leader"},
      std::pair{errc::overloaded, "overloaded"},
      std::pair{errc::command_too_large, "command_too_large"},
      std::pair{errc::transfer_in_progress, "transfer_in_progress"},
      std::pair{errc::transfer_failed, "transfer_failed"},
      std::pair{errc::wrong_term, "wrong_term"},
  };
  if (!error) return "ok";
  for (const auto& named : kNamed) {
    if (error == named.first) return named.second;
  }
  return error.message();
}

Properties properties_of(const CoreNode& node) {
  std::vector<std::uint64_t> terms;
  for (const Entry& entry : node.disk.entries) terms.push_back(entry.id.term.value);
  Properties properties{{"up", node.core ? "yes" : "no"},
                        {"log", to_text(terms)},
                        {"disk_term", std::to_string(node.disk.hard_state.term.value)},
                        {"disk_vote", name_of(node.disk.hard_state.vote)},
                        {"writes", std::to_string(node.writes.size())},
                        {"jobs", std::to_string(node.jobs.size())},
                        {"machine", std::to_string(node.applied.value)}};
  if (!node.core) return properties;
  const CoreStatus status = node.core->status();
  properties["role"] = to_string(status.role);
  properties["term"] = std::to_string(status.term.value);
  properties["vote"] = name_of(status.vote);
  properties["leader"] = name_of(status.leader);
  properties["commit"] = std::to_string(status.commit.value);
  properties["applied"] = std::to_string(status.applied.value);
  properties["durable"] = std::to_string(status.durable.value);
  properties["start"] = to_text(status.log_start);
  properties["last"] = to_text(status.log_last);
  properties["snapshot"] = to_text(status.snapshot);
  return properties;
}

/// Every field is as it should be; `whose` begins the complaint.
void compare(const Statement& statement, const std::string& whose, const Properties& properties) {
  for (const auto& [name, expected] : statement.fields) {
    const auto found = properties.find(name);
    if (found == properties.end()) statement.fail(whose + " has no '" + name + "' (or is down)");
    if (found->second == expected) continue;
    statement.fail(whose + ": expected " + name + "=" + expected + ", actual " + name + "=" + found->second);
  }
}

void compare(const Statement& statement, const std::string& expected, const std::string& actual) {
  if (actual != expected) statement.fail("expected " + expected + ", actual " + actual);
}

}  // namespace

void Player::expect_node(const Statement& statement) {
  if (statement.fields.empty()) statement.fail("it expects nothing");
  for (const CoreNode* each : nodes(statement)) {
    compare(statement, "n" + std::to_string(each->id.value), properties_of(*each));
  }
}

void Player::expect_progress(const Statement& statement) {
  const NodeId of = node(statement, 1).id;
  for (const PeerProgress& progress : live_node(statement).core->progress()) {
    if (progress.id != of) continue;
    return compare(statement, "the progress",
                   {{"state", std::string(to_string(progress.state))},
                    {"match", std::to_string(progress.match.value)},
                    {"next", std::to_string(progress.next.value)},
                    {"active", progress.is_active ? "yes" : "no"}});
  }
  statement.fail("it does not lead");
}

bool Player::has_message(const Statement& statement) {
  const Selection wanted = selection(statement);
  const auto& network = running(statement).network();
  return std::any_of(network.begin(), network.end(), [&](const Message& message) {
    if (!wanted.covers(message)) return false;
    const Fields actual = fields_of(message.body);
    return std::all_of(statement.fields.begin(), statement.fields.end(), [&](const auto& field) {
      const bool is_known =
          std::any_of(actual.begin(), actual.end(), [&](const auto& known) { return known.first == field.first; });
      if (!is_known) statement.fail("this kind of message has no field '" + field.first + "'");
      return std::find(actual.begin(), actual.end(), field) != actual.end();
    });
  });
}

void Player::expect_message(const Statement& statement) {
  if (!has_message(statement)) statement.fail("expected such a message, actual ones: " + under_way());
}

void Player::expect_no_message(const Statement& statement) {
  if (has_message(statement)) statement.fail("expected no such message, actual ones: " + under_way());
}

void Player::expect_proposal(const Statement& statement) {
  const CoreNode& proposer = live_node(statement);
  if (!proposer.proposal) statement.fail("nothing was proposed to it");
  compare(statement, statement.arguments[1], name_of(proposer.proposal->error));
}

void Player::expect_read(const Statement& statement) {
  const auto request = requests_.find(statement.arguments[0]);
  if (request == requests_.end()) statement.fail("there is no read '" + statement.arguments[0] + "'");
  std::string actual = "pending";
  for (const ReadOutcome& read : live_node(statement, 1).reads) {
    if (read.id != request->second) continue;
    actual = read.error ? name_of(read.error) : std::to_string(read.index.value);
  }
  compare(statement, statement.arguments[2], actual);
}

void Player::expect_transfer(const Statement& statement) {
  const auto request = requests_.find(statement.arguments[0]);
  if (request == requests_.end()) statement.fail("there is no transfer '" + statement.arguments[0] + "'");
  std::string actual = "pending";
  for (const TransferOutcome& transfer : live_node(statement, 1).transfers) {
    if (transfer.id == request->second) actual = name_of(transfer.error);
  }
  compare(statement, statement.arguments[2], actual);
}

void Player::expect_committed(const Statement& statement) {
  std::vector<std::uint64_t> terms;
  for (const auto& [index, id] : running(statement).committed()) terms.push_back(id.term.value);
  compare(statement, statement.arguments[0], to_text(terms));
}

void Player::expect_leader(const Statement& statement) {
  const CoreNode* leader = running(statement).leader();
  const std::string actual = leader == nullptr ? "none" : name_of(leader->id);
  if (statement.arguments[0] == "some" && leader != nullptr) return;
  compare(statement, statement.arguments[0], actual);
}

void Player::expect_same_state(const Statement& statement) {
  const CoreNode* first = nullptr;
  for (const CoreNode* each : running(statement).nodes()) {
    if (!each->core) continue;
    if (first == nullptr) first = each;
    if (each->applied == first->applied && each->state == first->state) continue;
    statement.fail("expected the same state, actual: n" + std::to_string(first->id.value) + " applied " +
                   std::to_string(first->applied.value) + ", n" + std::to_string(each->id.value) + " applied " +
                   std::to_string(each->applied.value) + (each->applied == first->applied ? ", another state" : ""));
  }
}

}  // namespace libraft::test
