// What a node makes of the states in which a crash may leave its storage.
#include "node_world.hpp"
#include "support/catch.hpp"
#include "util/digest.hpp"

namespace libraft::test {
namespace {

constexpr LogId kCovered{LogIndex{10}, Term{4}};

Entry command(std::uint64_t index, Term term) {
  Entry entry;
  entry.id = {LogIndex{index}, term};
  entry.kind = EntryKind::command;
  entry.data = Bytes(std::string("old"));
  return entry;
}

/// A disk as a crash leaves it when the installed snapshot up to kCovered became the newest, and the write that drops
/// the log for it is missing.
void leave_snapshot_beside(std::vector<Entry> entries, Member& member) {
  const auto storage = memory_storage(member.disk);
  REQUIRE_FALSE(storage->open().error());
  Identity identity;
  identity.cluster = member.options.cluster;
  identity.group = member.options.group;
  identity.node = member.id;
  identity.incarnation = Incarnation{9};
  REQUIRE_FALSE(storage->format(identity, *member.options.bootstrap));
  WriteBatch log;
  log.hard_state = HardState{Term{4}, NodeId{}};
  log.entries = entries;
  REQUIRE_FALSE(storage->write(log));

  const std::string data = "a,b,";
  SnapshotMeta meta;
  meta.last = kCovered;
  meta.configuration = {LogId{}, *member.options.bootstrap};
  auto writer = storage->create_snapshot(meta);
  REQUIRE(writer);
  REQUIRE_FALSE((*writer)->write(data));
  meta.size = data.size();
  meta.digest = util::digest128(data);
  REQUIRE_FALSE((*writer)->finish(meta));
  REQUIRE_FALSE(storage->publish(*std::move(writer), WriteBatch{}));
}

void check_snapshot_stands_for_log(std::vector<Entry> entries) {
  NodeWorld world(1);
  leave_snapshot_beside(std::move(entries), world[1]);
  for (int restart = 0; restart < 2; ++restart) {
    world.create_and_start_all();
    Member& node = world.elect();
    CHECK(node.machine->commands.size() == 2u + static_cast<unsigned>(restart));
    CHECK(node.status().log_start == kCovered);
    const auto next_one = node.propose("next");
    world.run();
    CHECK(next_one->is_done());
    CHECK(next_one->value.index > kCovered.index);
    node.crash();
  }
}

}  // namespace

TEST_CASE("an installed snapshot ahead of the log's end stands for the log (figure 5.3)") {
  check_snapshot_stands_for_log({command(1, Term{1}), command(2, Term{1})});
}

TEST_CASE("an installed snapshot stands for a log that disagrees with it (figure 5.3)") {
  std::vector<Entry> entries;
  for (std::uint64_t index = 1; index <= 12; ++index) entries.push_back(command(index, Term{3}));
  check_snapshot_stands_for_log(std::move(entries));
}

}  // namespace libraft::test
