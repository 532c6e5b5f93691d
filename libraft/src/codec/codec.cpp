// Messages as bytes: version, kind, route, body. docs/formats.md has the grammar.
#include <libraft/codec.hpp>

#include "codec/data.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace libraft {
namespace {

using codec::Reader;
using codec::Writer;

/// The numbers of the kinds on the wire. They never change meaning; new kinds take new numbers.
template <class Body>
constexpr std::uint8_t kKind = 0;
template <>
constexpr std::uint8_t kKind<PreVote> = 1;
template <>
constexpr std::uint8_t kKind<PreVoteReply> = 2;
template <>
constexpr std::uint8_t kKind<RequestVote> = 3;
template <>
constexpr std::uint8_t kKind<RequestVoteReply> = 4;
template <>
constexpr std::uint8_t kKind<AppendEntries> = 5;
template <>
constexpr std::uint8_t kKind<AppendEntriesReply> = 6;
template <>
constexpr std::uint8_t kKind<InstallSnapshot> = 7;
template <>
constexpr std::uint8_t kKind<InstallSnapshotReply> = 8;
template <>
constexpr std::uint8_t kKind<TimeoutNow> = 9;
template <>
constexpr std::uint8_t kKind<TimeoutNowReply> = 10;

void write_route(Writer& out, const Routing& route) {
  out.fixed(route.cluster.value);
  out.varint(route.group.value);
  out.fixed(route.from.value);
  out.fixed(route.to.value);
  out.fixed(route.from_incarnation.value);
  out.fixed(route.to_incarnation.value);
}

Routing read_route(Reader& in) {
  Routing route;
  route.cluster = ClusterId{in.fixed("the cluster")};
  route.group = GroupId{in.varint("the group")};
  route.from = NodeId{in.fixed("the sender")};
  route.to = NodeId{in.fixed("the receiver")};
  route.from_incarnation = Incarnation{in.fixed("the sender's incarnation")};
  route.to_incarnation = Incarnation{in.fixed("the receiver's incarnation")};
  return route;
}

// The term comes first in each body; it is written and read here once for all of them.
void write_rest(Writer& out, const PreVote& body) {
  write(out, body.last);
}
void write_rest(Writer& out, const PreVoteReply& body) {
  out.varint(body.proposed.value);
  out.boolean(body.granted);
}
void write_rest(Writer& out, const RequestVote& body) {
  write(out, body.last);
  out.boolean(body.leadership_transfer);
}
void write_rest(Writer& out, const RequestVoteReply& body) {
  out.boolean(body.granted);
}
void write_rest(Writer& out, const AppendEntries& body) {
  write(out, body.previous);
  out.varint(body.commit.value);
  out.varint(body.read_sequence);
  write(out, body.entries);
}
void write_rest(Writer& out, const AppendEntriesReply& body) {
  out.boolean(body.accepted);
  out.varint(body.match.value);
  out.varint(body.rejected.value);
  write(out, body.hint);
  out.varint(body.read_sequence);
}
void write_rest(Writer& out, const InstallSnapshot& body) {
  write(out, body.meta);
  out.varint(body.offset);
  out.text(body.data.view());
}
void write_rest(Writer& out, const InstallSnapshotReply& body) {
  write(out, body.last);
  out.boolean(body.installed);
  out.varint(body.next_offset);
}
void write_rest(Writer&, const TimeoutNow&) {}
void write_rest(Writer&, const TimeoutNowReply&) {}

void read_rest(Reader& in, PreVote& body) {
  body.last = codec::read_log_id(in);
}
void read_rest(Reader& in, PreVoteReply& body) {
  body.proposed = Term{in.varint("the proposed term")};
  body.granted = in.boolean("granted");
}
void read_rest(Reader& in, RequestVote& body) {
  body.last = codec::read_log_id(in);
  body.leadership_transfer = in.boolean("leadership transfer");
}
void read_rest(Reader& in, RequestVoteReply& body) {
  body.granted = in.boolean("granted");
}
void read_rest(Reader& in, AppendEntries& body) {
  body.previous = codec::read_log_id(in);
  body.commit = LogIndex{in.varint("the commit index")};
  body.read_sequence = in.varint("the read sequence");
  body.entries = codec::read_entries(in);
}
void read_rest(Reader& in, AppendEntriesReply& body) {
  body.accepted = in.boolean("accepted");
  body.match = LogIndex{in.varint("the match index")};
  body.rejected = LogIndex{in.varint("the rejected index")};
  body.hint = codec::read_log_id(in);
  body.read_sequence = in.varint("the read sequence");
}
void read_rest(Reader& in, InstallSnapshot& body) {
  body.meta = codec::read_snapshot_meta(in);
  body.offset = in.varint("the offset of a chunk");
  body.data = in.bytes("the data of a chunk", in.limits().bytes_max);
}
void read_rest(Reader& in, InstallSnapshotReply& body) {
  body.last = codec::read_log_id(in);
  body.installed = in.boolean("installed");
  body.next_offset = in.varint("the next offset");
}
void read_rest(Reader&, TimeoutNow&) {}
void read_rest(Reader&, TimeoutNowReply&) {}

template <class Body>
MessageBody read_body(Reader& in) {
  Body body;
  body.term = Term{in.varint("the term")};
  read_rest(in, body);
  return body;
}

using BodyReader = MessageBody (*)(Reader&);

/// How to read the body of a kind; nullptr for one that is not known.
template <std::size_t... I>
BodyReader reader_of(std::uint8_t number, std::index_sequence<I...>) {
  BodyReader found = nullptr;
  ((number == kKind<std::variant_alternative_t<I, MessageBody>>
        ? void(found = &read_body<std::variant_alternative_t<I, MessageBody>>)
        : void()),
   ...);
  return found;
}

Message read_message(Reader& in) {
  const std::size_t at = in.at();
  const std::uint8_t number = in.byte("the kind of a message");
  // Told before the route is looked at: nothing behind an unknown kind need be as this release expects.
  const BodyReader read = reader_of(number, std::make_index_sequence<std::variant_size_v<MessageBody>>{});
  if (read == nullptr) {
    in.fail(errc::unknown_kind, "unknown kind of message " + std::to_string(number), at);
    return {};
  }
  const Routing route = read_route(in);
  return {route, read(in)};
}

template <class T>
void encode_versioned(const T& value, std::string& out) {
  Writer writer(out);
  writer.byte(kCodecVersion);
  write(writer, value);
}

template <class T>
Result<T> decode_versioned(T (*read)(Reader&), const Bytes& bytes, const CodecLimits& limits, std::string* reason) {
  Reader in(bytes, limits, reason);
  in.header();
  if (in.failed()) return in.error();
  T value = read(in);
  in.finish();
  if (in.failed()) return in.error();
  return value;
}

/// A good guess of what a message takes, so that a large one is not moved while it grows.
std::size_t expected_bytes(const Message& message) {
  constexpr std::size_t kHeader = 128;
  if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
    std::size_t bytes = kHeader;
    for (const Entry& entry : append->entries) bytes += charged_bytes(entry);
    return bytes;
  }
  if (const auto* chunk = std::get_if<InstallSnapshot>(&message.body)) return kHeader + chunk->data.size();
  return kHeader;
}

}  // namespace

void encode(const Message& message, std::string& out) {
  // Growing at least by half again, so that many messages in one buffer don't move it each time.
  const std::size_t wanted = out.size() + expected_bytes(message);
  if (wanted > out.capacity()) out.reserve(std::max(wanted, out.capacity() + out.capacity() / 2));
  Writer writer(out);
  writer.byte(kCodecVersion);
  std::visit(
      [&](const auto& body) {
        writer.byte(kKind<std::decay_t<decltype(body)>>);
        write_route(writer, message.route);
        writer.varint(body.term.value);
        write_rest(writer, body);
      },
      message.body);
}

void encode(const Entry& entry, std::string& out) {
  encode_versioned(entry, out);
}
void encode(const Entries& entries, std::string& out) {
  encode_versioned(entries, out);
}
void encode(const Configuration& configuration, std::string& out) {
  encode_versioned(configuration, out);
}
void encode(const SnapshotMeta& meta, std::string& out) {
  encode_versioned(meta, out);
}

Result<Message> decode_message(const Bytes& bytes, const CodecLimits& limits, std::string* reason) {
  return decode_versioned(&read_message, bytes, limits, reason);
}
Result<Entry> decode_entry(const Bytes& bytes, const CodecLimits& limits, std::string* reason) {
  return decode_versioned(&codec::read_entry, bytes, limits, reason);
}
Result<Entries> decode_entries(const Bytes& bytes, const CodecLimits& limits, std::string* reason) {
  return decode_versioned(&codec::read_entries, bytes, limits, reason);
}
Result<Configuration> decode_configuration(const Bytes& bytes, const CodecLimits& limits, std::string* reason) {
  return decode_versioned(&codec::read_configuration, bytes, limits, reason);
}
Result<SnapshotMeta> decode_snapshot_meta(const Bytes& bytes, const CodecLimits& limits, std::string* reason) {
  return decode_versioned(&codec::read_snapshot_meta, bytes, limits, reason);
}

}  // namespace libraft
