#include <libraft/codec.hpp>

#include "samples.hpp"
#include "support/catch.hpp"

#include <random>

using namespace libraft;
using namespace libraft::test;

namespace {

Result<Message> decoded(const std::string& bytes, const CodecLimits& limits = {}, std::string* reason = nullptr) {
  return decode_message(Bytes(bytes), limits, reason);
}

std::string hex(const std::string& bytes) {
  static const char* const digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

}  // namespace

TEST_CASE("every kind of message decodes to itself and encodes to the same bytes again") {
  for (const Message& message : sample_messages()) {
    CAPTURE(message.body.index());
    const std::string bytes = encoded(message);
    const Result<Message> same = decoded(bytes);
    REQUIRE(same);
    CHECK(*same == message);
    CHECK(encoded(*same) == bytes);
  }
}

TEST_CASE("entries, configurations and snapshot metas decode to themselves") {
  CHECK(*decode_entries(Bytes(encoded(sample_entries()))) == sample_entries());
  CHECK(decode_entries(Bytes(encoded(Entries())))->empty());
  CHECK(*decode_configuration(Bytes(encoded(sample_configuration()))) == sample_configuration());
  CHECK(*decode_configuration(Bytes(encoded(Configuration()))) == Configuration());
  CHECK(*decode_snapshot_meta(Bytes(encoded(sample_meta()))) == sample_meta());
  for (const Entry& entry : sample_entries()) CHECK(*decode_entry(Bytes(encoded(entry))) == entry);
}

// A release must read what the one before it wrote: these bytes stay as they are.
TEST_CASE("the bytes of version 1 are fixed") {
  const Routing route{{0x0102030405060708}, {0}, {1}, {2}, {3}, {4}, 99};
  const std::string head =
      "0807060504030201"
      "00"
      "0100000000000000"
      "0200000000000000"
      "0300000000000000"
      "0400000000000000";
  CHECK(hex(encoded(Message{route, PreVote{{5}, {{6}, {4}}}})) == "0101" + head +
                                                                      "05"
                                                                      "06"
                                                                      "04");
  CHECK(hex(encoded(Message{route, PreVoteReply{{5}, {6}, true}})) == "0102" + head +
                                                                          "05"
                                                                          "06"
                                                                          "01");
  CHECK(hex(encoded(Message{route, RequestVote{{5}, {{6}, {4}}, true}})) == "0103" + head +
                                                                                "05"
                                                                                "06"
                                                                                "04"
                                                                                "01");
  CHECK(hex(encoded(Message{route, RequestVoteReply{{300}, false}})) == "0104" + head +
                                                                            "ac02"
                                                                            "00");
  const Entries entries({{{{7}, {5}}, EntryKind::command, Bytes("ab")}});
  CHECK(hex(encoded(Message{route, AppendEntries{{5}, {{6}, {4}}, entries, {3}, 2}})) == "0105" + head +
                                                                                             "05"
                                                                                             "06"
                                                                                             "04"
                                                                                             "03"
                                                                                             "02"
                                                                                             "01"
                                                                                             "02"
                                                                                             "07"
                                                                                             "05"
                                                                                             "02"
                                                                                             "6162");
  CHECK(hex(encoded(Message{route, AppendEntriesReply{{5}, true, {6}, {7}, {{8}, {4}}, 9}})) == "0106" + head +
                                                                                                    "05"
                                                                                                    "01"
                                                                                                    "06"
                                                                                                    "07"
                                                                                                    "08"
                                                                                                    "04"
                                                                                                    "09");
  const SnapshotMeta meta{{{6}, {4}}, {{{1}, {2}}, {{{{1}, "a"}}, {}, {}}}, 128, {1, 2}};
  const std::string meta_hex =
      "06"
      "04"
      "01"
      "02"
      "01"
      "0100000000000000"
      "01"
      "61"
      "00"
      "00"
      "8001"
      "0100000000000000"
      "0200000000000000";
  CHECK(hex(encoded(Message{route, InstallSnapshot{{5}, meta, 3, Bytes("x")}})) == "0107" + head + "05" + meta_hex +
                                                                                       "03"
                                                                                       "01"
                                                                                       "78");
  CHECK(hex(encoded(Message{route, InstallSnapshotReply{{5}, {{6}, {4}}, false, 1}})) == "0108" + head +
                                                                                             "05"
                                                                                             "06"
                                                                                             "04"
                                                                                             "00"
                                                                                             "01");
  CHECK(hex(encoded(Message{route, TimeoutNow{{5}}})) == "0109" + head + "05");
  CHECK(hex(encoded(Message{route, TimeoutNowReply{{5}}})) == "010a" + head + "05");
}

TEST_CASE("the exchange of a route is not on the wire") {
  Message message{sample_route(), TimeoutNow{{5}}};
  const std::string without = encoded(message);
  message.route.exchange = 77;
  CHECK(encoded(message) == without);
  CHECK(decoded(without)->route.exchange == 0);
}

TEST_CASE("encode appends") {
  std::string out = "before";
  encode(Message{sample_route(), TimeoutNow{{5}}}, out);
  CHECK(out == "before" + encoded(Message{sample_route(), TimeoutNow{{5}}}));
}

TEST_CASE("payloads are slices of the input, which outlives its other owners") {
  Result<Message> message = errc::malformed;
  const char* begin = nullptr;
  const char* end = nullptr;
  {
    const Bytes input(encoded(Message{sample_route(), AppendEntries{{5}, {{126}, {2}}, sample_entries(), {1}, 0}}));
    begin = input.view().data();
    end = begin + input.size();
    message = decode_message(input);
  }
  const auto& append = std::get<AppendEntries>(message->body);
  const std::string_view data = append.entries.view()[1].data.view();
  CHECK(data == every_byte());
  CHECK((data.data() > begin && data.data() + data.size() <= end));
}

TEST_CASE("a message that ends early is malformed, wherever it ends") {
  for (const Message& message : sample_messages()) {
    const std::string bytes = encoded(message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      std::string reason;
      CHECK(decoded(bytes.substr(0, length), {}, &reason).error() == errc::malformed);
      CHECK_FALSE(reason.empty());
    }
  }
}

TEST_CASE("bytes behind a message are malformed") {
  for (const Message& message : sample_messages()) {
    CHECK(decoded(encoded(message) + '\0').error() == errc::malformed);
  }
}

TEST_CASE("an unknown version is refused by name") {
  std::string bytes = encoded(Message{sample_route(), TimeoutNow{{5}}});
  std::string reason;
  bytes[0] = 2;
  CHECK(decoded(bytes, {}, &reason).error() == errc::unsupported_version);
  CHECK(reason == "format version 2 at byte 0");
  bytes[0] = 0;
  CHECK(decoded(bytes).error() == errc::malformed);
}

TEST_CASE("an unknown kind of message is refused by name, whatever follows it") {
  std::string reason;
  for (const char kind : {'\0', '\x0b', '\xff'}) {
    CHECK(decoded(std::string{'\x01', kind}, {}, &reason).error() == errc::unknown_kind);
  }
  CHECK(reason == "unknown kind of message 255 at byte 1");
}

TEST_CASE("an unknown kind of entry is refused by name") {
  std::string bytes = encoded(sample_entries().front());
  bytes[1] = 9;
  std::string reason;
  CHECK(decode_entry(Bytes(bytes), {}, &reason).error() == errc::unknown_kind);
  CHECK(reason == "unknown kind of entry 9 at byte 1");
}

TEST_CASE("entries that are not contiguous are malformed") {
  const auto pair = [](std::uint64_t first, std::uint64_t second) {
    return encoded(Entries({{{{first}, {1}}, EntryKind::noop, Bytes()}, {{{second}, {1}}, EntryKind::noop, Bytes()}}));
  };
  CHECK(decode_entries(Bytes(pair(4, 5))));
  for (const auto& [first, second] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{4, 6}, {4, 4}, {4, 3}, {kMax, 0}, {0, 0}}) {
    CAPTURE(first, second);
    CHECK(decode_entries(Bytes(pair(first, second))).error() == errc::malformed);
  }
}

TEST_CASE("numbers have one encoding") {
  const std::string head = encoded(Message{sample_route(), TimeoutNow{{0}}});
  const auto with_term = [&](const std::string& term) { return head.substr(0, head.size() - 1) + term; };
  CHECK(decoded(with_term(std::string(9, '\xff') + '\x01')));                             // 2^64 - 1
  CHECK(decoded(with_term(std::string(9, '\xff') + '\x02')).error() == errc::malformed);  // beyond
  CHECK(decoded(with_term(std::string(10, '\xff') + '\x01')).error() == errc::malformed);
  CHECK(decoded(with_term(std::string("\x80\x00", 2))).error() == errc::malformed);  // zero, too long
  CHECK(decoded(with_term(std::string("\xff\x00", 2))).error() == errc::malformed);
}

TEST_CASE("a truth value is 0 or 1") {
  std::string bytes = encoded(Message{sample_route(), RequestVoteReply{{5}, true}});
  bytes.back() = 2;
  CHECK(decoded(bytes).error() == errc::malformed);
}

TEST_CASE("each limit is checked from both sides") {
  const std::string bytes =
      encoded(Message{sample_route(), AppendEntries{{5}, {{126}, {2}}, sample_entries(), {1}, 0}});
  CodecLimits limits;
  limits.bytes_max = bytes.size();
  limits.entries_max = 3;
  CHECK(decoded(bytes, limits));
  limits.bytes_max = bytes.size() - 1;
  CHECK(decoded(bytes, limits).error() == errc::message_too_large);
  limits.bytes_max = bytes.size();
  limits.entries_max = 2;
  CHECK(decoded(bytes, limits).error() == errc::message_too_large);

  const Bytes configuration(encoded(sample_configuration()));
  limits.peers_max = 2;
  limits.address_bytes_max = 256;
  CHECK(decode_configuration(configuration, limits));
  limits.peers_max = 1;
  CHECK(decode_configuration(configuration, limits).error() == errc::message_too_large);
  limits.peers_max = 2;
  limits.address_bytes_max = 255;
  CHECK(decode_configuration(configuration, limits).error() == errc::message_too_large);
}

TEST_CASE("a forged count or length sets no memory aside") {
  const std::string huge = std::string(9, '\xff') + '\x01';
  std::string reason;
  CHECK(decode_entries(Bytes('\x01' + huge), {}, &reason).error() == errc::malformed);
  CHECK(reason == "a count of more than is there at byte 1");
  CHECK(decode_configuration(Bytes('\x01' + huge)).error() == errc::malformed);
  CHECK(decode_entry(Bytes(std::string("\x01\x02\x01\x01") + huge), {}, &reason).error() == errc::malformed);
  CHECK(reason == "a length of more than is there at byte 4");
}

TEST_CASE("what decodes after any flipped bit encodes to the flipped bytes") {
  for (const Message& message : sample_messages()) {
    std::string bytes = encoded(message);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      const char flip = static_cast<char>(1u << (bit % 8));
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
      if (const Result<Message> other = decoded(bytes)) REQUIRE(encoded(*other) == bytes);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flip);
    }
  }
}

TEST_CASE("random bytes never do harm, and what decodes encodes to the same bytes") {
  std::mt19937_64 random(42);
  const std::vector<Message> messages = sample_messages();
  std::size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = encoded(messages[random() % messages.size()]);
    // Keep the head as often as not, so that bodies are reached.
    const std::size_t from = random() % 2 == 0 ? 0 : std::min<std::size_t>(bytes.size(), 43);
    for (std::size_t at = from; at < bytes.size(); ++at) {
      if (random() % 4 == 0) bytes[at] = static_cast<char>(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % (bytes.size() + 8));
    if (const Result<Message> other = decoded(bytes)) {
      ++accepted;
      REQUIRE(encoded(*other) == bytes);
    }
    (void)decode_entries(Bytes(bytes));
    (void)decode_configuration(Bytes(bytes));
    (void)decode_snapshot_meta(Bytes(bytes));
  }
  CHECK(accepted > 0);
}
