// What appending to the kvserver's JSON log costs, with a short and with a long log behind it: the cost of a write is
// that of what it adds. Compare the two lines of one run; "bytes" is what one append writes to the file.
//
// In memory, so that the device's sync does not hide the cost of the storage itself; and on files, with their sync.
#include "storage/json_file_storage.hpp"
#include "support/temporary_directory.hpp"

#include <libraft/storage.hpp>
#include <libraft/storage/posix_file_system.hpp>
#include <libraft/testkit/fault_file_system.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using libraft::Entry;
using libraft::LogIndex;
using libraft::Term;

Entry entry_at(std::uint64_t index) {
  return {{LogIndex{index}, Term{1}},
          libraft::EntryKind::command,
          libraft::Bytes(R"({"op":"set","key":"user:1234","value":"a value of an ordinary length"})")};
}

std::error_code append(libraft::Storage& to, std::uint64_t first, std::uint64_t count) {
  std::vector<Entry> entries;
  for (std::uint64_t i = 0; i < count; ++i) entries.push_back(entry_at(first + i));
  libraft::WriteBatch batch;
  batch.entries = entries;
  return to.write(batch);
}

/// One entry for each iteration, behind as many as the argument says. `counted` is `files`, when it counts bytes.
void append_behind(benchmark::State& state, libraft::FileSystem& files, const std::string& folder,
                   const libraft::testkit::FaultFileSystem* counted) {
  const auto storage = kvserver::json_file_storage(files, {folder, {}});
  const libraft::Identity identity{libraft::ClusterId{1}, {}, libraft::NodeId{1}, libraft::Incarnation{1}};
  const auto opened = storage->open();
  if (!opened || storage->format(identity, {})) return state.SkipWithError("can't make a storage");

  const auto behind = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t next = 1;
  for (; next <= behind; next += 1000) {
    if (append(*storage, next, 1000)) return state.SkipWithError("can't fill the log");
  }
  const auto bytes_before = counted != nullptr ? counted->bytes_written() : 0;
  for (auto _ : state) {
    if (append(*storage, next++, 1)) return state.SkipWithError("can't append");
  }
  if (counted != nullptr) {
    const auto bytes = static_cast<double>(counted->bytes_written() - bytes_before);
    state.counters["bytes"] = bytes / static_cast<double>(state.iterations());
  }
}

void append_in_memory(benchmark::State& state) {
  libraft::testkit::FaultFileSystem disk;
  append_behind(state, disk, "/data", &disk);
}
BENCHMARK(append_in_memory)->Arg(1'000)->Arg(100'000)->Iterations(5'000);

void append_to_file(benchmark::State& state) {
  const libraft::test::TemporaryDirectory folder;
  append_behind(state, *libraft::posix_file_system(), folder / "n1", nullptr);
}
BENCHMARK(append_to_file)->Arg(1'000)->Arg(100'000)->Iterations(2'000)->UseRealTime();

}  // namespace
