#!/usr/bin/env bash
# Builds the kvserver and runs a cluster of it on this machine.
#
# Usage: scripts/run-cluster.sh [--nodes N] [--fresh] [--detach | --stop] [--bind ADDRESS] [--dir FOLDER]
#   (no option)     three nodes, n1 to n3: client ports 8081-8083, Raft ports 9081-9083; stays until Ctrl-C
#   --nodes N       so many, 1 to 9
#   --fresh         forget the data of earlier runs
#   --detach        return when a leader is there; the nodes go on
#   --stop          stop the nodes of an earlier run
#   --bind ADDRESS  default 127.0.0.1; another loopback address lets several clusters run side by side
#   --dir FOLDER    for data, logs and process ids; default .cluster in the project's folder
#
# The variable KVSERVER names a program to run instead of the Release build; the kvserver's own variables pass through.
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/http.sh
. "$project_root/scripts/lib/http.sh"
# shellcheck source=scripts/lib/nodes.sh
. "$project_root/scripts/lib/nodes.sh"
# shellcheck source=scripts/lib/build.sh
. "$project_root/scripts/lib/build.sh"
# shellcheck source=scripts/lib/local-cluster.sh
. "$project_root/scripts/lib/local-cluster.sh"

nodes=3
address=127.0.0.1
folder=$project_root/.cluster
fresh=false
action=stay
given=() # the options that another call needs to find this cluster again
while [ $# -gt 0 ]; do
  case "$1" in
    --nodes | --bind | --dir) [ $# -gt 1 ] || die "$1 needs a value" ;;
  esac
  case "$1" in
    --nodes)
      [[ "$2" =~ ^[1-9]$ ]] || die "--nodes takes 1 to 9"
      nodes=$2
      shift
      ;;
    --bind)
      address=$2
      given+=(--bind "$2")
      shift
      ;;
    --dir)
      [ -n "$2" ] || die "--dir takes a folder"
      folder=$2
      [[ "$folder" = /* ]] || folder=$PWD/$folder
      given+=(--dir "$folder")
      shift
      ;;
    --fresh) fresh=true ;;
    --detach) action=detach ;;
    --stop) action=stop ;;
    -h | --help)
      print_usage
      exit 0
      ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done

again=
[ "${#given[@]}" -eq 0 ] || again=$(printf ' %q' "${given[@]}")

local_cluster "$nodes" "$address" "$folder"

if [ "$action" = stop ]; then
  if no_node_runs; then
    note "no node of $folder runs"
  else
    stop_local_cluster
    note "stopped"
  fi
  exit 0
fi

mkdir -p "$folder" || die "cannot use the folder '$folder'"
ensure_kvserver
need_programs curl jq awk ps
no_node_runs ||
  die "this cluster already runs ($(running_nodes | tr '\n' ' ')); stop it by: scripts/run-cluster.sh --stop$again"
refuse_taken_ports
if [ "$fresh" = true ]; then
  rm -rf "${folder:?}/data" "$folder"/n?.log
fi
mkdir -p "$folder/data"

# Until the cluster is handed over, leaving this script stops it.
catch_exit
leave() {
  [ "$action" = detached ] || stop_local_cluster
  [ "$1" -ne 1 ] || hint_at_other_data
}
# The last words of a node that was made in a cluster of another size, say.
hint_at_other_data() {
  local i
  for ((i = 1; i <= nodes; i++)); do
    ! tail -n 1 "$(node_log "$i")" 2>/dev/null | grep -q 'raft_state\.json \(belongs to\|has the members\)' || {
      note "The data in $folder were made with another --nodes, or as another cluster; --fresh forgets those data." >&2
      return
    }
  done
}
on_exit leave
if [ "$action" = detach ]; then
  launcher=(env)
  ! command -v setsid >/dev/null || launcher=(setsid env)
fi

for ((i = 1; i <= nodes; i++)); do
  node_start "$i"
  note_pid "$i"
done
for ((i = 1; i <= nodes; i++)); do
  node_wait_up "$i"
done
wait_leader
print_health
other=$((LEADER % nodes + 1))
cat <<END

Try:
  curl -X PUT $(node_url "$LEADER")/set -d '{"key":"name","value":"luffy"}'
  curl "$(node_url "$other")/get?key=name"
  curl $(node_raft_url "$other")/raft/status

Logs and data are in $folder
END

if [ "$action" = detach ]; then
  action=detached
  note "The nodes run on; stop them by: scripts/run-cluster.sh --stop$again"
  exit 0
fi

note "Ctrl-C stops the nodes."
told=()
while true; do
  for ((i = 1; i <= nodes; i++)); do
    if ! node_is_running "$i" && [ -z "${told[i]:-}" ]; then
      told[i]=1
      note "n$i has ended; start it again in another terminal by: scripts/run-node.sh $i --nodes $nodes$again"
    fi
  done
  sleep 0.5
done
