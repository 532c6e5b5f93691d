// The conformance suite for transports: checks what transport.hpp asks of one.
//
//     TransportConformanceSetup setup;
//     setup.members = {{NodeId{1}, "127.0.0.1:7001"}, {NodeId{2}, "127.0.0.1:7002"}, {NodeId{3}, "127.0.0.1:7003"}};
//     setup.endpoint = [](NodeId self, const std::vector<Peer>& members) { return make_my_transport(self, members); };
//     run_transport_conformance(setup, [](const ConformanceCheck& check) { ... });
//
// The suite plays three nodes that send requests and answer each exactly once, copying `Routing::exchange` as the core
// does; so transports that carry a reply as the answer of a request (HTTP) pass as well as those that carry messages
// one by one. A message may be lost: the suite sends again before it judges. Payloads hold any bytes, numbers all 64
// bits. Calls to one transport come one at a time, mostly from the calling thread.
//
// A transport that blocks in send or stop hangs the suite: run it under a timeout.
#pragma once

#include <libraft/export.hpp>
#include <libraft/testkit/conformance.hpp>
#include <libraft/transport.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace libraft::testkit {

/// What the suite needs to know of a transport.
struct TransportConformanceSetup {
  /// Three nodes and their addresses, all in one network. Each check starts them anew, at the same addresses.
  std::vector<Peer> members;
  /// A fresh transport for `self`, not started; `members` has its own address too. Several may exist for one id, of
  /// which the suite has one started at a time (but for one check, which expects the second start to fail or to work).
  std::function<std::unique_ptr<Transport>(NodeId self, const std::vector<Peer>& members)> endpoint;
  /// Moves messages on, where that needs the caller: called again and again while the suite waits. Empty for
  /// transports that have threads of their own.
  std::function<void()> pump;
  /// How long to wait for something that should happen, for each attempt. Spent only when it does not happen.
  std::chrono::milliseconds deadline{5000};
};

/// Runs all checks; true when all passed. `report` is called once for each.
LIBRAFT_EXPORT bool run_transport_conformance(const TransportConformanceSetup& setup, const ConformanceReport& report);

}  // namespace libraft::testkit
