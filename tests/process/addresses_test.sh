#!/usr/bin/env bash
# Names, ports and addresses: hints are right with any ports, new URLs are taken, and the plain seed variables work.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test addresses

hints_lead_to_leader() { # what
  local i
  for i in $(followers); do
    kv_put "$i" hint me
    expect_status "$1: a write to n$i" 409
    expect_equal "$1: leaderId of n$i" "$(field leaderId)" "$(node_name "$LEADER")"
    expect_equal "$1: leader of n$i" "$(field leader)" "$(node_url "$LEADER")"
    http PUT "$(field leader)/set" "{\"key\":\"by\",\"value\":\"n$i\"}"
    expect_status "$1: a write to the hinted node" 200
    http GET "$(node_url "$i")/get?key=by&consistency=linearizable"
    expect_status "$1: a linearizable read from n$i" 409
    expect_equal "$1: leader of n$i, to a read" "$(field leader)" "$(node_url "$LEADER")"
  done
}

# A follower learns the leader's client URL from what the leader sends.
know_leaders_address() {
  local i
  for i in 1 2 3; do
    http GET "$(node_url "$i")/health"
    [ "$(field leader)" = "$(node_url "$LEADER")" ] || return 1
  done
}

note "- ports without the default offset"
cluster_raft_base=7300
start_cluster 3
wait_until 10 know_leaders_address || fail "the followers do not know the leader's client URL"
hints_lead_to_leader "other ports"
write_acknowledged before moving
wait_converged
for i in 1 2 3; do
  node_kill "$i"
done

note "- all nodes move to new ports"
cluster_kv_base=6100
cluster_raft_base=6200
for i in 1 2 3; do
  node_start "$i"
done
for i in 1 2 3; do
  node_wait_up "$i"
done
wait_leader
wait_until 10 know_leaders_address || fail "the followers do not know the leader's new client URL"
all_have before moving || fail "a write from before the move is lost"
hints_lead_to_leader "new ports"
for i in 1 2 3; do
  peer=$((i % 3 + 1))
  expect_equal "the address of n$peer in the status of n$i" \
    "$(node_status "$i" ".peers[] | select(.id == \"n$peer\") | .raftUrl")" "$(node_raft_url "$peer")"
done

note "- another member list than the stored one"
down=$(followers | head -n 1)
node_kill "$down"
node_start "$down" "PEERS=$(node_raft_url 7),$(node_raft_url 8)" PEER_IDS=n7,n8
node_wait_exit "$down" 20 || fail "the server runs with other members than the stored ones"
expect_equal "other members: exit status" "$NODE_EXIT" 3
expect_contains "other members: both lists by their names" "$(tail -n 1 "$(node_log "$down")" | sed 's/ (http[^)]*)//g')" \
  "has the members n1, n2, n3, but PEERS and PEER_IDS say n$down, n7, n8: "
kill_cluster

note "- the seed's variables (and where to listen), with PEERS that list all nodes, the own one too"
cluster_kv_base=8080
cluster_raft_base=9080
new_cluster 3
all=
for i in 1 2 3; do
  all+=${all:+,}$(node_raft_url "$i")/
done
for i in 1 2 3; do
  node_start "$i" "PEERS=$all" PEER_IDS= RAFT_PORT=
done
for i in 1 2 3; do
  node_wait_up "$i"
done
wait_leader
wait_until 10 know_leaders_address || fail "the followers do not know the leader's client URL"
hints_lead_to_leader "the seed's variables"
expect_equal "names in the status" "$(node_status 1 '[.peers[].id] | sort | join(" ")')" "n2 n3"
[ -d "$(node_dir 2)" ] || fail "the folder is not named after NODE_ID"
end_test
