#!/usr/bin/env bash
# Runs one node of the local cluster in this terminal, with the ports and the folder that run-cluster.sh gives it.
#
# Usage: scripts/run-node.sh NUMBER [--nodes N] [--bind ADDRESS] [--dir FOLDER]
#   NUMBER          1 for n1 (ports 8081 and 9081), 2 for n2, ...
#   --nodes N       the size of the cluster, 1 to 9; default 3
#   --bind ADDRESS  default 127.0.0.1
#   --dir FOLDER    default .cluster in the project's folder
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

number=
nodes=3
address=127.0.0.1
folder=$project_root/.cluster
while [ $# -gt 0 ]; do
  case "$1" in
    --nodes | --bind | --dir) [ $# -gt 1 ] || die "$1 needs a value" ;;
  esac
  case "$1" in
    [1-9]) number=$1 ;;
    n[1-9]) number=${1#n} ;;
    --nodes)
      nodes=$2
      shift
      ;;
    --bind)
      address=$2
      shift
      ;;
    --dir)
      mkdir -p "$2" || die "cannot use the folder '$2'"
      folder=$(cd "$2" && pwd)
      shift
      ;;
    -h | --help)
      print_usage
      exit 0
      ;;
    *) die "unknown argument '$1' (see --help)" ;;
  esac
  shift
done
[[ "$nodes" =~ ^[1-9]$ ]] || die "--nodes takes 1 to 9"
[ "${number:-99}" -le "$nodes" ] || die "give the node's number, 1 to $nodes (see --help)"

ensure_kvserver
need_programs ps
local_cluster "$nodes" "$address" "$folder"
# Else its line in the pid file would give way to this shell's, and --stop would no longer find it.
! running_nodes | grep -q "^n$number " || die "n$number already runs, with its data in $folder"
mkdir -p "$folder/data"
mapfile -t variables < <(node_environment "$number")
# The process that runs on under this shell's id is the node.
node_pids[number]=$$
note_pid "$number"
exec env -u RAFT_NODES -u PORT "${variables[@]}" "$KVSERVER"
