// The rules of transport.hpp, one function each.
#include <libraft/testkit/transport_conformance.hpp>

#include "testkit/conformance/transport_conformance_bench.hpp"
#include "testkit/conformance/transport_conformance_messages.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace libraft::testkit {
namespace {

Bench::MakeBody append_with(Bytes command) {
  return [command](std::uint64_t number) { return make_append(number, command); };
}

bool is_loss(PeerEvent event) {
  return event == PeerEvent::unreachable || event == PeerEvent::dropped || event == PeerEvent::saturated;
}

bool was_told_of_loss(Bench& bench, int node, int peer) {
  const std::vector<PeerEvent> events = bench.life(node).sink.events_of(bench.id_of(peer));
  return std::any_of(events.begin(), events.end(), is_loss);
}

/// What was sent before has had time to arrive where it must not: nothing overtakes two exchanges on the same path,
/// or if it does, a later check sees it.
void let_pass(Bench& bench, int from, int to) {
  for (int i = 0; i < 2; ++i) bench.exchange(from, to);
}

void limits_leave_room(Bench& bench) {
  const TransportLimits limits = bench.start(1).transport->limits();
  bench.expect(limits.message_bytes_max > 0, "message_bytes_max is zero");
  bench.expect(limits.in_flight_max > 0, "in_flight_max is zero");
}

void every_kind_arrives(Bench& bench) {
  bench.start_all();
  for (const RequestKind kind : kAllRequestKinds) {
    // Two numbers in a row: replies of both outcomes.
    for (int i = 0; i < 2; ++i) bench.exchange(1, 2, kind);
  }
}

void any_bytes_arrive(Bench& bench) {
  bench.start_all();
  std::vector<std::string> payloads{"",         std::string(1, '\0'), "text",         "\xc3\xa9",
                                    "\xff\xfe", every_byte(),         "\xed\xa0\x80", "\"\\/\b\n\r\t</script>\x7f",
                                    noise(1000)};
  for (const std::string& payload : payloads) {
    bench.exchange(1, 2, append_with(Bytes(payload)));
    bench.exchange(1, 2, [&](std::uint64_t number) { return make_chunk(number, Bytes(payload)); });
  }
}

void a_heartbeat_arrives(Bench& bench) {
  bench.start_all();
  bench.exchange(1, 2, [](std::uint64_t number) { return AppendEntries{{number}, {}, {}, {}, 0}; });
}

void each_reaches_the_node_it_names(Bench& bench) {
  bench.start_all();
  for (const int from : {1, 2, 3}) {
    for (const int to : {1, 2, 3}) {
      if (from != to) bench.exchange(from, to);
    }
  }
}

/// Sends one call's worth of messages, again what is lost, until all have been answered.
void send_until_answered(Bench& bench, int from, const std::vector<int>& receivers) {
  std::vector<int> missing = receivers;
  for (int attempt = 0; attempt < Bench::kAttempts && !missing.empty(); ++attempt) {
    std::vector<Message> messages;
    std::vector<std::pair<std::uint64_t, int>> waiting;
    for (const int to : missing) {
      const std::uint64_t number = bench.next_number();
      messages.push_back(bench.request(from, to, make_append(number, Bytes("one of many"))));
      waiting.emplace_back(number, to);
    }
    bench.send(from, std::move(messages));
    const auto drop_answered = [&] {
      std::erase_if(waiting, [&](const auto& item) { return bench.life(from).replies_seen.contains(item.first); });
      return waiting.empty();
    };
    bench.wait(drop_answered);
    missing.clear();
    for (const auto& [number, to] : waiting) missing.push_back(to);
  }
  bench.expect(missing.empty(), std::to_string(missing.size()) + " requests were never answered");
}

void one_send_reaches_several(Bench& bench) {
  bench.start_all();
  send_until_answered(bench, 1, {2, 3, 2, 3, 3, 2});
  bench.send(1, {});
  bench.exchange(1, 2);
}

void many_in_flight_are_answered(Bench& bench) {
  bench.start_all();
  const std::size_t count = std::min<std::size_t>(bench.life(1).transport->limits().in_flight_max, 256);
  send_until_answered(bench, 1, std::vector<int>(count, 2));
}

void replies_find_their_requests(Bench& bench) {
  bench.start_all();
  bench.life(2).answers = false;
  for (int attempt = 0; attempt < Bench::kAttempts; ++attempt) {
    std::vector<std::uint64_t> numbers;
    for (const int from : {1, 3, 1, 3}) {
      numbers.push_back(bench.next_number());
      bench.send(from, {bench.request(from, 2, make_request(RequestKind::request_vote, numbers.back()))});
    }
    bench.wait([&] { return bench.life(2).open.size() >= numbers.size(); });
    bench.answer_open(2);
    const auto answered = [&](int from, std::size_t i) { return bench.life(from).replies_seen.contains(numbers[i]); };
    if (bench.wait([&] { return answered(1, 0) && answered(3, 1) && answered(1, 2) && answered(3, 3); })) return;
  }
  bench.complain("replies in another order than their requests did not all return");
}

void a_stranger_is_answered(Bench& bench) {
  bench.start_all();
  const std::vector<Peer> only_second{bench.setup().members.at(1)};
  bench.life(1).transport->set_peers(only_second);
  for (const RequestKind kind : kAllRequestKinds) bench.exchange(3, 1, kind);
  bench.life(1).transport->set_peers({});
  bench.exchange(3, 1);
}

void the_newest_peers_count(Bench& bench) {
  bench.start_all();
  bench.exchange(1, 3);
  bench.life(1).transport->set_peers({});
  const std::vector<Peer> only_third{bench.setup().members.at(2)};
  bench.life(1).transport->set_peers(only_third);
  bench.exchange(1, 3);
  bench.life(1).transport->set_peers(bench.peers_of(1));
  bench.exchange(1, 2);
  bench.exchange(1, 3);
}

void the_stated_size_arrives(Bench& bench) {
  bench.start_all();
  const Bytes payload(noise(bench.life(1).transport->limits().message_bytes_max));
  bench.exchange(1, 2, append_with(payload));
  bench.exchange(1, 2, [&](std::uint64_t number) { return make_chunk(number, payload); });
  bench.exchange(1, 2, [&](std::uint64_t number) {
    constexpr std::size_t kCount = 1000;
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t share = payload.size() / kCount;
      entries.push_back({{{number + 1 + i}, {number}}, EntryKind::command, payload.slice(i * share, share)});
    }
    return AppendEntries{{number}, {{number}, {number}}, Entries(std::move(entries)), {}, 0};
  });
}

void another_cluster_is_not_heard(Bench& bench) {
  bench.start_all();
  bench.exchange(1, 2);
  // A message of another cluster out of a node of this one.
  Message foreign = bench.request(1, 2, make_request(RequestKind::timeout_now, bench.next_number()));
  foreign.route.cluster = Bench::kOtherCluster;
  bench.send(1, {bench.forbidden(foreign)});
  let_pass(bench, 1, 2);
  // A node of another cluster under the address of one of this.
  bench.start(3, Bench::kOtherCluster);
  Message from_there = bench.request(3, 1, make_request(RequestKind::timeout_now, bench.next_number()));
  from_there.route.cluster = Bench::kOtherCluster;
  bench.send(3, {bench.forbidden(from_there)});
  bench.send(1, {bench.forbidden(bench.request(1, 3, make_request(RequestKind::timeout_now, bench.next_number())))});
  let_pass(bench, 1, 2);
  let_pass(bench, 2, 1);
  bench.start(3);
  bench.exchange(1, 3);
  bench.exchange(3, 1);
}

void another_receiver_is_not_reached(Bench& bench) {
  bench.start_all();
  std::vector<Peer> mixed_up = bench.peers_of(1);
  std::swap(mixed_up.at(0).address, mixed_up.at(1).address);
  bench.life(1).transport->set_peers(mixed_up);
  // A transport that does not go by addresses delivers these rightly; none may give them to the node at the address.
  for (const int to : {2, 3}) {
    bench.send(1, {bench.request(1, to, make_request(RequestKind::timeout_now, bench.next_number()))});
  }
  let_pass(bench, 2, 3);
  let_pass(bench, 3, 2);
  bench.life(1).transport->set_peers(bench.peers_of(1));
  bench.exchange(1, 2);
  bench.exchange(1, 3);
}

void an_unknown_node_swallows(Bench& bench) {
  bench.start_all();
  Message lost = bench.request(1, 2, make_request(RequestKind::timeout_now, bench.next_number()));
  lost.route.to = {0x7777'7777'7777'7777};
  bench.send(1, {bench.forbidden(lost)});
  let_pass(bench, 1, 2);
  let_pass(bench, 1, 3);
}

void an_unasked_reply_does_no_harm(Bench& bench) {
  bench.start_all();
  Message never_sent = bench.request(1, 2, make_request(RequestKind::request_vote, bench.next_number()));
  never_sent.route.exchange = 0x6666'6666'6666'6666;
  bench.send(2, {make_reply(never_sent), make_reply(never_sent)});
  never_sent.route.exchange = 0;
  bench.send(2, {make_reply(never_sent)});
  let_pass(bench, 1, 2);
  let_pass(bench, 2, 1);
}

void an_unreachable_peer_is_told(Bench& bench) {
  bench.start(1);
  bench.start(3);
  constexpr int kCalls = 200;
  const Bytes command(noise(1024));
  for (int call = 0; call < kCalls; ++call) {
    std::vector<Message> messages;
    for (int i = 0; i < 10; ++i) messages.push_back(bench.request(1, 2, make_append(bench.next_number(), command)));
    bench.send(1, std::move(messages));
  }
  bench.exchange(1, 3);
  bench.expect(bench.wait([&] { return was_told_of_loss(bench, 1, 2); }),
               "2000 messages to a node that is not there, and no unreachable, dropped or saturated");
  bench.start(2);
  bench.exchange(1, 2);
  const auto is_over = [&] {
    const std::vector<PeerEvent> events = bench.life(1).sink.events_of(bench.id_of(2));
    const auto last_of = [&](PeerEvent event) { return std::find(events.rbegin(), events.rend(), event); };
    return last_of(PeerEvent::reachable) <= last_of(PeerEvent::unreachable);
  };
  bench.expect(bench.wait(is_over), "unreachable was told, and not reachable when the peer was back");
}

void a_silent_peer_holds_up_no_other(Bench& bench) {
  bench.start_all();
  bench.life(2).answers = false;
  constexpr std::size_t kCount = 2000;
  const Bytes command(noise(1024));
  for (std::size_t i = 0; i < kCount; ++i) {
    bench.send(1, {bench.request(1, 2, make_append(bench.next_number(), command))});
  }
  bench.exchange(1, 3);
  bench.exchange(3, 1);
  // A network may lose some without knowing; the loss of most of them is the queue's, which knows.
  const auto is_accounted_for = [&] {
    return bench.life(2).requests_seen.size() >= kCount / 2 || was_told_of_loss(bench, 1, 2);
  };
  bench.expect(bench.wait(is_accounted_for), "most messages to a peer that does not answer were lost, untold");
  bench.life(2).answers = true;
  bench.answer_open(2);
  bench.exchange(1, 2);
}

/// A thread that sends one message from a node again and again, so many times at most.
class Sender {
 public:
  Sender(Transport& transport, Message message)
      : thread_([this, &transport, message = std::move(message)] {
          for (int i = 0; i < kSendsMax && !is_over_; ++i) {
            std::vector<Message> messages(2, message);
            transport.send(messages);
            std::this_thread::yield();
          }
        }) {}
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  ~Sender() {
    is_over_ = true;
    thread_.join();
  }

 private:
  /// Enough to be in the middle of it when the transport stops, and an end to it where a broken transport hands
  /// messages back faster than they can be looked at.
  static constexpr int kSendsMax = 20000;

  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

void stop_is_final(Bench& bench) {
  bench.start_all();
  for (int round = 0; round < 10; ++round) {
    bench.start(2);
    const std::uint64_t number = bench.next_number();
    const Message message = bench.request(1, 2, make_request(RequestKind::timeout_now, number));
    const Sender sender(*bench.life(1).transport, message);
    const auto has_arrived = [&] { return bench.life(2).requests_seen.contains(number); };
    for (int attempt = 0; attempt < Bench::kAttempts && !has_arrived(); ++attempt) bench.wait(has_arrived);
    bench.expect(has_arrived(), "nothing arrived");
    bench.stop(2);
  }
  for (int i = 0; i < 10; ++i) {
    bench.send(1, {bench.request(1, 2, make_request(RequestKind::timeout_now, bench.next_number()))});
  }
  let_pass(bench, 1, 3);
  let_pass(bench, 3, 1);
}

void stop_may_be_repeated(Bench& bench) {
  bench.start_all();
  {
    // A second transport for a node that runs: its start most likely fails, as the address is taken.
    Bell bell;
    CollectingSink sink(bell);
    const auto second = bench.setup().endpoint(bench.id_of(1), bench.setup().members);
    const std::error_code error = second->start(bench.life(1).identity, sink);
    second->stop();
    sink.close();
    second->stop();
    bench.expect(!error || sink.take().empty(), "the sink of a transport whose start failed was called");
    bench.expect(sink.take_late_calls() == 0, "the sink was called after stop returned");
  }
  bench.life(2).transport->stop();
  bench.stop(2);
  bench.start(1);
  bench.start(2);
  bench.exchange(1, 2);
  bench.exchange(2, 1);
}

void stop_gives_open_requests_up(Bench& bench) {
  for (const int first : {1, 2}) {
    bench.start_all();
    bench.life(2).answers = false;
    for (int attempt = 0; attempt < Bench::kAttempts && bench.life(2).open.empty(); ++attempt) {
      bench.send(1, {bench.request(1, 2, make_request(RequestKind::pre_vote, bench.next_number()))});
      bench.wait([&] { return !bench.life(2).open.empty(); });
    }
    bench.expect(!bench.life(2).open.empty(), "no request arrived");
    bench.stop(first);
    if (first == 1) bench.answer_open(2);
    bench.stop(3 - first);
  }
}

void a_node_comes_back(Bench& bench) {
  bench.start_all();
  for (int round = 0; round < 3; ++round) {
    bench.exchange(1, 2);
    bench.stop(2);
    bench.send(1, {bench.request(1, 2, make_request(RequestKind::timeout_now, bench.next_number()))});
    bench.exchange(1, 3);
    bench.start(2);
    bench.exchange(2, 1);
    bench.exchange(1, 2);
  }
}

struct Check {
  const char* name;
  void (*run)(Bench&);
};

constexpr Check kChecks[] = {
    {"limits leave room for a message", limits_leave_room},
    {"every kind of request and its reply arrive unaltered", every_kind_arrives},
    {"payloads of any bytes arrive unaltered", any_bytes_arrive},
    {"an AppendEntries without entries arrives unaltered", a_heartbeat_arrives},
    {"each message reaches the node that it names, and no other", each_reaches_the_node_it_names},
    {"messages to several nodes may be sent in one call", one_send_reaches_several},
    {"as many requests as limits() allows may be in flight", many_in_flight_are_answered},
    {"replies find their requests in any order", replies_find_their_requests},
    {"a sender that is not among the peers is delivered, and its reply returns", a_stranger_is_answered},
    {"set_peers replaces the set before", the_newest_peers_count},
    {"messages of the stated size arrive", the_stated_size_arrives},
    {"messages of another cluster are not delivered", another_cluster_is_not_heard},
    {"messages for another receiver are not delivered", another_receiver_is_not_reached},
    {"a message to an unknown node vanishes", an_unknown_node_swallows},
    {"a reply that nobody waits for does no harm", an_unasked_reply_does_no_harm},
    {"sending to an unreachable peer never blocks, and the peer's state is told", an_unreachable_peer_is_told},
    {"a peer that does not answer holds up no other, and losses are told", a_silent_peer_holds_up_no_other},
    {"after stop returns the sink is not called, whoever is sending", stop_is_final},
    {"stop may be called twice, and after a failed start", stop_may_be_repeated},
    {"stop gives up open requests on either side", stop_gives_open_requests_up},
    {"a node comes back under its id and address", a_node_comes_back},
};

ConformanceCheck run(const Check& check, Bench& bench) {
  try {
    check.run(bench);
  } catch (const std::exception& error) {
    bench.complain(std::string("an exception came out: ") + error.what());
  }
  const std::string complaint = bench.finish();
  return {check.name, complaint.empty(), complaint};
}

}  // namespace

bool run_transport_conformance(const TransportConformanceSetup& setup, const ConformanceReport& report) {
  Bench bench(setup);
  bool all_passed = true;
  for (const Check& check : kChecks) {
    const ConformanceCheck result = run(check, bench);
    all_passed = all_passed && result.passed;
    report(result);
  }
  return all_passed;
}

}  // namespace libraft::testkit
