// Recovery: from what is on disk to what a Core starts from.
//
//     storage lane   open -> format when empty, and open again -> is it ours? -> newest snapshot
//     apply lane     what does the state machine hold? -> restore the snapshot when it holds less
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/runtime.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>
#include <libraft/storage.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace libraft::node {

struct Recovered {
  RecoveredState state;
  LogId applied;  ///< what the state machine holds now
  bool apply_durable_only = false;
};

/// Runs once.
class Recovery final : private Job {
 public:
  /// On the protocol lane: one of the two, once.
  struct Listener {
    virtual void on_recovered(Recovered recovered) = 0;
    virtual void on_not_recovered(Failure failure) = 0;

   protected:
    ~Listener() = default;
  };
  /// Who the node is meant to be, and the members of its cluster if this is to be a new one.
  struct Plan {
    Identity identity;  ///< its incarnation is used when the storage is formatted
    Configuration genesis;
  };

  Recovery(Storage& storage, StateMachine& machine, Runtime& runtime, Plan plan, Listener& listener)
      : storage_(storage), machine_(machine), runtime_(runtime), plan_(std::move(plan)), listener_(listener) {}

  void start();

 private:
  enum class Step { storage, state_machine };

  void run() noexcept override;
  void done() noexcept override;
  void open_storage();
  void check_identity();
  void find_snapshot();
  void replace_log_by_snapshot();
  [[nodiscard]] std::optional<Term> term_of(LogIndex index) const;
  void restore_state_machine();
  [[nodiscard]] std::optional<LogId> find_applied(LogIndex index) const;
  void fail(std::error_code error, std::string_view what);

  Storage& storage_;
  StateMachine& machine_;
  Runtime& runtime_;
  const Plan plan_;
  Listener& listener_;

  // The lane's that is at work.
  Step step_ = Step::storage;
  Recovered recovered_;
  std::shared_ptr<SnapshotReader> snapshot_;
  std::optional<Failure> failure_;
};

}  // namespace libraft::node
