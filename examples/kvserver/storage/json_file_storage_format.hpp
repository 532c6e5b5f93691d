// How JsonFileStorage writes values down: the seal on each JSON text, and ids, configurations and log lines as JSON.
// Pure functions; docs/formats.md has the grammar.
#pragma once

#include "json/json.hpp"

#include <libraft/configuration.hpp>
#include <libraft/entry.hpp>
#include <libraft/result.hpp>
#include <libraft/storage.hpp>
#include <libraft/types.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace kvserver::storage {

/// Of all three files. A release that writes another one reads this one too.
inline constexpr std::uint64_t kFormatVersion = 1;

inline constexpr std::string_view kStateName = "raft_state.json";
inline constexpr std::string_view kLogName = "raft_log.jsonl";
inline constexpr std::string_view kSnapshotName = "snapshot.json";
inline constexpr std::string_view kLockName = "lock";
inline constexpr std::string_view kTemporarySuffix = ".tmp";

/// What people call a node. Shown in the files beside the id, which alone counts.
using NodeNaming = std::function<std::string(libraft::NodeId)>;

// --- Seals: the last member of each text is `"checksum"`, XXH3-64 of all bytes before it -----------------------------

[[nodiscard]] std::uint64_t checksum_of(std::string_view bytes);

/// `object` is a compact JSON object; gives it with its seal, and the end of the line.
[[nodiscard]] std::string sealed_line(std::string object);
/// `object` is a JSON object of Style::pretty.
[[nodiscard]] std::string sealed_text(std::string object);
/// What seals `before`, to be put right behind it: for texts that are written in pieces.
[[nodiscard]] std::string line_seal(std::uint64_t checksum);
[[nodiscard]] std::string text_seal(std::uint64_t checksum);
/// `line` is without its end of line.
[[nodiscard]] bool is_sealed_line(std::string_view line);
[[nodiscard]] bool is_sealed_text(std::string_view text);

// --- Values ----------------------------------------------------------------------------------------------------------

/// Sixteen hexadecimal digits: tools that read numbers as floating point would round an id.
[[nodiscard]] std::string hex_of(std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> number_of_hex(std::string_view text);
[[nodiscard]] std::uint64_t read_hex(json::Fields& from, std::string_view name);

void write_configuration(json::Writer& to, const libraft::ConfigurationAt& configuration, const NodeNaming& name_of);
[[nodiscard]] libraft::ConfigurationAt read_configuration(json::Fields& from);

/// XXH3-128, low half and high half.
[[nodiscard]] std::array<std::uint64_t, 2> digest_of(std::string_view bytes);

// --- raft_state.json -------------------------------------------------------------------------------------------------

struct StateRecord {
  libraft::Identity identity;
  libraft::HardState hard_state;
  libraft::LogId base;  ///< the entry before the first one that counts
  libraft::ConfigurationAt configuration;

  friend bool operator==(const StateRecord&, const StateRecord&) = default;
};

/// The text of the file; nullopt when an address or a name is not UTF-8.
[[nodiscard]] std::optional<std::string> state_text(const StateRecord& state, const NodeNaming& name_of);
/// errc::corrupt_data or errc::unsupported_version, with the reason in `why`.
[[nodiscard]] libraft::Result<StateRecord> read_state(std::string_view text, std::string& why);
/// The names beside the ids of the node and of the members, unchecked; what can't be read is left out.
[[nodiscard]] std::map<libraft::NodeId, std::string> read_names(std::string_view text);

// --- raft_log.jsonl --------------------------------------------------------------------------------------------------

/// The first line of the log.
struct LogHeader {
  libraft::Identity identity;
  libraft::LogId base;           ///< the entry before the first line
  std::uint64_t batch = 0;       ///< the last batch before those behind `kept_bytes`
  std::uint64_t kept_bytes = 0;  ///< the bytes after this line that were synced together with it

  friend bool operator==(const LogHeader&, const LogHeader&) = default;
};

/// The place of a line in the batch that was written and synced as one.
struct BatchPlace {
  std::uint64_t batch = 0;
  std::uint64_t part = 0;   ///< from 1
  std::uint64_t parts = 0;  ///< how many lines the batch has

  friend bool operator==(const BatchPlace&, const BatchPlace&) = default;
};

struct EntryLine {
  BatchPlace place;
  libraft::Entry entry;
};
/// The entry and all after it are gone.
struct TruncateLine {
  BatchPlace place;
  libraft::LogIndex from;
};
using LogLine = std::variant<EntryLine, TruncateLine>;

[[nodiscard]] const BatchPlace& place_of(const LogLine& line);

[[nodiscard]] std::string header_line(const LogHeader& header, const NodeNaming& name_of);
[[nodiscard]] std::string entry_line(const BatchPlace& place, const libraft::Entry& entry);
[[nodiscard]] std::string truncate_line(const BatchPlace& place, libraft::LogIndex from);

// Of lines whose seal is right. errc::corrupt_data, unsupported_version or unknown_kind, with the reason in `why`.
[[nodiscard]] libraft::Result<LogHeader> read_header(std::string_view line, std::string& why);
[[nodiscard]] libraft::Result<LogLine> read_line(std::string_view line, std::string& why);

}  // namespace kvserver::storage
