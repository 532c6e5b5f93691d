#include "transport/exchange_table.hpp"

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <thread>

namespace {

using kvserver::ExchangeTable;

constexpr std::chrono::hours kForEver{1};  // a wait that nobody ends never passes a test
constexpr std::chrono::milliseconds kNoTime{0};
constexpr int kRounds = 100;

libraft::Message reply_to(std::uint64_t exchange, std::uint64_t term) {
  libraft::Message reply;
  reply.route.exchange = exchange;
  reply.body = libraft::TimeoutNowReply{{term}};
  return reply;
}

struct TableFixture {
  TableFixture() { table.open(); }

  ExchangeTable table;
};

// The other thread says that it is about to wait. On one processor it gets there only when this one yields; a round
// where it does not shows nothing, and fails nothing.
void until_likely_waiting(std::promise<void>& about_to_wait) {
  about_to_wait.get_future().wait();
  for (int i = 0; i < 20; ++i) std::this_thread::yield();
}

}  // namespace

TEST_CASE_METHOD(TableFixture, "ExchangeTable hands each reply to the exchange that it names") {
  ExchangeTable::Exchange first(table);
  ExchangeTable::Exchange second(table);
  REQUIRE(first.number() != second.number());
  table.answer(reply_to(second.number(), 2));
  CHECK(first.await(kNoTime) == std::nullopt);
  CHECK(second.await(kForEver) == reply_to(second.number(), 2));
  table.answer(reply_to(first.number(), 1));
  CHECK(first.await(kForEver) == reply_to(first.number(), 1));
}

TEST_CASE_METHOD(TableFixture, "ExchangeTable keeps the first of two replies") {
  ExchangeTable::Exchange exchange(table);
  table.answer(reply_to(exchange.number(), 1));
  table.answer(reply_to(exchange.number(), 2));
  CHECK(exchange.await(kForEver) == reply_to(exchange.number(), 1));
}

TEST_CASE_METHOD(TableFixture, "ExchangeTable drops replies that nobody waits for") {
  std::uint64_t ended = 0;
  {
    ExchangeTable::Exchange exchange(table);
    ended = exchange.number();
  }
  ExchangeTable::Exchange next(table);
  CHECK(next.number() != ended);  // a late reply never reaches another request
  for (const std::uint64_t nobodys : {ended, next.number() + 1, std::uint64_t{0}}) table.answer(reply_to(nobodys, 1));
  CHECK(next.await(kNoTime) == std::nullopt);
}

TEST_CASE_METHOD(TableFixture, "ExchangeTable wakes the thread whose reply has come") {
  for (int round = 0; round < kRounds; ++round) {
    ExchangeTable::Exchange exchange(table);
    std::optional<libraft::Message> reply;
    std::promise<void> comes;
    std::thread waiting([&] {
      comes.set_value();
      reply = exchange.await(kForEver);
    });
    until_likely_waiting(comes);
    table.answer(reply_to(exchange.number(), 7));
    waiting.join();
    CHECK(reply == reply_to(exchange.number(), 7));
  }
}

TEST_CASE_METHOD(TableFixture, "ExchangeTable::close ends all waits until the table is opened again") {
  for (int round = 0; round < kRounds; ++round) {
    table.open();
    ExchangeTable::Exchange first(table);
    ExchangeTable::Exchange second(table);
    bool has_ended_empty = false;
    std::promise<void> comes;
    std::thread waiting([&] {
      comes.set_value();
      has_ended_empty = first.await(kForEver) == std::nullopt;
    });
    until_likely_waiting(comes);
    table.close();
    CHECK(second.await(kForEver) == std::nullopt);
    waiting.join();
    CHECK(has_ended_empty);
  }
  ExchangeTable::Exchange late(table);
  CHECK(late.await(kForEver) == std::nullopt);
  table.open();
  table.answer(reply_to(late.number(), 3));
  CHECK(late.await(kForEver) == reply_to(late.number(), 3));
}

TEST_CASE("ExchangeTable: nobody waits on a table that was not opened - a reply that has come is given even so") {
  ExchangeTable table;
  ExchangeTable::Exchange exchange(table);
  CHECK(exchange.await(kForEver) == std::nullopt);
  table.answer(reply_to(exchange.number(), 4));
  CHECK(exchange.await(kForEver) == reply_to(exchange.number(), 4));
}
