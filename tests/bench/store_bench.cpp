// The key-value store's own cost: commands, reads and snapshots of MapStateMachine, without Raft around it.
//
//     build/release/bin/store_bench --benchmark_filter=Set
#include "kv/command.hpp"
#include "kv/map_state_machine.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using kvserver::DeleteCommand;
using kvserver::MapStateMachine;
using kvserver::SetCommand;

constexpr std::size_t kPairs = 10'000;

std::string key_of(std::size_t number) {
  return "key-" + std::to_string(number % kPairs);
}

std::vector<std::string> set_commands(std::size_t value_bytes) {
  const std::string value(value_bytes, 'v');
  std::vector<std::string> commands;
  for (std::size_t i = 0; i < kPairs; ++i) commands.push_back(encode(SetCommand{key_of(i), value}));
  return commands;
}

void fill(MapStateMachine& machine, std::size_t value_bytes) {
  for (const std::string& command : set_commands(value_bytes)) benchmark::DoNotOptimize(machine.execute(command));
}

struct CountingSink final : libraft::SnapshotSink {
  std::error_code write(std::string_view part) override {
    text.append(part);
    return {};
  }
  std::string text;
};

void count_bytes(benchmark::State& state, std::size_t for_each) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(for_each));
}

void encode_set(benchmark::State& state) {
  const std::string value(static_cast<std::size_t>(state.range(0)), 'v');
  for (auto _ : state) benchmark::DoNotOptimize(encode(SetCommand{"key-1234", value}));
  count_bytes(state, value.size());
}

void set_new(benchmark::State& state) {
  const auto commands = set_commands(static_cast<std::size_t>(state.range(0)));
  MapStateMachine machine;
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(machine.execute(commands[next]));
    if (++next < commands.size()) continue;
    state.PauseTiming();
    machine = MapStateMachine();
    next = 0;
    state.ResumeTiming();
  }
  count_bytes(state, static_cast<std::size_t>(state.range(0)));
}

void set_existing(benchmark::State& state) {
  const auto commands = set_commands(static_cast<std::size_t>(state.range(0)));
  MapStateMachine machine;
  fill(machine, 1);
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(machine.execute(commands[next++ % kPairs]));
  count_bytes(state, static_cast<std::size_t>(state.range(0)));
}

void get_present(benchmark::State& state) {
  MapStateMachine machine;
  fill(machine, static_cast<std::size_t>(state.range(0)));
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(machine.query(key_of(next++)));
  count_bytes(state, static_cast<std::size_t>(state.range(0)));
}

void get_absent(benchmark::State& state) {
  MapStateMachine machine;
  fill(machine, 100);
  for (auto _ : state) benchmark::DoNotOptimize(machine.query("no such key"));
  state.SetItemsProcessed(state.iterations());
}

void delete_and_set(benchmark::State& state) {
  MapStateMachine machine;
  fill(machine, 100);
  const std::string erase = encode(DeleteCommand{"key-5000"});
  const std::string set = encode(SetCommand{"key-5000", std::string(100, 'v')});
  for (auto _ : state) {
    benchmark::DoNotOptimize(machine.execute(erase));
    benchmark::DoNotOptimize(machine.execute(set));
  }
  state.SetItemsProcessed(2 * state.iterations());
}

void snapshot_begin(benchmark::State& state) {
  MapStateMachine machine;
  fill(machine, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(machine.begin_snapshot());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPairs));
}

void snapshot_save(benchmark::State& state) {
  MapStateMachine machine;
  fill(machine, static_cast<std::size_t>(state.range(0)));
  const libraft::StopFlag stop;
  std::size_t bytes = 0;
  for (auto _ : state) {
    CountingSink sink;
    if (machine.begin_snapshot()->save(sink, stop)) state.SkipWithError("the sink refused");
    bytes = sink.text.size();
  }
  count_bytes(state, bytes);
}

void snapshot_restore(benchmark::State& state) {
  MapStateMachine machine;
  fill(machine, static_cast<std::size_t>(state.range(0)));
  CountingSink sink;
  const libraft::StopFlag stop;
  if (machine.begin_snapshot()->save(sink, stop)) state.SkipWithError("the sink refused");
  for (auto _ : state) {
    if (machine.restore_text(sink.text)) state.SkipWithError("the snapshot was refused");
  }
  count_bytes(state, sink.text.size());
}

BENCHMARK(encode_set)->Arg(16)->Arg(1024)->Arg(1 << 20);
BENCHMARK(set_new)->Arg(16)->Arg(1024);
BENCHMARK(set_existing)->Arg(16)->Arg(1024);
BENCHMARK(get_present)->Arg(16)->Arg(1024);
BENCHMARK(get_absent);
BENCHMARK(delete_and_set);
BENCHMARK(snapshot_begin)->Arg(16);
BENCHMARK(snapshot_save)->Arg(16)->Arg(1024);
BENCHMARK(snapshot_restore)->Arg(16)->Arg(1024);

}  // namespace
