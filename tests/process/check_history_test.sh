#!/usr/bin/env bash
# The check of a chaos run's history is green for a right one and red for each kind of wrong one.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
catch_exit
make_scratch check-history

check=$project_root/scripts/lib/check-history.sh

write_right_run() {
  cat >"$scratch/history" <<'END'
w1 1 0 w1-1 a 200 0 1 10 2
w1 2 1 w1-2 b 200 0 0 12 2
w1 3 2 w1-3 c 000 56 0 -
w1 4 0 w1-4 d 409 22 1 not_leader
w1 5 0 shared-1 e 200 0 1 14 3
w1 6 0 w1-6 j 503 22 1 proposal_dropped
end w1 6
w2 1 0 w2-1 f 000 7 1 -
w2 2 0 shared-1 g 200 0 1 15 3
w2 3 1 w2-3 h 503 22 0 timeout
end w2 3
END
  cat >"$scratch/n1" <<'END'
w1-1 a
w1-2 b
w1-3 c
w1-4 -
w1-5 -
w1-6 -
w2-1 -
w2-2 -
w2-3 -
shared-1 g
END
  cp "$scratch/n1" "$scratch/n2"
}

run_check() { output=$(bash "$check" "$scratch/history" "$scratch/n1" "$scratch/n2" 2>&1); }

expect_green() {
  run_check || fail "$1: the check is red: $output"
  passed
}

# expect_red WHAT WORDS COMMAND...: after the command changed a right run, the check says so.
expect_red() {
  local what=$1 words=$2
  shift 2
  write_right_run
  "$@"
  if run_check; then
    fail "$what: the check is green: $output"
  fi
  expect_contains "$what" "$output" "$words"
}

edit_history() { sed -i "$1" "$scratch/history"; }
edit_contents() { sed -i "$1" "$scratch/n1" "$scratch/n2"; }
edit_one_node() { sed -i "$1" "$scratch/n2"; }

write_right_run
expect_green "a right run"
expect_equal "the counts" "$output" "acknowledged 4, unknown 2, refused 3, lost 0"
edit_contents 's/^w1-3 .*/w1-3 -/'
expect_green "an unknown write that was not done"
write_right_run
edit_history 's/^w2 3 .*/w2 3 1 shared-1 h 503 22 0 timeout/; '
edit_contents 's/^shared-1 .*/shared-1 h/; '
expect_green "an unknown write that took the place of an acknowledged one"
for answer in '503 22 1 timeout' '500 22 1 internal' '503 22 1 -'; do
  write_right_run
  edit_history "s/^w1 6 .*/w1 6 0 w1-6 j $answer/"
  edit_contents 's/^w1-6 .*/w1-6 j/'
  expect_green "a write that was done after $answer"
done

expect_red "an acknowledged write dropped from the history" "has a gap before write 3" edit_history '/^w1 2 /d'
expect_red "its value, which nobody wrote" "w1-2=b is there, and nobody wrote it" edit_history '/^w1 2 /d'
expect_red "the last write dropped from the history" "has 2 writes of 3" edit_history '/^w2 3 /d'
expect_red "a writer's end dropped" "has no end" edit_history '/^end w2/d'
expect_red "an acknowledged write that is absent" "lost 1" edit_contents 's/^w1-2 .*/w1-2 -/'
expect_red "an acknowledged write replaced by an older one" "lost 1" edit_contents 's/^shared-1 .*/shared-1 e/'
expect_red "a refused write that is there" "was refused" edit_contents 's/^w1-4 .*/w1-4 d/'
expect_red "a dropped write that is there" "w1-6=j is there, and was refused" edit_contents 's/^w1-6 .*/w1-6 j/'
expect_red "a value from nowhere" "nobody wrote it" edit_contents 's/^w1-5 .*/w1-5 z/'
expect_red "a node that differs" "not equal" edit_one_node 's/^w1-3 .*/w1-3 -/'
expect_red "a key that was not looked at" "does not say anything about w1-3" edit_contents '/^w1-3 /d'
expect_red "two writes at one index" "both acknowledged at index 12" edit_history 's/^\(w2 2 .*\) 15 3/\1 12 3/'
expect_red "an index that goes back" "the same writer had 12 before" edit_history 's/^\(w1 5 .*\) 14 3/\1 11 3/'
expect_red "an acknowledgement without an index" "has no index" edit_history 's/^\(w1 1 .*\) 10 2/\1/'
end_test
