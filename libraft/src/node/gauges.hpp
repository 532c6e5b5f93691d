// Gauges: how full the queues of a node are. For who checks that each keeps to its bound.
#pragma once

#include "node/marks.hpp"

#include <cstddef>

namespace libraft::node {

/// What a queue holds.
struct Fill {
  std::size_t count = 0;
  std::size_t bytes = 0;  ///< as they are charged to the bound; zero where only the count is bounded

  friend bool operator==(const Fill&, const Fill&) = default;
};

struct Gauges {
  // The inbox is empty whenever the protocol lane has run: what it held when it was emptied for the last time. A single
  // item may be larger than the bound.
  Fill messages;  ///< and hints of the transport
  Fill requests;  ///< without those that the bound does not hold for: to start, to stop, and what was refused

  std::size_t requests_waiting = 0;  ///< that are taken and have not ended

  Fill write;               ///< entries of the write that is under way
  Fill unwritten;           ///< entries that wait for it
  Fill apply;               ///< entries at the state machine
  Fill unapplied;           ///< entries that wait for it
  std::size_t queries = 0;  ///< at the state machine or waiting for it

  std::size_t held_messages = 0;   ///< that wait for a write
  std::size_t log_reads = 0;       ///< that wait for the storage lane
  Fill chunks_to_store;            ///< that wait for the background lane
  std::size_t chunks_to_send = 0;  ///< likewise
  std::size_t saves = 0;           ///< of own snapshots, likewise

  Marks marks;  ///< of the node's life so far
};

}  // namespace libraft::node
