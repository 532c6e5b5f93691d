// MapStateMachine: the key-value pairs, kept in memory; they come back from snapshot and log.
//
// Its snapshot is text as far as keys and values are, the same bytes for the same pairs on every node:
//
//     kvserver-map 1 2                  the format's version, and how many pairs follow
//     4 5 name luffy                    bytes of the key, bytes of the value, key, value; ascending by key
//     5 3 title mr.
#pragma once

#include "kv/command.hpp"

#include <libraft/bytes.hpp>
#include <libraft/result.hpp>
#include <libraft/state_machine.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvserver {

/// The replies to commands. Anything else that apply answers is a sentence on what is wrong with the command.
inline constexpr std::string_view kStoredReply = "stored";
inline constexpr std::string_view kDeletedReply = "deleted";

/// The answer to a query (whose request is the key): the value, or nullopt when the key is not there.
[[nodiscard]] std::optional<std::string_view> value_in(std::string_view query_answer);

/// Single-threaded, as StateMachine says. Pairs are immutable and shared with the snapshots being saved, so that taking
/// one copies a pointer for each pair while apply waits, and no bytes.
class MapStateMachine final : public libraft::StateMachine {
 public:
  void apply(libraft::ApplyBatch& batch) override;
  /// One command without a log around it: what apply does for each.
  [[nodiscard]] std::string_view execute(std::string_view command);

  [[nodiscard]] std::unique_ptr<libraft::SnapshotTask> begin_snapshot() override;
  /// errc::corrupt_data, and the state unchanged, for a text that begin_snapshot can't have made.
  [[nodiscard]] std::error_code restore(libraft::SnapshotReader& snapshot) override;
  /// What restore does with the snapshot's whole text.
  [[nodiscard]] std::error_code restore_text(std::string_view text);
  /// `key` is any bytes; the answer is for value_in.
  [[nodiscard]] libraft::Result<libraft::Bytes> query(std::string_view key) override;

  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const;
  [[nodiscard]] std::size_t size() const { return pairs_.size(); }

 private:
  using Pair = std::pair<std::string, std::string>;
  // A pair's first is the key under which it stands here, viewed.
  using Pairs = std::map<std::string_view, std::shared_ptr<const Pair>>;

  void set(std::string_view key, std::string_view value);

  Pairs pairs_;
};

}  // namespace kvserver
