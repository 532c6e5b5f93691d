#include "storage/early_open_storage.hpp"

#include "json_file_storage_fixture.hpp"

#include <libraft/error.hpp>

namespace kvserver::test {
namespace {

std::error_code write_term(libraft::Storage& to, std::uint64_t term) {
  WriteBatch batch;
  batch.hard_state = libraft::HardState{Term{term}, {}};
  return to.write(batch);
}

struct OpenFixture {
  OpenFixture() {
    auto storage = make_storage(files);
    REQUIRE(storage->open());
    REQUIRE_FALSE(storage->format(identity(), genesis()));
    REQUIRE(storage->open());
    REQUIRE_FALSE(write_term(*storage, 3));
  }

  FaultFileSystem files;
  EarlyOpenStorage early{make_storage(files)};
};

}  // namespace

TEST_CASE_METHOD(OpenFixture, "early open: the node finds what was seen and the disk is not asked again") {
  const auto seen = early.open_early();
  REQUIRE(seen);
  REQUIRE(*seen);
  CHECK((*seen)->hard_state.term == Term{3});
  const auto calls_before = files.calls();
  const auto found = early.open();
  REQUIRE(found);
  CHECK(*found == *seen);
  CHECK(files.calls() == calls_before);
  CHECK_FALSE(write_term(early, 4));
}

TEST_CASE_METHOD(OpenFixture, "early open: nobody else can take the data over before the node has them") {
  REQUIRE(early.open_early());
  CHECK(make_storage(files)->open().error() == errc::locked);
  early.close();
  CHECK(make_storage(files)->open());
}

TEST_CASE_METHOD(OpenFixture, "early open: what was seen is told once and only while the storage is open") {
  REQUIRE(early.open_early());
  REQUIRE(early.open());
  REQUIRE_FALSE(write_term(early, 4));
  CHECK((*early.open())->hard_state.term == Term{4});
  early.close();
  REQUIRE(early.open_early());
  early.close();
  {
    auto other = make_storage(files);
    REQUIRE(other->open());
    REQUIRE_FALSE(write_term(*other, 5));
  }
  CHECK((*early.open())->hard_state.term == Term{5});
}

TEST_CASE_METHOD(OpenFixture, "early open: an error is handed on with its detail") {
  auto holder = make_storage(files);
  REQUIRE(holder->open());
  CHECK(early.open_early().error() == errc::locked);
  CHECK(early.open().error() == errc::locked);
  CHECK_FALSE(early.error_detail().empty());
  holder->close();
  CHECK(early.open());
}

TEST_CASE("early open: a first start goes on to the format") {
  FaultFileSystem files;
  EarlyOpenStorage early(make_storage(files));
  CHECK(*early.open_early() == std::nullopt);
  CHECK(*early.open() == std::nullopt);
  REQUIRE_FALSE(early.format(identity(), genesis()));
  CHECK(*early.open());
}

}  // namespace kvserver::test
