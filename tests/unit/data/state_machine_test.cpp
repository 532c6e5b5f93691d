// Snapshots of states that fit into memory, and the names of states.
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <string>

using namespace libraft;

namespace {

struct Text final : SnapshotSink {
  std::error_code write(std::string_view bytes) override {
    if (++writes == fails_at) return errc::no_space;
    if (stop != nullptr) stop->request();
    text += bytes;
    return {};
  }
  std::string text;
  int writes = 0;
  int fails_at = 0;
  StopFlag* stop = nullptr;
};

/// Gives `piece` bytes at a time.
struct Reader final : SnapshotReader {
  explicit Reader(std::string whole, std::size_t at_a_time = 3) : text(std::move(whole)), piece(at_a_time) {
    meta_.size = text.size();
  }
  [[nodiscard]] const SnapshotMeta& meta() const override { return meta_; }
  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    if (error) return error;
    const auto part = std::string_view(text).substr(offset).substr(0, std::min(into.size(), piece));
    std::copy(part.begin(), part.end(), into.begin());
    return part.size();
  }
  std::string text;
  std::size_t piece;
  std::error_code error;
  SnapshotMeta meta_;
};

}  // namespace

TEST_CASE("a whole state is saved piece by piece, until somebody asks to stop or the sink fails") {
  std::string state;
  for (int i = 0; i < 600'000; ++i) state += static_cast<char>(i * 7);
  StopFlag stop;
  Text sink;
  CHECK_FALSE(snapshot_of(Bytes(state))->save(sink, stop));
  CHECK((sink.text == state));
  CHECK(sink.writes > 1);

  Text full;
  full.fails_at = 2;
  CHECK(snapshot_of(Bytes(state))->save(full, stop) == errc::no_space);
  CHECK(full.writes == 2);

  Text stopped;
  stopped.stop = &stop;
  CHECK(snapshot_of(Bytes(state))->save(stopped, stop) == errc::cancelled);
  CHECK(stopped.writes == 1);

  StopFlag never;
  Text empty;
  CHECK_FALSE(snapshot_of(Bytes())->save(empty, never));
  CHECK(empty.text.empty());
}

TEST_CASE("read_all reads a snapshot in whatever pieces it comes, up to its bound") {
  Reader reader("0123456789");
  CHECK(read_all(reader, 10).value().view() == "0123456789");
  CHECK(read_all(reader, 9).error() == errc::message_too_large);
  Reader empty("");
  CHECK(read_all(empty, 0).value().size() == 0);
}

TEST_CASE("read_all refuses a snapshot that ends early, and passes a failed read on") {
  Reader reader("0123456789");
  reader.text = "01234";
  CHECK(read_all(reader, 10).error() == errc::corrupt_data);
  reader.error = errc::io_error;
  CHECK(read_all(reader, 10).error() == errc::io_error);
}

TEST_CASE("roles and states have the names that people know") {
  CHECK(to_string(Role::follower) == "follower");
  CHECK(to_string(Role::pre_candidate) == "pre-candidate");
  CHECK(to_string(Role::candidate) == "candidate");
  CHECK(to_string(Role::leader) == "leader");
  CHECK(to_string(NodeState::created) == "created");
  CHECK(to_string(NodeState::starting) == "starting");
  CHECK(to_string(NodeState::running) == "running");
  CHECK(to_string(NodeState::stopping) == "stopping");
  CHECK(to_string(NodeState::stopped) == "stopped");
  CHECK(to_string(NodeState::failed) == "failed");
  CHECK(to_string(ProgressState::probe) == "probe");
  CHECK(to_string(ProgressState::replicate) == "replicate");
  CHECK(to_string(ProgressState::snapshot) == "snapshot");
}
