// A process that dies in a run says in which.
#include "seed_note.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

#include "support/catch.hpp"

namespace {

struct Death {
  int signal = 0;
  std::string last_words;
};

/// A process of its own that does `deed`, with the default action for all signals.
Death death_by(void (*deed)()) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  if (child == 0) {
    for (const int signal : {SIGABRT, SIGFPE, SIGSEGV}) std::signal(signal, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    deed();
    _exit(0);
  }
  close(ends[1]);
  Death death;
  std::array<char, 256> piece{};
  for (ssize_t size = 0; (size = read(ends[0], piece.data(), piece.size())) > 0;) {
    death.last_words.append(piece.data(), static_cast<std::size_t>(size));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) death.signal = WTERMSIG(status);
  return death;
}

}  // namespace

TEST_CASE("who aborts in a run says its seed and dies by the same signal") {
  const Death death = death_by([] {
    raft_sim::tell_seed_on_death();
    raft_sim::note_seed(1);
    raft_sim::note_seed(18446744073709551615u);
    std::abort();
  });
  CHECK(death.signal == SIGABRT);
  CHECK(death.last_words == "raft_sim: died in seed 18446744073709551615\n");
}

TEST_CASE("a signal that was sent ends the process as one that came by itself") {
  const Death death = death_by([] {
    raft_sim::tell_seed_on_death();
    raft_sim::note_seed(0);
    static_cast<void>(raise(SIGSEGV));
  });
  CHECK(death.signal == SIGSEGV);
  CHECK(death.last_words == "raft_sim: died in seed 0\n");
}

TEST_CASE("a thread without a run has nothing to say") {
  const Death death = death_by([] {
    raft_sim::tell_seed_on_death();
    static_cast<void>(raise(SIGFPE));
  });
  CHECK(death.signal == SIGFPE);
  CHECK(death.last_words.empty());
}
