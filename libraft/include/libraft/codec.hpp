// Codec: messages, entries, configurations and snapshot metas as bytes, for writers of transports and storages.
//
//     std::string frame;
//     libraft::encode(message, frame);                       // appended
//     libraft::Result<libraft::Message> same = libraft::decode_message(libraft::Bytes(std::move(frame)));
//
// Each encoding starts with a version byte and says nothing of its own length nor of damage on the way: framing and
// checksums are the adapter's. A value has one encoding only: what decodes, encodes to the same bytes. docs/formats.md
// has the grammar.
//
// Decoding is made for bytes from anywhere. It never reads past the end, never trusts a length before it is checked
// against what is left and against CodecLimits, and never skips what it does not know. Payloads (commands, snapshot
// data) are not copied: they are slices of the input and keep it alive.
//
// Thread-safety: free functions without shared state.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/configuration.hpp>
#include <libraft/entry.hpp>
#include <libraft/export.hpp>
#include <libraft/message.hpp>
#include <libraft/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace libraft {

/// The first byte of each encoding. A higher one is errc::unsupported_version.
inline constexpr std::uint8_t kCodecVersion = 1;

/// What a decoder accepts. Anything beyond is errc::message_too_large, found before memory is set aside for it.
struct CodecLimits {
  std::size_t bytes_max = 80u << 20;     ///< of one encoding; above TransportLimits' 64 MiB of payload
  std::size_t entries_max = 1u << 17;    ///< in one message
  std::size_t peers_max = 1024;          ///< in each list of a configuration
  std::size_t address_bytes_max = 4096;  ///< of one peer
};

/// Append the encoding to `out`. `Routing::exchange` is not part of a message's encoding: it means something only in
/// the process where it was set. Values beyond the limits of the receiver are encoded all the same, and refused there.
LIBRAFT_EXPORT void encode(const Message& message, std::string& out);
/// As above, for one entry.
LIBRAFT_EXPORT void encode(const Entry& entry, std::string& out);
/// As above, for a run of entries.
LIBRAFT_EXPORT void encode(const Entries& entries, std::string& out);
/// As above, for a configuration.
LIBRAFT_EXPORT void encode(const Configuration& configuration, std::string& out);
/// As above, for what a snapshot holds.
LIBRAFT_EXPORT void encode(const SnapshotMeta& meta, std::string& out);

/// Decode exactly all of `bytes`. Errors:
///   errc::unsupported_version  made by a newer release
///   errc::unknown_kind         a kind of message or entry that this release does not know
///   errc::message_too_large    beyond `limits`
///   errc::malformed            anything else that encode does not write: too short, bytes left over, a number written
///                              longer than needed, entries whose indexes are not contiguous
/// With `reason`, an error also leaves a sentence there that names what was wrong and at which byte.
LIBRAFT_EXPORT Result<Message> decode_message(const Bytes& bytes, const CodecLimits& limits = {},
                                              std::string* reason = nullptr);
/// As decode_message, for one entry.
LIBRAFT_EXPORT Result<Entry> decode_entry(const Bytes& bytes, const CodecLimits& limits = {},
                                          std::string* reason = nullptr);
/// As decode_message, for a run of entries.
LIBRAFT_EXPORT Result<Entries> decode_entries(const Bytes& bytes, const CodecLimits& limits = {},
                                              std::string* reason = nullptr);
/// As decode_message, for a configuration.
LIBRAFT_EXPORT Result<Configuration> decode_configuration(const Bytes& bytes, const CodecLimits& limits = {},
                                                          std::string* reason = nullptr);
/// As decode_message, for what a snapshot holds.
LIBRAFT_EXPORT Result<SnapshotMeta> decode_snapshot_meta(const Bytes& bytes, const CodecLimits& limits = {},
                                                         std::string* reason = nullptr);

}  // namespace libraft
