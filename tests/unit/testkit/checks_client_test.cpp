// What clients are told: each lie is told once, beside the nearest truth.
#include "support/catch.hpp"
#include "testkit/checks/client_check.hpp"
#include "unit/testkit/checks_stage.hpp"

#include <libraft/error.hpp>

#include <memory>

using namespace libraft;
using namespace libraft::test;
using testkit::CheckMark;
using testkit::ClientCheck;
using testkit::Operation;

namespace {

/// Commands are "key=value"; the reply is the value before, a query's answer the value now.
testkit::KeyValueLanguage language() {
  testkit::KeyValueLanguage language;
  language.change_of = [](std::string_view command) {
    const auto sign = command.find('=');
    return testkit::KeyValueChange{std::string(command.substr(0, sign)), std::string(command.substr(sign + 1))};
  };
  language.reply_to = [](const testkit::KeyValueChange&, const std::string* before) {
    return Bytes(before == nullptr ? std::string("none") : *before);
  };
  language.key_of = [](std::string_view query) { return std::string(query); };
  language.answer_to = [](const std::string* value) -> Result<Bytes> {
    return Bytes(value == nullptr ? std::string("none") : *value);
  };
  return language;
}

struct Desk {
  Desk() {
    for (const NodeId id : {kOne, kTwo, kThree}) {
      stage.set_term(id, 1, 1);
      stage.write_term(id, 1, 1);
    }
    stage.set_leader(kOne);
    commit(Stage::entry(1, 1));
  }

  /// The entry is on all disks and committed.
  void commit(const Entry& entry) {
    for (const NodeId id : {kOne, kTwo, kThree}) stage.have(id, {entry});
    stage.commit(kOne, entry.id.index.value);
    clients.on_stepped(kOne, stage.cores.at(kOne));
  }
  /// Committed, applied and replied to.
  void apply(std::uint64_t index, const std::string& command, const std::string& reply) {
    commit(Stage::entry(index, 1, command));
    stage.safety.on_applied(kOne, {{index}, {1}}, Bytes(command), Bytes(reply));
    clients.on_applied(kOne, {{index}, {1}}, Bytes(command), Bytes(reply));
  }

  Operation write(const std::string& command) {
    Operation operation;
    operation.id = ++last;
    operation.at = kOne;
    operation.command = Bytes(command);
    clients.on_invoked(operation);
    return operation;
  }
  Operation read(const std::string& query, bool is_linearizable = true) {
    Operation operation;
    operation.id = ++last;
    operation.at = kOne;
    operation.kind = Operation::Kind::read;
    operation.query = query;
    operation.is_linearizable = is_linearizable;
    clients.on_invoked(operation);
    return operation;
  }
  void done(const Operation& operation, std::uint64_t index, const std::string& reply) {
    clients.on_ended(operation, {{}, {{index}, {1}, Bytes(reply)}});
  }
  void failed(const Operation& operation, errc error) { clients.on_ended(operation, {make_error_code(error), {}}); }
  /// A write from its beginning to its end.
  void put(std::uint64_t index, const std::string& command, const std::string& reply) {
    const Operation operation = write(command);
    apply(index, command, reply);
    done(operation, index, reply);
  }
  [[nodiscard]] std::string verdict() {
    clients.finish();
    return stage.verdict();
  }

  Stage stage;
  testkit::KeyValueModel model{language()};
  ClientCheck clients{stage.ledger, &model};
  std::uint64_t last = 0;
};

}  // namespace

TEST_CASE("writes and reads in their order are linearizable") {
  Desk desk;
  desk.put(2, "x=1", "none");
  desk.put(3, "x=2", "1");
  const Operation early = desk.read("x");
  desk.put(4, "x=3", "2");
  desk.done(early, 3, "2");  // it overlapped the third write, and need not see it
  desk.done(desk.read("x"), 4, "3");
  desk.done(desk.read("y"), 4, "none");
  desk.done(desk.read("x", false), 2, "1");
  CHECK(desk.verdict().empty());
  CHECK(desk.clients.reads_not_judged() == 0);
  CHECK(desk.clients.writes_done() == 3);
  CHECK(desk.clients.reads_done() == 4);
  CHECK(desk.stage.ledger.marks.count(CheckMark::stale_read) == 1);
}

TEST_CASE("the mark of a read beside a write is hit when they overlap and the read saw the write") {
  Desk desk;
  desk.put(2, "x=1", "none");
  const auto hits = [&] { return desk.stage.ledger.marks.count(CheckMark::read_beside_write); };
  SECTION("the write is under way when the read ends") {
    const Operation read = desk.read("x");
    static_cast<void>(desk.write("x=2"));
    desk.apply(3, "x=2", "1");
    desk.done(read, 3, "2");
    CHECK(hits() == 1);
  }
  SECTION("the write ends before the read does") {
    const Operation read = desk.read("x");
    desk.put(3, "x=2", "1");
    desk.done(read, 3, "2");
    CHECK(hits() == 1);
  }
  SECTION("the read did not see it") {
    const Operation read = desk.read("x");
    desk.put(3, "x=2", "1");
    desk.done(read, 2, "1");
    CHECK(hits() == 0);
  }
  SECTION("the write was given up before the read began") {
    desk.failed(desk.write("x=2"), errc::timeout);
    const Operation read = desk.read("x");
    desk.apply(3, "x=2", "1");
    desk.done(read, 3, "2");
    CHECK(hits() == 0);
  }
  SECTION("there is no write but a new leader's empty entry") {
    const Operation read = desk.read("x");
    desk.commit(Stage::entry(3, 1));
    desk.done(read, 3, "1");
    CHECK(hits() == 0);
  }
  CHECK(desk.verdict().empty());
}

TEST_CASE("iR1: an operation that takes effect before one that had ended is seen") {
  Desk desk;
  desk.put(2, "x=1", "none");
  SECTION("a read of the state before") {
    desk.done(desk.read("x"), 1, "none");
  }
  SECTION("a read of the future") {
    desk.done(desk.read("x", false), 3, "1");
  }
  SECTION("a read behind a read") {
    const Operation slow = desk.write("x=2");
    desk.apply(3, "x=2", "1");
    desk.done(desk.read("x"), 3, "2");
    desk.done(desk.read("x"), 2, "1");
    desk.done(slow, 3, "1");
  }
  SECTION("a write behind a read") {
    const Operation slow = desk.write("x=2");
    desk.apply(3, "x=2", "1");
    desk.apply(4, "x=3", "2");
    desk.done(desk.read("x"), 4, "3");
    const Operation late = desk.write("x=3");
    desk.done(late, 4, "2");
    desk.done(slow, 3, "1");
  }
  CHECK(desk.verdict() == "iR1");
}

TEST_CASE("iR2: an answer that the model would not give is seen") {
  Desk desk;
  desk.put(2, "x=1", "none");
  SECTION("to a write by all nodes alike") {
    desk.put(3, "x=2", "none");
  }
  SECTION("to the client only") {
    const Operation operation = desk.write("x=2");
    desk.apply(3, "x=2", "1");
    desk.done(operation, 3, "2");
  }
  SECTION("to a read") {
    desk.done(desk.read("x"), 2, "none");
  }
  CHECK(desk.verdict() == "iR2");
}

TEST_CASE("iX1: an operation ends once and an entry is one operation") {
  Desk desk;
  const Operation first = desk.write("x=1");
  desk.apply(2, "x=1", "none");
  desk.done(first, 2, "none");
  SECTION("it ends twice") {
    desk.failed(first, errc::timeout);
  }
  SECTION("it begins twice") {
    desk.clients.on_invoked(first);
  }
  SECTION("its outcome says nothing") {
    desk.failed(desk.write("x=2"), errc::bad_query);
  }
  CHECK(desk.verdict() == "iX1");
}

TEST_CASE("iX1: an entry that is acknowledged to two operations is seen") {
  Desk desk;
  const Operation first = desk.write("x=1");
  const Operation second = desk.write("x=1");
  desk.apply(2, "x=1", "none");
  desk.done(first, 2, "none");
  desk.done(second, 2, "none");
  CHECK(desk.verdict() == "iX1");
}

TEST_CASE("iX2: a command is in the log as often as it was asked for at most") {
  Desk desk;
  desk.failed(desk.write("x=1"), errc::timeout);
  desk.apply(2, "x=1", "none");
  CHECK(desk.verdict().empty());
  SECTION("twice for two operations") {
    desk.failed(desk.write("x=1"), errc::timeout);
    desk.apply(3, "x=1", "1");
    CHECK(desk.verdict().empty());
  }
  SECTION("twice for one") {
    desk.apply(3, "x=1", "1");
    CHECK(desk.verdict() == "iX2");
  }
}

TEST_CASE("iX3: a write that was refused for certain is not in the log") {
  Desk desk;
  const Operation operation = desk.write("x=1");
  SECTION("refused and not there") {
    desk.failed(operation, errc::not_leader);
    CHECK(desk.verdict().empty());
    CHECK(desk.stage.ledger.marks.count(CheckMark::refused_write) == 1);
  }
  SECTION("refused and tried again with success") {
    desk.failed(operation, errc::proposal_dropped);
    desk.put(2, "x=1", "none");
    CHECK(desk.verdict().empty());
  }
  SECTION("committed after the refusal") {
    desk.failed(operation, errc::not_leader);
    desk.apply(2, "x=1", "none");
    CHECK(desk.verdict() == "iX3");
  }
  SECTION("committed before the refusal") {
    desk.apply(2, "x=1", "none");
    desk.failed(operation, errc::not_leader);
    CHECK(desk.verdict() == "iX3");
  }
}

TEST_CASE("iX4: a write that is done is committed with its own command") {
  Desk desk;
  const Operation operation = desk.write("x=1");
  SECTION("another command is there") {
    desk.apply(2, "x=2", "none");
    desk.done(operation, 2, "none");
  }
  SECTION("nothing is there") {
    desk.done(operation, 2, "none");
  }
  SECTION("it is of another term") {
    desk.apply(2, "x=1", "none");
    desk.clients.on_ended(operation, {{}, {{2}, {7}, Bytes("none")}});
  }
  CHECK(desk.verdict() == "iX4");
}

TEST_CASE("iX5: a node that sends clients to a stranger is seen") {
  Desk desk;
  const auto look = [&](NodeId leader) {
    desk.stage.memory(kTwo).role = core::Follower{leader};
    desk.clients.on_stepped(kTwo, desk.stage.cores.at(kTwo));
    return desk.verdict();
  };
  CHECK(look(kThree).empty());
  CHECK(look({4}) == "iX5");
}

TEST_CASE("iD5: a write that is done is on the disks of a quorum") {
  Desk desk;
  const Operation operation = desk.write("x=1");
  desk.apply(2, "x=1", "none");
  SECTION("it is") {
    desk.stage.ledger.disks[kTwo].log.truncate_from({2});
    desk.done(operation, 2, "none");
    CHECK(desk.verdict().empty());
  }
  SECTION("it is not") {
    for (const NodeId id : {kOne, kTwo}) desk.stage.ledger.disks[id].log.truncate_from({2});
    desk.done(operation, 2, "none");
    CHECK(desk.verdict() == "iD5");
  }
}

TEST_CASE("iR1: a read index lies within what was acknowledged and what is committed") {
  Desk desk;
  desk.apply(2, "k=1", "none");
  const auto ask = [&] {
    Operation operation;
    operation.id = ++desk.last;
    operation.at = kOne;
    operation.kind = Operation::Kind::read_index;
    operation.is_linearizable = true;
    desk.clients.on_invoked(operation);
    return operation;
  };
  const Operation early = ask();
  const Operation write = desk.write("k=2");
  desk.apply(3, "k=2", "1");
  desk.done(write, 3, "1");
  SECTION("of one that began before") {
    desk.done(early, 2, "");
    CHECK(desk.verdict().empty());
  }
  SECTION("of one that began after") {
    desk.done(ask(), 3, "");
    CHECK(desk.verdict().empty());
    desk.done(ask(), 2, "");
    CHECK(desk.verdict() == "iR1");
  }
  SECTION("beyond the commit index") {
    desk.done(early, 4, "");
    CHECK(desk.verdict() == "iR1");
  }
}

namespace {

/// Keeps the last command; a query tells it.
struct LastCommand final : StateMachine {
  std::string last = "nothing";
  void apply(ApplyBatch& batch) override {
    for (AppliedCommand& command : batch) {
      if (command.command() == "throw") throw std::runtime_error("it can't be done");
      last = std::string(command.command());
      command.reply("after " + last);
    }
  }
  std::unique_ptr<SnapshotTask> begin_snapshot() override { return snapshot_of(Bytes(last)); }
  std::error_code restore(SnapshotReader&) override { return {}; }
  Result<Bytes> query(std::string_view) override { return Bytes(last); }
};

}  // namespace

TEST_CASE("any state machine is a model of itself") {
  Desk desk;
  testkit::ReplayModel model(std::make_unique<LastCommand>());
  ClientCheck clients(desk.stage.ledger, &model);
  const auto apply = [&](std::uint64_t index, const std::string& command, const std::string& reply) {
    desk.apply(index, command, reply);
    clients.on_applied(kOne, {{index}, {1}}, Bytes(command), Bytes(reply));
  };
  const auto read = [&](std::uint64_t id, bool is_linearizable) {
    Operation operation;
    operation.id = id;
    operation.kind = Operation::Kind::read;
    operation.is_linearizable = is_linearizable;
    clients.on_invoked(operation);
    return operation;
  };
  const auto done = [&](const Operation& operation, std::uint64_t index, const std::string& answer) {
    clients.on_ended(operation, {{}, {{index}, {1}, Bytes(answer)}});
  };
  apply(2, "a", "after a");
  const Operation slow = read(1, true);
  const Operation stale = read(2, false);
  apply(3, "b", "after b");
  done(read(3, true), 3, "b");
  SECTION("an older state is kept for a read that is under way") {
    done(slow, 2, "a");
    clients.finish();
    CHECK(desk.stage.verdict().empty());
    CHECK(clients.reads_not_judged() == 0);
  }
  SECTION("and its answer is judged by that state") {
    done(slow, 2, "b");
    clients.finish();
    CHECK(desk.stage.verdict() == "iR2");
  }
  SECTION("a stale read that comes too late can't be judged") {
    done(slow, 3, "b");
    done(stale, 2, "whatever");
    clients.finish();
    CHECK(desk.stage.verdict().empty());
    CHECK(clients.reads_not_judged() == 1);
  }
  SECTION("a model that throws is a finding") {
    done(slow, 2, "a");
    apply(4, "throw", "");
    clients.finish();
    CHECK(desk.stage.verdict() == "iR2");
  }
}
