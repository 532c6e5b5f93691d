#!/usr/bin/env bash
# raft_linearizability RAFT_LINEARIZABILITY: its exit statuses, and what it says.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
catch_exit
make_scratch linearizability
tool=${1:?the program raft_linearizability}

# expect STATUS WORDS OPTION...: of the history on the standard input.
expect() {
  local status=$1 words=$2 output
  shift 2
  output=$("$tool" "$@" 2>&1)
  expect_equal "the exit status of '$output'" "$?" "$status"
  expect_contains "what it says" "$output" "$words"
}

expect 0 $'operations 3, keys 2, searched 0, violated 0, undecided 0\nlinearizable' - <<'END_OF_HISTORY'
# a right history
w1 put k a ok 1 2
w2 put j b unknown 1 -
w2 get k a ok 3 4
END_OF_HISTORY
expect 1 'NOT LINEARIZABLE. Key "k": lost write: w1 put "a" (#1, 1 to 2); then w2 found nothing (#2, 3 to 4).' - <<'END_OF_HISTORY'
w1 put k a ok 1 2
w2 get k - ok 3 4
END_OF_HISTORY
expect 3 'undecided. Key "k": no order was found within 1 steps' --search --steps 1 - <<'END_OF_HISTORY'
w1 put k a ok 1 9
w2 put k b ok 1 9
w2 get k b ok 10 11
END_OF_HISTORY
expect 2 "Line 2: an operation has seven words." - <<'END_OF_HISTORY'
w1 put k a ok 1 2
w2 get k -
END_OF_HISTORY
expect 2 "cannot read" "$scratch/nothing"
expect 2 "--nonsense" --nonsense -
expect 0 "Usage" --help
end_test
