// Opening, formatting, locking, closing, and the hard state.
#include <libraft/error.hpp>

#include <array>

#include "testkit/conformance/storage_trial.hpp"

namespace libraft::testkit {
namespace {

void open_tells_nullopt_until_format(StorageTrial& t) {
  for (int i = 0; i < 2; ++i) {
    const auto found = t.storage->open();
    require_success(found.error(), "open()");
    require(!*found, "open() should say nullopt before format().");
    t.storage->close();
    t.storage = t.medium.make();
  }
  t.begin();
}

void format_makes_an_empty_storage(StorageTrial& t) {
  t.begin();
  t.verify("after format()");
}

void format_twice_is_refused(StorageTrial& t) {
  t.begin();
  t.append(1, 3, 1);
  require_error(t.storage->format(sample_identity(), {}), errc::already_formatted, "format() in the same instance");
  t.reopen("after a second format()");
  const Identity another{{1}, {2}, {3}, {4}};
  require_error(t.storage->format(another, {}), errc::already_formatted, "format() after open() told what is there");
  t.verify("after a third format()");
}

void before_format_nothing_works(StorageTrial& t) {
  require_success(t.storage->open().error(), "open()");
  const StorageCommand append = Do().entries(1, 1, 1);
  require_error(t.storage->write(append.batch()), errc::not_formatted, "write() before format()");
  require(!t.storage->read({1}, {1}, 1), "read() before format() should fail.");
  require(!t.storage->newest_snapshot(), "newest_snapshot() before format() should fail.");
  t.storage->close();
  t.storage = t.medium.make();
  t.begin();
  t.verify("after all that");
}

void one_instance_at_a_time(StorageTrial& t) {
  t.begin();
  t.append(1, 2, 1);
  {
    const auto second = t.medium.make();
    require_error(second->open().error(), errc::locked, "open() while another instance is open");
    require_error(second->open().error(), errc::locked, "open() once more");
    second->close();
  }
  t.append(3, 4, 1);
  t.storage->close();
  const auto second = t.medium.make();
  require_success(second->open().error(), "open() when the other one is closed");
  require_error(t.storage->open().error(), errc::locked, "open() by the first one now");
  second->close();
  t.reopen("when both are closed");
}

void destruction_closes(StorageTrial& t) {
  t.begin();
  t.append(1, 2, 1);
  t.storage.reset();
  t.storage = t.medium.make();
  const auto seen = open_and_observe(*t.storage);
  require_success(seen.error(), "open() after an open instance was destroyed");
  const std::string found = difference(t.model.expected(), *seen);
  require(found.empty(), found);
}

void close_at_any_time(StorageTrial& t) {
  t.storage->close();
  t.storage->close();
  t.begin();
  t.append(1, 2, 1);
  for (int i = 0; i < 2; ++i) {
    t.storage->close();
    t.storage->close();
    const auto seen = open_and_observe(*t.storage);  // the same instance
    require_success(seen.error(), "open() after close() of the same instance");
    const std::string found = difference(t.model.expected(), *seen);
    require(found.empty(), found);
  }
  t.append(3, 3, 1);
  t.verify("after close() and open() of the same instance");
}

void hard_state_is_kept(StorageTrial& t) {
  t.begin();
  const std::array<HardState, 5> states{HardState{{1}, std::nullopt}, HardState{{1}, NodeId{UINT64_MAX - 1}},
                                        HardState{{(std::uint64_t{1} << 53) + 1}, NodeId{(std::uint64_t{1} << 53) + 1}},
                                        HardState{{UINT64_MAX - 1}, std::nullopt},
                                        HardState{{UINT64_MAX - 1}, NodeId{1}}};
  for (const HardState& state : states) {
    t.run(Do().hard_state(state.term.value, state.vote), "writing a hard state");
    t.reopen("after term " + std::to_string(state.term.value));
  }
  t.append(1, 2, 5);
  t.reopen("after a batch without a hard state");
}

void an_empty_batch_changes_nothing(StorageTrial& t) {
  t.begin();
  t.run(Do(), "writing an empty batch");
  t.append(1, 2, 1);
  t.run(Do(), "writing another empty batch");
  t.verify("after empty batches");
}

constexpr std::array kBasicRules{
    StorageRule{"open says nullopt until the storage is formatted", open_tells_nullopt_until_format},
    StorageRule{"format makes an empty storage with its identity and genesis", format_makes_an_empty_storage},
    StorageRule{"format on data that is there is refused and changes nothing", format_twice_is_refused},
    StorageRule{"before format nothing can be written or read", before_format_nothing_works},
    StorageRule{"a second instance is refused until the first is closed", one_instance_at_a_time},
    StorageRule{"destroying an open storage closes it", destruction_closes},
    StorageRule{"close may be called at any time and twice, and open starts anew", close_at_any_time},
    StorageRule{"the newest hard state is kept, with every number exact", hard_state_is_kept},
    StorageRule{"an empty batch changes nothing", an_empty_batch_changes_nothing},
};

}  // namespace

std::span<const StorageRule> storage_basic_rules() {
  return kBasicRules;
}

}  // namespace libraft::testkit
