#include "server.hpp"

#include "api/client_api.hpp"
#include "api/http_server.hpp"
#include "api/kv_node.hpp"
#include "api/raft_api.hpp"
#include "api/status_json.hpp"
#include "kv/map_state_machine.hpp"
#include "kv/node_names.hpp"
#include "log.hpp"
#include "server_data.hpp"
#include "storage/json_file_storage.hpp"
#include "transport/http_transport.hpp"

#include <libraft/raft_node.hpp>
#include <libraft/storage/posix_file_system.hpp>

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace kvserver {
namespace {

using libraft::LogLevel;

// Stopping: what a hand-over and the requests in flight get, and when the process goes whatever still hangs. The sum of
// the first two stays well below the third.
constexpr std::chrono::milliseconds kTransferTimeout{1000};
constexpr std::chrono::milliseconds kDrainTimeout{2000};
constexpr std::chrono::milliseconds kStopMax{4700};

class RaftKvNode final : public KvNode {
 public:
  explicit RaftKvNode(libraft::RaftNode& node) : node_(node) {}

  [[nodiscard]] libraft::Result<libraft::Applied> propose(libraft::Bytes command, libraft::Duration timeout) override {
    libraft::ProposeOptions options;
    options.timeout = timeout;
    return node_.propose(std::move(command), options);
  }
  [[nodiscard]] libraft::Result<libraft::Applied> query(std::string key, libraft::Consistency consistency,
                                                        libraft::Duration timeout) override {
    libraft::ReadOptions options;
    options.consistency = consistency;
    options.timeout = timeout;
    return node_.query(std::move(key), options);
  }
  [[nodiscard]] libraft::Status status() const override { return node_.status(); }

 private:
  libraft::RaftNode& node_;
};

std::map<libraft::NodeId, NodeCard> cards_of(const Config& config) {
  std::string clash;
  return NodeNames::table_of(config.member_names(), clash).value();  // load_config has seen that there is no clash
}

std::string peers_text(const Config& config) {
  if (config.peers.empty()) return "none";
  std::vector<std::string> shown;
  for (const Member& peer : config.peers) shown.push_back(fmt::format("{} ({})", peer.name, peer.raft_url));
  return fmt::format("{}", fmt::join(shown, ", "));
}

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Ready when a signal asks to stop; from then on the process has kStopMax to live, whatever hangs, be it a long start
// or a client that does not read its answer. What is written is then as safe on disk as after kill -9.
std::future<void> stop_request() {
  const auto request = std::make_shared<std::promise<void>>();
  auto is_requested = request->get_future();
  std::thread([request] {
    const sigset_t signals = stop_signals();
    int signal = 0;
    sigwait(&signals, &signal);
    request->set_value();
    std::this_thread::sleep_for(kStopMax);
    std::_Exit(0);
  }).detach();
  return is_requested;
}

// The members are destroyed from the last to the first: the ports before the node that their handlers ask.
class Server {
 public:
  explicit Server(const Config& config)
      : config_(config), names_(cards_of(config)), logger_(make_stderr_logger(config.node_id, config.log_level)) {
    names_.learn(node_id_of(config.self.name), config.node_id, config.advertise);
  }

  [[nodiscard]] std::optional<StartRefused> start();
  void stop();

 private:
  [[nodiscard]] std::optional<StartRefused> create_node(std::unique_ptr<libraft::Storage> storage);
  [[nodiscard]] std::unique_ptr<HttpTransport> make_transport();
  [[nodiscard]] std::optional<StartRefused> open_ports();
  [[nodiscard]] std::optional<StartRefused> open_port(HttpServer& server, const std::string& variable,
                                                      std::uint16_t port);
  void log(LogLevel level, const std::string& line) { logger_->log(level, line); }
  void log_banner(const std::optional<libraft::RecoveredState>& recovered);

  const Config& config_;
  NodeNames names_;
  std::shared_ptr<libraft::Logger> logger_;
  std::shared_ptr<libraft::FileSystem> files_ = libraft::posix_file_system();
  HttpTransport* transport_ = nullptr;  // the node's
  std::unique_ptr<libraft::RaftNode> node_;
  std::unique_ptr<RaftKvNode> kv_node_;
  std::unique_ptr<ClientApi> api_;
  std::unique_ptr<HttpServer> raft_server_;
  std::unique_ptr<HttpServer> client_server_;
};

std::optional<StartRefused> Server::start() {
  if (auto refused = prepare_folder(*files_, config_)) return refused;
  JsonFileStorageOptions options;
  options.directory = config_.folder().string();
  options.name_of = [this](libraft::NodeId id) { return names_.name(id); };
  options.warn = [this](const std::string& sentence) { log(LogLevel::warning, sentence); };
  auto storage = std::make_unique<EarlyOpenStorage>(json_file_storage(*files_, std::move(options)));
  auto inspected =
      inspect_data(*storage, config_, names_, [this] { return stored_names(*files_, config_.folder().string()); });
  if (auto* refused = std::get_if<StartRefused>(&inspected)) return std::move(*refused);
  if (auto refused = create_node(std::move(storage))) return refused;
  if (auto refused = open_ports()) return refused;
  log_banner(std::get<std::optional<libraft::RecoveredState>>(inspected));
  if (const std::error_code error = node_->start()) {
    const auto failure = node_->status().failure;
    return data_refusal(config_, error, failure ? failure->reason : error.message());
  }
  api_->enter(Phase::serving);
  return std::nullopt;
}

std::optional<StartRefused> Server::create_node(std::unique_ptr<libraft::Storage> storage) {
  auto transport = make_transport();
  transport_ = transport.get();
  libraft::Components components;
  components.transport = std::move(transport);
  components.storage = std::move(storage);
  components.state_machine = std::make_unique<MapStateMachine>();
  components.observer = make_event_log(logger_, names_);
  components.logger = make_library_logger(logger_);
  std::string reason;
  auto node = libraft::RaftNode::create(config_.node_options(), std::move(components), {}, &reason);
  if (!node) return StartRefused{1, fmt::format("The node can't be made: {} {}", node.error().message(), reason)};
  node_ = std::move(*node);
  kv_node_ = std::make_unique<RaftKvNode>(*node_);
  api_ = std::make_unique<ClientApi>(*kv_node_, names_, config_.request_timeout);
  return std::nullopt;
}

std::unique_ptr<HttpTransport> Server::make_transport() {
  HttpTransportOptions options;
  options.name = config_.self.name;
  options.display_name = config_.node_id;
  options.client_url = config_.advertise;
  for (const Member& peer : config_.peers) options.urls.emplace(node_id_of(peer.name), peer.raft_url);
  options.logger = logger_.get();
  return std::make_unique<HttpTransport>(std::move(options), names_);
}

std::optional<StartRefused> Server::open_ports() {
  raft_server_ = std::make_unique<HttpServer>(raft_server_options(config_.bind, config_.raft_port));
  install_raft_api(*raft_server_, *transport_, [this] {
    const libraft::Status status = node_->status();
    const bool has_begun = status.state != libraft::NodeState::created && status.state != libraft::NodeState::starting;
    if (!has_begun) return starting_reply();  // what it would show is not yet read
    return json_reply(200, raft_status_json(status, node_->metrics(), config_, names_));
  });
  HttpServerOptions options;
  options.address = config_.bind;
  options.port = config_.client_port;
  client_server_ = std::make_unique<HttpServer>(options);
  api_->install(*client_server_);
  if (auto refused = open_port(*client_server_, config_.client_port_variable, config_.client_port)) return refused;
  return open_port(*raft_server_, "RAFT_PORT", config_.raft_port);
}

std::optional<StartRefused> Server::open_port(HttpServer& server, const std::string& variable, std::uint16_t port) {
  const std::error_code error = server.start();
  if (!error) return std::nullopt;
  if (error == std::errc::address_in_use) {
    return StartRefused{kExitConfig, fmt::format("{}: port {} on {} is in use.", variable, port, config_.bind)};
  }
  if (error == std::errc::address_not_available) {
    return StartRefused{kExitConfig, fmt::format("KV_BIND is {}, which is no address of this machine.", config_.bind)};
  }
  return StartRefused{kExitConfig, fmt::format("{}: can't listen on port {} of {}: {}.", variable, port, config_.bind,
                                               error.message())};
}

void Server::log_banner(const std::optional<libraft::RecoveredState>& recovered) {
  log(LogLevel::info, fmt::format("kvserver {}: node {}, called {} by its peers, id {:016x}, cluster {:016x}",
                                  KVSERVER_VERSION, config_.node_id, config_.self.name,
                                  node_id_of(config_.self.name).value, cluster_id_of(config_.cluster).value));
  log(LogLevel::info,
      fmt::format("clients reach it at {}, peers at {}; it listens on {}, ports {} and {}", config_.advertise,
                  config_.self.raft_url, config_.bind, config_.client_port, config_.raft_port));
  log(LogLevel::info, "peers: " + peers_text(config_));
  log(LogLevel::info,
      recovered
          ? fmt::format("folder {}: term {}, log from {} to {}, snapshot up to {}", config_.folder().string(),
                        recovered->hard_state.term.value, recovered->start.index.value + 1, recovered->last.index.value,
                        recovered->snapshot ? recovered->snapshot->last.index.value : 0)
          : fmt::format("folder {}: empty, a first start (term 0, index 0)", config_.folder().string()));
  if (config_.is_bound_elsewhere()) {
    log(LogLevel::warning,
        fmt::format(
            "KV_BIND is {}: whoever reaches the Raft port {} owns the cluster, so close it to all but the nodes",
            config_.bind, config_.raft_port));
  }
  if (config_.is_hint_misleading()) {
    log(LogLevel::warning,
        fmt::format("KV_ADVERTISE is not set: clients that ask another node are told that this one is at {}, while it "
                    "listens on {}",
                    config_.advertise, config_.bind));
  }
}

void Server::stop() {
  log(LogLevel::info, "stopping");
  api_->enter(Phase::stopping);
  libraft::StopOptions options;
  options.transfer_timeout = kTransferTimeout;
  options.drain_timeout = kDrainTimeout;
  if (const std::error_code error = node_->stop(options)) log(LogLevel::error, "stop: " + error.message());
  client_server_->stop();
  raft_server_->stop();
  log(LogLevel::info, "stopped");
}

}  // namespace

int check_config(const Config& config) {
  fmt::print("node      {} (called {} by its peers, id {:016x})\n", config.node_id, config.self.name,
             node_id_of(config.self.name).value);
  fmt::print("cluster   {:016x} ({})\n", cluster_id_of(config.cluster).value,
             config.is_cluster_named ? "by KV_CLUSTER" : "by its members' names");
  fmt::print("clients   {}, listening on {} port {}\n", config.advertise, config.bind, config.client_port);
  fmt::print("raft      {}, listening on {} port {}\n", config.self.raft_url, config.bind, config.raft_port);
  fmt::print("peers     {}\n", peers_text(config));
  fmt::print("folder    {}\n", config.folder().string());
  fmt::print("snapshot  every {} entries\n", config.snapshot_threshold);
  if (config.is_bound_elsewhere()) fmt::print("warning   whoever reaches the Raft port owns the cluster\n");
  if (config.is_hint_misleading()) fmt::print("warning   KV_ADVERTISE is not set: do clients reach it there?\n");
  return 0;
}

void hold_stop_signals() {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int serve(const Config& config) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is an error of a write, which fails the node
  const std::future<void> is_stop_requested = stop_request();
  Server server(config);
  if (const auto refused = server.start()) {
    fmt::print(stderr, "kvserver: {}\n", refused->sentence);
    return refused->exit_code;
  }
  is_stop_requested.wait();
  server.stop();
  return 0;
}

}  // namespace kvserver
