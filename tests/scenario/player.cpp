#include "player.hpp"

#include "messages.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace libraft::test {

const std::vector<Player::Verb>& Player::verbs() {
  static const std::vector<Verb> all{
      {"cluster COUNT FIELDS", &Player::cluster},
      {"disk NODE FIELDS", &Player::disk},
      {"time out NODE", &Player::time_out},
      {"wait TIME", &Player::wait},
      {"clock TIME", &Player::clock},
      {"elect NODE", &Player::elect},
      {"settle", &Player::settle},
      {"deliver KIND NODE -> NODE", &Player::deliver},
      {"deliver all KIND NODE -> NODE", &Player::deliver_all},
      {"drop KIND NODE -> NODE", &Player::drop},
      {"drop all KIND NODE -> NODE", &Player::drop_all},
      {"duplicate KIND NODE -> NODE", &Player::duplicate},
      {"copy KIND NODE -> NODE as NAME", &Player::copy},
      {"replay NAME", &Player::replay},
      {"send KIND NODE -> NODE FIELDS", &Player::send},
      {"lose KIND NODE -> NODE", &Player::lose},
      {"hold KIND NODE -> NODE", &Player::hold},
      {"heal", &Player::heal},
      {"cut WORDS", &Player::cut},
      {"crash NODE after COUNT parts", &Player::crash_after},
      {"crash NODE", &Player::crash},
      {"restart NODE", &Player::restart},
      {"persist NODE", &Player::persist},
      {"persist all NODE", &Player::persist_all},
      {"hold disk NODE", &Player::hold_disk},
      {"release disk NODE", &Player::release_disk},
      {"fail write NODE after COUNT parts", &Player::crash_after},
      {"fail write NODE", &Player::fail_write},
      {"full disk NODE", &Player::full_disk},
      {"hold jobs NODE", &Player::hold_jobs},
      {"release jobs NODE", &Player::release_jobs},
      {"run job NODE", &Player::run_job},
      {"fail job NODE", &Player::fail_job},
      {"propose NODE WORDS", &Player::propose},
      {"read NODE NAME", &Player::read},
      {"transfer NODE -> NODE as NAME", &Player::transfer},
      {"snapshot NODE", &Player::snapshot},
      {"step down NODE", &Player::step_down},
      {"expect progress NODE -> NODE FIELDS", &Player::expect_progress},
      {"expect message KIND NODE -> NODE FIELDS", &Player::expect_message},
      {"expect no message KIND NODE -> NODE FIELDS", &Player::expect_no_message},
      {"expect proposal NODE NAME", &Player::expect_proposal},
      {"expect read NAME NODE NAME", &Player::expect_read},
      {"expect transfer NAME NODE NAME", &Player::expect_transfer},
      {"expect committed NAME", &Player::expect_committed},
      {"expect leader NAME", &Player::expect_leader},
      {"expect same state", &Player::expect_same_state},
      {"expect NODE FIELDS", &Player::expect_node},
      {"expect stop NODE by KIND NODE -> NODE FIELDS", &Player::stops},
  };
  return all;
}

std::vector<std::string_view> Player::patterns() {
  std::vector<std::string_view> all;
  for (const Verb& verb : verbs()) all.push_back(verb.pattern);
  return all;
}

void Player::play(const Statement& statement) {
  try {
    (this->*verbs().at(statement.pattern).handler)(statement);
  } catch (const ScenarioError&) {
    throw;
  } catch (const std::exception& error) {  // a broken rule of safety, seen by the core or by the cluster
    statement.fail(error.what());
  }
}

bool Player::Selection::covers(const Message& message) const {
  return (kind == "any" || kind == kind_of(message.body)) && (from == NodeId{} || from == message.route.from) &&
         (to == NodeId{} || to == message.route.to);
}

Player::Selection Player::selection(const Statement& statement) {
  return {statement.arguments[0],
          {node_of(statement, statement.arguments[1])},
          {node_of(statement, statement.arguments[2])}};
}

std::size_t Player::position_of(const Statement& statement) {
  const auto& network = running(statement).network();
  const Selection wanted = selection(statement);
  const auto found =
      std::find_if(network.begin(), network.end(), [&](const Message& message) { return wanted.covers(message); });
  if (found == network.end()) statement.fail("no such message is under way; these are: " + under_way());
  return static_cast<std::size_t>(found - network.begin());
}

CoreCluster& Player::running(const Statement& statement) {
  if (!cluster_) statement.fail("there is no cluster yet");
  return *cluster_;
}

CoreNode& Player::node(const Statement& statement, std::size_t argument) {
  const std::uint64_t id = node_of(statement, statement.arguments[argument]);
  for (CoreNode* candidate : running(statement).nodes()) {
    if (candidate->id == NodeId{id}) return *candidate;
  }
  statement.fail("there is no node " + statement.arguments[argument]);
}

CoreNode& Player::live_node(const Statement& statement, std::size_t argument) {
  CoreNode& found = node(statement, argument);
  if (!found.core) statement.fail(statement.arguments[argument] + " is down");
  return found;
}

std::vector<CoreNode*> Player::nodes(const Statement& statement) {
  if (statement.arguments[0] != "*") return {&node(statement)};
  return running(statement).nodes();
}

std::string Player::under_way() {
  std::string text;
  for (const Message& message : cluster_->network()) {
    text += "\n    " + std::string(kind_of(message.body)) + " n" + std::to_string(message.route.from.value) + " -> n" +
            std::to_string(message.route.to.value) + " " + to_text(fields_of(message.body));
  }
  return text.empty() ? "none" : text;
}

namespace {

void set_option(const Statement& statement, const std::string& name, const std::string& value, CoreOptions& options) {
  if (name == "pre_vote") {
    options.pre_vote = yes_or_no(statement, value);
  } else if (name == "check_quorum") {
    options.check_quorum = yes_or_no(statement, value);
  } else if (name == "append_entries_max") {
    options.append_entries_max = number_of(statement, value);
  } else if (name == "in_flight_messages_max") {
    options.in_flight_messages_max = number_of(statement, value);
  } else if (name == "command_bytes_max") {
    options.command_bytes_max = number_of(statement, value);
  } else if (name == "uncommitted_bytes_max") {
    options.uncommitted_bytes_max = number_of(statement, value);
  } else if (name == "entry_cache_bytes") {
    options.entry_cache_bytes = number_of(statement, value);
  } else if (name == "apply_entries_max") {
    options.apply_entries_max = number_of(statement, value);
  } else if (name == "snapshot_after_entries") {
    options.snapshot_after_entries = number_of(statement, value);
  } else if (name == "trailing_entries") {
    options.trailing_entries = number_of(statement, value);
  } else if (name == "trailing_entries_for_followers_max") {
    options.trailing_entries_for_followers_max = number_of(statement, value);
  } else {
    statement.fail("there is no option '" + name + "'");
  }
}

}  // namespace

void Player::cluster(const Statement& statement) {
  if (cluster_) statement.fail("there is a cluster already");
  const std::uint64_t count = number_of(statement, statement.arguments[0]);
  if (count < 1 || count > 9) statement.fail("a cluster has 1 to 9 nodes");
  CoreOptions options;
  options.snapshot_chunk_bytes = 3;
  for (const auto& [name, value] : statement.fields) set_option(statement, name, value, options);
  if (const std::string error = validate(options); !error.empty()) statement.fail(error);
  cluster_ = std::make_unique<CoreCluster>(count, options, 1);
  cluster_->passes = [this](const Message& message) {
    return cut_.contains(message.route.from) == cut_.contains(message.route.to) &&
           std::none_of(lost_.begin(), lost_.end(), [&](const Selection& lost) { return lost.covers(message); });
  };
  cluster_->holds = [this](const Message& message) {
    return std::any_of(held_.begin(), held_.end(), [&](const Selection& held) { return held.covers(message); });
  };
}

void Player::disk(const Statement& statement) {
  CoreNode& owner = node(statement);
  cluster_->crash(owner);
  owner.disk = {};
  for (const auto& [name, value] : statement.fields) {
    if (name == "term") {
      owner.disk.hard_state.term = {number_of(statement, value)};
    } else if (name == "vote") {
      owner.disk.hard_state.vote = NodeId{node_of(statement, value)};
    } else if (name == "log") {
      owner.disk.entries = log_of(numbers_of(statement, value));
    } else {
      statement.fail("a disk has term, vote and log");
    }
  }
  if (owner.disk.hard_state.term < owner.disk.last().term) statement.fail("the term of a disk is at least its log's");
  cluster_->restart(owner);
}

void Player::time_out(const Statement& statement) {
  cluster_->time_out(live_node(statement));
}

void Player::wait(const Statement& statement) {
  running(statement).run_for(Duration(nanoseconds_of(statement, statement.arguments[0])));
}

void Player::clock(const Statement& statement) {
  running(statement).pass_time(Duration(nanoseconds_of(statement, statement.arguments[0])));
}

/// So long a silence that nobody holds a leader dear any more; then this one is the first to notice.
void Player::elect(const Statement& statement) {
  CoreNode& candidate = live_node(statement);
  cluster_->pass_time(2 * CoreOptions{}.election_timeout);
  cluster_->time_out(candidate);
  cluster_->settle();
  if (!candidate.core || candidate.core->status().role != Role::leader) {
    statement.fail("it is not elected; it is " + std::string(to_string(candidate.core->status().role)));
  }
}

void Player::settle(const Statement& statement) {
  running(statement).settle();
}

void Player::deliver(const Statement& statement) {
  cluster_->deliver(position_of(statement));
}

void Player::deliver_all(const Statement& statement) {
  const Selection wanted = selection(statement);
  auto& network = running(statement).network();
  // What they cause comes behind them.
  auto left = static_cast<std::size_t>(
      std::count_if(network.begin(), network.end(), [&](const Message& message) { return wanted.covers(message); }));
  if (left == 0) statement.fail("no such message is under way; these are: " + under_way());
  for (; left > 0; --left) cluster_->deliver(position_of(statement));
}

void Player::drop(const Statement& statement) {
  cluster_->drop(position_of(statement));
}

void Player::drop_all(const Statement& statement) {
  const Selection wanted = selection(statement);
  const std::size_t before = running(statement).network().size();
  std::erase_if(cluster_->network(), [&](const Message& message) { return wanted.covers(message); });
  if (cluster_->network().size() == before) statement.fail("no such message is under way; these are: " + under_way());
}

void Player::duplicate(const Statement& statement) {
  cluster_->duplicate(position_of(statement));
}

void Player::copy(const Statement& statement) {
  copies_[statement.arguments[3]] = running(statement).network()[position_of(statement)];
}

void Player::replay(const Statement& statement) {
  const auto found = copies_.find(statement.arguments[0]);
  if (found == copies_.end()) statement.fail("there is no copy '" + statement.arguments[0] + "'");
  cluster_->network().push_back(found->second);
  cluster_->deliver(cluster_->network().size() - 1);
}

void Player::send(const Statement& statement) {
  Message message;
  message.route.from = {node_of(statement, statement.arguments[1])};
  message.route.to = live_node(statement, 2).id;
  const Configuration configuration = live_node(statement, 2).core->configuration();
  message.body = message_of(statement, statement.arguments[0], configuration);
  cluster_->network().push_back(message);
  cluster_->deliver(cluster_->network().size() - 1);
}

/// "expect stop n1 by KIND n3 -> n1 FIELDS": the node finds out that something is wrong for good, and goes no further.
void Player::stops(const Statement& statement) {
  Statement sending = statement;
  sending.arguments.erase(sending.arguments.begin());
  CoreNode& stopping = live_node(statement);
  try {
    send(sending);
  } catch (const InvariantViolation&) {
    cluster_->crash(stopping);
    return;
  }
  statement.fail("it goes on");
}

void Player::lose(const Statement& statement) {
  lost_.push_back(selection(statement));
}

void Player::hold(const Statement& statement) {
  held_.push_back(selection(statement));
}

void Player::cut(const Statement& statement) {
  cut_.clear();
  for (const std::string& word : statement.arguments) cut_.insert({node_of(statement, word)});
}

void Player::heal(const Statement&) {
  lost_.clear();
  held_.clear();
  cut_.clear();
}

void Player::crash(const Statement& statement) {
  cluster_->crash(live_node(statement));
}

void Player::crash_after(const Statement& statement) {
  cluster_->crash_in_write(live_node(statement), number_of(statement, statement.arguments[1]));
}

void Player::restart(const Statement& statement) {
  CoreNode& starting = node(statement);
  if (starting.core) statement.fail("it is up");
  cluster_->restart(starting);
}

void Player::persist(const Statement& statement) {
  CoreNode& owner = live_node(statement);
  if (owner.writes.empty()) statement.fail("it has nothing to write");
  cluster_->persist(owner);
}

void Player::persist_all(const Statement& statement) {
  persist(statement);
  while (!node(statement).writes.empty()) cluster_->persist(node(statement));
}

void Player::hold_disk(const Statement& statement) {
  node(statement).holds_writes = true;
}

void Player::release_disk(const Statement& statement) {
  node(statement).holds_writes = false;
}

// No node goes on after a failed write: it is as if it had died of it.
void Player::fail_write(const Statement& statement) {
  CoreNode& owner = live_node(statement);
  if (owner.writes.empty()) statement.fail("it writes nothing");
  cluster_->crash_in_write(owner, 0);
}

// What the node does with it: the write waits to be tried again, and a leader is told to step down.
void Player::full_disk(const Statement& statement) {
  CoreNode& owner = live_node(statement);
  owner.holds_writes = true;
  cluster_->step(owner, StepDownRequested{});
}

void Player::hold_jobs(const Statement& statement) {
  node(statement).holds_jobs = true;
}

void Player::release_jobs(const Statement& statement) {
  node(statement).holds_jobs = false;
}

void Player::run_job(const Statement& statement) {
  CoreNode& owner = live_node(statement);
  if (owner.jobs.empty()) statement.fail("it has no job");
  cluster_->run_job(owner);
}

void Player::fail_job(const Statement& statement) {
  cluster_->fail_job(live_node(statement), make_error_code(errc::no_space));
}

void Player::propose(const Statement& statement) {
  CoreNode& leader = live_node(statement);
  Propose request;
  for (std::size_t i = 1; i < statement.arguments.size(); ++i) request.commands.emplace_back(statement.arguments[i]);
  if (request.commands.empty()) statement.fail("propose what?");
  cluster_->step(leader, request);
}

void Player::read(const Statement& statement) {
  const RequestId id{requests_.size() + 1};
  if (!requests_.emplace(statement.arguments[1], id).second) statement.fail("the name is taken");
  cluster_->step(live_node(statement), ReadIndexRequested{id});
}

void Player::transfer(const Statement& statement) {
  const RequestId id{requests_.size() + 1};
  if (!requests_.emplace(statement.arguments[2], id).second) statement.fail("the name is taken");
  cluster_->step(live_node(statement), TransferRequested{id, node(statement, 1).id});
}

void Player::snapshot(const Statement& statement) {
  cluster_->step(live_node(statement), SnapshotRequested{});
}

void Player::step_down(const Statement& statement) {
  cluster_->step(live_node(statement), StepDownRequested{});
}

void play_text(const std::string& file, std::string_view text) {
  const std::vector<Statement> statements = parse_scenario(file, text, Player::patterns());
  const bool expects = std::any_of(statements.begin(), statements.end(),
                                   [](const Statement& statement) { return statement.text.starts_with("expect "); });
  if (!expects) throw ScenarioError(file + ": it expects nothing");
  Player player;
  for (const Statement& statement : statements) player.play(statement);
}

void play_scenario(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw ScenarioError(path + ": cannot be read");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  play_text(path.substr(path.rfind('/') + 1), text);
}

}  // namespace libraft::test
