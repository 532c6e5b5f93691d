#include "config.hpp"

#include "config_url.hpp"
#include "json/utf8.hpp"
#include "kv/command.hpp"
#include "kv/node_names.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <set>

namespace kvserver {
namespace {

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kPeersMax = 64;
constexpr std::string_view kDefaultBind = "127.0.0.1";

constexpr std::array kVariables{
    Variable{"KVSTORE_PORT", "PORT, else 8080", "port of the client API"},
    Variable{"PORT", "none", "used where KVSTORE_PORT is not set"},
    Variable{"RAFT_PORT", "KVSTORE_PORT + 1000", "port on which the nodes talk to each other"},
    Variable{"NODE_ID", "node-<KVSTORE_PORT>", "this node's name: its folder, and what people see"},
    Variable{"PEERS", "none", "the other nodes' Raft URLs, separated by commas (the own one is skipped)"},
    Variable{"RAFT_NODES", "none", "another name for PEERS"},
    Variable{"PEER_IDS", "node-<Raft port - 1000> each", "the NODE_IDs that belong to PEERS, in the same order"},
    Variable{"RAFT_DATA_DIR", "./data", "where the nodes keep their folders, one for each NODE_ID"},
    Variable{"RAFT_SNAPSHOT_THRESHOLD", "50", "entries in the log that make a snapshot due"},
    Variable{"KV_BIND", "127.0.0.1", "the address that both ports listen on"},
    Variable{"KV_CLUSTER", "the members' names", "name of the cluster: nodes of different clusters refuse each other"},
    Variable{"KV_ADVERTISE", "http://localhost:<KVSTORE_PORT>",
             "where clients reach this node, which the others tell them (needed when KV_BIND is a wildcard)"},
    Variable{"KV_REQUEST_TIMEOUT_MS", "3000", "how long a request of a client may wait"},
    Variable{"KV_LOG_LEVEL", "info", "debug, info, warning or error"},
    Variable{"KV_ELECTION_TIMEOUT_MS", "1000", "a time without a leader after which a node stands for election"},
    Variable{"KV_HEARTBEAT_MS", "100", "a leader speaks at least this often"},
};

// For showing what a variable holds in a sentence.
std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string shown = "\"";
  for (const char c : text.substr(0, kShown)) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    shown +=
        is_control ? fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c))) : std::string(1, c);
  }
  return shown + (text.size() > kShown ? "...\"" : "\"");
}

// Why `name` can't be the name of a node (and of its folder); empty when it can.
std::string name_problem(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kNameBytesMax) return fmt::format("is longer than {} bytes", kNameBytesMax);
  if (name == "." || name == "..") return "is no name for a folder";
  if (name.find_first_of("/\\") != std::string_view::npos) return "contains a slash";
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), is_control)) return "contains a control character";
  if (!is_valid_utf8(name)) return "is not UTF-8";
  return {};
}

std::string default_name(std::uint16_t raft_port) {
  return fmt::format("node-{}", static_cast<int>(raft_port) - 1000);
}

// The parts between the commas; none for an empty text.
std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> parts;
  if (trimmed(list).empty()) return parts;
  for (;;) {
    const std::size_t comma = list.find(',');
    parts.emplace_back(trimmed(list.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

// Reads the variables one after the other, and stops at the first mistake.
class Loader {
 public:
  explicit Loader(const Environment& environment) : environment_(environment) {}

  std::variant<Config, ConfigError> load() {
    const bool is_right = load_ports() && load_name() && load_addresses() && load_members() && load_rest();
    if (!is_right) return ConfigError{std::move(sentence_)};
    return std::move(config_);
  }

 private:
  struct PeerEntry {
    std::string id;  // from PEER_IDS; empty without it
    NodeUrl url;
  };

  bool load_ports();
  bool load_name();
  bool load_addresses();
  bool load_members();
  bool load_rest();
  bool load_peer_list(const char*& variable, std::vector<NodeUrl>& urls);
  bool parse_peers(const char* variable, const std::string& list, std::vector<NodeUrl>& urls);
  bool load_peer_ids(const char* variable, std::vector<PeerEntry>& entries);
  bool add_named_peer(const char* variable, const PeerEntry& entry);
  bool add_unnamed_peer(const char* variable, const PeerEntry& entry);
  bool skip_self(const char* variable, const NodeUrl& url);
  bool check_names(const char* variable);
  bool load_log_level();

  [[nodiscard]] bool is_own_url(const NodeUrl& url) const;

  // An empty variable counts as not set.
  [[nodiscard]] std::optional<std::string> text(const char* name) const {
    auto value = environment_(name);
    return value && !value->empty() ? value : std::nullopt;
  }
  template <class Number>
  bool number(const char* name, Number least, Number most, std::string_view kind, Number& value);
  bool milliseconds(const char* name, std::chrono::milliseconds& value);
  bool fail(std::string sentence) {
    sentence_ = std::move(sentence);
    return false;
  }

  const Environment& environment_;
  Config config_;
  NodeUrl advertised_;
  bool is_advertised_ = false;  // by KV_ADVERTISE; else it is a default, which says nothing of this host
  bool is_self_seen_ = false;
  bool has_peer_ids_ = false;
  std::string sentence_;
};

template <class Number>
bool Loader::number(const char* name, Number least, Number most, std::string_view kind, Number& value) {
  const auto given = text(name);
  if (!given) return true;
  Number read{};
  const char* const end = given->data() + given->size();
  const auto [stop, error] = std::from_chars(given->data(), end, read);
  if (error != std::errc{} || stop != end || read < least || read > most) {
    return fail(fmt::format("{} is {}, which is no {} ({} to {}).", name, in_quotes(*given), kind, least, most));
  }
  value = read;
  return true;
}

bool Loader::milliseconds(const char* name, std::chrono::milliseconds& value) {
  std::int64_t count = value.count();
  if (!number<std::int64_t>(name, 1, 3'600'000, "number of milliseconds", count)) return false;
  value = std::chrono::milliseconds(count);
  return true;
}

bool Loader::load_ports() {
  const auto port = [this](const char* name, std::uint16_t& value) {
    return number<std::uint16_t>(name, 1, 65535, "port number", value);
  };
  if (!text("KVSTORE_PORT") && text("PORT")) config_.client_port_variable = "PORT";
  if (!port(config_.client_port_variable.c_str(), config_.client_port)) return false;
  if (!text("RAFT_PORT")) {
    if (config_.client_port > 65535 - 1000) {
      return fail(fmt::format("RAFT_PORT must be given: {} + 1000 is no port number.", config_.client_port_variable));
    }
    config_.raft_port = static_cast<std::uint16_t>(config_.client_port + 1000);
  }
  if (!port("RAFT_PORT", config_.raft_port)) return false;
  if (config_.raft_port == config_.client_port) {
    return fail(fmt::format("RAFT_PORT and {} are both {}: each needs a port of its own.", config_.client_port_variable,
                            config_.raft_port));
  }
  return true;
}

bool Loader::load_name() {
  const auto given = environment_("NODE_ID");
  config_.node_id = given ? *given : fmt::format("node-{}", config_.client_port);
  const std::string problem = name_problem(config_.node_id);
  if (!problem.empty()) return fail(fmt::format("NODE_ID is {}, which {}.", in_quotes(config_.node_id), problem));
  return true;
}

bool Loader::load_addresses() {
  if (const auto bind = text("KV_BIND")) config_.bind = *bind == "localhost" ? "127.0.0.1" : *bind;
  if (!is_ip_address(config_.bind)) {
    return fail(fmt::format("KV_BIND is {}, which is no IP address.", in_quotes(config_.bind)));
  }
  const auto given = text("KV_ADVERTISE");
  if (!given) {
    if (is_wildcard_address(config_.bind)) {
      return fail(fmt::format("KV_ADVERTISE must be given when KV_BIND is {}: where do clients reach this node?",
                              config_.bind));
    }
    advertised_ = {"http", "localhost", config_.client_port};
    config_.advertise = advertised_.text();
    return true;
  }
  std::string why;
  const auto url = parse_node_url(*given, why);
  if (!url) return fail(fmt::format("KV_ADVERTISE is {}, which {}.", in_quotes(*given), why));
  advertised_ = *url;
  is_advertised_ = true;
  config_.is_advertise_given = true;
  config_.advertise = given->back() == '/' ? given->substr(0, given->size() - 1) : *given;
  return true;
}

bool Loader::load_members() {
  const char* variable = "PEERS";
  std::vector<NodeUrl> urls;
  if (!load_peer_list(variable, urls)) return false;
  std::vector<PeerEntry> entries;
  for (NodeUrl& url : urls) entries.push_back({{}, std::move(url)});
  if (!load_peer_ids(variable, entries)) return false;

  const std::string own_host = is_wildcard_address(config_.bind) ? advertised_.host
                               : config_.bind == "127.0.0.1"     ? "localhost"
                                                                 : config_.bind;
  config_.self.name = has_peer_ids_ ? config_.node_id : default_name(config_.raft_port);
  config_.self.raft_url = NodeUrl{"http", own_host, config_.raft_port}.text();
  for (const PeerEntry& entry : entries) {
    if (!(has_peer_ids_ ? add_named_peer(variable, entry) : add_unnamed_peer(variable, entry))) return false;
  }
  return check_names(variable);
}

bool Loader::load_peer_list(const char*& variable, std::vector<NodeUrl>& urls) {
  const auto peers = text("PEERS");
  const auto nodes = text("RAFT_NODES");
  if (!peers && nodes) variable = "RAFT_NODES";
  if (!parse_peers(variable, peers ? *peers : nodes.value_or(""), urls)) return false;
  if (!peers || !nodes) return true;
  std::vector<NodeUrl> others;
  if (!parse_peers("RAFT_NODES", *nodes, others)) return false;
  if (urls != others) return fail("PEERS and RAFT_NODES differ: they are two names for one list, give one of them.");
  return true;
}

bool Loader::parse_peers(const char* variable, const std::string& list, std::vector<NodeUrl>& urls) {
  for (const std::string& part : split_list(list)) {
    std::string why;
    const auto url = parse_node_url(part, why);
    if (!url) return fail(fmt::format("{} has {}, which {}.", variable, in_quotes(part), why));
    if (url->scheme != "http") {
      return fail(fmt::format("{} has {}, but the nodes speak plain http to each other.", variable, in_quotes(part)));
    }
    if (std::find(urls.begin(), urls.end(), *url) != urls.end()) {
      return fail(fmt::format("{} has {} twice.", variable, in_quotes(part)));
    }
    urls.push_back(*url);
  }
  if (urls.size() > kPeersMax) return fail(fmt::format("{} has more than {} URLs.", variable, kPeersMax));
  return true;
}

bool Loader::load_peer_ids(const char* variable, std::vector<PeerEntry>& entries) {
  const auto given = text("PEER_IDS");
  if (!given) return true;
  has_peer_ids_ = true;
  std::vector<std::string> ids = split_list(*given);
  if (ids.size() != entries.size()) {
    return fail(fmt::format("PEER_IDS has {} names for the {} URLs of {}.", ids.size(), entries.size(), variable));
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string problem = name_problem(ids[i]);
    if (!problem.empty()) return fail(fmt::format("PEER_IDS has {}, which {}.", in_quotes(ids[i]), problem));
    if (!seen.insert(ids[i]).second) return fail(fmt::format("PEER_IDS has {} twice.", in_quotes(ids[i])));
    entries[i].id = std::move(ids[i]);
  }
  return true;
}

// By the port and what is known of the own host. A node on another machine or another loopback address is not own.
bool Loader::is_own_url(const NodeUrl& url) const {
  if (url.port != config_.raft_port) return false;
  if (url.host == config_.bind || (is_advertised_ && url.host == advertised_.host)) return true;
  const bool is_local = config_.bind == "127.0.0.1" || config_.bind == "::1" || is_wildcard_address(config_.bind);
  return is_local && (url.host == "localhost" || url.host == "127.0.0.1" || url.host == "::1");
}

bool Loader::add_named_peer(const char* variable, const PeerEntry& entry) {
  if (entry.id != config_.node_id) {
    if (is_own_url(entry.url)) {
      return fail(fmt::format("PEER_IDS calls {} {}, but that is this node, and its NODE_ID is {}.", entry.url.text(),
                              in_quotes(entry.id), in_quotes(config_.node_id)));
    }
    config_.peers.push_back({entry.id, entry.url.text()});
    return true;
  }
  // A host name, or a wildcard of our own, can't be compared with an address: the id says that it is this node.
  const bool may_be_own =
      entry.url.port == config_.raft_port && (is_wildcard_address(config_.bind) || !is_ip_address(entry.url.host));
  if (is_own_url(entry.url) || may_be_own) return skip_self(variable, entry.url);
  return fail(fmt::format("PEER_IDS calls {} {}, which is this node's own NODE_ID: two nodes can't have one name.",
                          entry.url.text(), in_quotes(entry.id)));
}

bool Loader::add_unnamed_peer(const char* variable, const PeerEntry& entry) {
  if (is_own_url(entry.url)) return skip_self(variable, entry.url);
  const std::string name = default_name(entry.url.port);
  const auto has_name = [&](const Member& member) { return member.name == name; };
  if (has_name(config_.self) || std::any_of(config_.peers.begin(), config_.peers.end(), has_name)) {
    return fail(
        fmt::format("{} has {}, and another node uses port {} too, so both would be called {}: name the nodes "
                    "with PEER_IDS.",
                    variable, entry.url.text(), entry.url.port, name));
  }
  config_.peers.push_back({name, entry.url.text()});
  return true;
}

bool Loader::skip_self(const char* variable, const NodeUrl& url) {
  if (is_self_seen_) return fail(fmt::format("{} has this node's own URL twice.", variable));
  is_self_seen_ = true;
  config_.self.raft_url = url.text();
  return true;
}

bool Loader::check_names(const char* variable) {
  std::string clash;
  if (const auto table = NodeNames::table_of(config_.member_names(), clash); !table) {
    return fail(fmt::format("{}: {}.", has_peer_ids_ ? "PEER_IDS" : variable, clash));
  }
  if (const auto name = text("KV_CLUSTER")) {
    config_.cluster = *name;
    config_.is_cluster_named = true;
    return true;
  }
  // No name holds a control character, so the list can be read in one way only.
  std::vector<std::string> names = config_.member_names();
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) config_.cluster += name + "\n";
  return true;
}

bool Loader::load_rest() {
  if (const auto dir = text("RAFT_DATA_DIR")) config_.data_dir = *dir;
  if (!number<std::uint64_t>("RAFT_SNAPSHOT_THRESHOLD", 1, 1'000'000'000, "number of entries",
                             config_.snapshot_threshold)) {
    return false;
  }
  if (!milliseconds("KV_REQUEST_TIMEOUT_MS", config_.request_timeout) || !load_log_level() ||
      !milliseconds("KV_ELECTION_TIMEOUT_MS", config_.election_timeout) ||
      !milliseconds("KV_HEARTBEAT_MS", config_.heartbeat)) {
    return false;
  }
  if (config_.election_timeout < 2 * config_.heartbeat) {
    return fail(fmt::format("KV_ELECTION_TIMEOUT_MS ({}) must be at least twice KV_HEARTBEAT_MS ({}).",
                            config_.election_timeout.count(), config_.heartbeat.count()));
  }
  const std::string problem = libraft::validate(config_.node_options());
  return problem.empty() || fail("The environment variables don't fit together: " + problem);
}

bool Loader::load_log_level() {
  const auto given = text("KV_LOG_LEVEL");
  if (!given) return true;
  using libraft::LogLevel;
  static constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kLevels{{{"debug", LogLevel::debug},
                                                                                 {"info", LogLevel::info},
                                                                                 {"warning", LogLevel::warning},
                                                                                 {"error", LogLevel::error}}};
  for (const auto& [name, level] : kLevels) {
    if (*given != name) continue;
    config_.log_level = level;
    return true;
  }
  return fail(fmt::format("KV_LOG_LEVEL is {}, which is none of debug, info, warning and error.", in_quotes(*given)));
}

}  // namespace

std::span<const Variable> variables() {
  return kVariables;
}

bool Config::is_bound_elsewhere() const {
  return bind != kDefaultBind;
}

bool Config::is_hint_misleading() const {
  return is_bound_elsewhere() && !is_advertise_given;
}

std::vector<std::string> Config::member_names() const {
  std::vector<std::string> names{self.name};
  for (const Member& peer : peers) names.push_back(peer.name);
  return names;
}

libraft::Configuration Config::members() const {
  libraft::Configuration configuration;
  configuration.voters.push_back({node_id_of(self.name), self.raft_url});
  for (const Member& peer : peers) configuration.voters.push_back({node_id_of(peer.name), peer.raft_url});
  std::sort(configuration.voters.begin(), configuration.voters.end(),
            [](const libraft::Peer& a, const libraft::Peer& b) { return a.id < b.id; });
  return configuration;
}

libraft::NodeOptions Config::node_options() const {
  libraft::NodeOptions options;
  options.cluster = cluster_id_of(cluster);
  options.id = node_id_of(self.name);
  options.bootstrap = members();
  options.core.election_timeout = election_timeout;
  options.core.heartbeat_interval = heartbeat;
  options.core.command_bytes_max = kCommandBytesMax;
  options.core.snapshot_after_entries = snapshot_threshold;
  // A snapshot takes the place of the log, but for what a follower that answers still needs.
  options.core.trailing_entries = 0;
  options.core.trailing_entries_for_followers_max = 1000;
  return options;
}

std::optional<std::string> process_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::variant<Config, ConfigError> load_config(const Environment& environment) {
  return Loader(environment).load();
}

}  // namespace kvserver
