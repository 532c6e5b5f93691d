#!/usr/bin/env bash
# 500 idle and 100 byte-a-second connections on the leader's client port: replication goes on, no election starts, and
# new writes are answered within 5 s. The variable CROWD names the program that makes the connections.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
: "${CROWD:?names the program that makes the connections}"
begin_test crowd
start_cluster 3
leader=$LEADER
term=$LEADER_TERM

mkfifo "$scratch/crowd"
"$CROWD" "$cluster_address" $((cluster_kv_base + leader)) 500 100 <"$scratch/crowd" >"$scratch/crowd.out" &
crowd=$!
exec 7>"$scratch/crowd" # the crowd goes home when this is closed
end_crowd() { kill "$crowd" 2>/dev/null; }
on_exit end_crowd
crowd_is_there() { grep -q ready "$scratch/crowd.out"; }
wait_until 20 crowd_is_there || fail "the crowd did not get its connections: $(cat "$scratch/crowd.out")"

deadline=$((SECONDS + 15))
writes=0
while [ "$SECONDS" -lt "$deadline" ]; do
  HTTP_TIMEOUT=5 kv_put "$leader" "crowd$writes" there
  expect_status "write $writes in the crowd, within 5 s" 200
  index=$(header X-Raft-Index)
  writes=$((writes + 1))
  replicated() { [ "$(node_status $((leader % 3 + 1)) .lastApplied)" -ge "$index" ]; }
  wait_until 5 replicated || fail "write $writes did not reach the next node within 5 s"
done
kill -0 "$crowd" 2>/dev/null || fail "the crowd left early: $(cat "$scratch/crowd.out")"
wait_leader
expect_equal "leader and term after the crowd" "$LEADER $LEADER_TERM" "$leader $term"
exec 7>&-
wait "$crowd"
note "$writes writes within the crowd; $(tail -n 1 "$scratch/crowd.out")"
end_test
