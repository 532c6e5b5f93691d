#include <libraft/testkit/transport_conformance.hpp>
#include <libraft/transport/local_transport.hpp>

#include "support/catch.hpp"

#include <set>

using namespace libraft;
using namespace libraft::testkit;

namespace {

TransportConformanceSetup setup_on(const LocalNetwork& network) {
  TransportConformanceSetup setup;
  setup.members = {{{11}, "a"}, {{12}, "b"}, {{0xf000'0000'0000'0013}, "c"}};
  setup.endpoint = [network](NodeId self, const std::vector<Peer>&) { return network.endpoint(self); };
  return setup;
}

void expect_all_pass(const TransportConformanceSetup& setup) {
  int count = 0;
  const bool passed = run_transport_conformance(setup, [&](const ConformanceCheck& check) {
    ++count;
    INFO(check.name << ": " << check.detail);
    CHECK(check.passed);
  });
  CHECK(passed);
  CHECK(count > 15);
}

/// The rules that were found broken.
std::set<std::string> failures(const TransportConformanceSetup& setup, std::string* details = nullptr) {
  std::set<std::string> failed;
  const bool passed = run_transport_conformance(setup, [&](const ConformanceCheck& check) {
    if (check.passed) return;
    failed.insert(check.name);
    if (details != nullptr) *details += check.detail + "\n";
  });
  CHECK(passed == failed.empty());
  return failed;
}

/// Passes everything on to a LocalTransport; tests override what they break.
class Wrapper : public Transport {
 public:
  explicit Wrapper(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] TransportLimits limits() const override { return inner_->limits(); }
  [[nodiscard]] std::error_code start(const Identity& self, MessageSink& sink) override {
    return inner_->start(self, sink);
  }
  void set_peers(std::span<const Peer> peers) override { inner_->set_peers(peers); }
  void send(std::span<Message> messages) override { inner_->send(messages); }
  void stop() noexcept override { inner_->stop(); }

 protected:
  Transport& inner() { return *inner_; }

 private:
  std::unique_ptr<Transport> inner_;
};

LocalNetwork small_network() {
  LocalNetworkOptions options;
  options.limits = {4096, 8};
  return LocalNetwork(options);
}

template <class Broken>
TransportConformanceSetup broken_setup() {
  const LocalNetwork network = small_network();
  TransportConformanceSetup setup = setup_on(network);
  setup.deadline = std::chrono::milliseconds(100);
  setup.endpoint = [network](NodeId self, const std::vector<Peer>&) {
    return std::make_unique<Broken>(network.endpoint(self));
  };
  return setup;
}

/// Alters one bit of what some commands hold.
struct Altering final : Wrapper {
  using Wrapper::Wrapper;
  void send(std::span<Message> messages) override {
    for (Message& message : messages) {
      auto* append = std::get_if<AppendEntries>(&message.body);
      if (append == nullptr || append->entries.empty()) continue;
      std::vector<Entry> entries(append->entries.begin(), append->entries.end());
      std::string data(entries.back().data.view());
      if (data.empty()) continue;
      data.back() = static_cast<char>(data.back() ^ 1);
      entries.back().data = Bytes(std::move(data));
      append->entries = Entries(std::move(entries));
    }
    Wrapper::send(messages);
  }
};

/// Carries numbers as doubles, as a careless JSON library does.
struct Rounding final : Wrapper {
  using Wrapper::Wrapper;
  void send(std::span<Message> messages) override {
    for (Message& message : messages) {
      if (auto* vote = std::get_if<RequestVote>(&message.body)) {
        vote->last.index.value = static_cast<std::uint64_t>(static_cast<double>(vote->last.index.value));
      }
    }
    Wrapper::send(messages);
  }
};

/// Cuts commands at their first NUL.
struct Cutting final : Wrapper {
  using Wrapper::Wrapper;
  void send(std::span<Message> messages) override {
    for (Message& message : messages) {
      if (auto* chunk = std::get_if<InstallSnapshot>(&message.body)) {
        chunk->data = chunk->data.slice(0, std::min(chunk->data.view().find('\0'), chunk->data.size()));
      }
    }
    Wrapper::send(messages);
  }
};

/// Hears everything that goes to its peers too.
struct Misdelivering final : Wrapper, MessageSink {
  using Wrapper::Wrapper;
  [[nodiscard]] std::error_code start(const Identity& self, MessageSink& sink) override {
    sink_ = &sink;
    return inner().start(self, *this);
  }
  void send(std::span<Message> messages) override {
    std::vector<Message> copies(messages.begin(), messages.end());
    Wrapper::send(messages);
    sink_->receive(copies);
  }
  void receive(std::span<Message> messages) override { sink_->receive(messages); }
  void peer_changed(NodeId peer, PeerEvent event) override { sink_->peer_changed(peer, event); }

 private:
  MessageSink* sink_ = nullptr;
};

/// Tells of a peer when it is stopped already.
struct Talkative final : Wrapper {
  using Wrapper::Wrapper;
  // Broken on purpose: the sink is called after stop, by whatever comes next (here, the destructor).
  ~Talkative() override {
    if (sink_ != nullptr) sink_->peer_changed({1}, PeerEvent::unreachable);
  }
  [[nodiscard]] std::error_code start(const Identity& self, MessageSink& sink) override {
    sink_ = &sink;
    return inner().start(self, sink);
  }

 private:
  MessageSink* sink_ = nullptr;
};

/// Loses replies to nodes that are not its peers.
struct Unfriendly final : Wrapper {
  using Wrapper::Wrapper;
  void set_peers(std::span<const Peer> peers) override {
    peers_.clear();
    for (const Peer& peer : peers) peers_.insert(peer.id);
    Wrapper::set_peers(peers);
  }
  void send(std::span<Message> messages) override {
    std::vector<Message> known;
    for (Message& message : messages) {
      if (peers_.contains(message.route.to)) known.push_back(std::move(message));
    }
    Wrapper::send(known);
  }

 private:
  std::set<NodeId> peers_;
};

/// Says nothing about its peers.
struct Mute final : Wrapper, MessageSink {
  using Wrapper::Wrapper;
  [[nodiscard]] std::error_code start(const Identity& self, MessageSink& sink) override {
    sink_ = &sink;
    return inner().start(self, *this);
  }
  void receive(std::span<Message> messages) override { sink_->receive(messages); }
  void peer_changed(NodeId, PeerEvent) override {}

 private:
  MessageSink* sink_ = nullptr;
};

/// Loses the first of every two messages, and repeats the others: allowed.
struct Lossy final : Wrapper {
  using Wrapper::Wrapper;
  void send(std::span<Message> messages) override {
    for (const Message& message : messages) {
      if (++count_ % 4 == 1) continue;
      std::vector<Message> twice(2, message);
      Wrapper::send(twice);
    }
  }

 private:
  int count_ = 0;
};

}  // namespace

TEST_CASE("LocalTransport passes the conformance suite") {
  expect_all_pass(setup_on(LocalNetwork()));
}

TEST_CASE("LocalTransport passes the conformance suite through the codec") {
  LocalNetworkOptions options;
  options.encode_messages = true;
  expect_all_pass(setup_on(LocalNetwork(options)));
}

TEST_CASE("a caller that moves messages on by a pump is called") {
  TransportConformanceSetup setup = setup_on(small_network());
  int pumped = 0;
  setup.pump = [&] { ++pumped; };
  expect_all_pass(setup);
  CHECK(pumped > 0);
}

TEST_CASE("a transport may lose and repeat messages") {
  TransportConformanceSetup setup = broken_setup<Lossy>();
  CHECK(failures(setup).empty());
}

TEST_CASE("a transport that alters a message is found") {
  std::string details;
  CHECK(failures(broken_setup<Altering>(), &details).contains("payloads of any bytes arrive unaltered"));
  CHECK(details.find("body of a message was altered") != std::string::npos);
  CHECK(failures(broken_setup<Cutting>()).contains("payloads of any bytes arrive unaltered"));
  CHECK(failures(broken_setup<Rounding>()).contains("every kind of request and its reply arrive unaltered"));
}

TEST_CASE("a transport that delivers to the wrong node is found") {
  std::string details;
  const auto failed = failures(broken_setup<Misdelivering>(), &details);
  CHECK(failed.contains("each message reaches the node that it names, and no other"));
  CHECK(details.find("another node than route.to") != std::string::npos);
}

TEST_CASE("a transport that calls the sink after stop is found") {
  std::string details;
  CHECK(failures(broken_setup<Talkative>(), &details).contains("a node comes back under its id and address"));
  CHECK(details.find("after stop returned") != std::string::npos);
}

TEST_CASE("a transport that does not answer strangers is found") {
  CHECK(failures(broken_setup<Unfriendly>()) ==
        std::set<std::string>{"a sender that is not among the peers is delivered, and its reply returns"});
}

TEST_CASE("a transport that does not tell of lost messages is found") {
  CHECK(failures(broken_setup<Mute>()) ==
        std::set<std::string>{"sending to an unreachable peer never blocks, and the peer's state is told"});
}
