#include "codec/data.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace libraft::codec {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();  // bounded by the input itself
constexpr std::size_t kEntryBytesMin = 4;                                  // kind, index, term, length
constexpr std::size_t kPeerBytesMin = 9;                                   // id, length

void write_peers(Writer& out, const std::vector<Peer>& peers) {
  out.varint(peers.size());
  for (const Peer& peer : peers) {
    out.fixed(peer.id.value);
    out.text(peer.address);
  }
}

std::vector<Peer> read_peers(Reader& in, std::string_view what) {
  const std::size_t count = in.count(what, in.limits().peers_max, kPeerBytesMin);
  std::vector<Peer> peers;
  peers.reserve(count);
  while (peers.size() < count && !in.failed()) {
    const NodeId id{in.fixed("the id of a peer")};
    peers.push_back({id, std::string(in.bytes("the address of a peer", in.limits().address_bytes_max).view())});
  }
  return peers;
}

}  // namespace

void write(Writer& out, const LogId& id) {
  out.varint(id.index.value);
  out.varint(id.term.value);
}

LogId read_log_id(Reader& in) {
  const LogIndex index{in.varint("an index")};
  return {index, Term{in.varint("a term")}};
}

void write(Writer& out, const Entry& entry) {
  out.byte(static_cast<std::uint8_t>(entry.kind));
  write(out, entry.id);
  out.text(entry.data.view());
}

Entry read_entry(Reader& in) {
  const std::size_t start = in.at();
  const std::uint8_t number = in.byte("the kind of an entry");
  const auto kind = static_cast<EntryKind>(number);
  if (kind != EntryKind::noop && kind != EntryKind::command) {
    in.fail(errc::unknown_kind, "unknown kind of entry " + std::to_string(number), start);
  }
  const LogId id = read_log_id(in);
  return {id, kind, in.bytes("the data of an entry", kNoLimit)};
}

void write(Writer& out, const Entries& entries) {
  out.varint(entries.size());
  for (const Entry& entry : entries) write(out, entry);
}

Entries read_entries(Reader& in) {
  const std::size_t count = in.count("the number of entries", in.limits().entries_max, kEntryBytesMin);
  std::vector<Entry> entries;
  entries.reserve(count);
  while (entries.size() < count && !in.failed()) {
    const std::size_t start = in.at();
    entries.push_back(read_entry(in));
    if (entries.size() == 1) continue;
    const LogIndex before = entries[entries.size() - 2].id.index;
    const LogIndex index = entries.back().id.index;
    if (index.value == 0 || previous(index) != before) {
      in.fail(errc::malformed, "an entry that does not follow the one before it", start);
    }
  }
  return entries.empty() || in.failed() ? Entries{} : Entries(std::move(entries));
}

void write(Writer& out, const Configuration& configuration) {
  write_peers(out, configuration.voters);
  write_peers(out, configuration.outgoing_voters);
  write_peers(out, configuration.learners);
}

Configuration read_configuration(Reader& in) {
  Configuration configuration;
  configuration.voters = read_peers(in, "the number of voters");
  configuration.outgoing_voters = read_peers(in, "the number of outgoing voters");
  configuration.learners = read_peers(in, "the number of learners");
  return configuration;
}

void write(Writer& out, const SnapshotMeta& meta) {
  write(out, meta.last);
  write(out, meta.configuration.at);
  write(out, meta.configuration.value);
  out.varint(meta.size);
  for (const std::uint64_t half : meta.digest) out.fixed(half);
}

SnapshotMeta read_snapshot_meta(Reader& in) {
  SnapshotMeta meta;
  meta.last = read_log_id(in);
  meta.configuration.at = read_log_id(in);
  meta.configuration.value = read_configuration(in);
  meta.size = in.varint("the size of a snapshot");
  for (std::uint64_t& half : meta.digest) half = in.fixed("the digest of a snapshot");
  return meta;
}

}  // namespace libraft::codec
