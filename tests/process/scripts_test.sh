#!/usr/bin/env bash
# The scripts that users call: run-cluster, run-node, watch-leader, demo, kill-leader-test, and the matrix's listing.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test scripts
export KVSERVER
scripts=$project_root/scripts
cluster_size=3
choose_address
cluster_dir=$scratch/local
here=(--bind "$cluster_address" --dir "$cluster_dir")
cd / || exit 1 # they work in any folder

end_local_cluster() { bash "$scripts/run-cluster.sh" "${here[@]}" --stop >/dev/null; }
on_exit end_local_cluster

note "- run-cluster.sh --detach"
output=$(bash "$scripts/run-cluster.sh" "${here[@]}" --detach 2>&1) || fail "run-cluster.sh --detach: $output"
expect_contains "the table" "$output" "n3    $(node_url 3)"
expect_contains "what to try" "$output" "curl -X PUT"
expect_equal "curl lines" "$(grep -c '^  curl' <<<"$output")" 3
expect_contains "how to stop it" "$output" "run-cluster.sh --stop --bind $cluster_address --dir $cluster_dir"
first=$(grep '^  curl -X PUT' <<<"$output")
expect_contains "the first line to try" "$(eval "$first" 2>/dev/null)" '"message":"stored"'
for i in 1 2 3; do
  node_answers "$i" || fail "n$i does not answer after --detach"
  passed
done
output=$(bash "$scripts/run-cluster.sh" "${here[@]}" --detach 2>&1) && fail "a second start of the same cluster: $output"
expect_contains "a second start" "$output" "already runs"
output=$(bash "$scripts/run-cluster.sh" --bind "$cluster_address" --dir "$scratch/second" --detach 2>&1) &&
  fail "a start on taken ports: $output"
expect_contains "a start on taken ports" "$output" "is taken"

note "- watch-leader.sh"
output=$(bash "$scripts/watch-leader.sh" --once "$(node_url 1)" "$(node_url 2)" "$(node_url 3)") ||
  fail "watch-leader.sh --once: $output"
expect_contains "watch-leader.sh" "$output" "leads in term"

note "- run-cluster.sh --stop, and run-node.sh for one node"
bash "$scripts/run-cluster.sh" "${here[@]}" --stop >/dev/null || fail "run-cluster.sh --stop"
for i in 1 2 3; do
  ! node_answers "$i" || fail "n$i answers after --stop"
  passed
done
bash "$scripts/run-node.sh" 2 "${here[@]}" >/dev/null 2>&1 &
wait_until 20 node_answers 2 || fail "run-node.sh did not bring n2 up"
output=$(node_status 2 .nodeId)
expect_equal "the node of run-node.sh" "$output" n2
output=$(bash "$scripts/run-node.sh" 2 "${here[@]}" 2>&1)
expect_equal "run-node.sh for a node that runs: exit status" "$?" 2
expect_contains "run-node.sh for a node that runs" "$output" "n2 already runs"
bash "$scripts/run-cluster.sh" "${here[@]}" --stop >/dev/null || fail "run-cluster.sh --stop of a single node"
! node_answers 2 || fail "n2 answers after --stop"
wait

note "- a node that was killed is gone, also while its parent has not taken leave of it"
# A shell that becomes another program waits for none of its children.
bash -c 'sleep 60 & echo $! >"$1"; exec sleep 60' _ "$scratch/child" &
parent=$!
wait_until 10 test -s "$scratch/child" || fail "no child was started"
child=$(<"$scratch/child")
echo "n2 $child $(ps -o lstart= -p "$child" | tr -s ' ' _)" >"$cluster_dir/pids"
output=$(bash "$scripts/run-node.sh" 2 "${here[@]}" 2>&1)
expect_contains "run-node.sh while a node of that id lives" "$output" "n2 already runs"
kill -KILL "$child"
is_unreaped() { [[ "$(ps -o stat= -p "$child")" == Z* ]]; }
wait_until 10 is_unreaped || fail "the killed child has not stayed"
bash "$scripts/run-node.sh" 2 "${here[@]}" >/dev/null 2>&1 &
wait_until 20 node_answers 2 || fail "run-node.sh did not start a node that was killed"
bash "$scripts/run-cluster.sh" "${here[@]}" --stop >/dev/null || fail "run-cluster.sh --stop"
kill -KILL "$parent"
wait

note "- data stays, until --fresh"
output=$(bash "$scripts/run-cluster.sh" "${here[@]}" --detach 2>&1) || fail "the second run: $output"
for i in 1 2 3; do
  node_pids[i]=0
  node_paused[i]=0
done
http GET "$(node_url 1)/get?key=name"
value_is_back() { http GET "$(node_url 1)/get?key=name" && [ "$HTTP_STATUS" = 200 ]; }
wait_until 10 value_is_back || fail "the first run's data is gone: $HTTP_STATUS $HTTP_BODY"
end_local_cluster
output=$(bash "$scripts/run-cluster.sh" "${here[@]}" --fresh --detach 2>&1) || fail "--fresh: $output"
http GET "$(node_url 1)/get?key=name"
expect_status "a key of an earlier run after --fresh" 404
end_local_cluster

note "- another size needs other data"
output=$(bash "$scripts/run-cluster.sh" "${here[@]}" --nodes 1 --detach 2>&1) && fail "one node with the data of three: $output"
expect_contains "one node with the data of three" "$output" "n1 ended at its start"
expect_contains "the way out of it" "$output" "--fresh forgets those data"
output=$(bash "$scripts/run-cluster.sh" "${here[@]}" --nodes 5 --detach 2>&1) && fail "five nodes with the data of three: $output"
expect_contains "the way out for five" "$output" "--fresh forgets those data"

note "- Ctrl-C ends a cluster that was not detached"
bash "$scripts/run-cluster.sh" "${here[@]}" --fresh --nodes 1 >"$scratch/foreground" 2>&1 &
foreground=$!
is_handed_over() { grep -q 'Ctrl-C' "$scratch/foreground"; }
wait_until 30 is_handed_over || fail "run-cluster.sh: $(cat "$scratch/foreground")"
kill -TERM "$foreground" # a background process of a script ignores SIGINT
wait "$foreground"
! node_answers 1 || fail "n1 answers after its script ended"
passed

note "- demo.sh and kill-leader-test.sh"
output=$(bash "$scripts/demo.sh" 2>&1) || fail "demo.sh: $output"
expect_equal "the last line of the demo" "$(tail -n 1 <<<"$output")" "PASS: demo"
output=$(bash "$scripts/kill-leader-test.sh" --rounds 2 2>&1) || fail "kill-leader-test.sh: $output"
expect_contains "kill-leader-test.sh" "$(tail -n 1 <<<"$output")" "PASS: 2 leaders killed"

note "- a chaos run that would show nothing"
for option in --rounds --writers; do
  output=$(bash "$scripts/chaos.sh" "$option" 0 2>&1)
  expect_equal "chaos.sh $option 0: exit status" "$?" 2
  expect_contains "chaos.sh $option 0" "$output" "$option takes at least 1"
done

note "- an old bash is named"
for version in "5 1" "5 2" "6 0"; do
  (need_bash "${version% *}" "${version#* }") || fail "bash $version is refused"
done
for version in "3 2" "4 4" "5 0"; do
  output=$( (need_bash "${version% *}" "${version#* }") 2>&1)
  expect_equal "bash $version: exit status" "$?" 2
  expect_contains "bash $version" "$output" "needs bash 5.1 or newer, and this is bash ${version/ /.}"
done

note "- every script explains itself"
for script in setup run-cluster run-node watch-leader demo kill-leader-test validate chaos fuzz measure mutants test; do
  output=$(bash "$scripts/$script.sh" --help 2>&1) || fail "$script.sh --help: $output"
  expect_contains "$script.sh --help" "$output" "Usage: scripts/$script.sh"
  ! grep -q '^shellcheck\|^#' <<<"$output" || fail "$script.sh --help shows what is not for users: $output"
  output=$(bash "$scripts/$script.sh" --no-such-option 2>&1)
  expect_equal "$script.sh with an unknown option: exit status" "$?" 2
done
end_test
