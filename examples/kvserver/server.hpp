// The server: a node with its files, its two ports and its log, from start to stop.
#pragma once

#include "config.hpp"

namespace kvserver {

// Exit codes; docs/kvserver.md says what they mean.
inline constexpr int kExitConfig = 2;
inline constexpr int kExitData = 3;

/// Prints what the variables come to. Touches neither files nor ports.
[[nodiscard]] int check_config(const Config& config);

/// Keeps SIGTERM and SIGINT for serve(), in this thread and in those that it starts: the first thing that main does,
/// so that a process which is stopped as soon as it was started ends as any that was asked to stop.
void hold_stop_signals();

/// Serves until SIGTERM or SIGINT comes, and returns the process's exit code. To be called after hold_stop_signals, and
/// before any other thread exists. When stopping takes longer than promised (a client that does not read its answer),
/// it ends the process itself.
[[nodiscard]] int serve(const Config& config);

}  // namespace kvserver
