// Node: a Raft node without threads and without Asio. Its lifecycle, its requests, and the driver beneath.
//
// Everything runs on the Runtime's protocol lane; requests may come from any thread: they go through the inbox, in
// order, and are taken out in batches (many proposals, one step of the core). RaftNode is this with an Asio face, and
// the simulator runs it as it is.
#pragma once

#include "node/core_listener.hpp"
#include "node/gauges.hpp"

#include <libraft/components.hpp>
#include <libraft/core.hpp>
#include <libraft/detail/completion.hpp>
#include <libraft/export.hpp>
#include <libraft/options.hpp>
#include <libraft/runtime.hpp>
#include <libraft/status.hpp>
#include <libraft/types.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace libraft::node {

template <class... Args>
using Completion = detail::Completion<std::error_code, Args...>;

/// What only a source of randomness can give: drawn by the caller, so that a node itself is deterministic.
struct Randomness {
  std::uint64_t seed = 0;   ///< of the core's timeouts
  Incarnation incarnation;  ///< used when the storage is formatted
};

// Exported for the testkit, which runs nodes in virtual time.
class LIBRAFT_EXPORT Node {
 public:
  /// `options` are valid; `runtime` outlives the node.
  Node(NodeOptions options, Components components, Runtime& runtime, Randomness randomness);
  /// The node must be created, stopped, or failed and stopped.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Any thread. Each completion is called exactly once, on the protocol lane, never inside the call.

  /// Recovers from storage (formats an empty one) and takes part in the cluster. After an error the node is `failed`.
  void start(Completion<> done);
  /// Refuses new requests, hands leadership over, lets requests in flight complete, stops the transport, waits for the
  /// lanes, closes the storage. Always succeeds; also after a failure, and twice.
  void stop(StopOptions options, Completion<> done);

  void propose(Bytes command, ProposeOptions options, Completion<Applied> done);
  void read_index(ReadOptions options, Completion<LogIndex> done);
  void query(std::string request, ReadOptions options, Completion<Applied> done);
  void wait_applied(LogIndex index, Duration timeout, Completion<LogIndex> done);
  void wait_leader(Duration timeout, Completion<NodeId> done);
  /// Done when another node is known to lead.
  void transfer_leadership(std::optional<NodeId> target, Duration timeout, Completion<> done);
  /// Done when a snapshot of what is applied now (or more) is durable and the newest. errc::timeout after `timeout`.
  void snapshot(Duration timeout, Completion<LogId> done);

  [[nodiscard]] Status status() const;
  [[nodiscard]] Metrics metrics() const;
  [[nodiscard]] std::optional<NodeId> leader() const;

  /// Before the start. `listener` outlives the node.
  void listen(CoreListener& listener);
  /// Protocol lane only, or when nothing runs. nullptr until the storage is read.
  [[nodiscard]] const Core* core() const;
  /// As `core`: how full the queues are.
  [[nodiscard]] Gauges gauges() const;
  /// With the core's as they are after the transport's limits.
  [[nodiscard]] const NodeOptions& options() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace libraft::node
