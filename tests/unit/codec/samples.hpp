// One message of every kind, with numbers at the edges of their encodings.
#pragma once

#include <libraft/codec.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace libraft::test {

inline constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

inline std::string every_byte() {
  std::string text;
  for (int value = 0; value < 256; ++value) text.push_back(static_cast<char>(value));
  return text;
}

inline Routing sample_route() {
  Routing route;
  route.cluster = {0x0123456789abcdef};
  route.group = {300};
  route.from = {kMax};
  route.to = {1};
  route.from_incarnation = {0x80};
  route.to_incarnation = {0};
  return route;
}

inline Entries sample_entries() {
  return Entries({{{{127}, {2}}, EntryKind::noop, Bytes()},
                  {{{128}, {2}}, EntryKind::command, Bytes(every_byte())},
                  {{{129}, {16384}}, EntryKind::command, Bytes()}});
}

inline Configuration sample_configuration() {
  return {{{{1}, "http://127.0.0.1:9081"}, {{2}, ""}}, {{{kMax}, every_byte()}}, {}};
}

inline SnapshotMeta sample_meta() {
  return {{{kMax}, {7}}, {{{5}, {3}}, sample_configuration()}, 1u << 20, {kMax, 0}};
}

inline std::vector<Message> sample_messages() {
  std::vector<Message> messages;
  const auto add = [&](MessageBody body) { messages.push_back({sample_route(), std::move(body)}); };
  add(PreVote{{kMax}, {{127}, {128}}});
  add(PreVoteReply{{1}, {2}, true});
  add(RequestVote{{3}, {{0}, {0}}, true});
  add(RequestVoteReply{{4}, false});
  add(AppendEntries{{5}, {{126}, {2}}, sample_entries(), {16383}, kMax});
  add(AppendEntries{{5}, {}, {}, {}, 0});
  add(AppendEntriesReply{{6}, true, {129}, {0}, {}, 9});
  add(AppendEntriesReply{{6}, false, {0}, {1u << 21}, {{12}, {5}}, 0});
  add(InstallSnapshot{{7}, sample_meta(), 256, Bytes(every_byte())});
  add(InstallSnapshot{{7}, {}, 0, Bytes()});
  add(InstallSnapshotReply{{8}, {{44}, {7}}, true, kMax});
  add(TimeoutNow{{9}});
  add(TimeoutNowReply{{10}});
  return messages;
}

template <class T>
std::string encoded(const T& value) {
  std::string out;
  encode(value, out);
  return out;
}

}  // namespace libraft::test
