// The samples of docs/embedding.md: a small directory of names, on a cluster of one node.
#include <libraft/libraft.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/transport/local_transport.hpp>

#include <asio/bind_executor.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

// sample: state machine
// Commands are "name=address"; a query is a name.
class Directory final : public libraft::StateMachine {
 public:
  void apply(libraft::ApplyBatch& batch) override {
    for (libraft::AppliedCommand& command : batch) {
      const std::string_view text = command.command();
      const auto equals = text.find('=');
      if (equals == std::string_view::npos) {
        command.reply("malformed");  // the same on every node: not a reason to fail
        continue;
      }
      addresses_[std::string(text.substr(0, equals))] = text.substr(equals + 1);
      command.reply("ok");
    }
  }

  libraft::Result<libraft::Bytes> query(std::string_view name) override {
    const auto found = addresses_.find(std::string(name));
    return libraft::Bytes(found == addresses_.end() ? "" : found->second);
  }

  std::unique_ptr<libraft::SnapshotTask> begin_snapshot() override {
    std::string state;
    for (const auto& [name, address] : addresses_) state += name + '=' + address + '\n';
    return libraft::snapshot_of(libraft::Bytes(std::move(state)));
  }

  std::error_code restore(libraft::SnapshotReader& snapshot) override {
    const auto state = libraft::read_all(snapshot, 1u << 30);
    if (!state) return state.error();
    addresses_.clear();
    for (std::string_view rest = state->view(); !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      const auto equals = line.find('=');
      if (equals == std::string_view::npos) return libraft::errc::malformed;
      addresses_[std::string(line.substr(0, equals))] = line.substr(equals + 1);
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
    return {};
  }

 private:
  std::map<std::string, std::string> addresses_;
};
// end of sample

// sample: observer
class ConsoleObserver final : public libraft::Observer {
 public:
  void on_event(const libraft::NodeEvent& event) noexcept override {
    if (const auto* changed = std::get_if<libraft::LeaderChanged>(&event)) {
      std::cout << "term " << changed->term.value << ": node " << changed->leader.value_or(libraft::NodeId{}).value
                << " leads\n";
    }
  }
};
// end of sample

// sample: create
std::unique_ptr<libraft::RaftNode> make_node(const libraft::LocalNetwork& network) {
  libraft::NodeOptions options;
  options.cluster = {42};  // nodes of other clusters are refused
  options.id = {1};
  options.bootstrap.emplace().voters = {{{1}, "node-1:9081"}};  // the first members, the same on each of them

  libraft::Components components;
  components.transport = network.endpoint(options.id);
  components.storage = libraft::memory_storage();
  components.state_machine = std::make_unique<Directory>();
  components.observer = std::make_shared<ConsoleObserver>();

  std::string reason;
  auto node = libraft::RaftNode::create(std::move(options), std::move(components), {}, &reason);
  if (!node) {
    std::cerr << "can't create the node: " << reason << '\n';
    return nullptr;
  }
  return std::move(*node);
}
// end of sample

// sample: outcomes
enum class Outcome { done, not_done, unknown };

Outcome set_address(libraft::RaftNode& node, const std::string& name, const std::string& address) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const auto applied = node.propose(libraft::Bytes(name + '=' + address));
    if (applied) return applied->reply.view() == "ok" ? Outcome::done : Outcome::not_done;
    if (applied.error() == libraft::condition::outcome_unknown) return Outcome::unknown;
    if (applied.error() == libraft::condition::redirect) return Outcome::not_done;  // node.leader() knows more
    if (applied.error() != libraft::condition::retry_safe) return Outcome::not_done;
  }
  return Outcome::not_done;
}
// end of sample

// sample: read
std::string address_of(libraft::RaftNode& node, const std::string& name) {
  const auto answer = node.query(name);  // linearizable: sees every write that was acknowledged before
  return answer ? std::string(answer->reply.view()) : "error: " + answer.error().message();
}

std::string address_as_far_as_known(libraft::RaftNode& node, const std::string& name) {
  libraft::ReadOptions options;
  options.consistency = libraft::Consistency::local;  // on any node, at once, perhaps stale
  const auto answer = node.query(name, options);
  return answer ? std::string(answer->reply.view()) : "error: " + answer.error().message();
}
// end of sample

// sample: read your own write
bool is_seen_here(libraft::RaftNode& here, const libraft::Applied& written_elsewhere) {
  return static_cast<bool>(here.wait_applied(written_elsewhere.index, 3s));
}
// end of sample

void asynchronous(libraft::RaftNode& node, asio::thread_pool& pool) {
  // sample: future
  std::future<libraft::Applied> later = node.async_propose(libraft::Bytes("carol=c:1"), asio::use_future);
  std::cout << "entry " << later.get().index.value << '\n';  // get() throws std::system_error on an error
  // end of sample

  // sample: callback
  auto strand = asio::make_strand(pool.get_executor());  // the pool outlives the node
  node.async_propose(libraft::Bytes("dave=d:1"),
                     asio::bind_executor(strand, [](std::error_code error, const libraft::Applied& applied) {
                       if (error) std::cout << "not done: " << error.message() << '\n';
                       if (!error) std::cout << "entry " << applied.index.value << '\n';
                     }));
  pool.join();  // the handler that waits is work for the pool
  // end of sample
}

// sample: status
void print_status(const libraft::RaftNode& node) {
  const libraft::Status status = node.status();
  std::cout << to_string(status.state) << ", " << to_string(status.role) << " in term " << status.term.value
            << ", committed " << status.commit.value << ", applied " << status.applied.value << '\n';
  if (status.failure) std::cout << "failed: " << status.failure->reason << '\n';
}
// end of sample

bool on_a_shared_pool() {
  // sample: executors
  asio::thread_pool pool(4);
  libraft::NodeOptions options;
  options.id = {1};
  options.bootstrap.emplace().voters = {{{1}, ""}};
  libraft::LocalNetwork network;
  libraft::Components components;
  components.transport = network.endpoint(options.id);
  components.storage = libraft::memory_storage();
  components.state_machine = std::make_unique<Directory>();
  auto created = libraft::RaftNode::create(std::move(options), std::move(components),
                                           libraft::Executors::all_on(pool.get_executor()));
  // end of sample
  const auto node = std::move(created).value();
  return !node->start() && node->wait_leader(10s) && !node->stop();
}

}  // namespace

int main() {
  asio::thread_pool pool(2);
  // sample: run
  const libraft::LocalNetwork network;
  const auto node = make_node(network);
  if (!node) return EXIT_FAILURE;
  if (const std::error_code error = node->start()) {
    const auto failure = node->status().failure;
    std::cerr << "can't start: " << error.message() << ' ' << (failure ? failure->reason : std::string()) << '\n';
    return EXIT_FAILURE;
  }
  const auto leader = node->wait_leader(10s);
  if (!leader) return EXIT_FAILURE;
  // end of sample

  bool is_right = set_address(*node, "alice", "a:1") == Outcome::done;
  is_right = is_right && address_of(*node, "alice") == "a:1" && address_as_far_as_known(*node, "alice") == "a:1";
  asynchronous(*node, pool);
  is_right = is_right && address_of(*node, "dave") == "d:1";
  const auto written = node->propose(libraft::Bytes("erin=e:1"));
  is_right = is_right && written && is_seen_here(*node, *written) && on_a_shared_pool();
  print_status(*node);

  // sample: stop
  libraft::StopOptions patience;
  patience.transfer_timeout = 500ms;  // a leader hands over first
  patience.drain_timeout = 500ms;     // then requests in flight may still complete
  if (const std::error_code error = node->stop(patience)) std::cerr << error.message() << '\n';
  // end of sample
  return is_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
