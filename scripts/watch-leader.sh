#!/usr/bin/env bash
# Prints who leads, and each change of it, until Ctrl-C.
#
# Usage: scripts/watch-leader.sh [--once] [URL...]
#   URL...  client addresses of the nodes; default http://localhost:8081 to 8083
#   --once  print it once; exit 1 when there is no leader
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

once=false
urls=()
for argument in "$@"; do
  case "$argument" in
    --once) once=true ;;
    -h | --help)
      print_usage
      exit 0
      ;;
    http://*) urls+=("${argument%/}/health") ;;
    *) die "'$argument' is neither an option nor an http URL (see --help)" ;;
  esac
done
[ "${#urls[@]}" -gt 0 ] || urls=(http://localhost:808{1,2,3}/health)
need_programs curl jq

# The node that leads in the newest term; during a change an old leader may still think that it leads.
current_leader() {
  curl -s -Z --noproxy '*' -m 1 "${urls[@]}" -w '\n' 2>/dev/null | jq -rs '
    [.[] | select(.state == "leader")] | max_by(.term) // empty |
    "\(.nodeId) leads in term \(.term) (\(.leader))"' 2>/dev/null
}

last='?'
while true; do
  now=$(current_leader)
  if [ "$now" != "$last" ]; then
    printf '%s  %s\n' "$(date +%H:%M:%S)" "${now:-no leader}"
    last=$now
  fi
  if [ "$once" = true ]; then
    [ -n "$now" ]
    exit
  fi
  sleep 0.3
done
