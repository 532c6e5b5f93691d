#include "node/snapshot_pipeline.hpp"

#include "node_world.hpp"
#include "support/catch.hpp"
#include "util/digest.hpp"

#include <libraft/error.hpp>

#include <cerrno>

namespace libraft::test {
namespace {

/// Takes what is finished to publish it, as the core would have it done, unless it ignores what it is told.
struct SnapshotListener final : node::SnapshotPipeline::Listener {
  void on_snapshot_saved(SnapshotSaved what) override {
    saved.push_back(what);
    take(what.meta);
  }
  void on_chunk_stored(SnapshotChunkStored what) override {
    stored.push_back(what);
    take(incoming);
  }
  void on_chunk_read(const SendSnapshotChunk& send, Bytes data) override {
    read.emplace_back(send.offset, std::string(data.view()));
    read_for_terms.push_back(send.term.value);
  }
  void on_chunk_not_read(SnapshotSendFailed what) override { not_read.push_back(what); }
  void on_snapshot_failed(std::error_code error, std::string) override { failure = error; }

  void take(const SnapshotMeta& meta) {
    if (ignores || taken) return;
    taken = pipeline->take_finished(meta);
    taken_meta = meta;
  }

  node::SnapshotPipeline* pipeline = nullptr;
  bool ignores = false;
  SnapshotMeta incoming;  // of the last chunk
  std::unique_ptr<SnapshotWriter> taken;
  SnapshotMeta taken_meta;
  std::vector<SnapshotSaved> saved;
  std::vector<SnapshotChunkStored> stored;
  std::vector<std::pair<std::uint64_t, std::string>> read;
  std::vector<std::uint64_t> read_for_terms;
  std::vector<SnapshotSendFailed> not_read;
  std::error_code failure;
};

/// Writes until it is asked to stop.
struct EndlessTask final : SnapshotTask {
  std::error_code save(SnapshotSink& sink, const StopFlag& stop) override {
    if (!stop.requested()) return sink.write("never asked to stop");
    return errc::cancelled;
  }
};

/// Passes everything on, counts the writers that are there, and fails where it is told to.
struct CountingStorage final : Storage {
  struct Writer final : SnapshotWriter {
    Writer(std::unique_ptr<SnapshotWriter> below, CountingStorage& owner) : writer(std::move(below)), storage(owner) {
      ++storage.writers;
    }
    ~Writer() override { --storage.writers; }
    std::error_code write(std::string_view bytes) override {
      return storage.write_error ? storage.write_error : writer->write(bytes);
    }
    std::error_code finish(const SnapshotMeta& meta) override {
      return storage.finish_error ? storage.finish_error : writer->finish(meta);
    }
    std::unique_ptr<SnapshotWriter> writer;
    CountingStorage& storage;
  };

  Result<std::optional<RecoveredState>> open() override { return storage->open(); }
  std::error_code format(const Identity& identity, const Configuration& genesis) override {
    return storage->format(identity, genesis);
  }
  std::error_code write(const WriteBatch& batch) override { return storage->write(batch); }
  Result<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max) override {
    return storage->read(first, last, bytes_max);
  }
  Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const SnapshotMeta& meta) override {
    auto writer = storage->create_snapshot(meta);
    if (!writer) return writer.error();
    if (create_error) return create_error;
    return std::make_unique<Writer>(*std::move(writer), *this);
  }
  std::error_code publish(std::unique_ptr<SnapshotWriter> snapshot, const WriteBatch& with) override {
    return storage->publish(std::move(dynamic_cast<Writer&>(*snapshot).writer), with);
  }
  Result<std::shared_ptr<SnapshotReader>> newest_snapshot() override { return storage->newest_snapshot(); }
  void close() noexcept override { storage->close(); }

  std::unique_ptr<Storage> storage = memory_storage();
  int writers = 0;
  std::error_code create_error;
  std::error_code write_error;
  std::error_code finish_error;
};

SnapshotMeta meta_of(std::uint64_t index, std::string_view data) {
  return {{{index}, {1}}, {}, data.size(), util::digest128(data)};
}

struct SnapshotFixture {
  SnapshotFixture() {
    told.pipeline = &pipeline;
    REQUIRE(storage->open());
    REQUIRE(!storage->format({ClusterId{1}, {}, NodeId{1}, Incarnation{1}}, {}));
    REQUIRE(storage->open());
    std::vector<Entry> log;
    for (std::uint64_t index = 1; index <= 20; ++index) log.push_back({{{index}, {1}}, EntryKind::noop, Bytes()});
    WriteBatch batch;
    batch.hard_state = HardState{{1}, {}};
    batch.entries = log;
    REQUIRE(!storage->write(batch));
  }
  ~SnapshotFixture() {
    pipeline.close();
    runtime.run_all();
    pipeline.release();
  }
  void save(std::uint64_t index, const std::string& data) {
    pipeline.save({LogId{{index}, {1}}, {}}, snapshot_of(Bytes(data)));
  }
  void store(const SnapshotMeta& meta, std::uint64_t offset, const std::string& data) {
    told.incoming = meta;
    pipeline.store({InstallSnapshot{{1}, meta, offset, Bytes(data)}});
  }
  bool publish(const SnapshotMeta& meta) {
    if (!told.taken || told.taken_meta != meta) return false;
    REQUIRE(!storage->publish(std::move(told.taken), {}));
    pipeline.on_published();
    return true;
  }
  std::string newest() {
    auto reader = storage->newest_snapshot();
    if (!reader) return "none";
    return std::string(read_all(**reader, 1000).value().view());
  }

  std::unique_ptr<CountingStorage> storage = std::make_unique<CountingStorage>();
  FakeRuntime runtime;
  SnapshotListener told;
  node::SnapshotPipeline pipeline{*storage, runtime, told};
};

}  // namespace

TEST_CASE_METHOD(SnapshotFixture, "a saved snapshot has size and digest, and is the newest only once it is published") {
  save(5, "state");
  runtime.run_all();
  REQUIRE(told.saved.size() == 1);
  CHECK(!told.saved[0].error);
  CHECK(told.saved[0].meta == meta_of(5, "state"));
  CHECK(newest() == "none");
  CHECK(publish(told.saved[0].meta));
  CHECK(newest() == "state");
}

TEST_CASE_METHOD(SnapshotFixture, "a snapshot that is not at hand is not given out") {
  store(meta_of(15, "state"), 0, "state");
  told.incoming = meta_of(16, "state");
  runtime.run_all();
  REQUIRE(told.stored.size() == 1);
  CHECK(!told.stored[0].error);
  CHECK(told.taken == nullptr);
}

TEST_CASE_METHOD(SnapshotFixture, "a snapshot from the leader is put together from chunks and verified") {
  const SnapshotMeta meta = meta_of(15, "abcdef");
  store(meta, 0, "abc");
  store(meta, 3, "def");
  runtime.run_all();
  REQUIRE(told.stored.size() == 2);
  CHECK(told.stored[0].next_offset == 3);
  CHECK(told.stored[1].next_offset == 6);
  CHECK(!told.stored[1].error);
  CHECK(publish(meta));
  CHECK(newest() == "abcdef");
}

TEST_CASE_METHOD(SnapshotFixture, "a snapshot with another digest is refused, and can be begun again") {
  SnapshotMeta meta = meta_of(15, "abcdef");
  store(meta, 0, "abcdeX");
  runtime.run_all();
  REQUIRE(told.stored.size() == 1);
  CHECK(told.stored[0].error == errc::corrupt_data);
  CHECK(told.taken == nullptr);
  store(meta, 0, "abcdef");
  runtime.run_all();
  CHECK(!told.stored[1].error);
  CHECK(publish(meta));
}

TEST_CASE_METHOD(SnapshotFixture, "more bytes than the meta says are refused") {
  store(meta_of(15, "abc"), 0, "abcd");
  runtime.run_all();
  CHECK(told.stored.at(0).error == errc::corrupt_data);
}

TEST_CASE_METHOD(SnapshotFixture, "a repeated or skipped chunk is answered with where to go on") {
  const SnapshotMeta meta = meta_of(15, "abcdef");
  store(meta, 0, "ab");
  store(meta, 4, "ef");
  store(meta, 2, "cd");
  store(meta, 2, "cd");
  runtime.run_all();
  REQUIRE(told.stored.size() == 4);
  CHECK(told.stored[1].next_offset == 2);
  CHECK(told.stored[2].next_offset == 4);
  CHECK(told.stored[3].next_offset == 4);
}

TEST_CASE_METHOD(SnapshotFixture, "a chunk of a snapshot that was not begun is refused") {
  store(meta_of(15, "abcdef"), 3, "def");
  runtime.run_all();
  CHECK(told.stored.at(0).error == errc::cancelled);
}

TEST_CASE_METHOD(SnapshotFixture, "a snapshot from the leader cancels the local one") {
  pipeline.save({LogId{{5}, {1}}, {}}, std::make_unique<EndlessTask>());
  const SnapshotMeta meta = meta_of(15, "abc");
  store(meta, 0, "abc");
  runtime.run_all();
  REQUIRE(told.saved.size() == 1);
  CHECK(told.saved[0].error == errc::cancelled);
  CHECK(!told.stored.at(0).error);
  CHECK(publish(meta));
}

TEST_CASE("a device that fails under a snapshot fails the node, what else is wrong costs the snapshot only") {
  const auto step =
      GENERATE(&CountingStorage::create_error, &CountingStorage::write_error, &CountingStorage::finish_error);
  const bool is_local = GENERATE(true, false);
  const auto failure_of = [&](std::error_code error) {
    SnapshotFixture fixture;
    (*fixture.storage).*step = error;
    is_local ? fixture.save(15, "state") : fixture.store(meta_of(15, "state"), 0, "state");
    fixture.runtime.run_all();
    if (!fixture.told.failure) {
      CHECK((is_local ? fixture.told.saved.at(0).error : fixture.told.stored.at(0).error) == error);
    }
    CHECK(fixture.newest() == "none");
    return fixture.told.failure;
  };
  CHECK(failure_of(errc::io_error) == errc::io_error);
  CHECK(failure_of({EIO, std::system_category()}) == std::errc::io_error);
  CHECK(failure_of({EROFS, std::system_category()}) == std::errc::read_only_file_system);
  CHECK(!failure_of(errc::no_space));
  CHECK(!failure_of({EMFILE, std::system_category()}));
}

TEST_CASE_METHOD(SnapshotFixture, "a local snapshot does not begin while one from the leader comes in") {
  store(meta_of(15, "abcdef"), 0, "abc");
  save(5, "state");
  store(meta_of(15, "abcdef"), 3, "def");
  runtime.run_all();
  CHECK(told.saved.at(0).error == errc::cancelled);
  CHECK(publish(meta_of(15, "abcdef")));
}

TEST_CASE_METHOD(SnapshotFixture, "one from the leader that appends went past is given up for a local snapshot") {
  store(meta_of(15, "abcdef"), 0, "abc");
  runtime.run_all();
  save(14, "older");
  runtime.run_all();
  CHECK(told.saved.at(0).error == errc::cancelled);
  save(15, "state");
  runtime.run_all();
  CHECK(!told.saved.at(1).error);
  CHECK(publish(meta_of(15, "state")));
  CHECK(storage->writers == 0);
  store(meta_of(15, "abcdef"), 3, "def");
  runtime.run_all();
  CHECK(told.stored.at(1).error == errc::cancelled);
}

TEST_CASE_METHOD(SnapshotFixture, "what is finished and not taken to be published leaves nothing behind") {
  told.ignores = true;
  save(5, "state");
  runtime.run_all();
  CHECK(!told.saved.at(0).error);
  CHECK(storage->writers == 0);
  store(meta_of(15, "abc"), 0, "abc");
  runtime.run_all();
  CHECK(!told.stored.at(0).error);
  CHECK(storage->writers == 0);
  CHECK(pipeline.is_idle());
}

TEST_CASE_METHOD(SnapshotFixture, "what is finished is given up before the next one begins") {
  told.ignores = true;
  save(5, "state5");
  save(6, "state6");
  REQUIRE(runtime.run_one(Lane::background));
  CHECK(storage->writers == 1);
  runtime.run_protocol_lane();
  REQUIRE(runtime.run_one(Lane::background));
  CHECK(storage->writers == 0);
  told.ignores = false;
  runtime.run_all();
  CHECK(told.saved.size() == 2);
  CHECK(publish(meta_of(6, "state6")));
}

TEST_CASE_METHOD(SnapshotFixture, "nothing is begun while a snapshot waits to be published") {
  save(5, "state");
  runtime.run_all();
  REQUIRE(told.taken);
  store(meta_of(15, "abc"), 0, "abc");
  runtime.run_all();
  CHECK(told.stored.empty());
  REQUIRE(!storage->publish(std::move(told.taken), {}));
  CHECK(newest() == "state");
  pipeline.on_published();
  runtime.run_all();
  CHECK(told.stored.size() == 1);
}

TEST_CASE_METHOD(SnapshotFixture,
                 "chunks are read from the snapshot that the core names, also after a newer one came") {
  save(5, "state5");
  runtime.run_all();
  REQUIRE(publish(meta_of(5, "state5")));
  pipeline.send({NodeId{2}, {1}, meta_of(5, "state5"), 0, 4, {}});
  runtime.run_all();
  save(9, "state9");
  runtime.run_all();
  REQUIRE(publish(meta_of(9, "state9")));
  pipeline.send({NodeId{2}, {1}, meta_of(5, "state5"), 4, 4, {}});
  pipeline.send({NodeId{3}, {1}, meta_of(9, "state9"), 0, 100, {}});
  runtime.run_all();
  CHECK(told.read == std::vector<std::pair<std::uint64_t, std::string>>{{0, "stat"}, {4, "e5"}, {0, "state9"}});
}

TEST_CASE_METHOD(SnapshotFixture, "a chunk that is asked for again while it waits is read once, for the newest term") {
  save(5, "state5");
  runtime.run_all();
  REQUIRE(publish(meta_of(5, "state5")));
  save(9, "state9");
  for (std::uint64_t term = 1; term <= 3; ++term) {
    pipeline.send({NodeId{2}, {term}, meta_of(5, "state5"), 0, 4, {}});
    pipeline.send({NodeId{2}, {term}, meta_of(5, "state5"), 4, 4, {}});
    pipeline.send({NodeId{3}, {term}, meta_of(5, "state5"), 0, 4, {}});
  }
  runtime.run_all();
  CHECK(told.read == std::vector<std::pair<std::uint64_t, std::string>>{{0, "stat"}, {4, "e5"}, {0, "stat"}});
  CHECK(told.read_for_terms == std::vector<std::uint64_t>{3, 3, 3});
}

TEST_CASE_METHOD(SnapshotFixture, "chunks are sent before a snapshot is saved that waits") {
  save(5, "state5");
  runtime.run_all();
  REQUIRE(publish(meta_of(5, "state5")));
  save(9, "state9");
  runtime.run_all();
  REQUIRE(told.taken);
  save(12, "state12");
  pipeline.send({NodeId{2}, {1}, meta_of(5, "state5"), 0, 100, {}});
  pipeline.send({NodeId{3}, {1}, meta_of(5, "state5"), 4, 100, {}});
  runtime.run_all();
  CHECK(told.read == std::vector<std::pair<std::uint64_t, std::string>>{{0, "state5"}, {4, "e5"}});
  CHECK(told.saved.size() == 2);
  REQUIRE(publish(meta_of(9, "state9")));
  runtime.run_all();
  CHECK(told.saved.size() == 3);
}

TEST_CASE_METHOD(SnapshotFixture, "a snapshot that is gone can't be sent, and readers don't stay open for ever") {
  save(5, "state5");
  runtime.run_all();
  REQUIRE(publish(meta_of(5, "state5")));
  pipeline.send({NodeId{2}, {1}, meta_of(5, "state5"), 0, 4, {}});
  runtime.run_all();
  REQUIRE(pipeline.next_deadline() != kNever);
  runtime.advance_to(pipeline.next_deadline());
  pipeline.on_time(runtime.now());
  runtime.run_all();
  CHECK(pipeline.next_deadline() == kNever);
  save(9, "state9");
  runtime.run_all();
  REQUIRE(publish(meta_of(9, "state9")));
  pipeline.send({NodeId{2}, {1}, meta_of(5, "state5"), 4, 4, {}});
  runtime.run_all();
  REQUIRE(told.not_read.size() == 1);
  CHECK(told.not_read[0].last == LogId{{5}, {1}});
}

TEST_CASE_METHOD(SnapshotFixture, "once closed a save is asked to stop, and nobody is told") {
  pipeline.save({LogId{{5}, {1}}, {}}, std::make_unique<EndlessTask>());
  pipeline.close();
  runtime.run_all();
  CHECK(told.saved.empty());
  CHECK(pipeline.is_idle());
}

}  // namespace libraft::test
