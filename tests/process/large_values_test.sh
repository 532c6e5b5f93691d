#!/usr/bin/env bash
# A value of 1 MiB of NULs, six bytes each in JSON, replicates, survives restarts and travels in a snapshot.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test large-values
# A slow build on a busy machine may need longer than the default for 6 MiB of JSON.
start_cluster 3 RAFT_SNAPSHOT_THRESHOLD=20 KV_REQUEST_TIMEOUT_MS=20000

{
  printf '{"key":"nuls","value":"'
  repeated x $((1024 * 1024)) | sed 's/x/\\u0000/g'
  printf '"}'
} >"$scratch/nuls"

has_nuls() { # node: as many as were sent, and nothing else
  [ "$(curl -s --noproxy '*' -m 20 "$(node_url "$1")/get?key=nuls" | jq -r '.value' |
    tr -d '\n' | tr '\0' x | tr -dc x | wc -c)" -eq $((1024 * 1024)) ]
}

down=$(followers | head -n 1)
last=$(node_status "$down" .lastLogIndex)
node_kill "$down"
HTTP_TIMEOUT=20 http PUT "$(node_url "$LEADER")/set" "@$scratch/nuls"
expect_status "a value of 1 MiB of NULs" 200
wait_converged
for i in 1 2 3; do
  [ "$i" -eq "$down" ] || has_nuls "$i" || fail "n$i does not have the value as it was sent"
  passed
done

note "- in a snapshot"
write_until_compacted $((last + 2))
node_start "$down"
node_wait_up "$down"
wait_converged 60
[ "$(node_status "$down" .logBaseIndex)" -gt "$last" ] || fail "n$down was not brought up by a snapshot"
[ "$(node_status "$down" .snapshotsInstalled)" -ge 1 ] || fail "n$down counts no installed snapshot"
has_nuls "$down" || fail "n$down does not have the value from the snapshot"
passed

note "- after a restart of all"
for i in 1 2 3; do
  node_kill "$i"
done
for i in 1 2 3; do
  node_start "$i"
done
for i in 1 2 3; do
  node_wait_up "$i"
done
wait_converged 60
for i in 1 2 3; do
  has_nuls "$i" || fail "n$i does not have the value after the restart"
  passed
done
end_test
