#!/usr/bin/env bash
# Kills the leader again and again, and measures how long the cluster takes until it acknowledges a write again.
#
# Usage: scripts/kill-leader-test.sh [--rounds N] [--binary FILE]
#   --rounds N     default 5
#   --binary FILE  the kvserver to run (also by the variable KVSERVER); else the Release build, made when needed
#
# Fails when a round finds no new leader, or when an acknowledged write is missing at the end.
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/http.sh
. "$project_root/scripts/lib/http.sh"
# shellcheck source=scripts/lib/nodes.sh
. "$project_root/scripts/lib/nodes.sh"
# shellcheck source=scripts/lib/build.sh
. "$project_root/scripts/lib/build.sh"

rounds=5
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      print_usage
      exit 0
      ;;
    --rounds | --binary) [ $# -gt 1 ] || die "$1 needs a value" ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  case "$1" in
    --rounds) rounds=$2 ;;
    --binary) KVSERVER=$2 ;;
  esac
  shift 2
done
[[ "$rounds" =~ ^[1-9][0-9]*$ ]] || die "--rounds takes a number above 0"

milliseconds() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

ensure_kvserver
need_programs curl jq awk
catch_exit
make_scratch kill-leader

start_cluster 3
write_acknowledged round0 written
times=()
for ((round = 1; round <= rounds; round++)); do
  old=$LEADER
  old_term=$LEADER_TERM
  begin=$(milliseconds)
  node_kill "$old"
  write_acknowledged "round$round" written
  times+=($(($(milliseconds) - begin)))
  wait_leader
  [ "$LEADER" -ne "$old" ] || fail "the killed node n$old is still taken for the leader"
  [ "$LEADER_TERM" -gt "$old_term" ] || fail "the new leader's term $LEADER_TERM is not above $old_term"
  note "round $round: n$old killed, n$LEADER leads in term $LEADER_TERM; writes again after ${times[-1]} ms"
  node_start "$old"
  node_wait_up "$old"
  wait_converged
done

for ((round = 0; round <= rounds; round++)); do
  all_have "round$round" written || fail "the acknowledged write of round $round is missing on a node"
done
printf '%s\n' "${times[@]}" | sort -n | awk '{ t[NR] = $1 } END {
  printf "until writes go on: least %d ms, median %d ms, most %d ms\n", t[1], t[int((NR + 1) / 2)], t[NR] }'
note "PASS: $rounds leaders killed, every acknowledged write is on all nodes"
