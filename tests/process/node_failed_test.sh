#!/usr/bin/env bash
# A node whose log can't grow fails and says so, on every path and until it is ended; the others go on without it.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test node-failed
new_cluster 3
# No snapshot: the log is the file that grows.
cluster_environment+=(RAFT_SNAPSHOT_THRESHOLD=100000)

note "- one of three nodes may write files of 40 KiB"
unlimited=("${launcher[@]}")
# shellcheck disable=SC2016  # the inner shell expands it
launcher=("${unlimited[@]}" bash -c 'ulimit -f 40 && exec env "$@"' limited)
node_start 1
launcher=("${unlimited[@]}")
node_start 2
node_start 3
for i in 1 2 3; do
  node_wait_up "$i"
done
wait_leader

has_failed() { http GET "$(node_url 1)/health" && [ "$HTTP_STATUS" = 503 ] && [ "$(field error)" = node_failed ]; }
value=$(repeated v 2000)
acknowledged=0
# Whoever leads, the failing node included, some write is the one that its file has no room for.
until has_failed; do
  [ "$acknowledged" -lt 60 ] || fail "120 KB were acknowledged, and the node has not failed: $HTTP_STATUS $HTTP_BODY"
  acknowledged=$((acknowledged + 1))
  write_acknowledged "key$acknowledged" "$value"
done

# says_failed WHAT: of the last request.
says_failed() {
  expect_error "$1" 503
  expect_equal "$1: its word" "$(field error)" node_failed
  expect_contains "$1: the reason" "$(field message)" raft_log.jsonl
}
note "- it says why"
says_failed "/health"
kv_put 1 refused value
says_failed "/set"
kv_get 1 key1
says_failed "/get"
kv_delete 1 key1
says_failed "/delete"
http GET "$(node_url 1)/get?key=key1&consistency=linearizable"
says_failed "a linearizable /get"
node_is_running 1 || fail "the failed node ended by itself"

note "- the others go on"
write_survivors() {
  local i
  for i in 2 3; do
    kv_put "$i" after failure
    [ "$HTTP_STATUS" != 200 ] || return 0
  done
  return 1
}
wait_until 30 write_survivors || fail "the two others take no write"
for i in 2 3; do
  wait_until 10 node_has "$i" after failure || fail "n$i lacks the write after the failure"
  wait_until 10 node_has "$i" "key$acknowledged" "$value" || fail "n$i lacks an acknowledged write"
  node_lacks "$i" refused || fail "n$i has the write that was refused"
  passed
done

note "- it ends as it is asked to, and comes back where there is room"
kill -TERM "${node_pids[1]}"
node_wait_exit 1 5 || fail "the failed node still runs 5 s after SIGTERM"
expect_equal "its exit status" "$NODE_EXIT" 0
node_start 1
node_wait_up 1
wait_converged
for key in key1 "key$acknowledged"; do
  all_have "$key" "$value" || fail "an acknowledged write is lost: $key"
  passed
done
all_have after failure || fail "an acknowledged write is lost"
end_test
