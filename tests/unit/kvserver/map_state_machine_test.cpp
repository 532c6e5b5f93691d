#include "kv/map_state_machine.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace std::string_literals;
using kvserver::DeleteCommand;
using kvserver::encode;
using kvserver::MapStateMachine;
using kvserver::SetCommand;
using libraft::errc;

namespace {

struct TextSink final : libraft::SnapshotSink {
  std::error_code write(std::string_view bytes) override {
    if (fails) return errc::io_error;
    text += bytes;
    ++writes;
    return {};
  }
  std::string text;
  int writes = 0;
  bool fails = false;
};

struct TextReader final : libraft::SnapshotReader {
  explicit TextReader(std::string whole) : text(std::move(whole)) { meta_.size = text.size(); }
  [[nodiscard]] const libraft::SnapshotMeta& meta() const override { return meta_; }
  [[nodiscard]] libraft::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    const auto part = std::string_view(text).substr(std::min<std::size_t>(offset, text.size())).substr(0, into.size());
    std::copy(part.begin(), part.end(), into.begin());
    return part.size();
  }
  std::string text;
  libraft::SnapshotMeta meta_;
};

void set(MapStateMachine& machine, std::string_view key, std::string_view value) {
  REQUIRE(machine.execute(encode(SetCommand{key, value})) == "stored");
}

void erase(MapStateMachine& machine, std::string_view key) {
  REQUIRE(machine.execute(encode(DeleteCommand{key})) == "deleted");
}

std::string snapshot_text(MapStateMachine& machine) {
  TextSink sink;
  libraft::StopFlag stop;
  REQUIRE_FALSE(machine.begin_snapshot()->save(sink, stop));
  return sink.text;
}

}  // namespace

TEST_CASE("each command of a batch is applied in order and gets its reply") {
  MapStateMachine machine;
  const auto command = [](std::uint64_t index, const std::string& bytes) {
    return libraft::AppliedCommand({{index}, {1}}, libraft::Bytes(bytes));
  };
  libraft::ApplyBatch batch(
      {command(2, encode(SetCommand{"a", "1"})), command(3, encode(SetCommand{"a", "2"})), command(4, "rubbish"),
       command(5, encode(SetCommand{"b", ""})), command(6, encode(DeleteCommand{"c"}))},
      {{7}, {1}});
  machine.apply(batch);
  std::vector<std::string> replies;
  for (auto& applied : batch) replies.emplace_back(applied.take_reply().view());
  CHECK(replies == std::vector<std::string>{"stored", "stored", "not a command of this release", "stored", "deleted"});
  CHECK(machine.find("a") == "2");
  CHECK(machine.find("b") == "");
  CHECK(machine.size() == 2);
}

TEST_CASE("a pair that is overwritten or deleted is gone, and its neighbours stay") {
  MapStateMachine machine;
  for (const char* key : {"a", "b", "c"}) set(machine, key, "old");
  set(machine, "b", "new");
  erase(machine, "c");
  CHECK(machine.find("a") == "old");
  CHECK(machine.find("b") == "new");
  CHECK_FALSE(machine.find("c"));
  erase(machine, "c");
  CHECK(machine.size() == 2);
}

TEST_CASE("a query tells the empty value from no value") {
  MapStateMachine machine;
  set(machine, "empty", "");
  set(machine, "full", "x");
  CHECK(kvserver::value_in(machine.query("empty").value().view()) == "");
  CHECK(kvserver::value_in(machine.query("full").value().view()) == "x");
  CHECK_FALSE(kvserver::value_in(machine.query("none").value().view()));
}

TEST_CASE("a snapshot is the same text whatever the order of the writes") {
  MapStateMachine first;
  set(first, "title", "mr.");
  set(first, "name", "luffy");
  MapStateMachine second;
  set(second, "name", "zoro");
  set(second, "gone", "x");
  set(second, "name", "luffy");
  set(second, "title", "mr.");
  erase(second, "gone");
  CHECK(snapshot_text(first) == "kvserver-map 1 2\n4 5 name luffy\n5 3 title mr.\n");
  CHECK(snapshot_text(second) == snapshot_text(first));
}

TEST_CASE("a snapshot shows the state at its beginning, not what came later") {
  MapStateMachine machine;
  set(machine, "a", "1");
  const auto task = machine.begin_snapshot();
  set(machine, "a", "2");
  set(machine, "b", "2");
  TextSink sink;
  libraft::StopFlag stop;
  CHECK_FALSE(task->save(sink, stop));
  CHECK(sink.text == "kvserver-map 1 1\n1 1 a 1\n");
}

TEST_CASE("a long snapshot is written in parts, and given up when asked to") {
  MapStateMachine machine;
  for (int i = 0; i < 300; ++i) set(machine, "key" + std::to_string(i), std::string(1000, 'v'));
  TextSink sink;
  libraft::StopFlag stop;
  CHECK_FALSE(machine.begin_snapshot()->save(sink, stop));
  CHECK(sink.writes > 3);
  stop.request();
  TextSink cancelled;
  CHECK(machine.begin_snapshot()->save(cancelled, stop) == errc::cancelled);
  TextSink failing;
  failing.fails = true;
  libraft::StopFlag go;
  CHECK(machine.begin_snapshot()->save(failing, go) == errc::io_error);
}

TEST_CASE("what a snapshot saved is restored, and replaces everything") {
  MapStateMachine machine;
  set(machine, "nul\0key"s, std::string(5000, '\0'));
  set(machine, "lines", "a\nb\n9 9 c\n");
  set(machine, "empty", "");
  const std::string text = snapshot_text(machine);
  MapStateMachine other;
  set(other, "stale", "x");
  TextReader reader(text);
  CHECK_FALSE(other.restore(reader));
  CHECK(snapshot_text(other) == text);
  CHECK_FALSE(other.find("stale"));
  set(other, "empty", "no more");
  CHECK(other.find("empty") == "no more");
}

TEST_CASE("an empty state makes a snapshot too") {
  MapStateMachine machine;
  CHECK(snapshot_text(machine) == "kvserver-map 1 0\n");
  MapStateMachine other;
  set(other, "stale", "x");
  CHECK_FALSE(other.restore_text("kvserver-map 1 0\n"));
  CHECK(other.size() == 0);
}

TEST_CASE("a damaged snapshot is refused whole, and the state stays") {
  MapStateMachine machine;
  set(machine, "kept", "x");
  const std::string good = "kvserver-map 1 2\n1 1 a 1\n1 1 b 2\n";
  for (std::size_t length = 0; length < good.size(); ++length) {
    INFO(length);
    CHECK(machine.restore_text(good.substr(0, length)));
  }
  for (const std::string& text : {good + "\n", good + "1 1 c 3\n", "kvserver-map 1 3\n1 1 a 1\n1 1 b 2\n"s,
                                  "kvserver-map 1 1\n1 1 a 1\n1 1 b 2\n"s, "kvserver-map 1 2\n1 1 b 1\n1 1 a 2\n"s,
                                  "kvserver-map 1 2\n1 1 a 1\n1 1 a 2\n"s, "kvserver-map 1 1\n1 9 a 1\n"s,
                                  "other-map 1 0\n"s, "kvserver-map 1 18446744073709551615\n"s}) {
    INFO(text);
    CHECK(machine.restore_text(text) == errc::corrupt_data);
  }
  CHECK(machine.restore_text("kvserver-map 2 0\n") == errc::unsupported_version);
  CHECK(machine.size() == 1);
  CHECK(machine.find("kept") == "x");
}
