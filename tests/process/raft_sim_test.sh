#!/usr/bin/env bash
# raft_sim as its users see it: exit codes, the last line, the trace, the page, and that a run can be repeated.
# Usage: raft_sim_test.sh PATH_OF_RAFT_SIM
set -euo pipefail
raft_sim=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expect() { # exit code, arguments...
  local wanted=$1 code=0
  shift
  "$raft_sim" "$@" >"$folder/out" 2>"$folder/err" || code=$?
  [ "$code" -eq "$wanted" ] || {
    echo "raft_sim $*: exit code $code instead of $wanted"
    cat "$folder/out" "$folder/err"
    exit 1
  }
}
says() { # file, pattern
  grep -Eq -- "$2" "$folder/$1" || {
    echo "nothing says: $2"
    cat "$folder/$1"
    exit 1
  }
}

expect 0 --help
says out 'Exit codes'
expect 0 --faults list
says out '^network\.partition +[a-z]'

for usage in "--no-such-option" "--seeds x" "--nodes 0" "--nodes 10" "--faults network.gremlins" "--profile slow" \
  "--seeds 0" "--seeds -1" "--seeds 18446744073709551616" "--first 18446744073709551616" "--first -1" "--seed -1" \
  "--jobs -1" "--jobs 100000" "--trace" "--html $folder/x.html" "--events 1" "--seed 1 --seeds 2" "--seed 1 --events x"; do
  # shellcheck disable=SC2086
  expect 2 $usage
done
expect 2 --seed 1 --nodes 10
says err 'A cluster has 1 to 9 nodes'
expect 2 --first 18446744073709551616
says err '"18446744073709551616" is no whole number from 0 to 18446744073709551615'
expect 2 --jobs 100000
says err 'At most 1024 jobs run side by side'
expect 2 --seed 1 --seconds 2 --html "$folder/none/page.html"

number='[0-9.]+'
json="^\{\"seeds\":3,\"first_seed\":7,\"simulated_hours\":$number,\"real_seconds\":$number,\"jobs\":1,\"events\":[1-9][0-9]*"
json+=",\"violations\":0,\"marks_hit\":[1-9][0-9]*,\"marks_total\":[1-9][0-9]*,\"requests\":[1-9][0-9]*,\"crashes\":[0-9]+\}$"
expect 0 --seeds 3 --first 7 --jobs 1 --seconds 10
tail -n 1 "$folder/out" >"$folder/last"
says last "$json"
says out '^each seed: '
expect 0 --minutes 0 --jobs 1 --seconds 5
says out '"seeds":1,'

# The same seed gives the same run, event for event.
expect 0 --seed 3 --seconds 5 --trace --html "$folder/page.html"
grep -E '^ +[0-9]+\.[0-9]{6} ' "$folder/out" >"$folder/first"
expect 0 --seed 3 --seconds 5 --trace
grep -E '^ +[0-9]+\.[0-9]{6} ' "$folder/out" | cmp - "$folder/first"
says first 'AppendEntries term'
says first 'is leader in term'

# Whole in itself: nothing to be fetched.
says page.html '<svg id="chart">'
says page.html '^const bars='
if grep -Eq '(src|href)=|https?://|fetch\(|import ' "$folder/page.html"; then
  echo "the page asks for more than itself"
  exit 1
fi

expect 0 --seed 3 --seconds 5 --faults none
says out '"crashes":0\}$'
