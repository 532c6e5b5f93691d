#include "storage/json_file_storage_format.hpp"

#include "json/utf8.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <charconv>
#include <utility>

namespace kvserver::storage {
namespace {

using libraft::errc;
using libraft::Result;

constexpr std::string_view kLineSeal = ",\"checksum\":\"";
constexpr std::string_view kLineEnd = "\"}";
constexpr std::string_view kTextSeal = ",\n  \"checksum\": \"";
constexpr std::string_view kTextEnd = "\"\n}\n";
constexpr std::size_t kHexDigits = 16;

bool is_sealed(std::string_view text, std::string_view seal, std::string_view end) {
  const std::size_t sealed_bytes = seal.size() + kHexDigits + end.size();
  if (text.size() < sealed_bytes) return false;
  const std::string_view before = text.substr(0, text.size() - sealed_bytes);
  const std::string_view behind = text.substr(before.size());
  return behind.substr(0, seal.size()) == seal && behind.substr(behind.size() - end.size()) == end &&
         behind.substr(seal.size(), kHexDigits) == hex_of(checksum_of(before));
}

/// A name is for people only: one that can't be written is shown as the number.
std::string name_or_number(const NodeNaming& name_of, libraft::NodeId id) {
  std::string name = name_of ? name_of(id) : std::string{};
  return name.empty() || !is_valid_utf8(name) ? hex_of(id.value) : name;
}

void write_peers(json::Writer& to, std::string_view member, const std::vector<libraft::Peer>& peers,
                 const NodeNaming& name_of) {
  to.key(member).begin_array();
  for (const libraft::Peer& peer : peers) {
    to.begin_object()
        .member("name", name_or_number(name_of, peer.id))
        .member("id", hex_of(peer.id.value))
        .member("address", peer.address)
        .end_object();
  }
  to.end_array();
}

std::vector<libraft::Peer> read_peers(json::Fields& from, std::string_view member) {
  std::vector<libraft::Peer> peers;
  const json::Array& elements = from.array(member);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    json::Fields peer = from.element(member, elements, i);
    peers.push_back({libraft::NodeId{read_hex(peer, "id")}, std::string(peer.string("address"))});
  }
  return peers;
}

void write_identity(json::Writer& to, const libraft::Identity& identity, const NodeNaming& name_of) {
  to.member("cluster", hex_of(identity.cluster.value))
      .member("group", identity.group.value)
      .member("node", name_or_number(name_of, identity.node))
      .member("nodeId", hex_of(identity.node.value))
      .member("incarnation", hex_of(identity.incarnation.value));
}

libraft::Identity read_identity(json::Fields& from) {
  return {libraft::ClusterId{read_hex(from, "cluster")}, libraft::GroupId{from.u64("group")},
          libraft::NodeId{read_hex(from, "nodeId")}, libraft::Incarnation{read_hex(from, "incarnation")}};
}

libraft::LogId read_log_id(json::Fields& from, std::string_view index, std::string_view term) {
  return {libraft::LogIndex{from.u64(index)}, libraft::Term{from.u64(term)}};
}

void write_place(json::Writer& to, const BatchPlace& place) {
  to.member("batch", place.batch).member("part", place.part).member("parts", place.parts);
}

BatchPlace read_place(json::Fields& from) {
  BatchPlace place{from.u64("batch"), from.u64("part"), from.u64("parts")};
  if (place.part == 0 || place.part > place.parts) from.fail("part", "is not in the batch");
  return place;
}

std::string_view kind_name(libraft::EntryKind kind) {
  return kind == libraft::EntryKind::noop ? "noop" : "command";
}

/// What all sealed texts begin with.
bool check_version(json::Fields& from, std::string& why, errc& error) {
  const std::uint64_t version = from.u64("format");
  if (!from.ok() || version == kFormatVersion) return from.ok();
  why = fmt::format("its format is {}, and this release knows {} only", version, kFormatVersion);
  error = errc::unsupported_version;
  return false;
}

Result<LogLine> read_entry(json::Fields& from, const BatchPlace& place, std::string& why) {
  EntryLine line{place, {}};
  line.entry.id = read_log_id(from, "index", "term");
  const std::string_view kind = from.string("kind");
  if (!from.ok()) return errc::corrupt_data;
  if (kind == kind_name(libraft::EntryKind::command)) {
    line.entry.kind = libraft::EntryKind::command;
  } else if (kind != kind_name(libraft::EntryKind::noop)) {
    why = fmt::format("entry {} is of the unknown kind `{}`", line.entry.id.index.value, kind);
    return errc::unknown_kind;
  }
  std::string data = from.bytes("data");
  if (!data.empty()) line.entry.data = libraft::Bytes(std::move(data));
  if (line.entry.id.index.value == 0) from.fail("index", "is 0");
  if (!from.ok()) return errc::corrupt_data;
  return LogLine(std::move(line));
}

}  // namespace

std::uint64_t checksum_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string line_seal(std::uint64_t checksum) {
  return fmt::format("{}{}{}\n", kLineSeal, hex_of(checksum), kLineEnd);
}

std::string text_seal(std::uint64_t checksum) {
  return fmt::format("{}{}{}", kTextSeal, hex_of(checksum), kTextEnd);
}

std::string sealed_line(std::string object) {
  object.pop_back();  // the brace
  object += line_seal(checksum_of(object));
  return object;
}

std::string sealed_text(std::string object) {
  object.resize(object.size() - 2);  // the brace on a line of its own
  object += text_seal(checksum_of(object));
  return object;
}

bool is_sealed_line(std::string_view line) {
  return is_sealed(line, kLineSeal, kLineEnd);
}

bool is_sealed_text(std::string_view text) {
  return is_sealed(text, kTextSeal, kTextEnd);
}

std::string hex_of(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kHexDigits, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, number >>= 4u) *digit = kDigits[number & 0xfu];
  return text;
}

std::uint64_t read_hex(json::Fields& from, std::string_view name) {
  const auto number = number_of_hex(from.string(name));
  if (!number) from.fail(name, "is not a number of 16 hexadecimal digits");
  return number.value_or(0);
}

std::optional<std::uint64_t> number_of_hex(std::string_view text) {
  std::uint64_t number = 0;
  const auto [stopped, failure] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (text.size() != kHexDigits || failure != std::errc{} || stopped != text.data() + text.size()) return std::nullopt;
  return number;
}

std::array<std::uint64_t, 2> digest_of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

void write_configuration(json::Writer& to, const libraft::ConfigurationAt& configuration, const NodeNaming& name_of) {
  to.key("configuration").begin_object();
  to.member("index", configuration.at.index.value).member("term", configuration.at.term.value);
  write_peers(to, "voters", configuration.value.voters, name_of);
  write_peers(to, "outgoingVoters", configuration.value.outgoing_voters, name_of);
  write_peers(to, "learners", configuration.value.learners, name_of);
  to.end_object();
}

libraft::ConfigurationAt read_configuration(json::Fields& from) {
  json::Fields members = from.object("configuration");
  libraft::ConfigurationAt configuration;
  configuration.at = read_log_id(members, "index", "term");
  configuration.value.voters = read_peers(members, "voters");
  configuration.value.outgoing_voters = read_peers(members, "outgoingVoters");
  configuration.value.learners = read_peers(members, "learners");
  return configuration;
}

// --- raft_state.json -------------------------------------------------------------------------------------------------

std::optional<std::string> state_text(const StateRecord& state, const NodeNaming& name_of) {
  const auto vote = state.hard_state.vote;
  json::Writer out(json::Style::pretty);
  out.begin_object().member("format", kFormatVersion);
  write_identity(out, state.identity, name_of);
  out.member("currentTerm", state.hard_state.term.value)
      .member("votedFor", vote ? name_or_number(name_of, *vote) : std::string{})
      .member("votedForId", vote ? hex_of(vote->value) : std::string{})
      .member("baseIndex", state.base.index.value)
      .member("baseTerm", state.base.term.value);
  write_configuration(out, state.configuration, name_of);
  auto text = out.end_object().take();
  if (text) text = sealed_text(std::move(*text));
  return text;
}

Result<StateRecord> read_state(std::string_view text, std::string& why) {
  const auto value = json::parse(text, why);
  if (!value) return errc::corrupt_data;
  errc error = errc::corrupt_data;
  json::Fields from(*value, why);
  if (!check_version(from, why, error)) return error;
  if (!is_sealed_text(text)) {
    why = "the checksum does not match";
    return errc::corrupt_data;
  }
  StateRecord state;
  state.identity = read_identity(from);
  state.hard_state.term = libraft::Term{from.u64("currentTerm")};
  if (!from.string("votedForId").empty()) state.hard_state.vote = libraft::NodeId{read_hex(from, "votedForId")};
  state.base = read_log_id(from, "baseIndex", "baseTerm");
  state.configuration = read_configuration(from);
  if (!from.ok()) return errc::corrupt_data;
  return state;
}

std::map<libraft::NodeId, std::string> read_names(std::string_view text) {
  std::map<libraft::NodeId, std::string> names;
  const auto add = [&names](json::Fields& from, std::string_view id, std::string_view name) {
    const libraft::NodeId node{read_hex(from, id)};
    const std::string_view shown = from.string_or(name, {});
    if (from.ok()) names.emplace(node, shown);
  };
  std::string why;
  const auto value = json::parse(text, why);
  if (!value) return names;
  json::Fields from(*value, why);
  add(from, "nodeId", "node");
  json::Fields members = from.object("configuration");
  for (const char* group : {"voters", "outgoingVoters", "learners"}) {
    const json::Array& elements = members.array(group);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      json::Fields peer = members.element(group, elements, i);
      add(peer, "id", "name");
    }
  }
  return names;
}

// --- raft_log.jsonl --------------------------------------------------------------------------------------------------

const BatchPlace& place_of(const LogLine& line) {
  return std::visit([](const auto& alternative) -> const BatchPlace& { return alternative.place; }, line);
}

std::string header_line(const LogHeader& header, const NodeNaming& name_of) {
  json::Writer out;
  out.begin_object().member("format", kFormatVersion);
  write_identity(out, header.identity, name_of);
  out.member("baseIndex", header.base.index.value)
      .member("baseTerm", header.base.term.value)
      .member("batch", header.batch)
      .member("keptBytes", header.kept_bytes);
  return sealed_line(out.end_object().take().value());
}

std::string entry_line(const BatchPlace& place, const libraft::Entry& entry) {
  json::Writer out;
  out.begin_object().member("index", entry.id.index.value).member("term", entry.id.term.value);
  write_place(out, place);
  out.member("kind", kind_name(entry.kind)).bytes("data", entry.data.view());
  return sealed_line(out.end_object().take().value());
}

std::string truncate_line(const BatchPlace& place, libraft::LogIndex from) {
  json::Writer out;
  out.begin_object().member("truncateFrom", from.value);
  write_place(out, place);
  return sealed_line(out.end_object().take().value());
}

Result<LogHeader> read_header(std::string_view line, std::string& why) {
  const auto value = json::parse(line, why);
  if (!value) return errc::corrupt_data;
  errc error = errc::corrupt_data;
  json::Fields from(*value, why);
  if (!check_version(from, why, error)) return error;
  LogHeader header;
  header.identity = read_identity(from);
  header.base = read_log_id(from, "baseIndex", "baseTerm");
  header.batch = from.u64("batch");
  header.kept_bytes = from.u64("keptBytes");
  if (!from.ok()) return errc::corrupt_data;
  return header;
}

Result<LogLine> read_line(std::string_view line, std::string& why) {
  const auto value = json::parse(line, why);
  if (!value) return errc::corrupt_data;
  json::Fields from(*value, why);
  const BatchPlace place = read_place(from);
  if (from.ok() && !from.has("truncateFrom")) return read_entry(from, place, why);
  const libraft::LogIndex index{from.u64("truncateFrom")};
  if (!from.ok()) return errc::corrupt_data;
  return LogLine(TruncateLine{place, index});
}

}  // namespace kvserver::storage
