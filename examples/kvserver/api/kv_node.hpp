// KvNode: what the client API needs of a node. RaftNode behind it in the server, a script in tests.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/components.hpp>
#include <libraft/options.hpp>
#include <libraft/result.hpp>
#include <libraft/status.hpp>
#include <libraft/types.hpp>

#include <string>

namespace kvserver {

/// Any thread. The first two block, bounded by their timeout; their errors are those of RaftNode.
struct KvNode {
  virtual ~KvNode() = default;

  [[nodiscard]] virtual libraft::Result<libraft::Applied> propose(libraft::Bytes command,
                                                                  libraft::Duration timeout) = 0;
  [[nodiscard]] virtual libraft::Result<libraft::Applied> query(std::string key, libraft::Consistency consistency,
                                                                libraft::Duration timeout) = 0;
  [[nodiscard]] virtual libraft::Status status() const = 0;
};

}  // namespace kvserver
