#include "testkit/explore/scenario.hpp"

#include <fmt/format.h>

#include <string>

namespace libraft::testkit::explore {

namespace {

std::string text(std::uint64_t number) {
  return std::to_string(number);
}
std::string text(LogId id) {
  return fmt::format("({} t{})", id.index.value, id.term.value);
}

/// "t1 t1:1 t2": terms, with the number of the command where there is one.
std::string text(PackedLog log) {
  std::string result;
  for (std::size_t index = 1; index <= log.size(); ++index) {
    result += (index == 1 ? "t" : " t") + text(log.term_at(index));
    if (const std::uint64_t command = log.at(index) & 0xfu; command != 0) result += fmt::format(":{}", command);
  }
  return result.empty() ? "empty" : result;
}

std::string text(const Entries& entries) {
  PackedLog log;
  for (const Entry& entry : entries) log.append(packed(entry));
  return text(log);
}

struct DescribeBody {
  std::string operator()(const PreVote& body) const { return "PreVote last " + text(body.last); }
  std::string operator()(const PreVoteReply& body) const {
    return std::string("PreVoteReply for term ") + text(body.proposed.value) + (body.granted ? " granted" : " refused");
  }
  std::string operator()(const RequestVote& body) const { return "RequestVote last " + text(body.last); }
  std::string operator()(const RequestVoteReply& body) const {
    return body.granted ? "RequestVoteReply granted" : "RequestVoteReply refused";
  }
  std::string operator()(const AppendEntries& body) const {
    return "AppendEntries after " + text(body.previous) + " entries " + text(body.entries) + " commit " +
           text(body.commit.value);
  }
  std::string operator()(const AppendEntriesReply& body) const {
    if (body.accepted) return "AppendEntriesReply match " + text(body.match.value);
    return "AppendEntriesReply refuses " + text(body.rejected.value) + " hint " + text(body.hint);
  }
  std::string operator()(const InstallSnapshot& body) const { return "InstallSnapshot " + text(body.meta.last); }
  std::string operator()(const InstallSnapshotReply& body) const { return "InstallSnapshotReply " + text(body.last); }
  std::string operator()(const TimeoutNow&) const { return "TimeoutNow"; }
  std::string operator()(const TimeoutNowReply&) const { return "TimeoutNowReply"; }
};

std::string name_of(Role role) {
  switch (role) {
    case Role::follower:
      return "follower";
    case Role::pre_candidate:
      return "pre-candidate";
    case Role::candidate:
      return "candidate";
    case Role::leader:
      return "leader";
  }
  return {};
}

std::string text(const Catalogue& catalogue, const Move& move) {
  const std::string node = "node " + text(move.node);
  switch (move.what) {
    case Happening::deliver:
      return node + " gets " + describe(catalogue.message(static_cast<MessageKey>(move.argument)).message);
    case Happening::deliver_late:
      return node + " gets, long after it heard the leader, " +
             describe(catalogue.message(static_cast<MessageKey>(move.argument)).message);
    case Happening::election_timeout:
      return node + " times out";
    case Happening::heartbeat_due:
      return node + " sends heartbeats";
    case Happening::quorum_lost:
      return node + " hears of no quorum";
    case Happening::propose:
      return node + " is given command " + text(move.argument);
    case Happening::read:
      return node + " is asked for a read";
    case Happening::write_completes:
      return node + "'s oldest write completes";
    case Happening::crash:
      return node + " crashes and restarts, with " + text(move.argument) + " parts of its oldest write done";
  }
  return {};
}

std::string text(const NodeView& node) {
  return "node " + text(node.id) + ": " + name_of(node.role) + " of term " + text(node.term) + ", log " +
         text(node.log) + ", commit " + text(node.commit) + "; durable: term " + text(node.disk_term) + ", vote " +
         (node.disk_vote == 0 ? "none" : text(node.disk_vote)) + ", log " + text(node.disk) + "\n";
}

}  // namespace

std::string describe(const Message& message) {
  return std::visit(DescribeBody{}, message.body) + " (" + text(message.route.from.value) + "->" +
         text(message.route.to.value) + " term " + text(term_of(message.body).value) + ")";
}

std::string scenario(const Catalogue& catalogue, const Violation& violation) {
  std::string result = "start\n";
  for (std::size_t i = 0; i < catalogue.shape().size(); ++i) {
    result += "       " + text(catalogue.view(violation.start.nodes[i]));
  }
  std::size_t number = 0;
  for (const PathStep& step : violation.path) {
    std::string label = text(++number) + ". ";
    label.resize(7, ' ');
    result += label + text(catalogue, step.move) + "\n";
    result += "       " + text(catalogue.view(step.after.nodes[step.move.node - 1u]));
    for (std::size_t i = 0; i < step.after.in_flight; ++i) {
      result += "       under way: " + describe(catalogue.message(step.after.messages[i]).message) + "\n";
    }
  }
  return result + "broken: " + violation.rule + "\n";
}

}  // namespace libraft::testkit::explore
