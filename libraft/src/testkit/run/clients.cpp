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
    clients_.push_back({id, stream(settings.seed, Purpose::client, id), {}, {}, {}, false});
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
  agenda_.at(std::max(client.due, agenda_.now() + milliseconds(1)), [this, index] { invoke(index); });
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
  Operation operation;
  operation.id = ++operations_;
  operation.client = client.id;
  operation.at = client.target;
  if (service_.query && client.random.chance(settings_.reads_ppm)) {
    operation.kind = Operation::Kind::read;
    operation.query = service_.query(client.random);
    operation.is_linearizable = !client.random.chance(settings_.local_ppm);
  } else {
    operation.command = service_.command(client.random, operation.id);
  }
  client.waits_for = operation;
  requests_[operation.id] = {index, operation.at, agenda_.now()};
  for (Watcher* watcher : watchers_) watcher->on_invoked(operation);
  agenda_.in(settings_.patience, [this, index, id = operation.id] {
    const auto& waits_for = clients_[index].waits_for;
    if (waits_for && waits_for->id == id) end(index, errc::timeout, {});
  });
  send(operation);
}

void Clients::send(const Operation& operation) {
  const auto done = [this, id = operation.id](std::error_code error, Applied applied) {
    on_answer(id, error, std::move(applied));
  };
  if (operation.kind == Operation::Kind::write) {
    ProposeOptions options;
    options.timeout = settings_.timeout;
    cluster_.simulation().propose(operation.at, operation.command, std::move(options), done);
  } else {
    ReadOptions options;
    options.timeout = settings_.timeout;
    options.consistency = operation.is_linearizable ? Consistency::linearizable : Consistency::local;
    cluster_.simulation().query(operation.at, operation.query, options, done);
  }
}

void Clients::on_answer(std::uint64_t operation, std::error_code error, Applied applied) {
  const auto request = requests_.find(operation);
  if (request == requests_.end()) {
    if (on_broken) on_broken("operation " + std::to_string(operation) + " ended twice, or after its node had died");
    return;
  }
  const std::size_t client = request->second.client;
  requests_.erase(request);
  const auto& waits_for = clients_[client].waits_for;
  if (waits_for && waits_for->id == operation) end(client, error, std::move(applied));
}

void Clients::end(std::size_t index, std::error_code error, Applied applied) {
  Client& client = clients_[index];
  const Operation operation = std::move(*client.waits_for);
  client.waits_for.reset();
  if (!error) {
    ++completed_;
    client.has_progressed = true;
    client.due += settings_.interval;
  }
  const Outcome outcome{error, std::move(applied)};
  for (Watcher* watcher : watchers_) watcher->on_ended(operation, outcome);
  if (error) {
    follow_hint(client, error);
    client.due = std::max(client.due, agenda_.now() + client.random.between(milliseconds(5), milliseconds(50)));
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
  std::erase_if(requests_, [&](const auto& request) { return request.second.at == node; });
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const auto& waits_for = clients_[i].waits_for;
    if (waits_for && waits_for->at == node) end(i, errc::interrupted, {});
  }
}

std::size_t Clients::waiting(std::uint64_t before) const {
  return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(), [&](const Client& client) {
    return client.waits_for && client.waits_for->id < before;
  }));
}

std::string Clients::oldest_request() const {
  if (requests_.empty()) return "none";
  const auto& [id, request] = *requests_.begin();
  return fmt::format("operation {} of client {} at node {}, begun at {:.6f} s", id, clients_[request.client].id,
                     request.at.value, static_cast<double>((request.begun - TimePoint{}).count()) / 1e9);
}

bool Clients::have_all_progressed() const {
  return std::all_of(clients_.begin(), clients_.end(), [](const Client& client) { return client.has_progressed; });
}

void Clients::forget_progress() {
  for (Client& client : clients_) client.has_progressed = false;
}

}  // namespace libraft::testkit
