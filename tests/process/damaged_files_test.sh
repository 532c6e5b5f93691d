#!/usr/bin/env bash
# Damaged or missing files are refused with exit 3 and named; a torn tail is cut. Never a silent empty start.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test damaged-files
start_cluster 1 RAFT_SNAPSHOT_THRESHOLD=20

# 20 entries and more bring a snapshot; some more lie in the log behind it.
write_many 1 a 1 30
expect_equal "acknowledged writes" "$WRITTEN" 30
took_snapshot() { [ "$(node_status 1 .logBaseIndex)" -ge 20 ]; }
wait_until 10 took_snapshot || fail "no snapshot was taken"
write_many 1 b 1 8
last=$(node_status 1 .lastLogIndex)
node_kill 1
cp -a "$(node_dir 1)" "$scratch/whole"
dir=$(node_dir 1)
for file in raft_state.json snapshot.json raft_log.jsonl; do
  [ -s "$dir/$file" ] || fail "there is no $file"
done
jq -e . "$dir/raft_state.json" >/dev/null || fail "raft_state.json is not JSON"
jq -e . "$dir/snapshot.json" >/dev/null || fail "snapshot.json is not JSON"
[ "$(wc -l <"$dir/raft_log.jsonl")" -ge 3 ] || fail "the log is too short for this test"

restore() {
  rm -rf "$dir"
  cp -a "$scratch/whole" "$dir"
}

# refused WHAT FILE COMMAND...: after the command changed the files
refused() {
  local what=$1 file=$2
  shift 2
  restore
  "$@"
  : >"$(node_log 1)"
  node_start 1
  node_wait_exit 1 20 || fail "$what: the server runs"
  expect_equal "$what: exit status ($(tail -n 1 "$(node_log 1)"))" "$NODE_EXIT" 3
  expect_contains "$what: the sentence" "$(cat "$(node_log 1)")" "$file"
  # It is still the same, and refused again: nothing was repaired or thrown away on the way.
  node_start 1
  node_wait_exit 1 20 || fail "$what: the server runs at the second try"
  expect_equal "$what: exit status at the second try" "$NODE_EXIT" 3
}

# starts WHAT COMMAND...
starts() {
  local what=$1
  shift
  restore
  "$@"
  node_start 1
  node_wait_up 1
  wait_leader
  passed
}

# flip FILE OFFSET: changes one byte, from the end when negative
flip() {
  local size byte offset=$2
  size=$(stat -c %s "$1")
  [ "$offset" -ge 0 ] || offset=$((size + offset))
  byte=$(tail -c +$((offset + 1)) "$1" | head -c 1 | od -An -tu1)
  # shellcheck disable=SC2059  # the format is the byte
  printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$offset" conv=notrunc status=none
}
cut_to() { truncate -s "$2" "$1"; }
half() { truncate -s $(($(stat -c %s "$1") / 2)) "$1"; }
replace_word() { sed -i "s/$2/$3/" "$1"; }

starts "whole files" true
! grep -q 'cut at byte' "$(node_log 1)" || fail "a warning of a torn tail where there is none"
node_has 1 a1 value-1 || fail "a write that the snapshot covers is lost"
node_has 1 b8 value-8 || fail "the last write is lost"
expect_equal "the end of the log" "$(($(node_status 1 .lastLogIndex) >= last))" 1
node_kill 1

refused "raft_state.json missing" raft_state.json rm "$dir/raft_state.json"
refused "raft_state.json empty" raft_state.json cut_to "$dir/raft_state.json" 0
refused "raft_state.json cut in half" raft_state.json half "$dir/raft_state.json"
refused "raft_state.json with another number" raft_state.json replace_word "$dir/raft_state.json" \
  '"currentTerm": *[0-9]*' '"currentTerm":77'
refused "raft_state.json with a flipped bit" raft_state.json flip "$dir/raft_state.json" 5
refused "snapshot.json missing" snapshot.json rm "$dir/snapshot.json"
refused "snapshot.json empty" snapshot.json cut_to "$dir/snapshot.json" 0
refused "snapshot.json cut in half" snapshot.json half "$dir/snapshot.json"
refused "snapshot.json with another value" snapshot.json replace_word "$dir/snapshot.json" value-1 value-9
refused "raft_log.jsonl missing" raft_log.jsonl rm "$dir/raft_log.jsonl"
refused "raft_log.jsonl with a flipped bit in its first line" raft_log.jsonl flip "$dir/raft_log.jsonl" 20
refused "raft_log.jsonl without its first entries" raft_log.jsonl sed -i '1,3d' "$dir/raft_log.jsonl"
refused "raft_log.jsonl without a line in the middle" raft_log.jsonl \
  sed -i "$(($(wc -l <"$scratch/whole/raft_log.jsonl") - 3))d" "$dir/raft_log.jsonl"
flip_middle() { flip "$1" $((-1 - $(tail -n 3 "$1" | wc -c) - 5)); }
refused "raft_log.jsonl with a flipped bit in the middle" raft_log.jsonl flip_middle "$dir/raft_log.jsonl"

starts "a torn last line" flip "$dir/raft_log.jsonl" -10
expect_contains "the warning of a torn tail" "$(grep ' warning ' "$(node_log 1)")" "raft_log.jsonl: cut at byte "
node_has 1 b7 value-7 || fail "more than the torn batch is lost"
kv_put 1 after tear
expect_status "a write after the repair" 200
node_kill 1
node_start 1
node_wait_up 1
wait_leader
node_has 1 after tear || fail "the write after the repair is lost"
node_kill 1

starts "a last line cut short" cut_to "$dir/raft_log.jsonl" $(($(stat -c %s "$scratch/whole/raft_log.jsonl") - 4))
node_has 1 b7 value-7 || fail "more than the torn batch is lost"
node_kill 1

starts "left-over temporary files" touch "$dir/snapshot.json.tmp" "$dir/raft_state.json.tmp"
node_has 1 b8 value-8 || fail "a write is lost"
node_kill 1

note "- another membership than the stored one"
restore
stored=$(jq -r .node "$dir/raft_state.json")
: >"$(node_log 1)"
node_start 1 PEERS="http://$cluster_address:9082,http://$cluster_address:9083" PEER_IDS=n2,n3
node_wait_exit 1 20 || fail "the server runs with other members than the stored ones"
expect_equal "other members: exit status" "$NODE_EXIT" 3
expect_contains "other members: whose data these are" "$(cat "$(node_log 1)")" \
  "raft_state.json belongs to another node ($stored), this one is n1."
end_test
