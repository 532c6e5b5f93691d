// The kvserver's storage on a simulated disk, and where on it bits may flip so that a start must notice.
#pragma once

#include <libraft/testkit/simulation.hpp>
#include <libraft/types.hpp>

#include <optional>
#include <string>

namespace raft_sim {

/// Where the node's files are.
[[nodiscard]] std::string kv_directory(libraft::NodeId id);

/// See libraft::testkit::DiskStorage::find. The last batch of the log is left alone: what strikes only it can't be told
/// from a torn write (docs/formats.md).
[[nodiscard]] std::optional<libraft::testkit::DiskRange> find_on_kv_disk(const libraft::testkit::FaultFileSystem& disk,
                                                                         libraft::NodeId id,
                                                                         libraft::testkit::DiskPart part);

/// Both for a Simulation.
[[nodiscard]] libraft::testkit::DiskStorage kv_disk_storage();

}  // namespace raft_sim
