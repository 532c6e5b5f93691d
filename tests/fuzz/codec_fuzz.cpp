// Any bytes as each encoding of the codec: an error with a reason, or a value that encodes to the same bytes.
//
// The first byte says which encoding, the second how much of the rest is cut off for a second try.
#include <libraft/codec.hpp>

#include "fuzz/fuzz.hpp"
#include "unit/codec/samples.hpp"

namespace libraft::fuzz {
namespace {

template <class Value>
using Decode = Result<Value> (*)(const Bytes&, const CodecLimits&, std::string*);

template <class Value>
void check_fixpoint(Decode<Value> decode, std::string_view text) {
  std::string reason;
  const auto value = decode(Bytes(text), CodecLimits{}, &reason);
  if (!value) {
    require(!reason.empty(), "an error says what is wrong");
    return;
  }
  std::string again;
  encode(*value, again);
  require(again == text, "what decodes, encodes to the same bytes");
  const auto same = decode(Bytes(again), CodecLimits{}, nullptr);
  require(same && *same == *value, "the same bytes decode to the same value");
}

/// Small limits change nothing but what is refused.
template <class Value>
void check_limits(Decode<Value> decode, std::string_view text) {
  const auto value = decode(Bytes(text), CodecLimits{}, nullptr);
  const auto limited = decode(Bytes(text), CodecLimits{200, 2, 1, 8}, nullptr);
  if (limited) require(value && *value == *limited, "limits change no value");
}

/// As it comes from a connection: a part of a larger buffer that outlives nobody.
template <class Value>
void check_slice(Decode<Value> decode, std::string_view text) {
  const auto value = decode(Bytes(text), CodecLimits{}, nullptr);
  Result<Value> slice = errc::malformed;
  {
    const Bytes frame("head" + std::string(text) + "tail");
    slice = decode(frame.slice(4, text.size()), CodecLimits{}, nullptr);
  }
  require(bool(slice) == bool(value) && (!slice || *slice == *value), "a slice decodes as the bytes alone");
}

template <class Value>
void check(Decode<Value> decode, std::string_view text, std::size_t cut) {
  check_fixpoint(decode, text);
  check_limits(decode, text);
  check_slice(decode, text);
  check_fixpoint(decode, text.substr(0, text.size() - std::min(cut, text.size())));
}

void check_kind(std::size_t kind, std::string_view text, std::size_t cut) {
  switch (kind) {
    case 0:
      return check<Message>(decode_message, text, cut);
    case 1:
      return check<Entry>(decode_entry, text, cut);
    case 2:
      return check<Entries>(decode_entries, text, cut);
    case 3:
      return check<Configuration>(decode_configuration, text, cut);
    default:
      return check<SnapshotMeta>(decode_snapshot_meta, text, cut);
  }
}

template <class Value>
std::string seed(char kind, const Value& value) {
  std::string text{kind, '\1'};
  encode(value, text);
  return text;
}

}  // namespace

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const Message& message : test::sample_messages()) all.push_back(seed('\0', message));
  const Entry entry{{{4}, {2}}, EntryKind::command, Bytes("x")};
  const Entry next{{{5}, {3}}, EntryKind::noop, {}};
  const Configuration configuration{{{NodeId{1}, "a:1"}}, {{NodeId{300}, "b"}}, {{NodeId{2}, ""}}};
  all.push_back(seed('\1', entry));
  all.push_back(seed('\2', Entries({entry, next})));
  all.push_back(seed('\3', configuration));
  all.push_back(seed('\4', SnapshotMeta{{{9}, {2}}, {{{3}, {1}}, configuration}, 77, {1, 2}}));
  return all;
}

}  // namespace libraft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  libraft::fuzz::Choices choices(data, size);
  const std::size_t kind = choices.below(5);
  const std::size_t cut = choices.byte();
  libraft::fuzz::check_kind(kind, choices.rest(), cut);
  return 0;
}
