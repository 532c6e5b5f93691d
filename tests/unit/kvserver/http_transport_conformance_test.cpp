#include "api/raft_api.hpp"
#include "kv/node_names.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"
#include "transport/http_transport.hpp"

#include <libraft/testkit/transport_conformance.hpp>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace kvserver;
using kvserver::test::own_address;
using libraft::NodeId;
using libraft::Peer;

constexpr std::uint16_t kFirstPort = 7100;

// An HttpTransport with the Raft port that main() would give it.
class WholeTransport final : public libraft::Transport {
 public:
  explicit WholeTransport(std::uint16_t port)
      : transport_({}, names_), server_(raft_server_options(own_address(), port)) {
    install_raft_api(server_, transport_, [] { return json_reply(200, "{}"); });
  }
  ~WholeTransport() override { server_.stop(); }

  libraft::TransportLimits limits() const override { return transport_.limits(); }
  std::error_code start(const libraft::Identity& self, libraft::MessageSink& sink) override {
    if (const std::error_code failed = server_.start()) return failed;
    return transport_.start(self, sink);
  }
  void set_peers(std::span<const Peer> peers) override { transport_.set_peers(peers); }
  void send(std::span<libraft::Message> messages) override { transport_.send(messages); }
  void stop() noexcept override {
    transport_.stop();
    server_.stop();
  }

 private:
  NodeNames names_{{}};
  HttpTransport transport_;
  HttpServer server_;
};

TEST_CASE("HttpTransport passes the conformance suite of transports") {
  libraft::testkit::TransportConformanceSetup setup;
  std::map<NodeId, std::uint16_t> ports;
  for (std::uint16_t i = 0; i < 3; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstPort + i);
    const NodeId id{i + 1u};
    ports[id] = port;
    setup.members.push_back({id, "http://" + own_address() + ":" + std::to_string(port)});
  }
  setup.endpoint = [&ports](NodeId self, const std::vector<Peer>&) {
    return std::make_unique<WholeTransport>(ports.at(self));
  };
  libraft::testkit::run_transport_conformance(setup, [](const libraft::testkit::ConformanceCheck& check) {
    INFO(check.name << ": " << check.detail);
    CHECK(check.passed);
  });
}

}  // namespace
