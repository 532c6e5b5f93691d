#!/usr/bin/env bash
# The Raft port refuses what is not of its cluster or not for it, and nothing that it refuses changes anything.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test raft-port
start_cluster 3
write_acknowledged before refusals
wait_converged
follower=$(followers | head -n 1)
raft=$(node_raft_url "$follower")

place() { node_status "$follower" '"\(.term) \(.votedFor) \(.lastLogIndex) \(.commitIndex) \(.snapshotIndex)"'; }
start=$(place)

# refused WHAT METHOD PATH BODY [CURL-OPTION...]: by any 4xx
refused() {
  local what=$1 method=$2 path=$3
  shift 3
  http "$method" "$raft$path" "$@"
  [[ "$HTTP_STATUS" == 4?? ]] || fail "$what: answered $HTTP_STATUS $HTTP_BODY"
  passed
}

for path in /raft/appendentries /raft/requestvote /raft/installsnapshot /raft/timeoutnow; do
  refused "no body for $path" POST "$path" ''
  refused "no JSON for $path" POST "$path" 'luffy'
  refused "an empty object for $path" POST "$path" '{}'
  refused "an array for $path" POST "$path" '[]'
  refused "a term from nowhere for $path" POST "$path" '{"term":999999,"from":"n9","to":"n1"}'
  refused "a chunked body for $path" POST "$path" '{}' -H 'Transfer-Encoding: chunked'
  refused "GET $path" GET "$path" ''
done
for path in / /raft /raft/ /raft/status/x /raft/unknown /health /set; do
  refused "the path $path" GET "$path" ''
done
expect_equal "what all these refusals changed" "$(place)" "$start"

note "- the AppendEntries of docs/formats.md, right in all but what makes it somebody else's"
example=$(sed -n '/^    {"version":1,"cluster"/,/^$/p' "$project_root/docs/formats.md")
cluster=$(jq -r .cluster "$(node_dir "$follower")/raft_state.json")
# message JQ-FILTER: the example, made to come from the leader to the follower in a term that would be followed.
message() {
  jq -c --arg cluster "$cluster" --arg from "$(node_name "$LEADER")" --arg to "$(node_name "$follower")" \
    ".cluster = \$cluster | .from = \$from | .leaderId = \$from | .to = \$to | .term = 999999 | $1" <<<"$example"
}
# refused_with WHAT STATUS ERROR JQ-FILTER
refused_with() {
  http POST "$raft/raft/appendentries" "$(message "$4")"
  expect_error "$1" "$2"
  expect_equal "$1" "$(field error)" "$3"
}
refused_with "another cluster's message" 403 wrong_cluster '.cluster = "0000000000000abc"'
refused_with "another group's message" 403 wrong_cluster '.group = 1'
refused_with "another node's message" 421 wrong_receiver '.to = "node-8082"'
refused_with "a message for this node before its disk was wiped" 421 wrong_receiver '.toIncarnation = "00000000000000fe"'
expect_equal "what these refusals changed" "$(place)" "$start"
http POST "$raft/raft/appendentries" "$(message '.term = 0 | .prevLogIndex = 0 | .prevLogTerm = 0 | .entries = []')"
expect_status "the message of a leader of long ago" 200
expect_equal "its answer" "$(jq -c '[.success, .term]' <<<"$HTTP_BODY")" "[false,$LEADER_TERM]"
expect_equal "what it changed" "$(place)" "$start"

# The same members under another cluster's name: they refuse this node, and it can't disturb them.
foreign_id=$((follower))
node_kill "$foreign_id"
rm -rf "$(node_dir "$foreign_id")"
term=$LEADER_TERM
node_start "$foreign_id" KV_CLUSTER=another KV_ELECTION_TIMEOUT_MS=300 KV_HEARTBEAT_MS=50
node_wait_up "$foreign_id"
undisturbed() {
  [ "$(node_status "$LEADER" '"\(.state) \(.term)"')" = "leader $term" ] &&
    [ "$(node_status "$foreign_id" .commitIndex)" = 0 ]
}
holds_during 4 undisturbed || fail "a node of another cluster disturbed this one"
passed
kv_put "$LEADER" after strangers
expect_status "a write afterwards" 200
end_test
