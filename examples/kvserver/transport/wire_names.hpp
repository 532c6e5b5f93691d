// How node ids are written in messages: by name, so that people can read them.
#pragma once

#include <libraft/types.hpp>

#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace kvserver {

class NodeNames;

/// Ids to names and back. A node's id is the hash of its name, so a name always leads to its id; the way back needs a
/// table: the members, and whoever was heard of since. An id without a known name is written as its number, "#" and 16
/// hexadecimal digits, which leads back to it as well. Thread-safe.
class WireNames {
 public:
  /// `members` outlives this.
  explicit WireNames(const NodeNames& members) : members_(members) {}

  [[nodiscard]] std::string name_of(libraft::NodeId id) const;
  [[nodiscard]] libraft::NodeId id_of(std::string_view name) const;
  /// The name of a node that may be no member (yet). At most a bounded number of them is remembered.
  void remember(std::string_view name);

 private:
  const NodeNames& members_;
  mutable std::mutex mutex_;
  std::map<libraft::NodeId, std::string> others_;  // guarded by mutex_
};

/// 16 hexadecimal digits: JSON numbers above 2^53 are not exact in many programs.
[[nodiscard]] std::string to_hex(std::uint64_t number);
/// False, and `number` as it was, for anything else than what to_hex writes.
[[nodiscard]] bool from_hex(std::string_view text, std::uint64_t& number);

}  // namespace kvserver
