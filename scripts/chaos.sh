#!/usr/bin/env bash
# Kills, pauses and restarts nodes at random while writers write and read, and checks that nothing acknowledged is lost
# and that one order explains all that was seen.
#
# Usage: scripts/chaos.sh [--rounds N] [--writers N] [--seed S] [--binary FILE] [--keep FOLDER]
#   --rounds N     default 30
#   --writers N    default 4; each writes unique values to keys of its own and to a few shared ones, and reads both
#   --seed S       of the order of faults; printed, so that a run can be tried again
#   --binary FILE  the kvserver to run (also by the variable KVSERVER); else the Release build, made when needed
#   --keep FOLDER  keep the histories and the nodes' final contents there
#
# Each round kills one node with -9, every third round two at once; some are killed again while they restart, and
# some others are paused meanwhile. Nothing waits for the nodes to converge. A round lasts until 50 writes were
# acknowledged in it, or 10 s; at most one round in ten may stay below 50. At the end every acknowledged write has to be there and
# all nodes have to be equal (scripts/lib/check-history.sh); and all that was written and read has to be linearizable
# (docs/linearizability.md). kill -9 loses no page of the system's cache: it says nothing about missing syncs.
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

rounds=30
writers=4
seed=$((SRANDOM % 100000))
keep=
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      print_usage
      exit 0
      ;;
    --rounds | --writers | --seed | --binary | --keep) [ $# -gt 1 ] || die "$1 needs a value" ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  case "$1" in
    --rounds) rounds=$2 ;;
    --writers) writers=$2 ;;
    --seed) seed=$2 ;;
    --binary) KVSERVER=$2 ;;
    --keep) keep=$2 ;;
  esac
  shift 2
done
for number in "$rounds" "$writers" "$seed"; do
  [[ "$number" =~ ^(0|[1-9][0-9]{0,8})$ ]] || die "'$number' is not a number"
done
[ "$rounds" -ge 1 ] || die "--rounds takes at least 1"
[ "$writers" -ge 1 ] || die "--writers takes at least 1"

ensure_kvserver
ensure_linearizability
need_programs curl jq awk
catch_exit
make_scratch chaos

# nap MILLISECONDS: part of the schedule of faults, not a wait for anything.
nap() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

pick_victims() { # sets victims and bystander
  local first=$((1 + RANDOM % 3)) step=$((1 + RANDOM % 2))
  local second=$(((first - 1 + step) % 3 + 1))
  victims=("$first")
  bystander=$second
  if [ $(($1 % 3)) -eq 0 ]; then
    victims+=("$second")
    bystander=$((6 - first - second))
  fi
}

disturb() { # round
  local victim again=$((RANDOM % 4)) pause=$((RANDOM % 4)) dead=$((RANDOM % 800)) gap=$((RANDOM % 200))
  local paused=$((200 + RANDOM % 1200))
  pick_victims "$1"
  for victim in "${victims[@]}"; do
    kill -KILL "${node_pids[victim]}"
  done
  [ "$pause" -ne 0 ] || node_pause "$bystander"
  for victim in "${victims[@]}"; do
    node_kill "$victim"
  done
  nap "$dead"
  for victim in "${victims[@]}"; do
    node_start "$victim"
    nap "$gap"
  done
  if [ "$again" -eq 0 ]; then # in the middle of its restart
    node_kill "${victims[0]}"
    node_start "${victims[0]}"
  fi
  if [ "$pause" -eq 0 ]; then
    nap "$paused"
    node_resume "$bystander"
  fi
  what="kill -9 of $(printf 'n%s ' "${victims[@]}")"
  [ "$again" -ne 0 ] || what+="and again of n${victims[0]} while it restarts "
  [ "$pause" -ne 0 ] || what+="with n$bystander paused "
}

# A node that cannot be started again ends the run at once.
check_all_run() {
  local i
  for i in 1 2 3; do
    if ! node_is_running "$i"; then
      node_wait_exit "$i" 1
      fail "n$i ended by itself with status $NODE_EXIT in round $1 (seed $seed)"
    fi
  done
}

round_is_served() { [ $(($(count_acknowledged) - before)) -ge 50 ]; }

start_cluster 3
note "chaos: $rounds rounds, $writers writers, seed $seed, nodes on $cluster_address"
lead=$(clock_lead)
start_writers "$writers"
wait_until 30 has_acknowledged_writes || fail "no write was acknowledged before the first round"

RANDOM=$seed
quiet=0
for ((round = 1; round <= rounds; round++)); do
  before=$(count_acknowledged)
  disturb "$round"
  wait_until 10 round_is_served || quiet=$((quiet + 1))
  check_all_run "$round"
  note "round $round: $what- $(($(count_acknowledged) - before)) acknowledged"
done

stop_writers
wait_converged 60
reading=$(microseconds)
for i in 1 2 3; do
  dump_content "$i" >"$scratch/content.n$i"
done
collect_history >"$scratch/history"
collect_operations "$scratch/content.n1" "$reading" "$(microseconds)" >"$scratch/operations"
drift=$(($(clock_lead) - lead))
ended=$(grep -c '^end w[0-9]* [1-9]' "$scratch/history")
[ "$ended" -eq "$writers" ] || fail "only $ended of $writers writers wrote to the end (seed $seed)"
if [ -n "$keep" ]; then
  mkdir -p "$keep" && cp "$scratch/history" "$scratch/operations" "$scratch"/content.n? "$keep"
fi

bash "$project_root/scripts/lib/check-history.sh" "$scratch/history" "$scratch"/content.n? ||
  fail "the history does not hold (seed $seed)"
[ "${drift#-}" -lt 100 ] || fail "the clock was set by $drift ms during the run: the times of the history mean nothing"
"$LINEARIZABILITY" "$scratch/operations" || fail "what was seen is not linearizable, or that is undecided (seed $seed)"
note "rounds with fewer than 50 acknowledged writes: $quiet of $rounds"
[ $((quiet * 10)) -le "$rounds" ] || fail "more than one round in ten had fewer than 50 acknowledged writes"
note "PASS: $rounds rounds with $ended writers, nothing acknowledged was lost, all nodes are equal, linearizable (seed $seed)"
