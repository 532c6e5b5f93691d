// Components: what a node is made of, beside its options. And what its requests bring back.
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/logger.hpp>
#include <libraft/observer.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/storage.hpp>
#include <libraft/transport.hpp>
#include <libraft/types.hpp>

#include <memory>

namespace libraft {

/// The first three are required. The node owns them, and destroys them after it stopped.
struct Components {
  std::unique_ptr<Transport> transport;         ///< how messages travel
  std::unique_ptr<Storage> storage;             ///< where term, vote, log and snapshots are kept
  std::unique_ptr<StateMachine> state_machine;  ///< what the cluster replicates
  std::shared_ptr<Observer> observer;           ///< may be null
  std::shared_ptr<Logger> logger;               ///< may be null
};

/// A command's place in the log and the state machine's reply to it; for a query, the applied entry that it saw.
struct Applied {
  LogIndex index;  ///< the entry's
  Term term;       ///< the entry's
  Bytes reply;     ///< what the state machine answered
};

}  // namespace libraft
