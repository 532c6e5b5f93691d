#!/usr/bin/env bash
# Measures two things on a real cluster of three nodes. Compare the figures within one machine and run.
#
# Usage: scripts/measure.sh put-cost [--runs N] | catch-up [--writes N]
#   put-cost  does a write cost more when the log is long? 20000 writes without a snapshot: the median time of writes
#             1001-2000 against 19001-20000, and the bytes that the leader writes to its files for each
#   catch-up  how long does a follower need that was down for 10000 writes at a snapshot threshold of 50, while
#             writes go on? Fails above 10 s, without a snapshot installed, or when no write was acknowledged meanwhile
#
# The variable KVSERVER names the program; else the Release build, made when needed.
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/http.sh
. "$project_root/scripts/lib/http.sh"
# shellcheck source=scripts/lib/nodes.sh
. "$project_root/scripts/lib/nodes.sh"
# shellcheck source=scripts/lib/build.sh
. "$project_root/scripts/lib/build.sh"
# shellcheck source=scripts/lib/writers.sh
. "$project_root/scripts/lib/writers.sh"

what=${1:-}
runs=3
writes=10000
case "$what $#" in
  'put-cost 1' | 'catch-up 1') ;;
  'put-cost 3') [ "$2" = --runs ] && runs=$3 ;;
  'catch-up 3') [ "$2" = --writes ] && writes=$3 ;;
  '--help 1' | '-h 1')
    print_usage
    exit 0
    ;;
  *) die "say put-cost or catch-up (see --help)" ;;
esac
[[ "$runs" =~ ^[1-9][0-9]?$ && "$writes" =~ ^[1-9][0-9]{2,5}$ ]] || die "not a number that makes sense (see --help)"

milliseconds() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# timed_writes FIRST LAST: the microseconds of each, one at a time over one connection.
timed_writes() {
  local n
  for ((n = $1; n <= $2; n++)); do
    printf 'url = "%s/set"\nrequest = PUT\nheader = "Content-Type: application/json"\noutput = /dev/null\n' \
      "$(node_url "$LEADER")"
    printf 'data = "{\\"key\\":\\"key-%06d\\",\\"value\\":\\"value-%06d\\"}"\n' "$n" "$n"
    printf 'noproxy = "*"\nwrite-out = "%%{http_code} %%{time_total}\\n"\n'
    [ "$n" -eq "$2" ] || echo next
  done >"$scratch/instructions"
  curl -s -K "$scratch/instructions" 2>/dev/null | awk '$1 == 200 { printf "%d\n", $2 * 1000000 }'
}

written_bytes() { # by the leader's process, to files
  awk '/^write_bytes/ { print $2 }' "/proc/${node_pids[LEADER]}/io" 2>/dev/null || echo 0
}
file_bytes() { cat "$(node_dir "$LEADER")"/* | wc -c; }

measure_put_cost() (
  local early late at bytes files
  catch_exit
  make_scratch put-cost
  start_cluster 3 RAFT_SNAPSHOT_THRESHOLD=1000000
  timed_writes 1 1000 >/dev/null
  bytes=("$(written_bytes)")
  files=("$(file_bytes)")
  early=$(timed_writes 1001 2000 | median)
  bytes+=("$(written_bytes)")
  files+=("$(file_bytes)")
  for ((at = 2001; at < 19001; at += 1000)); do
    timed_writes "$at" $((at + 999)) >/dev/null
  done
  bytes+=("$(written_bytes)")
  files+=("$(file_bytes)")
  late=$(timed_writes 19001 20000 | median)
  bytes+=("$(written_bytes)")
  files+=("$(file_bytes)")
  [ "$(node_status "$LEADER" .lastLogIndex)" -ge 20000 ] || fail "not all writes were acknowledged"
  awk -v early="$early" -v late="$late" -v f1=$((files[1] - files[0])) -v f2=$((files[3] - files[2])) \
    -v b1=$((bytes[1] - bytes[0])) -v b2=$((bytes[3] - bytes[2])) 'BEGIN {
    printf "median of writes 1001-2000: %d us, of 19001-20000: %d us, ratio %.2f; ", early, late, late / early
    printf "files grew by %.1f and %.1f bytes a write; ", f1 / 1000, f2 / 1000
    printf "the leader wrote %.0f and %.0f bytes a write to the disk\n", b1 / 1000, b2 / 1000
    printf "%.2f\n", late / early > "/dev/stderr" }' 2>>"$ratios"
)

measure_catch_up() {
  local down begin target took snapshots before written
  catch_exit
  make_scratch catch-up
  start_cluster 3 RAFT_SNAPSHOT_THRESHOLD=50
  down=$(followers | head -n 1)
  node_kill "$down"
  for ((at = 1; at <= writes; at += 1000)); do
    timed_writes "$at" $((at + 999 < writes ? at + 999 : writes)) >/dev/null
  done
  start_writers 4
  wait_until 10 has_acknowledged_writes || fail "the writers get no answer"
  target=$(node_status "$LEADER" .commitIndex)
  before=$(count_acknowledged)
  node_start "$down"
  begin=$(milliseconds)
  caught_up() { [ "$(node_status "$down" .lastApplied)" -ge "$target" ]; } 2>/dev/null
  wait_until 60 caught_up || fail "n$down has not caught up after 60 s"
  took=$(($(milliseconds) - begin))
  written=$(($(count_acknowledged) - before))
  snapshots=$(node_status "$down" .snapshotsInstalled)
  note "n$down caught up with $target entries in $took ms, with $snapshots snapshots installed, while $written writes" \
    "were acknowledged"
  stop_writers
  wait_converged
  [ "$took" -le 10000 ] || fail "catching up took $took ms, more than 10 s"
  [ "$snapshots" -ge 1 ] || fail "n$down counts no installed snapshot"
  [ "$written" -ge 1 ] || fail "no write was acknowledged while n$down caught up"
}

ensure_kvserver
need_programs curl jq awk
if [ "$what" = catch-up ]; then
  measure_catch_up
else
  ratios=$(mktemp)
  for ((run = 1; run <= runs; run++)); do
    measure_put_cost || exit 1
  done
  note "median ratio of $runs runs: $(median <"$ratios")"
  rm -f "$ratios"
fi
