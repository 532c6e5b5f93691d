// The samples of docs/state_machine.md: notes by name, and how they are tested.
#include <libraft/state_machine.hpp>
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/simulation.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using libraft::testkit::Simulation;
using libraft::testkit::SimulationOptions;

namespace {

// sample: state
struct Note {
  std::uint64_t version = 0;  // the index of the entry that wrote it
  std::string text;

  friend bool operator==(const Note&, const Note&) = default;
};

// Nobody changes a note that is in here: a new text is a new note. So a snapshot can share them.
using Notes = std::map<std::string, std::shared_ptr<const Note>, std::less<>>;
// end of sample

// sample: task
class NotesSnapshot final : public libraft::SnapshotTask {
 public:
  explicit NotesSnapshot(Notes notes) : notes_(std::move(notes)) {}

  std::error_code save(libraft::SnapshotSink& sink, const libraft::StopFlag& stop) override {
    if (const auto error = sink.write("notes 1\n")) return error;
    for (const auto& [name, note] : notes_) {
      if (stop.requested()) return libraft::errc::cancelled;
      std::string record = std::to_string(name.size()) + ' ' + std::to_string(note->version) + ' ' +
                           std::to_string(note->text.size()) + '\n';
      record += name + note->text;
      if (const auto error = sink.write(record)) return error;
    }
    return {};
  }

 private:
  Notes notes_;
};
// end of sample

// sample: reader
// Reads a snapshot from its beginning, through a buffer. Nothing in it is believed: sizes are checked before use.
class SnapshotText {
 public:
  explicit SnapshotText(libraft::SnapshotReader& snapshot) : snapshot_(snapshot), rest_(snapshot.meta().size) {}

  [[nodiscard]] bool at_end() const { return rest_ == 0; }

  std::optional<std::string> bytes(std::uint64_t count) {
    if (count > rest_) return std::nullopt;
    std::string result;
    result.reserve(count);
    for (; count > 0; --count) {
      const auto next = byte();
      if (!next) return std::nullopt;
      result += *next;
    }
    return result;
  }

  std::optional<std::uint64_t> number(char end) {
    std::string digits;
    for (auto next = byte(); next != end; next = byte()) {
      if (!next || digits.size() == 20) return std::nullopt;
      digits += *next;
    }
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
    return value;
  }

  std::error_code error;  // of the storage

 private:
  std::optional<char> byte() {
    if (unread_.empty() && !fill()) return std::nullopt;
    const char first = unread_.front();
    unread_ = unread_.subspan(1);
    --rest_;
    return first;
  }

  bool fill() {
    const auto count = snapshot_.read_at(snapshot_.meta().size - rest_, buffer_);
    if (!count) error = count.error();
    unread_ = std::span(buffer_).first(count ? *count : 0);
    return !unread_.empty();
  }

  libraft::SnapshotReader& snapshot_;
  std::uint64_t rest_;
  std::vector<char> buffer_ = std::vector<char>(64u << 10);
  std::span<const char> unread_;
};
// end of sample

class NoteKeeper final : public libraft::StateMachine {
 public:
  // sample: apply
  void apply(libraft::ApplyBatch& batch) override {
    for (libraft::AppliedCommand& command : batch) command.reply(execute(command.command(), command.id()));
  }

  // "put NAME TEXT", or "remove NAME". The reply is the note's new version, or why nothing was done.
  std::string execute(std::string_view command, libraft::LogId id) {
    const auto [verb, arguments] = split(command);
    const auto [name, text] = split(arguments);
    if (name.empty()) return "no name";
    if (verb == "put") {
      const std::uint64_t version = id.index.value;  // unique and rising, and the same on every node
      notes_.insert_or_assign(std::string(name), std::make_shared<const Note>(Note{version, std::string(text)}));
      return std::to_string(version);
    }
    if (verb == "remove") {
      const auto found = notes_.find(name);
      if (found == notes_.end()) return "no such note";
      notes_.erase(found);
      return "removed";
    }
    return "no such command";
  }
  // end of sample

  // sample: query
  libraft::Result<libraft::Bytes> query(std::string_view name) override {
    if (name.empty()) return libraft::errc::bad_query;
    const auto found = notes_.find(name);
    if (found == notes_.end()) return libraft::Bytes();
    return libraft::Bytes(std::to_string(found->second->version) + ' ' + found->second->text);
  }
  // end of sample

  // sample: begin snapshot
  std::unique_ptr<libraft::SnapshotTask> begin_snapshot() override { return std::make_unique<NotesSnapshot>(notes_); }
  // end of sample

  // sample: restore
  std::error_code restore(libraft::SnapshotReader& snapshot) override {
    SnapshotText from(snapshot);
    Notes notes;
    bool is_good = from.bytes(8) == "notes 1\n";
    while (is_good && !from.at_end()) {
      const auto name_size = from.number(' ');
      const auto version = from.number(' ');
      const auto text_size = from.number('\n');
      if (!name_size || !version || !text_size) break;
      auto name = from.bytes(*name_size);
      auto text = from.bytes(*text_size);
      is_good = name && text;
      if (is_good) notes[*std::move(name)] = std::make_shared<const Note>(Note{*version, *std::move(text)});
    }
    if (from.error) return from.error;
    if (!is_good || !from.at_end()) return libraft::errc::corrupt_data;
    notes_ = std::move(notes);  // only now: all of it, and nothing of what was here before
    return {};
  }
  // end of sample

  [[nodiscard]] bool holds_the_same_as(const NoteKeeper& other) const {
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first && *a.second == *b.second; };
    return std::equal(notes_.begin(), notes_.end(), other.notes_.begin(), other.notes_.end(), same);
  }

 private:
  static std::pair<std::string_view, std::string_view> split(std::string_view text) {
    const auto space = std::min(text.find(' '), text.size());
    return {text.substr(0, space), text.substr(std::min(space + 1, text.size()))};
  }

  Notes notes_;
};

// A database, as far as the sample needs one: what a transaction wrote is durable when commit returns, all or nothing.
struct Table {
  std::vector<std::string> events;
  libraft::LogIndex applied;
};
class Transaction {
 public:
  explicit Transaction(Table& table) : table_(table), changed_(table) {}
  void add(std::string_view event) { changed_.events.emplace_back(event); }
  void replace_all(std::vector<std::string> events) { changed_.events = std::move(events); }
  void set_applied(libraft::LogIndex index) { changed_.applied = index; }
  void commit() { table_ = std::move(changed_); }

 private:
  Table& table_;
  Table changed_;
};

class Journal final : public libraft::StateMachine {
 public:
  explicit Journal(Table& table) : table_(table) {}

  // sample: durable
  void apply(libraft::ApplyBatch& batch) override {
    Transaction transaction(table_);
    for (libraft::AppliedCommand& command : batch) {
      transaction.add(command.command());
      command.reply("written");
    }
    transaction.set_applied(batch.last().index);  // together with what the commands did
    transaction.commit();                         // throws when it fails: the node goes to state `failed`
  }

  std::optional<libraft::LogIndex> durable_index() const override { return table_.applied; }

  std::error_code restore(libraft::SnapshotReader& snapshot) override {
    const auto text = libraft::read_all(snapshot, 1u << 30);
    if (!text) return text.error();
    Transaction transaction(table_);
    transaction.replace_all(lines_of(text->view()));
    transaction.set_applied(snapshot.meta().last.index);
    transaction.commit();
    return {};
  }
  // end of sample

  std::unique_ptr<libraft::SnapshotTask> begin_snapshot() override {
    std::string text;
    for (const std::string& event : table_.events) text += event + '\n';
    return libraft::snapshot_of(libraft::Bytes(std::move(text)));
  }

 private:
  static std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      lines.emplace_back(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    return lines;
  }

  Table& table_;
};

// sample: in memory
// A snapshot in memory: to save to, and to restore from.
class MemorySnapshot final : public libraft::SnapshotSink, public libraft::SnapshotReader {
 public:
  std::error_code write(std::string_view bytes) override {
    bytes_ += bytes;
    meta_.size = bytes_.size();
    return {};
  }
  const libraft::SnapshotMeta& meta() const override { return meta_; }
  libraft::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    return bytes_.copy(into.data(), into.size(), offset);
  }

 private:
  std::string bytes_;
  libraft::SnapshotMeta meta_;
};

bool survives_a_snapshot(NoteKeeper& original) {
  MemorySnapshot snapshot;
  const auto task = original.begin_snapshot();
  original.execute("put later this is not in it", {{100}, {1}});
  if (task->save(snapshot, libraft::StopFlag())) return false;

  NoteKeeper copy;
  copy.execute("put old gone after restore", {{1}, {1}});
  if (copy.restore(snapshot)) return false;
  original.execute("remove later", {{101}, {1}});
  return copy.holds_the_same_as(original);
}
// end of sample

// sample: simulation
bool ends_equal(std::uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.loss_ppm = 50'000;  // one message in twenty
  options.duplication_ppm = 50'000;
  options.core.snapshot_after_entries = 20;  // small, so that snapshots are taken, sent and restored
  options.core.trailing_entries = 5;

  std::map<libraft::NodeId, NoteKeeper*> keepers;
  const auto make_keeper = [&](libraft::NodeId id) {
    auto keeper = std::make_unique<NoteKeeper>();
    keepers[id] = keeper.get();
    return keeper;
  };
  Simulation cluster(options, make_keeper, libraft::memory_storages());
  cluster.start_all();

  int stored = 0;
  for (std::uint64_t round = 0; round < 200; ++round) {
    const libraft::NodeId victim{1 + (seed + round) % 3};
    if (round % 20 == 5) cluster.crash(victim);
    if (round % 20 == 15) cluster.start_all();
    const std::string note = "put note" + std::to_string(round % 7) + " text of round " + std::to_string(round);
    if (const auto leader = cluster.leader(); leader != libraft::NodeId{}) {
      cluster.propose(leader, libraft::Bytes(note), {},
                      [&](std::error_code error, const libraft::Applied&) { stored += error ? 0 : 1; });
    }
    cluster.run_for(300ms);
  }

  cluster.set_network(0, 0);
  cluster.start_all();
  const auto is_settled = [&] {
    const auto end = cluster.status({1}).applied;
    return cluster.leader() != libraft::NodeId{} && end == cluster.status({2}).applied &&
           end == cluster.status({3}).applied && end == cluster.status(cluster.leader()).log_last.index;
  };
  return cluster.run_until(is_settled, 60s) && stored > 100 && keepers[{1}]->holds_the_same_as(*keepers[{2}]) &&
         keepers[{1}]->holds_the_same_as(*keepers[{3}]);
}
// end of sample

// A machine with its own durable state, whose table outlives crashes: each event is written once.
bool writes_each_event_once() {
  SimulationOptions options;
  options.core.snapshot_after_entries = 10;
  std::map<libraft::NodeId, Table> tables;
  const auto make_journal = [&](libraft::NodeId id) { return std::make_unique<Journal>(tables[id]); };
  Simulation cluster(options, make_journal, libraft::memory_storages());
  cluster.start_all();
  for (std::uint64_t round = 0; round < 60; ++round) {
    if (round % 15 == 5) cluster.crash({1 + round % 3});
    if (round % 15 == 10) cluster.start_all();
    if (const auto leader = cluster.leader(); leader != libraft::NodeId{}) {
      cluster.propose(leader, libraft::Bytes("event" + std::to_string(round)), {}, [](std::error_code, const auto&) {});
    }
    cluster.run_for(300ms);
  }
  cluster.start_all();
  cluster.run_for(30s);
  std::vector<std::string> sorted = tables[{1}].events;
  std::sort(sorted.begin(), sorted.end());
  return sorted.size() > 30 && std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() &&
         tables[{1}].events == tables[{2}].events && tables[{1}].events == tables[{3}].events;
}

bool check(const char* what, bool holds) {
  std::cout << what << (holds ? ": yes\n" : ": NO\n");
  return holds;
}

}  // namespace

int main() {
  NoteKeeper keeper;
  bool is_good = check("a put is answered with its version", keeper.execute("put a b c", {{7}, {1}}) == "7");
  is_good &= check("a mistake is answered, not thrown", keeper.execute("nonsense", {{8}, {1}}) == "no name");
  is_good &= check("a query finds it", keeper.query("a").value().view() == "7 b c");
  is_good &= check("an empty query is refused", keeper.query("").error() == libraft::errc::bad_query);
  is_good &= check("a snapshot holds what it was captured with", survives_a_snapshot(keeper));
  for (std::uint64_t seed = 1; seed <= 5; ++seed) is_good &= check("the nodes end equal", ends_equal(seed));
  is_good &= check("a durable machine gets each event once", writes_each_event_once());
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
