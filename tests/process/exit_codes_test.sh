#!/usr/bin/env bash
# Wrong configurations end with exit 2 and a sentence that names the variable; the command line does what it says.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test exit-codes
new_cluster 1

# run_server ARGUMENTS... with the variables in `given`; sets EXIT, OUT and ERR.
run_server() {
  mkdir -p "$scratch/data"
  timeout 20 env -i PATH="$PATH" KV_BIND="$cluster_address" RAFT_DATA_DIR="$scratch/data" "${given[@]}" \
    "$KVSERVER" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  EXIT=$?
  OUT=$(cat "$scratch/out")
  ERR=$(cat "$scratch/err")
}

# wrong WHAT VARIABLE NAME=value...: exit 2, one sentence on stderr that names the variable, nothing on stdout.
wrong() {
  local what=$1 variable=$2
  shift 2
  given=("$@")
  run_server
  expect_equal "$what: exit status (stderr: $ERR)" "$EXIT" 2
  expect_contains "$what: the sentence" "$ERR" "$variable"
  expect_equal "$what: lines on stderr: $ERR" "$(grep -c . <<<"$ERR")" 1
  run_server --check-config
  expect_equal "$what: exit status of --check-config" "$EXIT" 2
}

peers="PEERS=http://127.0.0.1:9082,http://127.0.0.1:9083"
wrong "a port that is no number" KVSTORE_PORT KVSTORE_PORT=http
wrong "a port with something behind it" KVSTORE_PORT KVSTORE_PORT=8081x
wrong "port 0" KVSTORE_PORT KVSTORE_PORT=0
wrong "a port above 65535" KVSTORE_PORT KVSTORE_PORT=65536
wrong "a negative port" KVSTORE_PORT KVSTORE_PORT=-1
wrong "a wrong fallback" PORT PORT=abc
wrong "a wrong Raft port" RAFT_PORT RAFT_PORT=9081.5
wrong "no room for the default Raft port" RAFT_PORT KVSTORE_PORT=65000
wrong "equal ports" RAFT_PORT KVSTORE_PORT=8081 RAFT_PORT=8081
wrong "a threshold of zero" RAFT_SNAPSHOT_THRESHOLD RAFT_SNAPSHOT_THRESHOLD=0
wrong "a threshold that is no number" RAFT_SNAPSHOT_THRESHOLD RAFT_SNAPSHOT_THRESHOLD=many
wrong "a timeout that is no number" KV_REQUEST_TIMEOUT_MS KV_REQUEST_TIMEOUT_MS=3s
wrong "an election timeout of zero" KV_ELECTION_TIMEOUT_MS KV_ELECTION_TIMEOUT_MS=0
wrong "heartbeats slower than elections" KV_HEARTBEAT_MS KV_HEARTBEAT_MS=5000
wrong "an unknown log level" KV_LOG_LEVEL KV_LOG_LEVEL=loud
wrong "an address that is none" KV_BIND KV_BIND=everywhere
wrong "a wildcard without an advertised URL" KV_ADVERTISE KV_BIND=0.0.0.0
wrong "an advertised URL that is none" KV_ADVERTISE KV_ADVERTISE=localhost
wrong "a node id that leaves the folder" NODE_ID NODE_ID=../n1
wrong "a node id with a slash" NODE_ID NODE_ID=a/b
wrong "the parent folder as node id" NODE_ID NODE_ID=..
wrong "an empty node id" NODE_ID NODE_ID=
wrong "a peer that is no URL" PEERS PEERS=n2:9082
wrong "https" PEERS PEERS=https://127.0.0.1:9082
wrong "a peer twice" PEERS PEERS=http://127.0.0.1:9082,http://127.0.0.1:9082/
wrong "an empty peer" PEERS PEERS=http://127.0.0.1:9082,,http://127.0.0.1:9083
wrong "a peer with a path" PEERS PEERS=http://127.0.0.1:9082/raft
wrong "a wrong alias" RAFT_NODES RAFT_NODES=nowhere
wrong "PEERS and RAFT_NODES that differ" RAFT_NODES "$peers" RAFT_NODES=http://127.0.0.1:9082
wrong "too few ids" PEER_IDS "$peers" PEER_IDS=n2
wrong "too many ids" PEER_IDS "$peers" PEER_IDS=n2,n3,n4
wrong "an id twice" PEER_IDS "$peers" PEER_IDS=n2,n2
wrong "the own id for another node" PEER_IDS "$peers" NODE_ID=n1 PEER_IDS=n1,n2

echo "a file" >"$scratch/file"
given=(RAFT_DATA_DIR="$scratch/file")
run_server
expect_equal "a file as data folder: exit status (stderr: $ERR)" "$EXIT" 2
expect_contains "a file as data folder" "$ERR" RAFT_DATA_DIR
if [ "$(id -u)" -ne 0 ]; then
  mkdir -m 555 "$scratch/sealed"
  given=(RAFT_DATA_DIR="$scratch/sealed")
  run_server
  expect_equal "a folder without permission: exit status" "$EXIT" 2
  expect_contains "a folder without permission" "$ERR" RAFT_DATA_DIR
fi

note "- the start banner, and the form of the log: time, level, node, message"
start_cluster 1 KV_CLUSTER=orders
wait_converged
# logged PATTERN: a line comes that is like this from its level to its end; lines are written a moment later than said
is_logged() { grep -qE " $1\$" "$(node_log 1)"; }
logged() { wait_until 10 is_logged "$1" || fail "no line of the log ends like '$1'" && passed; }
state=$(node_dir 1)/raft_state.json
logged "info n1 leader: n1 in term 1"
logged "info n1 kvserver [0-9.]+: node n1, called node-$((cluster_raft_base + 1 - 1000)) by its peers, id $(jq -r .nodeId "$state"), cluster $(jq -r .cluster "$state")"
logged "info n1 clients reach it at $(node_url 1), peers at $(node_raft_url 1); it listens on $cluster_address, ports .*"
logged "info n1 folder $(node_dir 1): empty, a first start \(term 0, index 0\)"
logged "warning n1 KV_BIND is $cluster_address: whoever reaches the Raft port .* owns the cluster, .*"
form='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}[+-][0-9]{2}:[0-9]{2} (debug|info|warning|error) n1 .+$'
expect_equal "lines of another form" "$(grep -cvE "$form" "$(node_log 1)")" 0
write_many 1 banner 1 3
expect_equal "acknowledged writes" "$WRITTEN" 3
last=$(node_status 1 .lastLogIndex)
node_kill 1
: >"$(node_log 1)"
node_start 1
node_wait_up 1
logged "info n1 folder $(node_dir 1): term 1, log from 1 to $last, snapshot up to 0"
node_kill 1
: >"$(node_log 1)"
node_start 1 KV_LOG_LEVEL=warning
node_wait_up 1
wait_leader
logged "warning n1 KV_BIND is .*"
expect_equal "lines below KV_LOG_LEVEL=warning" "$(grep -cE ' (debug|info) n1 ' "$(node_log 1)")" 0
kill_cluster
cluster_environment=()

note "- a port in use, on either side"
start_cluster 1
given=(NODE_ID=other KVSTORE_PORT=$((cluster_kv_base + 1)) RAFT_PORT=7001)
run_server
expect_equal "the client port in use: exit status (stderr: $ERR)" "$EXIT" 2
expect_contains "the client port in use" "$ERR" KVSTORE_PORT
given=(NODE_ID=other PORT=$((cluster_kv_base + 1)) RAFT_PORT=7001)
run_server
expect_equal "the client port in use, given by PORT: exit status (stderr: $ERR)" "$EXIT" 2
expect_equal "the client port in use, given by PORT" "$ERR" \
  "kvserver: PORT: port $((cluster_kv_base + 1)) on $cluster_address is in use."
given=(NODE_ID=other KVSTORE_PORT=7001 RAFT_PORT=$((cluster_raft_base + 1)))
run_server
expect_equal "the Raft port in use: exit status (stderr: $ERR)" "$EXIT" 2
expect_contains "the Raft port in use" "$ERR" RAFT_PORT
node_answers 1 || fail "the server whose ports were wanted no longer answers"

note "- a second process on the same folder"
given=(NODE_ID=n1 KVSTORE_PORT=7001 RAFT_PORT=7002 RAFT_DATA_DIR="$cluster_dir/data")
run_server
expect_equal "the folder in use: exit status (stderr: $ERR)" "$EXIT" 3
expect_contains "the folder in use" "$ERR" "$cluster_dir/data/n1"
kv_put 1 still there
expect_status "the first process" 200

note "- the command line"
given=()
run_server --help
expect_equal "--help: exit status" "$EXIT" 0
for variable in KVSTORE_PORT PORT RAFT_PORT NODE_ID PEERS RAFT_NODES PEER_IDS RAFT_DATA_DIR RAFT_SNAPSHOT_THRESHOLD \
  KV_BIND KV_CLUSTER KV_ADVERTISE KV_REQUEST_TIMEOUT_MS KV_LOG_LEVEL KV_ELECTION_TIMEOUT_MS KV_HEARTBEAT_MS; do
  expect_contains "--help" "$OUT" "$variable"
done
# has_default VARIABLE DEFAULT: it stands in the line below the variable's own
has_default() {
  expect_equal "--help: the default of $1" "$(awk -v name="$1" '$1 == name { getline; print }' <<<"$OUT" | sed 's/^ *//')" \
    "default: $2"
}
has_default KVSTORE_PORT "PORT, else 8080"
has_default RAFT_PORT "KVSTORE_PORT + 1000"
has_default NODE_ID "node-<KVSTORE_PORT>"
has_default RAFT_DATA_DIR ./data
has_default RAFT_SNAPSHOT_THRESHOLD 50
has_default KV_BIND 127.0.0.1
has_default KV_ADVERTISE "http://localhost:<KVSTORE_PORT>"
has_default KV_REQUEST_TIMEOUT_MS 3000
has_default KV_LOG_LEVEL info
has_default KV_ELECTION_TIMEOUT_MS 1000
has_default KV_HEARTBEAT_MS 100
run_server --version
expect_equal "--version: exit status" "$EXIT" 0
[[ "$OUT" =~ [0-9]+\.[0-9]+\.[0-9]+ ]] || fail "--version prints no version: $OUT"
given=(RAFT_DATA_DIR="$scratch/untouched" KVSTORE_PORT=$((cluster_kv_base + 1)))
run_server --nonsense
expect_equal "an unknown option: exit status" "$EXIT" 2
expect_contains "an unknown option" "$ERR" "unrecognized option"
run_server serve
expect_equal "an unexpected argument: exit status" "$EXIT" 2
expect_contains "an unexpected argument" "$ERR" "unexpected argument 'serve'"
run_server --check-config
expect_equal "--check-config of a right one: exit status (stderr: $ERR)" "$EXIT" 0
expect_contains "--check-config" "$OUT" "$scratch/untouched/node-$((cluster_kv_base + 1))"
[ ! -e "$scratch/untouched" ] || fail "--check-config made the data folder"
expect_contains "--check-config: the warnings" "$OUT" "warning   KV_ADVERTISE is not set"
given+=(KV_ADVERTISE="http://$cluster_address:7001")
run_server --check-config
[[ "$OUT" != *KV_ADVERTISE* ]] || fail "--check-config warns of what was said: $OUT"
given=()
run_server --no-such-option
expect_equal "an unknown option: exit status" "$EXIT" 2
end_test
