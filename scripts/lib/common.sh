# shellcheck shell=bash disable=SC2034,SC2154,SC2120,SC2119  # variables are shared with those who source this
# What all scripts share: messages, waiting for conditions, scratch folders, and the end of a script. To be sourced.

unset CDPATH # with it, cd says where it went
project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

note() { printf '%s\n' "$*"; }

# die MESSAGE: a wrong call or a missing thing; exit 2.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# fail MESSAGE: what was to be shown did not hold; exit 1.
fail() {
  printf 'FAIL: %s\n' "$*" >&2
  exit 1
}

# need_bash MAJOR MINOR: exits when the bash of that version is too old for mapfile, EPOCHREALTIME and SRANDOM.
need_bash() {
  (($1 * 100 + $2 >= 501)) || die "needs bash 5.1 or newer, and this is bash $1.$2"
}
need_bash "${BASH_VERSINFO[0]}" "${BASH_VERSINFO[1]}"

# print_usage: the comment at the head of the calling script, from its "Usage" line to what is for shellcheck or is code.
print_usage() {
  printf '%s\n' "$(sed -n '/^# Usage/,${/^[^#]/q; /^$/q; /^# shellcheck/q; s/^# \{0,1\}//p;}' "$0")"
}

# need_programs NAME...: exits when one is not there.
need_programs() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || die "needs the program '$program'; scripts/setup.sh installs it"
  done
}

# wait_until SECONDS COMMAND...: polls until the command succeeds; 1 when the deadline passes first.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

# holds_during SECONDS COMMAND...: the command has to succeed at every look over that time.
holds_during() {
  local deadline=$((SECONDS + $1))
  shift
  while [ "$SECONDS" -le "$deadline" ]; do
    "$@" || return 1
    sleep 0.1
  done
}

# The end of a script: what was registered runs in reverse order, however the script ends.
exit_actions=()
on_exit() { exit_actions+=("$1"); }

run_exit_actions() {
  local status=$? i
  trap - EXIT
  for ((i = ${#exit_actions[@]} - 1; i >= 0; i--)); do
    "${exit_actions[i]}" "$status"
  done
  exit "$status"
}

# catch_exit: also to be called at the start of a subshell that is to clean up after itself.
catch_exit() {
  exit_actions=()
  trap run_exit_actions EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# make_scratch NAME: a new folder in $scratch; removed at the end, or kept and named when the script failed.
make_scratch() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/kvserver-$1.XXXXXX") || die "cannot make a temporary folder"
  on_exit remove_scratch
}

remove_scratch() {
  if [ "$1" -eq 0 ] || [ "$1" -ge 128 ]; then
    rm -rf "$scratch"
  else
    printf 'logs and data are kept in %s\n' "$scratch" >&2
  fi
}
