// Config: what the environment variables say, checked. docs/kvserver.md is the reference.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/logger.hpp>
#include <libraft/options.hpp>
#include <libraft/types.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kvserver {

/// One environment variable, as --help shows it.
struct Variable {
  std::string_view name;
  std::string_view default_value;  ///< in words where it depends on others
  std::string_view meaning;
};
/// All of them, in the order of the reference.
[[nodiscard]] std::span<const Variable> variables();

/// A node of the cluster, this one or another.
struct Member {
  std::string name;      ///< the protocol name: its hash is the node's id
  std::string raft_url;  ///< http://host:port

  friend bool operator==(const Member&, const Member&) = default;
};

struct Config {
  std::uint16_t client_port = 8080;
  std::string client_port_variable = "KVSTORE_PORT";  ///< or PORT, when that gave client_port
  std::uint16_t raft_port = 9080;
  std::string bind = "127.0.0.1";   ///< an IP address
  std::string advertise;            ///< where clients reach this node, told to the others
  bool is_advertise_given = false;  ///< by KV_ADVERTISE; otherwise it is this machine's localhost
  std::string node_id;              ///< NODE_ID: names the folder, and what people see
  Member self;
  std::vector<Member> peers;      ///< the other members, in the order of PEERS
  std::string cluster;            ///< what the cluster's id is the hash of
  bool is_cluster_named = false;  ///< by KV_CLUSTER; otherwise by its members' names
  std::filesystem::path data_dir = "./data";
  std::uint64_t snapshot_threshold = 50;
  std::chrono::milliseconds request_timeout{3000};
  std::chrono::milliseconds election_timeout{1000};
  std::chrono::milliseconds heartbeat{100};
  libraft::LogLevel log_level = libraft::LogLevel::info;

  /// RAFT_DATA_DIR/<NODE_ID>.
  [[nodiscard]] std::filesystem::path folder() const { return data_dir / node_id; }
  /// Not on 127.0.0.1: others may reach the ports.
  [[nodiscard]] bool is_bound_elsewhere() const;
  /// The node listens on another address than the one that clients are told by default.
  [[nodiscard]] bool is_hint_misleading() const;
  /// The protocol names of all members.
  [[nodiscard]] std::vector<std::string> member_names() const;
  /// All members, as libraft wants them; addresses are the Raft URLs.
  [[nodiscard]] libraft::Configuration members() const;
  [[nodiscard]] libraft::NodeOptions node_options() const;
};

/// What is wrong, in one sentence that names the variable.
struct ConfigError {
  std::string sentence;
};

/// Looks a variable up; nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
/// The one of this process.
[[nodiscard]] std::optional<std::string> process_environment(const char* name);

/// Reads and checks everything that can be checked without touching files and ports.
[[nodiscard]] std::variant<Config, ConfigError> load_config(const Environment& environment);

}  // namespace kvserver
