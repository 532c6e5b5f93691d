// Short programs of storage calls: what a crash-state enumeration goes through.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "testkit/conformance/storage_model.hpp"

namespace libraft::testkit {

/// One call, or (without a command) closing the storage and opening another instance.
struct ProgramStep {
  std::string name;
  std::optional<StorageCommand> command;
};

/// What a program starts from.
struct ProgramBase {
  std::string name;
  std::vector<StorageCommand> commands;
};

/// Nothing at all; a log; a log behind a snapshot.
std::vector<ProgramBase> program_bases();

/// Every step that the rules of Storage allow now, one of each kind. Entries of equal size follow each other, so that
/// what is left of a lost one fits behind another.
std::vector<ProgramStep> next_steps(const StorageModel& model);

/// A write that a storage in this state must take.
StorageCommand another_write(const StorageModel& model);

}  // namespace libraft::testkit
