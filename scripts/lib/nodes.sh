# shellcheck shell=bash disable=SC2034,SC2154,SC2120,SC2119  # variables are shared with those who source this
# Clusters of real kvserver processes. To be sourced after common.sh and http.sh.
#
# A cluster has its own 127.x.y.z address and folder, so that many run side by side; nodes are numbered from 1 and
# named n1, n2, ... Only processes started here are ever signalled, each by its process id.

cluster_size=0
cluster_address=
cluster_advertised=      # the host in client URLs; the address when empty
cluster_dir=
cluster_kv_base=8080
cluster_raft_base=9080
cluster_environment=() # NAME=value for every node
node_pids=()           # by number; 0: not running
node_paused=()         # by number; 1: stopped by SIGSTOP

node_name() { echo "n$1"; }
node_dir() { echo "$cluster_dir/data/n$1"; }
node_log() { echo "$cluster_dir/n$1.log"; }
node_url() { echo "http://${cluster_advertised:-$cluster_address}:$((cluster_kv_base + $1))"; }
node_raft_url() { echo "http://$cluster_address:$((cluster_raft_base + $1))"; }

# choose_address: sets cluster_address to one where none of the ports is taken.
choose_address() {
  local attempt i
  for ((attempt = 0; attempt < 50; attempt++)); do
    if [ "$(uname)" = Linux ]; then
      cluster_address=127.$((1 + RANDOM % 254)).$((RANDOM % 256)).$((1 + RANDOM % 254))
    else # one loopback address only: other ports instead
      cluster_address=127.0.0.1
      cluster_kv_base=$((20000 + RANDOM % 200 * 100))
      cluster_raft_base=$((cluster_kv_base + 1000))
    fi
    for ((i = 1; i <= cluster_size; i++)); do
      ! port_is_taken "$cluster_address" $((cluster_kv_base + i)) || continue 2
      ! port_is_taken "$cluster_address" $((cluster_raft_base + i)) || continue 2
    done
    return 0
  done
  die "found no address with free ports"
}

# new_cluster SIZE: an empty one, nothing started. It uses $scratch.
new_cluster() {
  local i
  cluster_size=$1
  cluster_dir=$(mktemp -d "$scratch/cluster.XXXX")
  mkdir -p "$cluster_dir/data"
  choose_address
  for ((i = 0; i <= cluster_size; i++)); do
    node_pids[i]=0
    node_paused[i]=0
  done
  on_exit kill_cluster
}

# node_environment I: NAME=value lines that describe node I to the program.
node_environment() {
  local i=$1 peer urls='' ids=''
  for ((peer = 1; peer <= cluster_size; peer++)); do
    [ "$peer" -ne "$i" ] || continue
    urls+=${urls:+,}$(node_raft_url "$peer")
    ids+=${ids:+,}$(node_name "$peer")
  done
  printf '%s\n' "NODE_ID=$(node_name "$i")" "KVSTORE_PORT=$((cluster_kv_base + i))" \
    "RAFT_PORT=$((cluster_raft_base + i))" "PEERS=$urls" "PEER_IDS=$ids" "KV_BIND=$cluster_address" \
    "KV_ADVERTISE=$(node_url "$i")" "RAFT_DATA_DIR=$cluster_dir/data"
}

# How a process is started. Where the system can, a node dies with the shell that started it, also when that was killed.
launcher=(env)
! setpriv --pdeathsig KILL true 2>/dev/null || launcher=(setpriv --pdeathsig KILL env)

# node_start I [NAME=value...]: starts the process and returns at once.
node_start() {
  local i=$1 variables
  shift
  mapfile -t variables < <(node_environment "$i")
  "${launcher[@]}" -u RAFT_NODES -u PORT "${variables[@]}" "${cluster_environment[@]}" "$@" \
    "$KVSERVER" </dev/null >>"$(node_log "$i")" 2>&1 &
  node_pids[i]=$!
  node_paused[i]=0
}

node_is_running() { [ "${node_pids[$1]}" -ne 0 ] && kill -0 "${node_pids[$1]}" 2>/dev/null; }

# node_is_awake I: it can be asked.
node_is_awake() { [ "${node_paused[$1]}" -eq 0 ] && node_is_running "$1"; }

# node_kill I: kill -9, whatever the process is doing, also while it is paused.
node_kill() {
  [ "${node_pids[$1]}" -ne 0 ] || return 0
  kill -KILL "${node_pids[$1]}" 2>/dev/null
  wait "${node_pids[$1]}" 2>/dev/null
  node_pids[$1]=0
  node_paused[$1]=0
}

node_pause() {
  kill -STOP "${node_pids[$1]}"
  node_paused[$1]=1
}

node_resume() {
  [ "${node_paused[$1]}" -eq 1 ] || return 0
  kill -CONT "${node_pids[$1]}"
  node_paused[$1]=0
}

# node_wait_exit I SECONDS: sets NODE_EXIT to its exit status; 1 when it still runs after that time.
node_wait_exit() {
  local pid=${node_pids[$1]} deadline=$((SECONDS + $2))
  while kill -0 "$pid" 2>/dev/null; do
    [ "$SECONDS" -le "$deadline" ] || return 1
    sleep 0.05
  done
  wait "$pid" 2>/dev/null
  NODE_EXIT=$?
  node_pids[$1]=0
}

kill_cluster() {
  local i
  if [ "${1:-0}" -ne 0 ] && [ "${1:-0}" -lt 128 ]; then
    describe_cluster >&2
  fi
  for ((i = 1; i <= cluster_size; i++)); do
    node_kill "$i"
  done
}

# describe_cluster: what can be seen of it, for a failure's reader.
describe_cluster() {
  local i
  for ((i = 1; i <= cluster_size; i++)); do
    printf -- '--- n%d (%s): ' "$i" "$(node_url "$i")"
    if node_is_awake "$i"; then
      curl -s --noproxy '*' -m 1 "$(node_raft_url "$i")/raft/status" || printf 'runs, but does not answer'
    elif [ "${node_paused[i]}" -eq 1 ]; then
      printf 'paused'
    else
      printf 'does not run'
    fi
    printf '\n'
    tail -n "${LOG_LINES:-12}" "$(node_log "$i")" 2>/dev/null
  done
}

# node_status I [JQ-FILTER]: /raft/status, or what the filter makes of it; fails when the node does not answer.
node_status() {
  local body
  body=$(curl -sf --noproxy '*' -m 2 "$(node_raft_url "$1")/raft/status") || return 1
  jq -r "${2:-.}" <<<"$body"
}

node_answers() { curl -sf --noproxy '*' -o /dev/null -m 1 "$(node_raft_url "$1")/raft/status"; }
node_answers_or_died() { node_answers "$1" || ! node_is_running "$1"; }

# node_wait_up I: until it answers; fails at once when the process ended.
node_wait_up() {
  wait_until 30 node_answers_or_died "$1"
  node_is_running "$1" || fail "$(node_name "$1") ended at its start: $(tail -n 1 "$(node_log "$1")")"
  node_answers "$1" || fail "$(node_name "$1") does not answer; its log is $(node_log "$1")"
}

# find_leader: sets LEADER to the number of the awake node that leads in the newest term; 1 when there is none.
find_leader() {
  local i seen best=0
  LEADER=0
  for ((i = 1; i <= cluster_size; i++)); do
    node_is_awake "$i" || continue
    seen=$(node_status "$i" 'select(.state == "leader") | .term')
    if [ -n "$seen" ] && [ "$seen" -gt "$best" ]; then
      best=$seen
      LEADER=$i
    fi
  done
  [ "$LEADER" -ne 0 ]
}

# has_agreed_leader: exactly one awake node leads, and all awake nodes name it in the same term. Sets LEADER and LEADER_TERM.
has_agreed_leader() {
  local i seen state term name first='' leaders=0
  LEADER=0
  for ((i = 1; i <= cluster_size; i++)); do
    node_is_awake "$i" || continue
    seen=$(node_status "$i" '"\(.state) \(.term) \(.leaderId)"') || return 1
    read -r state term name <<<"$seen"
    [ -n "$name" ] && [ "${first:=$term $name}" = "$term $name" ] || return 1
    if [ "$state" = leader ]; then
      LEADER=$i
      leaders=$((leaders + 1))
    fi
  done
  LEADER_TERM=${first% *}
  [ "$leaders" -eq 1 ] && [ "${first#* }" = "$(node_name "$LEADER")" ]
}

wait_leader() { wait_until "${1:-30}" has_agreed_leader || fail "no leader that all nodes agree on within ${1:-30} s"; }

# start_cluster SIZE [NAME=value...]: a new cluster with a leader.
start_cluster() {
  local i
  new_cluster "$1"
  shift
  cluster_environment+=("$@")
  for ((i = 1; i <= cluster_size; i++)); do
    node_start "$i"
  done
  for ((i = 1; i <= cluster_size; i++)); do
    node_wait_up "$i"
  done
  wait_leader
}

# followers: the numbers of all nodes but LEADER.
followers() {
  local i
  for ((i = 1; i <= cluster_size; i++)); do
    [ "$i" -eq "$LEADER" ] || echo "$i"
  done
}

# kv_put I KEY VALUE, kv_get I KEY, kv_delete I KEY: one request; plain words only. They set HTTP_STATUS and HTTP_BODY.
kv_put() { http PUT "$(node_url "$1")/set" "{\"key\":\"$2\",\"value\":\"$3\"}"; }
kv_get() { http GET "$(node_url "$1")/get?key=$2"; }
kv_delete() { http DELETE "$(node_url "$1")/delete?key=$2"; }

try_write() { find_leader && kv_put "$LEADER" "$1" "$2" && [ "$HTTP_STATUS" = 200 ]; }

# write_acknowledged KEY VALUE: until a leader acknowledged it.
write_acknowledged() { wait_until 30 try_write "$@" || fail "the write of '$1' was not acknowledged within 30 s"; }

# compose_writes I PREFIX FIRST LAST: curl's instructions to write PREFIX<n>=value-<n>.
compose_writes() {
  local n
  for ((n = $3; n <= $4; n++)); do
    printf 'url = "%s/set"\nrequest = PUT\nheader = "Content-Type: application/json"\n' "$(node_url "$1")"
    printf 'data = "{\\"key\\":\\"%s%d\\",\\"value\\":\\"value-%d\\"}"\n' "$2" "$n" "$n"
    printf 'max-time = 8\noutput = /dev/null\nwrite-out = "%%{http_code}\\n"\nnoproxy = "*"\n'
    [ "$n" -eq "$4" ] || echo next
  done
}

# write_many I PREFIX FIRST LAST: these writes by one connection; sets WRITTEN to how many were acknowledged.
write_many() {
  local config
  config=$(mktemp "$scratch/writes.XXXX")
  compose_writes "$@" >"$config"
  WRITTEN=$(curl -s -K "$config" 2>/dev/null | grep -c '^200$')
  rm -f "$config"
}

has_compacted_to() { [ "$(node_status "$1" .logBaseIndex)" -ge "$2" ]; }

# write_until_compacted INDEX: the leader keeps entries for a follower that answered a moment ago, and compacts when it
# takes its next snapshot: so it gets more to write until the log starts at INDEX or later.
write_until_compacted() {
  local written=0 deadline=$((SECONDS + 60))
  until has_compacted_to "$LEADER" "$1"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the leader still has entry $1 after $written more writes"
    write_many "$LEADER" more $((written + 1)) $((written + 60))
    [ "$WRITTEN" -eq 60 ] || fail "only $WRITTEN of 60 writes were acknowledged"
    written=$((written + 60))
  done
}

# node_has I KEY VALUE, node_lacks I KEY: what a local read shows.
node_has() { kv_get "$1" "$2" && [ "$HTTP_STATUS" = 200 ] && [ "$(field value)" = "$3" ]; }
node_lacks() { kv_get "$1" "$2" && [ "$HTTP_STATUS" = 404 ]; }

# all_have KEY VALUE, all_lack KEY: on every awake node.
all_have() {
  local i
  for ((i = 1; i <= cluster_size; i++)); do
    ! node_is_awake "$i" || node_has "$i" "$1" "$2" || return 1
  done
}
all_lack() {
  local i
  for ((i = 1; i <= cluster_size; i++)); do
    ! node_is_awake "$i" || node_lacks "$i" "$1" || return 1
  done
}

# has_converged: all awake nodes have one leader and the same end of log, and applied all of it.
has_converged() {
  local i seen first=''
  has_agreed_leader || return 1
  for ((i = 1; i <= cluster_size; i++)); do
    node_is_awake "$i" || continue
    seen=$(node_status "$i" '"\(.lastLogIndex) \(.lastLogTerm) \(.commitIndex) \(.lastApplied)"') || return 1
    [ "${first:=$seen}" = "$seen" ] || return 1
  done
  local last commit applied
  read -r last _ commit applied <<<"$first"
  [ "$last" = "$commit" ] && [ "$commit" = "$applied" ]
}

wait_converged() { wait_until "${1:-30}" has_converged || fail "the nodes did not converge within ${1:-30} s"; }
