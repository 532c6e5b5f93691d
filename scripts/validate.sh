#!/usr/bin/env bash
# Runs the validation matrix with real processes: each stage has a cluster of three nodes of its own.
#
# Usage: scripts/validate.sh [--binary FILE] [--list] [STAGE...]
#   STAGE...       only these, for example "A1 H1"; without any, all of them
#   --binary FILE  the kvserver to run (also by the variable KVSERVER); else the Release build, made when needed
#   --list         names the stages
#
#   A1 one stable leader            A2 all nodes agree on it
#   B1 a follower refuses a write   B2 its hint leads to the leader
#   C1 acknowledged means: a majority has it              C2 all nodes converge
#   D1 a delete replicates          E1 a divergent uncommitted suffix is overwritten
#   F1 writes go on with one follower down                F2 it catches up
#   G1 without a majority nothing is acknowledged, and after healing nothing acknowledged is missing
#   H1 kill -9 of the leader: a new one, and nothing acknowledged is lost
#   P1 a follower restarts and catches up                 P2 a crashed leader rejoins
#   P3 an uncommitted write never becomes visible after a crash
#   S1 a snapshot survives a restart, and a far-behind follower is brought up by one
#
# Each stage prints "PASS [A1] ..."; the last line is "PASS: Full validation runner completed." Exit 1 if a stage fails.
#
# shellcheck disable=SC2317  # the stages are called by name
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/http.sh
. "$project_root/scripts/lib/http.sh"
# shellcheck source=scripts/lib/nodes.sh
. "$project_root/scripts/lib/nodes.sh"
# shellcheck source=scripts/lib/build.sh
. "$project_root/scripts/lib/build.sh"
# shellcheck source=scripts/lib/stages.sh
. "$project_root/scripts/lib/stages.sh"

stages=()
while [ $# -gt 0 ]; do
  case "$1" in
    --binary)
      [ $# -gt 1 ] || die "--binary needs a file"
      KVSERVER=$2
      shift
      ;;
    --list)
      printf '%s\n' "${all_stages[@]}"
      exit 0
      ;;
    -h | --help)
      print_usage
      exit 0
      ;;
    *)
      [[ " ${all_stages[*]} " == *" $1 "* ]] || die "no stage '$1'; there are: ${all_stages[*]}"
      stages+=("$1")
      ;;
  esac
  shift
done
[ "${#stages[@]}" -gt 0 ] || stages=("${all_stages[@]}")

ensure_kvserver
need_programs curl jq awk

run_stage() (
  catch_exit
  make_scratch "validate-$1"
  "stage_$1"
)

failed=()
for stage in "${stages[@]}"; do
  begin=$SECONDS
  run_stage "$stage"
  status=$?
  [ "$status" -lt 128 ] || exit "$status" # interrupted
  if [ "$status" -ne 0 ]; then
    note "FAIL [$stage] after $((SECONDS - begin)) s"
    failed+=("$stage")
  fi
done

if [ "${#failed[@]}" -gt 0 ]; then
  note "FAIL: ${#failed[@]} of ${#stages[@]} stages: ${failed[*]}"
  exit 1
fi
note "PASS: Full validation runner completed."
