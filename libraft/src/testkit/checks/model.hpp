// Model: what the state machine should have answered. Two kinds:
//
//   ReplayModel     any user's state machine: a pristine instance that gets the committed commands in order
//   KeyValueModel   keys and values with all their versions: answers for any index, at once
#pragma once

#include <libraft/bytes.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/testkit/simulate.hpp>
#include <libraft/types.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace libraft::testkit {

struct Model {
  virtual ~Model() = default;

  /// The next committed command, at `id`; indexes rise. The reply that it should get.
  [[nodiscard]] virtual Bytes apply(LogId id, const Bytes& command) = 0;
  /// What a query should get from the state after entry `index`; nullopt: can't be told any more. An index beyond the
  /// last command applied means the state after that one.
  [[nodiscard]] virtual std::optional<Result<Bytes>> query(LogIndex index, std::string_view request) = 0;
};

/// Answers queries only about the state as it is: for an index before the last command, it can't tell.
class ReplayModel final : public Model {
 public:
  explicit ReplayModel(std::unique_ptr<StateMachine> machine) : machine_(std::move(machine)) {}

  [[nodiscard]] Bytes apply(LogId id, const Bytes& command) override;
  [[nodiscard]] std::optional<Result<Bytes>> query(LogIndex index, std::string_view request) override;

 private:
  std::unique_ptr<StateMachine> machine_;
  LogIndex applied_;
};

class KeyValueModel final : public Model {
 public:
  explicit KeyValueModel(KeyValueLanguage language) : language_(std::move(language)) {}

  [[nodiscard]] Bytes apply(LogId id, const Bytes& command) override;
  [[nodiscard]] std::optional<Result<Bytes>> query(LogIndex index, std::string_view request) override;

 private:
  struct Version {
    LogIndex index;
    std::optional<std::string> value;
  };
  [[nodiscard]] const std::string* value_at(const std::string& key, LogIndex index) const;

  KeyValueLanguage language_;
  std::map<std::string, std::vector<Version>, std::less<>> versions_;
};

}  // namespace libraft::testkit
