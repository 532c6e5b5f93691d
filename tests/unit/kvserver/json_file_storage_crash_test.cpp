// A power cut, and a failing disk, at each call that the storage makes: what is found afterwards is a prefix of what
// was written, and nothing that was acknowledged is missing.
#include "json_file_storage_fixture.hpp"

#include <algorithm>

namespace kvserver::test {
namespace {

/// What a storage holds, as its user sees it.
struct Model {
  bool formatted = false;
  libraft::HardState hard_state;
  LogId start;
  std::vector<Entry> entries;
  std::optional<libraft::SnapshotMeta> snapshot;
  std::string snapshot_data;

  friend bool operator==(const Model&, const Model&) = default;
};

/// Of a history: format, a snapshot (with data), or a plain write.
struct Step {
  bool formats = false;
  std::optional<std::string> snapshot;
  LogId snapshot_last;
  std::optional<libraft::HardState> hard_state;
  std::optional<LogIndex> truncate_from;
  std::optional<LogId> new_start;
  std::vector<Entry> entries;

  [[nodiscard]] WriteBatch batch() const { return {hard_state, truncate_from, new_start, entries}; }
};

Step writes(std::vector<Entry> entries) {
  Step step;
  step.entries = std::move(entries);
  return step;
}

/// A life of a node with each kind of write in it.
std::vector<Step> history() {
  std::vector<Step> steps;
  Step format;
  format.formats = true;
  steps.push_back(format);
  Step vote = writes({});
  vote.hard_state = libraft::HardState{Term{1}, NodeId{1}};
  steps.push_back(vote);
  steps.push_back(writes(commands(1, 3, 1)));
  Step follows = writes(commands(4, 40, 2));  // more than a sector
  follows.hard_state = libraft::HardState{Term{2}, std::nullopt};
  steps.push_back(follows);
  Step conflict = writes(commands(38, 42, 3));
  conflict.hard_state = libraft::HardState{Term{3}, NodeId{2}};
  conflict.truncate_from = LogIndex{38};
  steps.push_back(conflict);
  Step snapshot = writes({});
  snapshot.snapshot = "first\nsnapshot";
  snapshot.snapshot_last = log_id(39, 3);
  snapshot.new_start = log_id(37, 2);
  steps.push_back(snapshot);
  steps.push_back(writes(commands(43, 44, 3)));
  Step compaction = writes(commands(45, 46, 3));
  compaction.new_start = log_id(39, 3);
  steps.push_back(compaction);
  Step installed = writes({});
  installed.snapshot = std::string("\xff binary", 8);
  installed.snapshot_last = log_id(60, 5);
  installed.hard_state = libraft::HardState{Term{5}, std::nullopt};
  installed.truncate_from = LogIndex{41};
  installed.new_start = log_id(60, 5);
  steps.push_back(installed);
  steps.push_back(writes(commands(61, 62, 5)));
  return steps;
}

/// All states that a crash inside `step` may leave, the one before it first, the whole step last.
std::vector<Model> prefixes(Model state, const Step& step) {
  std::vector<Model> states{state};
  const auto add = [&states, &state](auto change) {
    change(state);
    states.push_back(state);
  };
  if (step.formats) add([](Model& to) { to.formatted = true; });
  if (step.snapshot) {
    add([&step](Model& to) {
      to.snapshot = meta_of(step.snapshot_last.index.value, step.snapshot_last.term.value, *step.snapshot);
      to.snapshot_data = *step.snapshot;
    });
  }
  if (step.hard_state) add([&step](Model& to) { to.hard_state = *step.hard_state; });
  if (step.truncate_from) {
    add([&step](Model& to) { to.entries.resize(step.truncate_from->value - to.start.index.value - 1); });
  }
  if (step.new_start) {
    add([&step](Model& to) {
      const auto dropped = step.new_start->index.value - to.start.index.value;
      const auto count = std::min<std::size_t>(dropped, to.entries.size());
      to.entries.erase(to.entries.begin(), to.entries.begin() + static_cast<std::ptrdiff_t>(count));
      to.start = *step.new_start;
    });
  }
  for (const Entry& entry : step.entries) add([&entry](Model& to) { to.entries.push_back(entry); });
  return states;
}

std::error_code execute(libraft::Storage& storage, const Step& step) {
  if (step.formats) return storage.format(identity(), genesis());
  if (!step.snapshot) return storage.write(step.batch());
  const auto meta = meta_of(step.snapshot_last.index.value, step.snapshot_last.term.value, *step.snapshot);
  return publish(storage, meta, *step.snapshot, step.batch());
}

Model seen(libraft::Storage& storage, const std::optional<libraft::RecoveredState>& state) {
  Model model;
  if (!state) return model;
  CHECK(state->identity == identity());
  model.formatted = true;
  model.hard_state = state->hard_state;
  model.start = state->start;
  model.snapshot = state->snapshot;
  if (state->last.index > state->start.index) {
    const auto entries = storage.read(next(state->start.index), state->last.index, SIZE_MAX);
    INFO(storage.error_detail());
    REQUIRE(entries);
    model.entries = *entries;
    CHECK(model.entries.back().id == state->last);
  }
  if (state->snapshot) model.snapshot_data = snapshot_data(storage);
  return model;
}

/// Opens, checks that one of `legal` is found, and that the storage is good for more.
void expect_one_of(FaultFileSystem& disk, const std::vector<Model>& legal) {
  Model found;
  {
    const auto storage = make_storage(disk);
    const auto opened = storage->open();
    INFO(storage->error_detail());
    REQUIRE(opened);
    found = seen(*storage, *opened);
    REQUIRE(std::find(legal.begin(), legal.end(), found) != legal.end());
    if (!found.formatted) {
      REQUIRE_FALSE(storage->format(identity(), genesis()));
      found.formatted = true;
    }
    const std::uint64_t last = found.entries.empty() ? found.start.index.value : found.entries.back().id.index.value;
    found.entries.push_back(command(last + 1, 9, "after"));
    REQUIRE_FALSE(write_entries(*storage, {found.entries.back()}));
  }
  disk.crash(0);
  const auto storage = make_storage(disk);
  const auto opened = storage->open();
  INFO(storage->error_detail());
  REQUIRE(opened);
  CHECK(seen(*storage, *opened) == found);
}

/// Runs the history until a step fails. The states that may be found then; only the last one when none failed.
std::vector<Model> run(FaultFileSystem& disk, const std::vector<Step>& steps) {
  Model model;
  const auto storage = make_storage(disk);
  if (!storage->open()) return {model};
  for (const Step& step : steps) {
    const auto states = prefixes(model, step);
    if (execute(*storage, step)) return states;
    model = states.back();
  }
  return {model};
}

std::uint64_t calls_of(const std::vector<Step>& steps) {
  FaultFileSystem disk;
  const auto legal = run(disk, steps);
  REQUIRE(legal.size() == 1);
  const std::uint64_t calls = disk.calls();
  expect_one_of(disk, legal);
  return calls;
}

TEST_CASE("json storage: a power cut at any call leaves a prefix, and nothing promised is lost") {
  const auto steps = history();
  const std::uint64_t calls = calls_of(steps);
  for (std::uint64_t call = 1; call <= calls; ++call) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      INFO("call " << call << " of " << calls << ", seed " << seed);
      FaultFileSystem disk;
      disk.power_off_at(call);
      const auto legal = run(disk, steps);
      disk.crash(seed);
      expect_one_of(disk, legal);
    }
  }
}

TEST_CASE("json storage: a power cut during the recovery from a power cut changes nothing") {
  const auto steps = history();
  const std::uint64_t calls = calls_of(steps);
  for (std::uint64_t call = 1; call <= calls; ++call) {
    FaultFileSystem disk;
    disk.power_off_at(call);
    const auto legal = run(disk, steps);
    disk.crash(call % 5);
    const auto image = disk.image();
    for (std::uint64_t later = 1;; ++later) {
      INFO("call " << call << " of " << calls << ", then call " << later);
      disk.restore(image);
      disk.power_off_at(disk.calls() + later);
      (void)make_storage(disk)->open();
      const bool went_off = disk.power_is_off();
      disk.clear_faults();
      disk.crash(later);
      expect_one_of(disk, legal);
      if (!went_off) break;
    }
  }
}

TEST_CASE("json storage: an error at any call leaves a prefix") {
  const auto steps = history();
  const std::uint64_t calls = calls_of(steps);
  for (std::uint64_t call = 1; call <= calls; ++call) {
    for (const std::uint64_t seed : {0u, 1u, 5u}) {
      INFO("call " << call << " of " << calls << ", seed " << seed);
      FaultFileSystem disk;
      disk.fail_at(call, errc::io_error);
      const auto legal = run(disk, steps);
      const auto image = disk.image();
      disk.restore(image);  // the process ends, the disk lives on
      expect_one_of(disk, legal);
      disk.restore(image);
      disk.crash(seed);
      expect_one_of(disk, legal);
    }
  }
}

/// Runs the history on a disk that is full at one call, and tries again what found it full.
void run_with_full_disk_at(std::uint64_t call, const std::vector<Step>& steps) {
  FaultFileSystem disk;
  disk.fail_at(call, errc::no_space);
  auto storage = make_storage(disk);
  auto opened = storage->open();
  if (!opened) opened = storage->open();
  REQUIRE(opened);
  Model model;
  for (const Step& step : steps) {
    const auto states = prefixes(model, step);
    auto error = execute(*storage, step);
    if (error) {
      INFO(storage->error_detail());
      const auto image = disk.image();
      storage = nullptr;
      const auto again = make_storage(disk);
      auto state = again->open();
      REQUIRE(state);
      const Model found = seen(*again, *state);
      // A snapshot may be the newest already, and a first start may have been made: these are steps of their own.
      const bool is_whole_step = !step.formats && !step.snapshot && error == errc::no_space;
      REQUIRE(
          (is_whole_step ? found == states.front() : std::find(states.begin(), states.end(), found) != states.end()));
      disk.restore(image);
      storage = make_storage(disk);
      REQUIRE(storage->open());
      Step rest = step;
      if (found.snapshot == states.back().snapshot) rest.snapshot.reset();
      if (found != states.back()) REQUIRE_FALSE(execute(*storage, rest));
    }
    model = states.back();
  }
  storage = nullptr;
  expect_one_of(disk, {model});
}

TEST_CASE("json storage: a disk that is full at any call costs nothing but the step that found it full") {
  const auto steps = history();
  const std::uint64_t calls = calls_of(steps);
  for (std::uint64_t call = 1; call <= calls; ++call) {
    INFO("call " << call << " of " << calls);
    run_with_full_disk_at(call, steps);
  }
}

// --- The gaps by name ------------------------------------------------------------------------------------------------

/// Runs `action` on the storage, with a power cut at its `call`-th call of `kind`; the disk keeps what was synced.
template <class Action>
void cut_power_at(Node& node, FileCall kind, std::uint64_t call, Action action) {
  node.disk.fail_next(kind, errc::io_error, call - 1);
  CHECK(action(*node.storage));
  node.storage = nullptr;
  node.disk.clear_faults();
  node.disk.crash(0);
}

TEST_CASE("json storage: a crash between the steps of a first start") {
  Node node;
  REQUIRE(node.storage->open());
  const auto format = [](libraft::Storage& storage) { return storage.format(identity(), genesis()); };
  const auto is_new = [&node] {
    node.storage = make_storage(node.disk);
    const auto opened = node.storage->open();
    REQUIRE(opened);
    return !*opened;
  };
  SECTION("the lock is there") {
    cut_power_at(node, FileCall::open, 1, format);
    CHECK(is_new());
  }
  SECTION("raft_log.jsonl is there, and empty") {
    cut_power_at(node, FileCall::open, 2, format);
    CHECK(node.file(kLogPath).empty());
    CHECK(is_new());
  }
  SECTION("raft_state.json has not got its name yet") {
    cut_power_at(node, FileCall::rename, 1, format);
    CHECK(node.file(kLogPath).empty());
    CHECK(is_new());
  }
  SECTION("raft_state.json is there, the log has no header") {
    cut_power_at(node, FileCall::write_at, 2, format);
    CHECK(node.file(kLogPath).empty());
    CHECK_FALSE(is_new());
    CHECK_FALSE(node.file(kLogPath).empty());
  }
}

TEST_CASE("json storage: a crash between the steps of a compaction") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 6, 1)));
  const auto compact = [](libraft::Storage& storage) {
    WriteBatch with;
    with.new_start = log_id(4, 1);
    return publish(storage, meta_of(4, 1, "s"), "s", with);
  };
  std::uint64_t start = 0;
  bool has_snapshot = true;
  SECTION("snapshot.json has not got its name yet") {
    cut_power_at(*node, FileCall::rename, 1, compact);
    has_snapshot = false;
  }
  SECTION("snapshot.json is there, raft_state.json is the old one") {
    cut_power_at(*node, FileCall::rename, 2, compact);
  }
  SECTION("raft_state.json is there, raft_log.jsonl is the old one") {
    cut_power_at(*node, FileCall::rename, 3, compact);
    start = 4;
  }
  const auto state = node->reopen();
  CHECK(state.snapshot.has_value() == has_snapshot);
  CHECK(state.start.index.value == start);
  CHECK(node->all(state) == commands(start + 1, 6, 1));
  REQUIRE_FALSE(write_entries(*node->storage, commands(7, 7, 1)));
  CHECK(node->all(node->reopen()) == commands(start + 1, 7, 1));
}

TEST_CASE("json storage: a crash while an installed snapshot replaces a log that ends before it") {
  auto node = Node::formatted();
  REQUIRE_FALSE(write_entries(*node->storage, commands(1, 6, 1)));
  cut_power_at(*node, FileCall::rename, 3, [](libraft::Storage& storage) {
    WriteBatch with;
    with.new_start = log_id(50, 2);
    return publish(storage, meta_of(50, 2, "s"), "s", with);
  });
  CHECK(node->reopen().last == log_id(50, 2));
  REQUIRE_FALSE(write_entries(*node->storage, commands(51, 51, 2)));
  CHECK(node->all(node->reopen()) == commands(51, 51, 2));
}

}  // namespace
}  // namespace kvserver::test
