#!/usr/bin/env bash
# raft_explore's command line: wrong usage explores nothing and ends with 2.
# Usage: raft_explore_test.sh PATH_OF_RAFT_EXPLORE
set -euo pipefail
raft_explore=$1

expect() { # exit code, pattern in what it prints, arguments...
  local wanted=$1 pattern=$2 code=0 output
  shift 2
  output=$("$raft_explore" "$@" 2>&1) || code=$?
  if [ "$code" -ne "$wanted" ] || ! grep -q -- "$pattern" <<<"$output"; then
    printf 'raft_explore %s: exit code %s instead of %s, or nothing says: %s\n%s\n' "$*" "$code" "$wanted" "$pattern" "$output"
    exit 1
  fi
}

expect 0 "two-terms" --list
expect 0 "stop after so long" --help
for minutes in 0 -1 nan inf 1x 1e999; do expect 2 "is no number from 0.001 on" --minutes="$minutes"; done
for memory in 0 -1 1.5 18446744073709551616; do expect 2 "is no whole number from 1 to" --memory="$memory"; done
expect 2 "there is no bound nonsense" --bound nonsense
expect 2 "nonsense" --nonsense
