#include "testkit/conformance/transport_conformance_bench.hpp"

#include <algorithm>

namespace libraft::testkit {

void Bell::ring() {
  const std::lock_guard lock(mutex_);
  is_rung_ = true;
  rung_.notify_all();
}

void Bell::wait() {
  std::unique_lock lock(mutex_);
  rung_.wait_for(lock, std::chrono::milliseconds(20), [this] { return is_rung_; });
  is_rung_ = false;
}

void CollectingSink::receive(std::span<Message> messages) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) ++late_calls_;
    for (Message& message : messages) inbox_.push_back(std::move(message));
  }
  bell_.ring();
}

void CollectingSink::peer_changed(NodeId peer, PeerEvent event) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) ++late_calls_;
    events_.emplace_back(peer, event);
  }
  bell_.ring();
}

void CollectingSink::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
}

std::vector<Message> CollectingSink::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(inbox_, {});
}

int CollectingSink::take_late_calls() {
  const std::lock_guard lock(mutex_);
  return std::exchange(late_calls_, 0);
}

std::vector<PeerEvent> CollectingSink::events_of(NodeId peer) const {
  const std::lock_guard lock(mutex_);
  std::vector<PeerEvent> found;
  for (const auto& event : events_) {
    if (event.first == peer) found.push_back(event.second);
  }
  return found;
}

std::string Bench::finish() {
  for (const int number : {1, 2, 3}) stop(number);
  check_silence();
  return std::exchange(complaint_, {});
}

void Bench::complain(const std::string& what) {
  if (complaint_.find(what) != std::string::npos) return;
  if (!complaint_.empty()) complaint_ += "; ";
  complaint_ += what;
}

bool Bench::expect(bool holds, const std::string& what) {
  if (!holds) complain(what);
  return holds;
}

std::vector<Peer> Bench::peers_of(int number) const {
  std::vector<Peer> peers = setup_.members;
  peers.erase(peers.begin() + (number - 1));
  return peers;
}

Life& Bench::start(int number, ClusterId cluster) {
  stop(number);
  const NodeId id = id_of(number);
  const Identity self{cluster, {}, id, {next_incarnation_++}};
  auto& life = lives_.at(index_of(number));
  life = std::make_unique<Life>(self, setup_.endpoint(id, setup_.members), bell_);
  const std::error_code error = life->transport->start(self, life->sink);
  life->is_running = expect(!error, "start failed: " + error.message());
  if (life->is_running) life->transport->set_peers(peers_of(number));
  return *life;
}

void Bench::start_all() {
  for (const int number : {1, 2, 3}) start(number);
}

void Bench::stop(int number) {
  auto& life = lives_.at(index_of(number));
  if (!life) return;
  life->transport->stop();
  life->sink.close();
  life->is_running = false;
  life->transport.reset();
  ended_.push_back(std::move(life));
}

/// A failure is told once, with the check during which it was seen.
void Bench::check_silence() {
  for (const auto& life : ended_) {
    expect(life->sink.take_late_calls() == 0, "the sink was called after stop returned");
  }
}

Message Bench::request(int from, int to, MessageBody body) {
  Routing route;
  route.cluster = kCluster;
  route.from = id_of(from);
  route.to = id_of(to);
  route.from_incarnation = life(from).identity.incarnation;
  const auto& receiver = lives_.at(index_of(to));
  if (receiver) route.to_incarnation = receiver->identity.incarnation;
  Message message{route, std::move(body)};
  requests_.insert_or_assign(term_of(message.body).value, message);
  return message;
}

Message Bench::forbidden(Message message) {
  forbidden_.insert(term_of(message.body).value);
  return message;
}

void Bench::send(int from, std::vector<Message> messages) {
  life(from).transport->send(messages);
}

void Bench::answer_open(int number) {
  std::vector<Message> replies;
  for (const Message& message : std::exchange(life(number).open, {})) replies.push_back(make_reply(message));
  std::reverse(replies.begin(), replies.end());
  send(number, std::move(replies));
}

bool Bench::exchange(int from, int to, const MakeBody& make) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t number = next_number();
    send(from, {request(from, to, make(number))});
    if (wait([&] { return life(from).replies_seen.contains(number); })) return true;
    if (!complaint_.empty()) return false;
  }
  complain("no reply came back to node " + std::to_string(from) + " from node " + std::to_string(to));
  return false;
}

bool Bench::exchange(int from, int to, RequestKind kind) {
  return exchange(from, to, [kind](std::uint64_t number) { return make_request(kind, number); });
}

bool Bench::wait(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + setup_.deadline;
  constexpr int kRoundsMin = 3;  // a request, its answer and a look at it, however late the thread is scheduled
  for (int round = 1;; ++round) {
    run_nodes();
    if (done()) return true;
    if (round >= kRoundsMin && std::chrono::steady_clock::now() > deadline) return false;
    if (setup_.pump) {
      setup_.pump();
    } else {
      bell_.wait();
    }
  }
}

void Bench::run_nodes() {
  for (const auto& life : lives_) {
    if (!life || !life->is_running) continue;
    for (const Message& message : life->sink.take()) take_in(*life, message);
  }
  check_silence();
}

void Bench::take_in(Life& life, const Message& message) {
  check_arrival(life, message);
  const std::uint64_t number = term_of(message.body).value;
  if (!is_request(message.body)) {
    life.replies_seen.insert(number);
    return;
  }
  life.requests_seen.insert(number);
  if (!life.answers) {
    life.open.push_back(message);
    return;
  }
  std::vector<Message> replies{make_reply(message)};
  life.transport->send(replies);
}

/// Everything that arrives must be as it was sent, and at the node that it names.
void Bench::check_arrival(const Life& life, const Message& message) {
  const std::uint64_t number = term_of(message.body).value;
  expect(message.route.to == life.identity.node, "a message was delivered to another node than route.to");
  expect(!forbidden_.contains(number), "a message was delivered that is for another cluster or receiver");
  const auto sent = requests_.find(number);
  if (!expect(sent != requests_.end(), "a message arrived that was not sent, or its term was altered")) return;
  Message original = is_request(message.body) ? sent->second : make_reply(sent->second);
  original.route.exchange = message.route.exchange;  // the receiving transport's own
  expect(message.body == original.body, "the body of a message was altered");
  expect(message.route == original.route, "the route of a message was altered");
}

}  // namespace libraft::testkit
