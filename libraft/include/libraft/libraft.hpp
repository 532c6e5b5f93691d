// libraft: Raft consensus for C++20. This header brings everything that a service needs to embed a node; storages,
// transports and the testkit have headers of their own beside it.
#pragma once

#include <libraft/error.hpp>
#include <libraft/logger.hpp>
#include <libraft/observer.hpp>
#include <libraft/options.hpp>
#include <libraft/raft_node.hpp>
#include <libraft/result.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>
#include <libraft/storage.hpp>
#include <libraft/transport.hpp>
#include <libraft/types.hpp>
