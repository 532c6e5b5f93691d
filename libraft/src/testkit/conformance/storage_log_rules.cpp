// Entries: appending, truncating, moving the start, reading.
#include <libraft/error.hpp>

#include <array>
#include <atomic>
#include <thread>

#include "testkit/conformance/storage_trial.hpp"

namespace libraft::testkit {
namespace {

void entries_come_back_as_written(StorageTrial& t) {
  t.begin();
  t.append(1, 20, 1);
  t.verify("after 20 entries of many kinds of content");
}

void batches_continue_the_log(StorageTrial& t) {
  t.begin();
  t.append(1, 1, 1);
  t.append(2, 4, 1);
  t.append(5, 5, 3);
  t.verify_open("after three batches");
  t.reopen("after three batches");
  t.append(6, 7, 4);
  t.verify("after another one");
}

void term_runs_name_the_last_entry_of_each_term(StorageTrial& t) {
  t.begin();
  t.run(Do().entries(1, 1, 2).entries(2, 5, 3).entries(6, 6, 7).entries(7, 9, 8), "appending entries of four terms");
  t.reopen("with four terms");
  t.append(10, 10, 8);
  t.append(11, 11, 20);
  t.reopen("when a run was continued and another begun");
  t.run(Do().truncate(9), "truncating within a run");
  t.reopen("when a run was cut");
  t.run(Do().truncate(6).entries(6, 8, 30), "overwriting two runs");
  t.reopen("when two runs were overwritten");
}

void truncation_drops_the_suffix(StorageTrial& t) {
  t.begin();
  t.append(1, 9, 1);
  t.run(Do().truncate(10), "truncating from one past the end");
  t.verify_open("after truncating nothing");
  t.run(Do().truncate(9), "truncating the last entry");
  t.verify_open("after truncating the last entry");
  t.run(Do().truncate(4), "truncating from the middle");
  t.verify("after truncating from the middle");
  t.append(4, 6, 2);
  t.verify("after appending where the log was cut");
  t.run(Do().truncate(1), "truncating all");
  t.verify("after truncating all");
  t.append(1, 2, 5);
  t.verify("after beginning again");
}

void a_truncation_and_its_replacement_are_one_batch(StorageTrial& t) {
  t.begin();
  t.append(1, 6, 1);
  t.run(Do().hard_state(2, std::nullopt).truncate(3).entries(3, 4, 2), "replacing four entries by two");
  t.verify("after replacing four entries by two");
  t.run(Do().truncate(2).entries(2, 9, 3), "replacing three entries by eight");
  t.verify("after replacing three entries by eight");
}

void the_start_moves_within_the_log(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  t.append(6, 10, 2);
  t.run(Do().snapshot(8, 2, "state at 8"), "publishing a snapshot at 8");
  t.run(Do().start(3, 1), "moving the start to 3");
  t.verify("with the start at 3");
  require_error(t.storage->read({3}, {6}, 1000).error(), errc::compacted, "read() from the start");
  require_error(t.storage->read({2}, {2}, 1000).error(), errc::compacted, "read() below the start");
  t.run(Do().start(8, 2), "moving the start to 8");
  t.verify("with the start at 8");
  t.append(11, 12, 3);
  t.verify("when the log grew on");
  t.run(Do().truncate(9).entries(9, 9, 4), "truncating down to the start");
  t.verify("when the log was cut down to the start");
}

void the_start_moves_to_the_end(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  t.run(Do().snapshot(5, 1, "state at 5").start(5, 1), "compacting the whole log");
  t.verify("when the whole log is compacted");
  t.append(6, 7, 2);
  t.verify("when the log grew on");
}

void the_start_moves_beyond_the_end(StorageTrial& t) {
  t.begin();
  t.append(1, 5, 1);
  t.run(Do().snapshot(100, 7, "state at 100"), "publishing a snapshot at 100");
  t.verify("with a snapshot beyond the log");
  t.run(Do().start(100, 7), "moving the start to 100");
  t.verify("with the start beyond the old end");
  t.run(Do().hard_state(8, std::nullopt).entries(101, 103, 8), "appending after the new start");
  t.verify("when the log grew on");
}

void the_parts_of_a_batch_take_effect_in_order(StorageTrial& t) {
  t.begin();
  t.append(1, 10, 1);
  t.run(Do().snapshot(6, 1, "state at 6"), "publishing a snapshot at 6");
  t.run(Do().hard_state(5, NodeId{3}).truncate(8).start(6, 1).entries(8, 9, 5), "a batch of all four parts");
  t.verify("after a batch of all four parts");
  t.run(Do().snapshot(50, 9, "state at 50"), "publishing a snapshot at 50");
  t.run(Do().hard_state(9, std::nullopt).truncate(7).start(50, 9).entries(51, 52, 9), "a start beyond a cut log");
  t.verify("after a start beyond a cut log");
}

void reading_stops_at_its_limit(StorageTrial& t) {
  t.begin();
  t.run(Do().entry(sample_entry(1, 1, std::string(100, 'a')))
            .entry(sample_entry(2, 1, std::string(200, 'b')))
            .entry(sample_entry(3, 1, std::string(300, 'c'))),
        "appending entries of 100, 200 and 300 bytes");
  const std::size_t one = 100 + kEntryOverheadBytes;
  const std::size_t two = one + 200 + kEntryOverheadBytes;
  const std::size_t three = two + 300 + kEntryOverheadBytes;
  struct Case {
    std::uint64_t first, last;
    std::size_t bytes_max, count;
  };
  const std::array<Case, 11> cases{{{1, 3, 0, 1},
                                    {1, 3, one, 1},
                                    {1, 3, two - 1, 1},
                                    {1, 3, two, 2},
                                    {1, 3, three - 1, 2},
                                    {1, 3, three, 3},
                                    {1, 3, SIZE_MAX, 3},
                                    {1, 2, SIZE_MAX, 2},
                                    {2, 2, SIZE_MAX, 1},
                                    {3, 3, 0, 1},
                                    {2, 3, 1, 1}}};
  for (const Case& c : cases) {
    const std::string call =
        "read(" + std::to_string(c.first) + ", " + std::to_string(c.last) + ", " + std::to_string(c.bytes_max) + ")";
    const auto entries = t.storage->read({c.first}, {c.last}, c.bytes_max);
    require_success(entries.error(), call);
    require(entries->size() == c.count, call + " should give " + std::to_string(c.count) + " entries, gives " +
                                            std::to_string(entries->size()) + ".");
    for (std::size_t i = 0; i < entries->size(); ++i) {
      require((*entries)[i] == t.model.entries()[c.first - 1 + i], call + " gives another entry than was written.");
    }
  }
}

void reading_outside_the_log_is_an_error(StorageTrial& t) {
  t.begin();
  require_error(t.storage->read({1}, {1}, 1).error(), errc::unavailable, "read() from an empty log");
  t.append(1, 5, 1);
  require_error(t.storage->read({6}, {6}, 1).error(), errc::unavailable, "read() just beyond the end");
  require_error(t.storage->read({9}, {12}, 1).error(), errc::unavailable, "read() far beyond the end");
  t.run(Do().truncate(4), "truncating from 4");
  require_error(t.storage->read({4}, {4}, 1).error(), errc::unavailable, "read() of a truncated entry");
  t.run(Do().snapshot(3, 1, "s").start(2, 1), "compacting to 2");
  require_error(t.storage->read({2}, {3}, 1).error(), errc::compacted, "read() at the start");
  require_error(t.storage->read({1}, {1}, 1).error(), errc::compacted, "read() below the start");
  require_success(t.storage->read({3}, {3}, 1).error(), "read() of the first entry kept");
  t.verify_open("after errors");
}

void large_entries_are_kept(StorageTrial& t) {
  t.begin();
  t.run(Do().entry(sample_entry(1, 1, std::string(1u << 20, '\0'))), "writing 1 MiB of NULs");
  t.run(Do().entry(sample_entry(2, 1, std::string(1u << 20, '\xff')))
            .entry(sample_entry(3, 1, std::string(1u << 20, '"')))
            .entry(sample_entry(4, 1, "small")),
        "writing two entries of 1 MiB and a small one at once");
  t.verify("with entries of 1 MiB");
  t.run(Do().truncate(3), "truncating a large entry");
  t.reopen("when a large entry was truncated");
}

void many_batches_are_kept(StorageTrial& t) {
  t.begin();
  for (std::uint64_t index = 1; index <= 300; ++index) t.append(index, index, 1 + index / 50);
  t.verify("after 300 batches");
}

/// Reads what is durable again and again until `done`; tells what went wrong.
std::string read_until(const std::atomic<bool>& done, Storage& storage, const std::vector<Entry>& durable) {
  do {
    const auto entries = storage.read({1}, {durable.size()}, SIZE_MAX);
    if (!entries) return "read() beside write() failed: " + entries.error().message();
    if (*entries != durable) return "read() beside write() gives other entries than were written.";
  } while (!done.load());
  return {};
}

/// Ends the reader also when the storage throws.
struct EndReader {
  std::atomic<bool>& done;
  std::thread& reader;

  ~EndReader() {
    done.store(true);
    reader.join();
  }
};

void reading_may_run_beside_writing(StorageTrial& t) {
  t.begin();
  t.append(1, 10, 1);
  const std::vector<Entry> durable = t.model.entries();
  std::atomic<bool> done{false};
  std::string problem;
  std::thread reader([&] { problem = read_until(done, *t.storage, durable); });
  std::error_code error;
  {
    const EndReader end{done, reader};
    for (std::uint64_t index = 11; index <= 60 && !error; ++index) {
      const StorageCommand append = Do().entries(index, index, 1);
      error = perform(*t.storage, append);
      t.model.apply(append);
    }
  }
  require_success(error, "write() beside read()");
  require(problem.empty(), problem);
  t.verify("after reading beside writing");
}

constexpr std::array kLogRules{
    StorageRule{"entries come back as they were written", entries_come_back_as_written},
    StorageRule{"batches continue the log", batches_continue_the_log},
    StorageRule{"many small batches are kept", many_batches_are_kept},
    StorageRule{"term runs name the last entry of each term", term_runs_name_the_last_entry_of_each_term},
    StorageRule{"truncate_from drops that entry and all after it", truncation_drops_the_suffix},
    StorageRule{"a truncation and what replaces the entries are one batch",
                a_truncation_and_its_replacement_are_one_batch},
    StorageRule{"new_start within the log drops it and all before it", the_start_moves_within_the_log},
    StorageRule{"new_start at the end empties the log", the_start_moves_to_the_end},
    StorageRule{"new_start beyond the end empties the log and continues there", the_start_moves_beyond_the_end},
    StorageRule{"the parts of a batch take effect in their order", the_parts_of_a_batch_take_effect_in_order},
    StorageRule{"read gives what fits into its limit, but at least one entry", reading_stops_at_its_limit},
    StorageRule{"read says compacted below the log and unavailable beyond it", reading_outside_the_log_is_an_error},
    StorageRule{"entries of 1 MiB are kept, also of NULs", large_entries_are_kept},
    StorageRule{"read may run beside write", reading_may_run_beside_writing},
};

}  // namespace

std::span<const StorageRule> storage_log_rules() {
  return kLogRules;
}

}  // namespace libraft::testkit
