# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # variables are shared; the stages are called by name
# The stages of the validation matrix. Each begins with a cluster of its own. To be sourced by validate.sh.

all_stages=(A1 A2 B1 B2 C1 C2 D1 E1 F1 F2 G1 H1 P1 P2 P3 S1)

pass() { note "PASS [$1] $2"; }

same_leader_as() { has_agreed_leader && [ "$LEADER $LEADER_TERM" = "$1" ]; }

stage_A1() {
  start_cluster 3
  local first="$LEADER $LEADER_TERM"
  holds_during 4 same_leader_as "$first" || fail "the leader or its term changed while nothing was disturbed"
  pass A1 "one stable leader: $(node_name "$LEADER") in term $LEADER_TERM"
}

stage_A2() {
  start_cluster 3
  local i
  for i in 1 2 3; do
    http GET "$(node_url "$i")/health"
    [ "$HTTP_STATUS" = 200 ] || fail "/health of n$i: $HTTP_STATUS $HTTP_BODY"
    [ "$(field leaderId)" = "$(node_name "$LEADER")" ] || fail "n$i names '$(field leaderId)' as its leader"
    [ "$(field leader)" = "$(node_url "$LEADER")" ] || fail "n$i gives '$(field leader)' as the leader's address"
    [ "$(field term)" = "$LEADER_TERM" ] || fail "n$i is in term $(field term), not $LEADER_TERM"
  done
  pass A2 "all three nodes name $(node_name "$LEADER") in term $LEADER_TERM"
}

stage_B1() {
  start_cluster 3
  local i wanted
  wanted=$(jq -cnS --arg id "$(node_name "$LEADER")" --arg url "$(node_url "$LEADER")" \
    '{ok: false, error: "not_leader", message: "not leader", leaderId: $id, leader: $url}')
  for i in $(followers); do
    kv_put "$i" refused yes
    [ "$HTTP_STATUS" = 409 ] || fail "follower n$i answered $HTTP_STATUS to a write: $HTTP_BODY"
    [ "$(jq -cS . <<<"$HTTP_BODY")" = "$wanted" ] || fail "follower n$i answered $HTTP_BODY, not $wanted"
    kv_delete "$i" refused
    [ "$HTTP_STATUS" = 409 ] || fail "follower n$i answered $HTTP_STATUS to a delete: $HTTP_BODY"
  done
  write_acknowledged after refusal
  wait_converged
  all_lack refused || fail "a refused write is there"
  pass B1 "followers refuse writes with 409 not_leader, and change nothing"
}

stage_B2() {
  start_cluster 3
  local i hint
  for i in $(followers); do
    kv_put "$i" hinted "by-n$i"
    hint=$(field leader)
    http PUT "$hint/set" "{\"key\":\"hinted\",\"value\":\"by-n$i\"}"
    [ "$HTTP_STATUS" = 200 ] || fail "the hint of n$i, '$hint', answered $HTTP_STATUS: $HTTP_BODY"
    [ "$(jq -cS . <<<"$HTTP_BODY")" = '{"key":"hinted","message":"stored","ok":true}' ] ||
      fail "the leader answered $HTTP_BODY"
  done
  pass B2 "the hint of each follower leads to the leader"
}

# One follower is paused, then both: an answer comes with the first, and none without a majority.
stage_C1() {
  start_cluster 3
  local pair index held
  mapfile -t pair < <(followers)
  node_pause "${pair[0]}"
  kv_put "$LEADER" majority yes
  [ "$HTTP_STATUS" = 200 ] || fail "with one of two followers paused a write was answered $HTTP_STATUS: $HTTP_BODY"
  index=$(header X-Raft-Index)
  [ -n "$index" ] || fail "the answer carries no X-Raft-Index"
  held=$(node_status "${pair[1]}" .lastLogIndex)
  [ "$held" -ge "$index" ] || fail "acknowledged at index $index while the only awake follower ends at $held"
  node_pause "${pair[1]}"
  HTTP_TIMEOUT=10 kv_put "$LEADER" minority no
  [ "$HTTP_STATUS" != 200 ] || fail "a write was acknowledged while both followers were paused"
  pass C1 "acknowledged with a majority (index $index), not without one ($HTTP_STATUS)"
}

stage_C2() {
  start_cluster 3
  local n
  write_many "$LEADER" c 1 20
  [ "$WRITTEN" -eq 20 ] || fail "only $WRITTEN of 20 writes were acknowledged"
  wait_converged
  for n in 1 7 20; do
    all_have "c$n" "value-$n" || fail "not all nodes have c$n after they converged"
  done
  pass C2 "all nodes converge to index $(node_status "$LEADER" .lastApplied)"
}

stage_D1() {
  start_cluster 3
  write_acknowledged doomed soon
  wait_converged
  all_have doomed soon || fail "the key is not on all nodes"
  kv_delete "$LEADER" doomed
  [ "$HTTP_STATUS" = 200 ] || fail "the delete was answered $HTTP_STATUS: $HTTP_BODY"
  [ "$(jq -cS . <<<"$HTTP_BODY")" = '{"key":"doomed","message":"deleted","ok":true}' ] ||
    fail "the delete was answered $HTTP_BODY"
  wait_converged
  all_lack doomed || fail "the deleted key is still there on a node"
  kv_delete "$LEADER" doomed
  [ "$HTTP_STATUS" = 200 ] || fail "deleting an absent key was answered $HTTP_STATUS: $HTTP_BODY"
  pass D1 "a delete reaches all nodes"
}

# leave_uncommitted_suffix KEY COUNT: writes that only the leader has, made sure of, and then everything crashes.
# The followers are paused so that they take nothing; afterwards they are killed as well, since what waits in their
# sockets would reach them when they go on, and would rightly be committed. Sets CRASHED, SUFFIX_INDEX, SUFFIX_TERM
# and COMMITTED_INDEX.
leave_uncommitted_suffix() {
  local key=$1 count=$2 i before writes=$scratch/suffix
  write_acknowledged committed before
  wait_converged
  compose_writes "$LEADER" "$key" 1 "$count" >"$writes"
  before=$(node_status "$LEADER" .lastLogIndex)
  COMMITTED_INDEX=$before
  for i in $(followers); do
    node_pause "$i"
  done
  # All at once: a leader without its followers takes writes for an election timeout only.
  curl -s --parallel --parallel-immediate -K "$writes" >/dev/null 2>&1 &
  suffix_is_there() { [ "$(node_status "$LEADER" .lastLogIndex)" = $((before + count)) ]; }
  wait_until 5 suffix_is_there || fail "the leader did not append $count entries after index $before"
  SUFFIX_INDEX=$((before + count))
  SUFFIX_TERM=$(node_status "$LEADER" .lastLogTerm)
  [ "$(node_status "$LEADER" .commitIndex)" -le "$before" ] || fail "entries without a majority were committed"
  CRASHED=$LEADER
  node_kill "$CRASHED"
  for i in $(followers); do
    node_kill "$i"
  done
  wait # for the writes, whose connections are gone
}

# restart_majority: the two nodes that never had the suffix elect a leader and commit entries in its place.
restart_majority() {
  local i
  for i in $(followers); do
    node_start "$i"
  done
  for i in $(followers); do
    node_wait_up "$i"
  done
}

# restart_crashed_alone: the crashed leader comes back while nobody can talk to it.
restart_crashed_alone() {
  local i
  for i in 1 2 3; do
    [ "$i" -eq "$CRASHED" ] || node_pause "$i"
  done
  node_start "$CRASHED"
  node_wait_up "$CRASHED"
  [ "$(node_status "$CRASHED" '"\(.lastLogIndex) \(.lastLogTerm)"')" = "$SUFFIX_INDEX $SUFFIX_TERM" ] ||
    fail "after its restart n$CRASHED ends at $(node_status "$CRASHED" '"index \(.lastLogIndex), term \(.lastLogTerm)"')," \
      "not at the suffix's index $SUFFIX_INDEX, term $SUFFIX_TERM"
}

resume_all() {
  local i
  for i in 1 2 3; do
    node_resume "$i"
  done
}

stage_E1() {
  start_cluster 3
  local n term
  leave_uncommitted_suffix divergent 3
  restart_majority
  wait_leader
  [ "$LEADER_TERM" -gt "$SUFFIX_TERM" ] || fail "the new leader is in term $LEADER_TERM, not above $SUFFIX_TERM"
  for n in 1 2 3 4; do
    write_acknowledged "replacement$n" kept
  done
  restart_crashed_alone
  resume_all
  wait_converged
  for n in 1 2 3; do
    all_lack "divergent$n" || fail "a write of the divergent suffix became visible"
  done
  for n in 1 2 3 4; do
    all_have "replacement$n" kept || fail "an acknowledged write is missing"
  done
  term=$(node_status "$CRASHED" .lastLogTerm)
  [ "$term" -gt "$SUFFIX_TERM" ] || fail "n$CRASHED still ends in the old term $SUFFIX_TERM"
  [ "$(node_status "$CRASHED" .commitIndex)" -ge "$SUFFIX_INDEX" ] || fail "the suffix's indexes are not committed"
  pass E1 "the suffix up to index $SUFFIX_INDEX of term $SUFFIX_TERM was there, and gave way to term $term"
}

stage_F1() {
  start_cluster 3
  local down
  down=$(followers | head -n 1)
  node_kill "$down"
  write_many "$LEADER" f 1 20
  [ "$WRITTEN" -eq 20 ] || fail "only $WRITTEN of 20 writes were acknowledged with one follower down"
  wait_converged
  all_have f20 value-20 || fail "the two nodes left do not both have the last write"
  pass F1 "20 of 20 writes acknowledged with one follower down"
}

stage_F2() {
  start_cluster 3
  local down
  down=$(followers | head -n 1)
  node_kill "$down"
  write_many "$LEADER" f 1 20
  node_start "$down"
  node_wait_up "$down"
  wait_converged
  node_has "$down" f1 value-1 || fail "n$down lacks the first write that it missed"
  node_has "$down" f20 value-20 || fail "n$down lacks the last write that it missed"
  pass F2 "the follower caught up with $WRITTEN missed writes"
}

# refuses_without_leader I: a write is answered 409, and nobody is named as the leader; a 200 fails at once.
refuses_without_leader() {
  HTTP_TIMEOUT=10 kv_put "$1" alone2 no
  [ "$HTTP_STATUS" != 200 ] || fail "a write was acknowledged without a majority"
  [ "$HTTP_STATUS" = 409 ] || return 1
  jq -e '.error == "not_leader" and .leaderId == "" and .leader == ""' >/dev/null 2>&1 <<<"$HTTP_BODY"
}

stage_G1() {
  start_cluster 3
  local i n answers
  write_many "$LEADER" g 1 10
  [ "$WRITTEN" -eq 10 ] || fail "only $WRITTEN of 10 writes were acknowledged by a whole cluster"
  for i in $(followers); do
    node_kill "$i"
  done
  # The leader takes the first write, for it still leads, and can't say what becomes of it. Then it notices.
  HTTP_TIMEOUT=10 kv_put "$LEADER" alone1 no
  [ "$HTTP_STATUS $(field error)" = '503 timeout' ] ||
    fail "the first write without a majority was answered $HTTP_STATUS $HTTP_BODY, not 503 timeout"
  answers="$HTTP_STATUS $(field error)"
  wait_until 15 refuses_without_leader "$LEADER" ||
    fail "the cut-off leader does not step down; its last answer was $HTTP_STATUS $HTTP_BODY"
  answers+=", then $HTTP_STATUS $(field error)"
  for i in $(followers); do
    node_start "$i"
  done
  for i in 1 2 3; do
    node_wait_up "$i"
  done
  write_acknowledged healed yes
  wait_converged
  for n in 1 2 3 4 5 6 7 8 9 10; do
    all_have "g$n" "value-$n" || fail "g$n was acknowledged and is missing after healing"
  done
  all_have healed yes || fail "the write after healing is not on all nodes"
  pass G1 "without a majority the answers were $answers; nothing acknowledged is missing after healing"
}

stage_H1() {
  start_cluster 3
  local old=$LEADER n
  write_many "$LEADER" h 1 30
  [ "$WRITTEN" -eq 30 ] || fail "only $WRITTEN of 30 writes were acknowledged"
  node_kill "$old"
  wait_leader
  [ "$LEADER" -ne "$old" ] || fail "the killed node is still taken for the leader"
  write_acknowledged after failover
  wait_converged
  for ((n = 1; n <= 30; n++)); do
    node_has "$LEADER" "h$n" "value-$n" || fail "h$n was acknowledged before the crash and is lost"
  done
  pass H1 "$(node_name "$LEADER") took over from $(node_name "$old") in term $LEADER_TERM; all 30 writes are there"
}

stage_P1() {
  start_cluster 3
  local down term
  down=$(followers | tail -n 1)
  write_many "$LEADER" before 1 10
  wait_converged
  term=$(node_status "$down" .term)
  node_kill "$down"
  write_many "$LEADER" during 1 10
  [ "$WRITTEN" -eq 10 ] || fail "only $WRITTEN of 10 writes were acknowledged with one follower down"
  node_start "$down"
  node_wait_up "$down"
  [ "$(node_status "$down" .term)" -ge "$term" ] || fail "n$down forgot its term"
  wait_converged
  node_has "$down" before10 value-10 || fail "n$down lost what it had"
  node_has "$down" during10 value-10 || fail "n$down did not get what it missed"
  pass P1 "the follower has what it had, and what it missed"
}

stage_P2() {
  start_cluster 3
  local old=$LEADER term=$LEADER_TERM
  write_many "$LEADER" first 1 10
  node_kill "$old"
  wait_leader
  [ "$LEADER_TERM" -gt "$term" ] || fail "the new leader's term $LEADER_TERM is not above $term"
  write_many "$LEADER" second 1 10
  [ "$WRITTEN" -eq 10 ] || fail "only $WRITTEN of 10 writes were acknowledged by the new leader"
  node_start "$old"
  node_wait_up "$old"
  wait_converged
  all_have first10 value-10 || fail "a write of the old leader is lost"
  all_have second10 value-10 || fail "the old leader did not get what it missed"
  write_acknowledged third yes
  wait_converged
  all_have third yes || fail "the cluster does not work on after the old leader came back"
  pass P2 "the crashed leader came back, and all nodes are equal"
}

stage_P3() {
  start_cluster 3
  leave_uncommitted_suffix phantom 1
  # Alone, with the uncommitted entry in its log, the crashed leader must not show it.
  node_start "$CRASHED"
  node_wait_up "$CRASHED"
  [ "$(node_status "$CRASHED" '"\(.lastLogIndex) \(.lastLogTerm)"')" = "$SUFFIX_INDEX $SUFFIX_TERM" ] ||
    fail "the uncommitted entry is not in n$CRASHED's log after its restart"
  holds_during 2 node_lacks "$CRASHED" phantom1 || fail "the uncommitted write became visible on n$CRASHED alone"
  node_kill "$CRASHED"
  restart_majority
  wait_leader
  write_acknowledged replacement kept
  restart_crashed_alone
  node_lacks "$CRASHED" phantom1 || fail "the uncommitted write became visible after the crash"
  resume_all
  wait_converged
  all_lack phantom1 || fail "the uncommitted write became visible after the nodes converged"
  all_have committed before || fail "a committed write is lost"
  all_have replacement kept || fail "a committed write is lost"
  pass P3 "the write at index $SUFFIX_INDEX of term $SUFFIX_TERM was in the log, and was never seen"
}

stage_S1() {
  start_cluster 3 RAFT_SNAPSHOT_THRESHOLD=50
  local down last before after
  write_many "$LEADER" s 1 120
  [ "$WRITTEN" -eq 120 ] || fail "only $WRITTEN of 120 writes were acknowledged"
  wait_converged
  down=$(followers | head -n 1)
  wait_until 10 has_compacted_to "$down" 50 || fail "n$down took no snapshot in 120 writes with a threshold of 50"
  before=$(node_status "$down" .snapshotIndex)

  # It comes back alone, so that all it shows comes from its own files.
  local i
  for i in 1 2 3; do
    [ "$i" -eq "$down" ] || node_pause "$i"
  done
  node_kill "$down"
  node_start "$down"
  node_wait_up "$down"
  after=$(node_status "$down" .snapshotIndex)
  if [ "$before" -lt 50 ] || [ "$after" -lt "$before" ]; then
    fail "snapshotIndex was $before before the restart and is $after after it"
  fi
  node_has "$down" s1 value-1 || fail "what the snapshot covers is not there after the restart"
  resume_all
  wait_converged

  # Far behind: the leader no longer has the entries that it lacks.
  down=$(followers | head -n 1)
  last=$(node_status "$down" .lastLogIndex)
  node_kill "$down"
  write_many "$LEADER" t 1 300
  [ "$WRITTEN" -eq 300 ] || fail "only $WRITTEN of 300 writes were acknowledged"
  write_until_compacted $((last + 1))
  node_start "$down"
  node_wait_up "$down"
  wait_converged
  [ "$(node_status "$down" .logBaseIndex)" -gt "$last" ] || fail "n$down was not brought up by a snapshot"
  [ "$(node_status "$down" .snapshotsInstalled)" -ge 1 ] || fail "n$down counts no installed snapshot"
  node_has "$down" t1 value-1 || fail "n$down lacks what the snapshot brought"
  node_has "$down" t300 value-300 || fail "n$down lacks the last write"
  pass S1 "snapshot at $before survived a restart; n$down went from index $last to $(node_status "$down" .lastApplied) by one"
}
