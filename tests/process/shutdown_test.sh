#!/usr/bin/env bash
# SIGTERM and SIGINT: exit 0 within 5 s, with and without a quorum, while requests wait; leadership is handed over.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test shutdown
start_cluster 3

# stops_at_once WHAT NODE SIGNAL
stops_at_once() {
  kill "-$3" "${node_pids[$2]}"
  node_wait_exit "$2" 5 || fail "$1: still runs 5 s after SIG$3"
  expect_equal "$1: exit status" "$NODE_EXIT" 0
}

note "- a process that has not begun to serve"
# Its output goes to a pipe that is full, so that it stands still before it reads a variable: the signal must wait.
mkfifo "$scratch/full"
exec 4<>"$scratch/full"
dd if=/dev/zero of="$scratch/full" oflag=nonblock bs=4096 count=1024 2>/dev/null
"$KVSERVER" --help >&4 4>&- &
early=$!
end_early() { kill -KILL "$early" 2>/dev/null; }
on_exit end_early
blocked_signals() { sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$early/status" 2>/dev/null; }
holds_signals() { (((16#0$(blocked_signals) & 0x4002) == 0x4002)); }
wait_until 10 holds_signals || fail "SIGTERM and SIGINT are not held from the start: $(blocked_signals)"
kill -TERM "$early"
kill -0 "$early" || fail "the signal was not held"
cat <&4 >/dev/null &
reader=$!
wait "$early"
expect_equal "its exit status" "$?" 0
kill "$reader"
exec 4>&-

note "- a follower"
follower=$(followers | head -n 1)
stops_at_once "a follower" "$follower" TERM
node_start "$follower"
node_wait_up "$follower"
wait_converged

note "- the leader, which hands its office over"
old=$LEADER
old_term=$LEADER_TERM
write_acknowledged before handover
stops_at_once "the leader" "$old" TERM
wait_leader
[ "$LEADER" -ne "$old" ] || fail "the stopped node is still taken for the leader"
expect_equal "terms that the hand-over took" $((LEADER_TERM - old_term)) 1
node_has "$LEADER" before handover || fail "an acknowledged write is lost"
node_start "$old"
node_wait_up "$old"
wait_converged
all_have before handover || fail "an acknowledged write is lost"

note "- SIGINT"
stops_at_once "a node with SIGINT" "$(followers | tail -n 1)" INT

note "- without a quorum, while a write waits"
for i in $(followers); do
  node_kill "$i"
done
http_answer="$scratch/answer"
curl -s --noproxy '*' -m 20 -w '\n%{http_code}' -X PUT -d '{"key":"waiting","value":"v"}' \
  "$(node_url "$LEADER")/set" >"$http_answer" &
writer=$!
appended() { [ "$(node_status "$LEADER" '.lastLogIndex - .commitIndex')" -ge 1 ]; }
wait_until 5 appended || fail "the waiting write was not appended"
stops_at_once "a leader without a quorum" "$LEADER" TERM
wait "$writer"
expect_equal "the answer to the write that waited" "$(tail -n 1 "$http_answer")" 503
expect_contains "its body" "$(cat "$http_answer")" '"error":"timeout"'

note "- a node that never had a quorum, with idle connections"
node_start "$LEADER"
node_wait_up "$LEADER"
exec 5<>"/dev/tcp/$cluster_address/$((cluster_kv_base + LEADER))"
exec 6<>"/dev/tcp/$cluster_address/$((cluster_raft_base + LEADER))"
printf 'GET /hea' >&5
stops_at_once "a node without a quorum" "$LEADER" TERM
exec 5>&- 6>&-
end_test
