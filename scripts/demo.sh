#!/usr/bin/env bash
# Shows a cluster at work: writes, reads, a refused write, a killed leader, its successor, and the old one's return.
#
# Usage: scripts/demo.sh [--binary FILE]
#   --binary FILE  the kvserver to run (also by the variable KVSERVER); else the Release build, made when needed
#
# The three nodes have an address and a temporary folder of their own, and are gone afterwards.
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/http.sh
. "$project_root/scripts/lib/http.sh"
# shellcheck source=scripts/lib/nodes.sh
. "$project_root/scripts/lib/nodes.sh"
# shellcheck source=scripts/lib/build.sh
. "$project_root/scripts/lib/build.sh"
# shellcheck source=scripts/lib/local-cluster.sh
. "$project_root/scripts/lib/local-cluster.sh"

case "${1:-}" in
  '') ;;
  --binary)
    [ $# -eq 2 ] || die "--binary needs a file"
    KVSERVER=$2
    ;;
  -h | --help)
    print_usage
    exit 0
    ;;
  *) die "unknown option '$1' (see --help)" ;;
esac

step() { printf '\n== %s\n' "$*"; }

show() { # METHOD URL [BODY]
  http "$@"
  printf '%s %s %s\n   -> %s %s\n' "$1" "$2" "${3:-}" "$HTTP_STATUS" "$HTTP_BODY"
}

ensure_kvserver
need_programs curl jq awk
catch_exit
make_scratch demo

step "three nodes elect a leader"
start_cluster 3
print_health

step "the leader takes a write and acknowledges it when a majority has it"
show PUT "$(node_url "$LEADER")/set" '{"key":"name","value":"luffy"}'
[ "$HTTP_STATUS" = 200 ] || fail "the write was not acknowledged"

step "every node answers reads"
wait_converged
for i in 1 2 3; do
  show GET "$(node_url "$i")/get?key=name"
done

step "a follower refuses a write and names the leader"
show PUT "$(node_url $((LEADER % 3 + 1)))/set" '{"key":"name","value":"zoro"}'
[ "$HTTP_STATUS" = 409 ] || fail "a follower took a write"

old=$LEADER
step "kill -9 of the leader, n$old: the other two elect a new one"
node_kill "$old"
wait_leader
print_health

step "nothing is lost, and writes go on"
show GET "$(node_url "$LEADER")/get?key=name"
[ "$(field value)" = luffy ] || fail "an acknowledged write is lost"
show PUT "$(node_url "$LEADER")/set" '{"key":"ship","value":"sunny"}'
show DELETE "$(node_url "$LEADER")/delete?key=name"

step "n$old comes back, and catches up from its files and the new leader"
node_start "$old"
node_wait_up "$old"
wait_converged
print_health
show GET "$(node_url "$old")/get?key=ship"
[ "$(field value)" = sunny ] || fail "n$old did not catch up"
show GET "$(node_url "$old")/get?key=name"

note ""
note "PASS: demo"
