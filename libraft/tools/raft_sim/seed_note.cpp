#include "seed_note.hpp"

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string_view>

namespace raft_sim {
namespace {

constexpr std::array kDeadly{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

thread_local volatile std::uint64_t seed_in_flight = 0;
thread_local volatile bool has_seed = false;
std::array<struct sigaction, kDeadly.size()> actions_before;

/// Only what a signal handler may do.
void write_note(std::uint64_t seed) {
  std::array<char, 64> line;
  std::size_t begin = line.size();
  line[--begin] = '\n';
  do {
    line[--begin] = static_cast<char>('0' + seed % 10);
    seed /= 10;
  } while (seed != 0);
  constexpr std::string_view kWords = "raft_sim: died in seed ";
  for (std::size_t i = kWords.size(); i-- > 0;) line[--begin] = kWords[i];
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data() + begin, line.size() - begin);
}

void on_death(int signal, siginfo_t* info, void*) {
  if (has_seed) write_note(seed_in_flight);
  for (std::size_t i = 0; i < kDeadly.size(); ++i) {
    if (kDeadly[i] == signal) sigaction(signal, &actions_before[i], nullptr);
  }
  // An instruction that faulted does so again after the return; a signal that was sent must be sent again.
  if (info->si_code <= 0) static_cast<void>(raise(signal));
}

}  // namespace

void note_seed(std::uint64_t seed) {
  seed_in_flight = seed;
  has_seed = true;
}

void tell_seed_on_death() {
  for (std::size_t i = 0; i < kDeadly.size(); ++i) {
    struct sigaction action {};
    action.sa_sigaction = on_death;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(kDeadly[i], &action, &actions_before[i]);
  }
}

}  // namespace raft_sim
