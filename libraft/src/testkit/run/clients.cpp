#include "testkit/run/clients.hpp"

#include <libraft/error.hpp>

#include <fmt/format.h>
#include <libraft/options.hpp>
#include <libraft/status.hpp>

#include <algorithm>
#include <utility>

namespace libraft::testkit {

using std::chrono::milliseconds;

Clients::Clients(const Service& service, Cluster& cluster, Agenda& agenda, const Settings& settings,
                 std::vector<Watcher*> watchers)
    : service_(service),
      cluster_(cluster),
      agenda_(agenda),
      settings_(settings.clients),
      watchers_(std::move(watchers)),
      preferred_(cluster.ids()) {
  for (std::uint64_t id = 1; id <= settings_.count; ++id) {
    clients_.push_back({id, stream(settings.seed, Purpose::client, id), {}, {}, {}, {}, {}, false});
  }
}

void Clients::begin() {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    Client& client = clients_[i];
    client.target = anybody(client.random);
    client.due = agenda_.now() + client.random.between(Duration(1), settings_.interval);
    agenda_.at(client.due, [this, i] { invoke(i); });
  }
}

NodeId Clients::anybody(Random& random) const {
  return preferred_[random.below(preferred_.size())];
}

// A client that fell behind its own pace makes up for it, as a queue of users would.
void Clients::next(std::size_t index) {
  Client& client = clients_[index];
  const TimePoint soonest = std::max(client.not_before, agenda_.now() + milliseconds(1));
  agenda_.at(std::max(client.due, soonest), [this, index] { invoke(index); });
}

void Clients::invoke(std::size_t index) {
  if (is_stopped_) return;
  Client& client = clients_[index];
  if (client.random.chance(settings_.wrong_node_ppm)) client.target = anybody(client.random);
  if (!cluster_.is_up(client.target)) {  // nobody there: a connection refused
    client.target = anybody(client.random);
    agenda_.in(client.random.between(milliseconds(5), milliseconds(50)), [this, index] { invoke(index); });
    return;
  }
  const Operation operation = draw(client);
  client.waits_for = operation.id;
  requests_[operation.id] = {index, operation, agenda_.now()};
  for (Watcher* watcher : watchers_) watcher->on_invoked(operation);
  agenda_.in(settings_.patience, [this, index, id = operation.id] {
    if (clients_[index].waits_for == id) give_up(index, id);
  });
  send(operation);
}

Operation Clients::draw(Client& client) {
  Operation operation;
  operation.id = ++operations_;
  operation.client = client.id;
  operation.at = client.target;
  if (service_.query && client.random.chance(settings_.reads_ppm)) {
    operation.kind = Operation::Kind::read;
    operation.query = service_.query(client.random);
    operation.is_linearizable = !client.random.chance(settings_.local_ppm);
  } else if (client.random.chance(settings_.index_ppm)) {
    operation.kind = Operation::Kind::read_index;
    operation.is_linearizable = true;
  } else if (client.again && client.random.chance(settings_.again_ppm)) {
    operation.command = *std::exchange(client.again, std::nullopt);
  } else {
    operation.command = service_.command(client.random, operation.id);
  }
  return operation;
}

void Clients::send(const Operation& operation) {
  Simulation& simulation = cluster_.simulation();
  const auto done = [this, id = operation.id](std::error_code error, Applied applied) {
    on_answer(id, error, std::move(applied));
  };
  if (operation.kind == Operation::Kind::write) {
    ProposeOptions options;
    options.timeout = settings_.timeout;
    return simulation.propose(operation.at, operation.command, std::move(options), done);
  }
  ReadOptions options;
  options.timeout = settings_.timeout;
  options.consistency = operation.is_linearizable ? Consistency::linearizable : Consistency::local;
  if (operation.kind == Operation::Kind::read) return simulation.query(operation.at, operation.query, options, done);
  simulation.read_index(operation.at, options, [done](std::error_code error, LogIndex index) {
    Applied applied;
    applied.index = index;
    done(error, std::move(applied));
  });
}

void Clients::on_answer(std::uint64_t id, std::error_code error, Applied applied) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) {
    if (on_broken) on_broken("operation " + std::to_string(id) + " ended twice, or after its node had died");
    return;
  }
  const Request request = std::move(found->second);
  requests_.erase(found);
  const Outcome outcome{error, std::move(applied)};
  for (Watcher* watcher : watchers_) watcher->on_ended(request.operation, outcome);
  if (clients_[request.client].waits_for == id) go_on(request.client, request.operation, error);
}

void Clients::give_up(std::size_t index, std::uint64_t id) {
  const Operation operation = requests_.at(id).operation;
  for (Watcher* watcher : watchers_) watcher->on_given_up(operation);
  go_on(index, operation, errc::timeout);
}

void Clients::go_on(std::size_t index, const Operation& operation, std::error_code error) {
  Client& client = clients_[index];
  client.waits_for.reset();
  if (!error) {
    ++completed_;
    client.has_progressed = true;
    client.due += settings_.interval;
  } else {
    if (operation.kind == Operation::Kind::write) client.again = operation.command;
    follow_hint(client, error);
    client.not_before = agenda_.now() + client.random.between(milliseconds(5), milliseconds(50));
    if (!settings_.keeps_pace) client.due = std::max(client.due, client.not_before);
  }
  next(index);
}

void Clients::follow_hint(Client& client, std::error_code error) {
  const NodeId asked = client.target;
  client.target = anybody(client.random);
  if (error != condition::redirect || !cluster_.is_up(asked)) return;
  if (const auto leader = cluster_.simulation().status(asked).leader) client.target = *leader;
}

void Clients::on_crash(NodeId node) {
  std::vector<std::uint64_t> lost;
  for (const auto& [id, request] : requests_) {
    if (request.operation.at == node) lost.push_back(id);
  }
  for (const std::uint64_t id : lost) on_answer(id, errc::interrupted, {});
}

TimePoint Clients::oldest_at(const std::set<NodeId>& nodes) const {
  for (const auto& [id, request] : requests_) {
    if (nodes.contains(request.operation.at)) return request.begun;
  }
  return kNever;
}

std::string Clients::oldest_request() const {
  if (requests_.empty()) return "none";
  const auto& [id, request] = *requests_.begin();
  return fmt::format("operation {} of client {} at node {}, begun at {:.6f} s", id, request.operation.client,
                     request.operation.at.value, static_cast<double>((request.begun - TimePoint{}).count()) / 1e9);
}

bool Clients::have_all_progressed() const {
  return std::all_of(clients_.begin(), clients_.end(), [](const Client& client) { return client.has_progressed; });
}

void Clients::forget_progress() {
  for (Client& client : clients_) client.has_progressed = false;
}

}  // namespace libraft::testkit
