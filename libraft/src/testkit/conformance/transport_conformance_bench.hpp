// Three nodes on a transport under test: what they send, receive, answer and hold against it.
#pragma once

#include <libraft/testkit/transport_conformance.hpp>

#include "testkit/conformance/transport_conformance_messages.hpp"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace libraft::testkit {

/// What the suite waits on: sinks ring it from the transport's threads.
class Bell {
 public:
  void ring();
  /// Returns when it was rung since the last wait, or after a moment.
  void wait();

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  bool is_rung_ = false;
};

/// The node's side of a transport: collects. Calls after close() are counted, as a transport must not make them.
class CollectingSink final : public MessageSink {
 public:
  explicit CollectingSink(Bell& bell) : bell_(bell) {}

  void receive(std::span<Message> messages) override;
  void peer_changed(NodeId peer, PeerEvent event) override;

  void close();
  [[nodiscard]] std::vector<Message> take();
  /// Since the last time.
  [[nodiscard]] int take_late_calls();
  /// Of `peer`, in order.
  [[nodiscard]] std::vector<PeerEvent> events_of(NodeId peer) const;

 private:
  Bell& bell_;
  mutable std::mutex mutex_;
  std::vector<Message> inbox_;
  std::vector<std::pair<NodeId, PeerEvent>> events_;
  bool is_closed_ = false;
  int late_calls_ = 0;
};

/// One life of a node: a transport from start to stop.
struct Life {
  Life(Identity self, std::unique_ptr<Transport> with, Bell& bell)
      : identity(self), transport(std::move(with)), sink(bell) {}

  Identity identity;
  std::unique_ptr<Transport> transport;
  CollectingSink sink;
  bool is_running = false;
  bool answers = true;                    ///< false: keeps requests in `open`
  std::vector<Message> open;              ///< requests to be answered by hand
  std::set<std::uint64_t> requests_seen;  ///< numbers
  std::set<std::uint64_t> replies_seen;
};

class Bench {
 public:
  explicit Bench(const TransportConformanceSetup& setup) : setup_(setup) {}

  /// Stops all nodes, and tells what was found wrong since the last time; empty when nothing was.
  [[nodiscard]] std::string finish();
  void complain(const std::string& what);
  /// Complains unless `holds`; returns it.
  bool expect(bool holds, const std::string& what);

  /// Starts node `number` (1 to 3) with all others as its peers. The life before is stopped.
  Life& start(int number, ClusterId cluster = kCluster);
  void start_all();
  void stop(int number);
  [[nodiscard]] Life& life(int number) { return *lives_.at(index_of(number)); }
  [[nodiscard]] NodeId id_of(int number) const { return setup_.members.at(index_of(number)).id; }
  [[nodiscard]] std::vector<Peer> peers_of(int number) const;
  [[nodiscard]] const TransportConformanceSetup& setup() const { return setup_; }

  /// The number for the next request.
  [[nodiscard]] std::uint64_t next_number() { return next_number_++; }
  /// A request that may be delivered to `to`, and whose reply may be delivered to `from`.
  [[nodiscard]] Message request(int from, int to, MessageBody body);
  /// Not to be delivered to anyone: complains when it is.
  [[nodiscard]] Message forbidden(Message message);
  void send(int from, std::vector<Message> messages);
  /// Answers the requests that the life holds, newest first.
  void answer_open(int number);

  using MakeBody = std::function<MessageBody(std::uint64_t number)>;
  /// Sends a request and has it answered; again when it is lost. False, and a complaint, when no reply comes.
  bool exchange(int from, int to, const MakeBody& make);
  bool exchange(int from, int to, RequestKind kind = RequestKind::append_entries);

  /// Runs the nodes until `done` or the deadline; returns whether it is done.
  bool wait(const std::function<bool()>& done);

  static constexpr ClusterId kCluster{0x8000'0000'0000'00c1};
  static constexpr ClusterId kOtherCluster{0x8000'0000'0000'00c2};
  static constexpr int kAttempts = 5;

 private:
  [[nodiscard]] static std::size_t index_of(int number) { return static_cast<std::size_t>(number - 1); }
  void run_nodes();
  void take_in(Life& life, const Message& message);
  void check_arrival(const Life& life, const Message& message);
  void check_silence();

  const TransportConformanceSetup& setup_;
  Bell bell_;
  std::array<std::unique_ptr<Life>, 3> lives_;
  std::vector<std::unique_ptr<Life>> ended_;  ///< kept to the end: watched for calls after stop
  std::map<std::uint64_t, Message> requests_;
  std::set<std::uint64_t> forbidden_;
  std::uint64_t next_number_ = kFirstNumber;
  std::uint64_t next_incarnation_ = 0xf000'0000'0000'0001;
  std::string complaint_;
};

}  // namespace libraft::testkit
