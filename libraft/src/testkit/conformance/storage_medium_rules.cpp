// What needs a medium that can be full or crash.
#include <libraft/error.hpp>

#include <algorithm>
#include <array>

#include "testkit/conformance/storage_trial.hpp"

namespace libraft::testkit {
namespace {

std::string big() {
  return std::string(300'000, 'b');
}

/// Opens what a full medium holds and requires that it is a state that a crash within `command` may leave.
void require_prefix_after(StorageTrial& t, const StorageCommand& command, const std::string& when) {
  t.storage->close();
  t.storage = t.medium.make();
  const auto seen = open_and_observe(*t.storage);
  require_success(seen.error(), when + ": opening again");
  const auto states = t.model.prefixes(command);
  const auto found =
      std::find_if(states.begin(), states.end(), [&](const StorageModel& state) { return state.expected() == *seen; });
  require(found != states.end(), when + ": " + difference(t.model.expected(), *seen));
  t.model = *found;
}

void a_full_medium_refuses_the_whole_append(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  const StorageCommand append = Do().entry(sample_entry(6, 1, "small")).entry(sample_entry(7, 1, big()));
  t.medium.set_full(true);
  for (int i = 0; i < 2; ++i) {
    require_error(perform(*t.storage, append), errc::no_space, "write() on a full medium");
    t.verify_open("after no_space");
  }
  t.medium.set_full(false);
  t.run(append, "the same batch when there is room again");
  t.verify("when the batch was written at last");
}

void another_batch_may_follow_no_space(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  t.medium.set_full(true);
  const StorageCommand append = Do().entry(sample_entry(6, 1, big()));
  require_error(perform(*t.storage, append), errc::no_space, "write() on a full medium");
  t.medium.set_full(false);
  t.run(Do().hard_state(2, std::nullopt).truncate(4).entries(4, 5, 2), "another batch when there is room again");
  t.verify("when another batch was written");
}

void no_space_survives_a_restart(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  const StorageCommand append = Do().entry(sample_entry(6, 1, "small")).entry(sample_entry(7, 1, big()));
  t.medium.set_full(true);
  require_error(perform(*t.storage, append), errc::no_space, "write() on a full medium");
  t.reopen("after no_space, still without room");
  t.medium.set_full(false);
  t.run(append, "the same batch when there is room again");
  t.verify("when the batch was written at last");
}

/// A storage may find a batch of several parts too hard to take back; then it must not call it no_space.
void a_full_medium_and_a_batch_of_all_parts(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  const StorageCommand batch = Do().hard_state(7, NodeId{3}).truncate(4).entry(sample_entry(4, 7, big()));
  t.medium.set_full(true);
  const std::error_code error = perform(*t.storage, batch);
  require(bool(error), "A write on a full medium should fail.");
  if (error == errc::no_space) {
    t.verify_open("after no_space for a batch of several parts");
    t.medium.set_full(false);
    t.run(batch, "the same batch when there is room again");
    t.verify("when the batch was written at last");
  } else {
    t.medium.set_full(false);
    require_prefix_after(t, batch, "after a failed batch of several parts");
  }
}

void a_full_medium_keeps_the_older_snapshot(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  t.run(Do().snapshot(2, 1, "kept"), "publishing a snapshot at 2");
  t.medium.set_full(true);
  const StorageCommand larger = Do().snapshot(5, 1, big());
  require_error(perform(*t.storage, larger), errc::no_space, "a snapshot on a full medium");
  t.verify_open("when a snapshot found no room");
  t.medium.set_full(false);
  t.run(larger, "the same snapshot when there is room again");
  t.verify("when the snapshot was published at last");
}

void what_was_acknowledged_survives_crashes(StorageTrial& t) {
  t.begin();
  t.verify_after_crash(0, "after format()");
  const std::array<StorageCommand, 7> commands{
      Do().hard_state(1, NodeId{3}),
      Do().entries(1, 6, 1),
      Do().hard_state(2, std::nullopt).truncate(5).entries(5, 8, 2),
      Do().snapshot(6, 2, "at 6").start(6, 2),
      Do().truncate(8),
      Do().snapshot(20, 3, "at 20").hard_state(3, std::nullopt).truncate(7).start(20, 3),
      Do().entries(21, 22, 3),
  };
  for (std::size_t i = 0; i < commands.size(); ++i) {
    t.run(commands[i], "step " + std::to_string(i));
    t.verify_after_crash(i % 5, "step " + std::to_string(i));
  }
}

constexpr std::array kSpaceRules{
    StorageRule{"without room nothing of an append stays, and it can be tried again",
                a_full_medium_refuses_the_whole_append},
    StorageRule{"another batch may follow one that found no room", another_batch_may_follow_no_space},
    StorageRule{"a batch that found no room is not there after a restart", no_space_survives_a_restart},
    StorageRule{"without room a batch of several parts is taken back or final", a_full_medium_and_a_batch_of_all_parts},
    StorageRule{"without room for a snapshot the older one is kept", a_full_medium_keeps_the_older_snapshot},
};

constexpr std::array kCrashRules{
    StorageRule{"what was acknowledged survives a crash", what_was_acknowledged_survives_crashes},
};

}  // namespace

std::span<const StorageRule> storage_space_rules() {
  return kSpaceRules;
}

std::span<const StorageRule> storage_crash_rules() {
  return kCrashRules;
}

}  // namespace libraft::testkit
