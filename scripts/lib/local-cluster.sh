# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared with those who source this
# The user's own cluster on this machine, in .cluster/, as run-cluster.sh and run-node.sh know it. To be sourced.

# local_cluster SIZE ADDRESS FOLDER: describes it; starts nothing.
local_cluster() {
  local i
  cluster_size=$1
  cluster_address=$2
  cluster_dir=$3
  [ "$2" != 127.0.0.1 ] || cluster_advertised=localhost
  for ((i = 0; i <= cluster_size; i++)); do
    node_pids[i]=0
    node_paused[i]=0
  done
  pid_file=$cluster_dir/pids
}

# A process id alone may belong to somebody else by now; with the time of its start it does not. Who was killed and not
# yet taken leave of by its parent (in a container that may last) has ended: nothing.
started_at() { ps -o stat=,lstart= -p "$1" 2>/dev/null | sed -n '/^Z/! s/^[^ ]* *//p' | tr -s ' ' _; }

note_pid() { # node
  mkdir -p "$cluster_dir"
  forget_pid "$1"
  printf 'n%d %d %s\n' "$1" "${node_pids[$1]}" "$(started_at "${node_pids[$1]}")" >>"$pid_file"
}

forget_pid() { # node
  [ -e "$pid_file" ] || return 0
  grep -v "^n$1 " "$pid_file" >"$pid_file.new"
  mv "$pid_file.new" "$pid_file"
}

# running_nodes: "NAME PID" of those that the pid file names and that still run.
running_nodes() {
  local name pid start
  [ -e "$pid_file" ] || return 0
  while read -r name pid start; do
    [ "$(started_at "$pid")" != "$start" ] || echo "$name $pid"
  done <"$pid_file"
}

no_node_runs() { [ -z "$(running_nodes)" ]; }

# stop_local_cluster: SIGTERM, and after 8 s SIGKILL, to what the pid file names.
stop_local_cluster() {
  local name pid
  while read -r name pid; do
    kill -CONT "$pid" 2>/dev/null
    kill -TERM "$pid" 2>/dev/null
  done < <(running_nodes)
  wait_until 8 no_node_runs || while read -r name pid; do
    note "$name does not stop; killing it"
    kill -KILL "$pid" 2>/dev/null
  done < <(running_nodes)
  rm -f "$pid_file"
}

refuse_taken_ports() {
  local i port
  for ((i = 1; i <= cluster_size; i++)); do
    for port in $((cluster_kv_base + i)) $((cluster_raft_base + i)); do
      ! port_is_taken "$cluster_address" "$port" || die "port $port on $cluster_address is taken; nothing was started"
    done
  done
}

print_health() {
  local i
  printf '%-5s %-24s %-10s %-6s %-7s %-7s %s\n' node address state term commit applied leader
  for ((i = 1; i <= cluster_size; i++)); do
    printf '%-5s %-24s ' "n$i" "$(node_url "$i")"
    http GET "$(node_url "$i")/health"
    if [ "$HTTP_STATUS" = 000 ]; then
      printf 'does not answer\n'
    else
      printf '%-10s %-6s %-7s %-7s %s\n' "$(field state)" "$(field term)" "$(field commitIndex)" \
        "$(field lastApplied)" "$(field leaderId)"
    fi
  done
}
