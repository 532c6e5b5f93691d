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
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Storage> storage;
  std::unique_ptr<StateMachine> state_machine;
  std::shared_ptr<Observer> observer;
  std::shared_ptr<Logger> logger;
};

/// A command's place in the log and the state machine's reply to it; for a query, the applied entry that it saw.
struct Applied {
  LogIndex index;
  Term term;
  Bytes reply;
};

}  // namespace libraft
