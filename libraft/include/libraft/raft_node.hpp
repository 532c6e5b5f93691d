// RaftNode: a member of a Raft cluster inside your program.
//
// Give it a transport, a storage and your state machine; it keeps the state machine equal on all members. What is
// proposed on the leader is replicated, made durable by a majority, applied on every member, and then answered:
//
//     libraft::NodeOptions options;
//     options.cluster = {1};
//     options.id = {1};
//     options.bootstrap = libraft::Configuration{.voters = {{{1}, ""}}};
//     auto node = libraft::RaftNode::create(options, std::move(components)).value();
//     if (auto error = node->start()) return error;
//     libraft::Result<libraft::Applied> done = node->propose(libraft::Bytes("add 5"));
//
// Every request has two forms. `async_x(..., token)` takes any Asio completion token (callback, use_future,
// use_awaitable, deferred, bind_executor...) and never blocks; `x(...)` waits in the calling thread. The handler of an
// asynchronous request is called exactly once, never inside the call that started it, and on its associated executor:
// without one, on the node's protocol lane, where it must be quick. What a handler's executor belongs to must outlive
// the node. Requests are bounded by the timeouts in their options; per-operation cancellation is not supported.
//
// How a request ended is in its error_code: none: done; else compare it with libraft::condition (certainly not done, or
// outcome unknown). A request to a node that is not running ends with errc::stopped.
//
// Threads: any thread may call anything at any time, but for the destructor, which comes after all other calls.
// Blocking calls on the node's own lanes (from a state machine, an observer, or a handler without an executor of its
// own) return errc::would_deadlock and do nothing.
//
// docs/embedding.md is the guide.
#pragma once

#include <libraft/components.hpp>
#include <libraft/detail/completion.hpp>
#include <libraft/detail/handler_operation.hpp>
#include <libraft/export.hpp>
#include <libraft/options.hpp>
#include <libraft/result.hpp>
#include <libraft/status.hpp>
#include <libraft/types.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace libraft {

/// Where a node works: one executor for each of its lanes. An empty one: a thread that the node owns. Lanes may share
/// an executor, also with other nodes (many nodes on one thread pool): the node makes strands of its own.
///
/// The caller runs the executors as long as the node exists, by threads that do not themselves wait for the node.
struct Executors {
  asio::any_io_executor protocol = {};    ///< the protocol, and handlers without an executor: short steps, never blocks
  asio::any_io_executor storage = {};     ///< blocking writes and reads of the log
  asio::any_io_executor apply = {};       ///< the state machine
  asio::any_io_executor background = {};  ///< saving snapshots

  /// All lanes on one executor. For a thread pool: a blocking write occupies one of its threads.
  [[nodiscard]] static Executors all_on(const asio::any_io_executor& executor) {
    return {executor, executor, executor, executor};
  }
};

/// A member of a cluster.
class LIBRAFT_EXPORT RaftNode {
 public:
  /// Of the protocol lane; makes a node usable where Asio asks for an executor.
  using executor_type = asio::any_io_executor;

  /// A node that is not started yet. errc::invalid_options when `validate(options)` has an objection or a required
  /// component is missing (`reason`, when given, then says which in a sentence); an error of the system when its
  /// threads can't be made.
  [[nodiscard]] static Result<std::unique_ptr<RaftNode>> create(NodeOptions options, Components components,
                                                                Executors executors = {},
                                                                std::string* reason = nullptr);

  /// Stops at once, as stop() with no time for hand-over and drain: requests in flight end as errc::interrupted or
  /// errc::stopped. Waits in the calling thread until nothing of the node runs any more. (On one of the node's own
  /// lanes it can't wait for itself: there, a last thread finishes the work.)
  ~RaftNode();
  RaftNode(const RaftNode&) = delete;
  RaftNode& operator=(const RaftNode&) = delete;

  // Lifecycle.

  /// Recovers from storage (formats an empty one), restores the state machine and takes part in the cluster. After an
  /// error of its parts the node is in state `failed`, and Status::failure says why. Not so where nothing was tried:
  /// errc::invalid_argument when it was started before, errc::stopped when it is stopped meanwhile.
  /// Signature: void(std::error_code)
  template <class Token>
  auto async_start(Token&& token) {
    return initiate<>([](RaftNode& node, Completion<> done) { node.begin_start(std::move(done)); }, token);
  }
  /// async_start, waiting.
  [[nodiscard]] std::error_code start();

  /// Refuses new requests, hands leadership over, lets requests in flight complete, then ends everything and closes the
  /// storage. Succeeds also after a failure, and twice. A stopped node is not started again: create a new one.
  /// Signature: void(std::error_code)
  template <class Token>
  auto async_stop(StopOptions options, Token&& token) {
    return initiate<>([options](RaftNode& node, Completion<> done) { node.begin_stop(options, std::move(done)); },
                      token);
  }
  /// With the default options.
  template <class Token>
  auto async_stop(Token&& token) {
    return async_stop(StopOptions(), std::forward<Token>(token));
  }
  /// The only error is errc::would_deadlock.
  [[nodiscard]] std::error_code stop(StopOptions options = StopOptions());

  // Writing and reading.

  /// Replicates `command` and applies it. Done: it is durable on a majority and applied here, and `Applied` has its
  /// place and the state machine's reply. On a leader only: elsewhere errc::not_leader, and leader() may know who is.
  /// Signature: void(std::error_code, Applied)
  template <class Token>
  auto async_propose(Bytes command, ProposeOptions options, Token&& token) {
    return initiate<Applied>(
        [command = std::move(command), options](RaftNode& node, Completion<Applied> done) mutable {
          node.begin_propose(std::move(command), options, std::move(done));
        },
        token);
  }
  /// With the default options.
  template <class Token>
  auto async_propose(Bytes command, Token&& token) {
    return async_propose(std::move(command), ProposeOptions(), std::forward<Token>(token));
  }
  /// async_propose, waiting.
  [[nodiscard]] Result<Applied> propose(Bytes command, ProposeOptions options = ProposeOptions());

  /// An index such that a state with it applied has seen every write acknowledged before this call (thesis §6.4), and
  /// that is applied here. Signature: void(std::error_code, LogIndex)
  template <class Token>
  auto async_read_index(ReadOptions options, Token&& token) {
    return initiate<LogIndex>(
        [options](RaftNode& node, Completion<LogIndex> done) { node.begin_read_index(options, std::move(done)); },
        token);
  }
  /// With the default options.
  template <class Token>
  auto async_read_index(Token&& token) {
    return async_read_index(ReadOptions(), std::forward<Token>(token));
  }
  /// async_read_index, waiting.
  [[nodiscard]] Result<LogIndex> read_index(ReadOptions options = ReadOptions());

  /// Asks the state machine (StateMachine::query), linearizable unless the options say otherwise. `Applied` has the
  /// answer and the applied entry that it saw. Signature: void(std::error_code, Applied)
  template <class Token>
  auto async_query(std::string request, ReadOptions options, Token&& token) {
    return initiate<Applied>(
        [request = std::move(request), options](RaftNode& node, Completion<Applied> done) mutable {
          node.begin_query(std::move(request), options, std::move(done));
        },
        token);
  }
  /// With the default options.
  template <class Token>
  auto async_query(std::string request, Token&& token) {
    return async_query(std::move(request), ReadOptions(), std::forward<Token>(token));
  }
  /// async_query, waiting.
  [[nodiscard]] Result<Applied> query(std::string request, ReadOptions options = ReadOptions());

  // Waiting.

  /// Done when `index` is applied here; brings the applied index. errc::not_caught_up after `timeout`.
  /// Signature: void(std::error_code, LogIndex)
  template <class Token>
  auto async_wait_applied(LogIndex index, Duration timeout, Token&& token) {
    return initiate<LogIndex>(
        [index, timeout](RaftNode& node, Completion<LogIndex> done) {
          node.begin_wait_applied(index, timeout, std::move(done));
        },
        token);
  }
  /// async_wait_applied, waiting.
  [[nodiscard]] Result<LogIndex> wait_applied(LogIndex index, Duration timeout);

  /// Done when this node knows a leader (itself or another). errc::timeout after `timeout`.
  /// Signature: void(std::error_code, NodeId)
  template <class Token>
  auto async_wait_leader(Duration timeout, Token&& token) {
    return initiate<NodeId>(
        [timeout](RaftNode& node, Completion<NodeId> done) { node.begin_wait_leader(timeout, std::move(done)); },
        token);
  }
  /// async_wait_leader, waiting.
  [[nodiscard]] Result<NodeId> wait_leader(Duration timeout);

  // Care.

  /// Hands leadership to `target`, or to the most advanced follower (thesis §3.10). Done when another node is known to
  /// lead; errc::transfer_failed when it does not take over within `timeout`, and in any case after one election
  /// timeout. This node leads on then if it can; with a shorter `timeout` the hand-over may still come about.
  /// Signature: void(std::error_code)
  template <class Token>
  auto async_transfer_leadership(std::optional<NodeId> target, Duration timeout, Token&& token) {
    return initiate<>(
        [target, timeout](RaftNode& node, Completion<> done) {
          node.begin_transfer_leadership(target, timeout, std::move(done));
        },
        token);
  }
  /// async_transfer_leadership, waiting.
  [[nodiscard]] std::error_code transfer_leadership(std::optional<NodeId> target, Duration timeout);

  /// Done when a snapshot of what is applied now (or more) is durable; brings the last entry that it covers.
  /// errc::timeout after `timeout`: it may still be taken. errc::no_snapshot when nothing is applied yet.
  /// Signature: void(std::error_code, LogId)
  template <class Token>
  auto async_snapshot(Duration timeout, Token&& token) {
    return initiate<LogId>(
        [timeout](RaftNode& node, Completion<LogId> done) { node.begin_snapshot(timeout, std::move(done)); }, token);
  }
  /// async_snapshot, waiting.
  [[nodiscard]] Result<LogId> snapshot(Duration timeout);

  // What the node knows. None of these waits for the protocol; what they return may be old when it arrives.

  /// Role, term, log and members.
  [[nodiscard]] Status status() const;
  /// Counters.
  [[nodiscard]] Metrics metrics() const;
  /// Who leads, when known.
  [[nodiscard]] std::optional<NodeId> leader() const;

  /// The protocol lane: where handlers without an executor of their own are called. Its users must not block it.
  [[nodiscard]] executor_type get_executor() const;

 private:
  template <class... Results>
  using Completion = detail::Completion<std::error_code, Results...>;

  class Impl;
  explicit RaftNode(std::unique_ptr<Impl> impl);

  template <class... Results, class Begin, class Token>
  auto initiate(Begin begin, Token& token) {
    return asio::async_initiate<Token, void(std::error_code, Results...)>(
        [](auto handler, RaftNode* node, Begin start) {
          using Operation = detail::HandlerOperation<decltype(handler), std::error_code, Results...>;
          start(*node, Operation::create(std::move(handler), node->handler_queue()));
        },
        token, this, std::move(begin));
  }

  void begin_start(Completion<> done);
  void begin_stop(StopOptions options, Completion<> done);
  void begin_propose(Bytes command, ProposeOptions options, Completion<Applied> done);
  void begin_read_index(ReadOptions options, Completion<LogIndex> done);
  void begin_query(std::string request, ReadOptions options, Completion<Applied> done);
  void begin_wait_applied(LogIndex index, Duration timeout, Completion<LogIndex> done);
  void begin_wait_leader(Duration timeout, Completion<NodeId> done);
  void begin_transfer_leadership(std::optional<NodeId> target, Duration timeout, Completion<> done);
  void begin_snapshot(Duration timeout, Completion<LogId> done);
  [[nodiscard]] detail::HandlerQueue& handler_queue();

  std::unique_ptr<Impl> impl_;
};

}  // namespace libraft
