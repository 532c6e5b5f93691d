// The kvserver's log: one line an event on stderr, with time, level, node and message.
//
//     2026-11-23T05:17:03.123+00:00 info n1 leads in term 4
#pragma once

#include "kv/node_names.hpp"

#include <libraft/logger.hpp>
#include <libraft/observer.hpp>

#include <memory>
#include <string>

namespace kvserver {

/// Lines are written by a thread of its own, so that a reader of stderr who falls asleep never stops a node: when too
/// many lines wait, the oldest are dropped. Destroyed, it writes what waits.
[[nodiscard]] std::shared_ptr<libraft::Logger> make_stderr_logger(const std::string& node_id, libraft::LogLevel level);

/// For the library: what it says of ordinary events is for debugging here, because make_event_log tells of them with
/// names for ids. Its warnings and errors come through.
[[nodiscard]] std::shared_ptr<libraft::Logger> make_library_logger(std::shared_ptr<libraft::Logger> logger);

/// Logs what happens in a node, with names for ids. `names` outlives it.
[[nodiscard]] std::shared_ptr<libraft::Observer> make_event_log(std::shared_ptr<libraft::Logger> logger,
                                                                const NodeNames& names);

}  // namespace kvserver
