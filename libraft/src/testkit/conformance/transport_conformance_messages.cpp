#include "testkit/conformance/transport_conformance_messages.hpp"

#include <utility>
#include <vector>

namespace libraft::testkit {
namespace {

constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;

SnapshotMeta make_meta(std::uint64_t number) {
  SnapshotMeta meta;
  meta.last = {{number}, {number - 1}};
  meta.configuration.at = {{number - 7}, {number - 8}};
  meta.configuration.value.voters = {{{1}, "http://127.0.0.1:9081"}, {{kTopBit + 2}, ""}};
  meta.configuration.value.outgoing_voters = {{{3}, "caf\xc3\xa9 \"quoted\" \\ %20 /?a=b&c"}};
  meta.configuration.value.learners = {{{~std::uint64_t{0}}, "learner"}};
  meta.size = kTopBit + number;
  meta.digest = {kTopBit + 1, ~std::uint64_t{0}};
  return meta;
}

MessageBody make_append_of_all_sorts(std::uint64_t number) {
  std::vector<Entry> entries;
  const auto add = [&](EntryKind kind, Bytes data) {
    entries.push_back({{{number + 1 + entries.size()}, {number}}, kind, std::move(data)});
  };
  add(EntryKind::noop, {});
  add(EntryKind::command, Bytes("plain text"));
  add(EntryKind::command, Bytes(every_byte()));
  add(EntryKind::command, {});
  return AppendEntries{{number}, {{number}, {number - 1}}, Entries(std::move(entries)), {number - 2}, kTopBit + number};
}

struct ReplyMaker {
  std::uint64_t number;
  bool is_even = number % 2 == 0;

  MessageBody operator()(const PreVote& request) const {
    return PreVoteReply{{number}, {request.term.value + 1}, is_even};
  }
  MessageBody operator()(const RequestVote&) const { return RequestVoteReply{{number}, is_even}; }
  MessageBody operator()(const AppendEntries& request) const {
    if (is_even) return AppendEntriesReply{{number}, true, {number + 4}, {}, {}, request.read_sequence};
    return AppendEntriesReply{
        {number}, false, {}, request.previous.index, {{number - 3}, {number - 4}}, request.read_sequence};
  }
  MessageBody operator()(const InstallSnapshot& request) const {
    return InstallSnapshotReply{{number}, request.meta.last, is_even, kTopBit + number};
  }
  MessageBody operator()(const TimeoutNow&) const { return TimeoutNowReply{{number}}; }
  template <class Reply>
  MessageBody operator()(const Reply& reply) const {
    return reply;  // no request: the suite does not ask
  }
};

}  // namespace

MessageBody make_request(RequestKind kind, std::uint64_t number) {
  switch (kind) {
    case RequestKind::pre_vote:
      return PreVote{{number}, {{number + 1}, {number - 1}}};
    case RequestKind::request_vote:
      return RequestVote{{number}, {{number + 1}, {number - 1}}, number % 2 == 0};
    case RequestKind::append_entries:
      return make_append_of_all_sorts(number);
    case RequestKind::install_snapshot:
      return InstallSnapshot{{number}, make_meta(number), kTopBit, Bytes(every_byte())};
    case RequestKind::timeout_now:
      break;
  }
  return TimeoutNow{{number}};
}

MessageBody make_append(std::uint64_t number, Bytes command) {
  Entries entries({{{{number + 1}, {number}}, EntryKind::command, std::move(command)}});
  return AppendEntries{{number}, {{number}, {number - 1}}, std::move(entries), {number}, 0};
}

MessageBody make_chunk(std::uint64_t number, Bytes data) {
  SnapshotMeta meta = make_meta(number);
  meta.size = data.size();
  return InstallSnapshot{{number}, std::move(meta), 0, std::move(data)};
}

Message make_reply(const Message& request) {
  Routing route = request.route;
  std::swap(route.from, route.to);
  std::swap(route.from_incarnation, route.to_incarnation);
  return {route, std::visit(ReplyMaker{term_of(request.body).value}, request.body)};
}

std::string every_byte() {
  std::string text;
  for (int value = 0; value < 256; ++value) text.push_back(static_cast<char>(value));
  return text;
}

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (char& c : text) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return text;
}

}  // namespace libraft::testkit
