#!/usr/bin/env bash
# Puts deliberate bugs into a copy of the sources, one at a time, and shows that a check notices each of them.
#
# Usage: scripts/mutants.sh [ID... | all | --rotate HASH N] [--table FILE]
#   ID              a mutant of tests/mutants, such as mP9; several make several runs
#   all             every one (the default)
#   --rotate H N    N of them, chosen by the hexadecimal H, such as a commit: they come round in turn
#   --table FILE    also write the table to FILE
#   --killer NAME   in place of the recorded killers, to see whether this one notices, by whatever check
#   --killer-only   when the recorded killer fails, do not look for another one
#   --check         only see that every patch has its header and still applies; builds nothing
#
# The copy and its build are in build/mutants; only what a patch touches is compiled again. For each mutant: the killer
# that its patch records must pass without the bug and report with it, by the check that the patch names, within 60 s.
# When it does not, the other programs are tried, and the mutant fails either way. Exit 1: one failed or survived.
#
# shellcheck disable=SC2317  # what runs at the end is called by name
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/mutant_runs.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/mutant_runs.sh"
set -uo pipefail

patches=$project_root/tests/mutants
work=$project_root/build/mutants
jobs=${LIBRAFT_JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
tree=$work/tree
ladder=(paper unit_core unit_codec unit_node unit_kvserver conformance simulation scenario 'explore elected-quick' 'sim 200')
table='' rotate_hash='' rotate_count=0 only_check=false killer_only=false other_killer=''
chosen=()

# header_of PATCH FIELD: a line of the text before the diff.
header_of() { sed -n "/^diff --git/q; s/^$2: //p" "$1" | head -n 1; }
id_of() {
  local name
  name=$(basename "$1" .patch)
  echo "${name%%-*}"
}

# killer_of PATCH, check_of PATCH: what is to be run, and what it must say.
killer_of() { [ -z "$other_killer" ] && header_of "$1" Killer || echo "$other_killer"; }
check_of() { [ -n "$other_killer" ] || header_of "$1" Check; }

all_patches() { find "$patches" -name 'm*.patch' | sort -V; }

# in_tree GIT-ARGUMENT...: git on the copy alone, not on the repository around it.
in_tree() { (cd "$tree" && GIT_CEILING_DIRECTORIES=$work git "$@"); }

# copy_sources: makes the copy what the sources are now; what is the same keeps its time.
copy_sources() {
  local file
  mkdir -p "$tree"
  (cd "$project_root" && git ls-files -co --exclude-standard) | sort >"$work/files.now"
  while read -r file; do
    if [ ! -f "$project_root/$file" ] || cmp -s "$project_root/$file" "$tree/$file"; then continue; fi
    mkdir -p "$tree/$(dirname "$file")" && cp "$project_root/$file" "$tree/$file"
  done <"$work/files.now"
  [ ! -f "$work/files" ] || comm -23 "$work/files" "$work/files.now" | (cd "$tree" && xargs -r -d '\n' rm -f)
  mv "$work/files.now" "$work/files"
}

configure() {
  local options=(-DCMAKE_CATCH_DISCOVER_TESTS_DISCOVERY_MODE=PRE_TEST)
  ! command -v ccache >/dev/null || options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  # One base: what the Release build compiled is not compiled again here.
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$project_root} CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  (cd "$tree" && cmake --preset release "${options[@]}") >"$work/build.log" 2>&1 ||
    { tail -n 30 "$work/build.log" >&2 && die "cmake failed; all of it is in $work/build.log"; }
}

# build TARGET...: 1 when something does not compile.
build() { ninja -C "$tree/build/release" -j "$jobs" "$@" >"$work/build.log" 2>&1; }
has_target() { ninja -C "$tree/build/release" -t query "$1" >/dev/null 2>&1; }

# check_patch PATCH: its header is whole, and it applies.
check_patch() {
  local name field
  name=$(basename "$1")
  [[ $(head -n 1 "$1") == "$(id_of "$1"): "* ]] || fail "$name: the first line is not its id, a colon and the bug"
  for field in Killer Check; do
    [ -n "$(header_of "$1" $field)" ] || fail "$name has no line '$field:'"
  done
  in_tree apply --check "$1" || fail "$name no longer applies"
}

# prove_baseline: each killer that is needed passes on the sources as they are; else what it says means nothing.
prove_baseline() {
  local patch killer killers=() targets=()
  for patch in "${chosen[@]}"; do
    killer=$(killer_of "$patch")
    killers+=("$killer")
    targets+=("$(killer_target "$killer")")
  done
  mapfile -t killers < <(printf '%s\n' "${killers[@]}" | sort -u)
  mapfile -t targets < <(printf '%s\n' "${targets[@]}" | sort -u)
  note "building ${targets[*]}"
  build "${targets[@]}" || { tail -n 30 "$work/build.log" >&2 && die "the sources do not build without a mutant"; }
  for killer in "${killers[@]}"; do
    run_killer "$killer"
    [ "$outcome" = passed ] || fail "without a mutant '$killer' did not pass: $outcome $evidence"
  done
  note "${#killers[@]} killers pass without a mutant"
}

# climb_ladder: what other program notices the mutant; sets what run_killer sets, and `rung`.
climb_ladder() {
  for rung in "${ladder[@]}"; do
    has_target "$(killer_target "$rung")" || continue
    build "$(killer_target "$rung")" || continue
    run_killer "$rung"
    [ "$outcome" != killed ] || return 0
  done
  return 1
}

# try_mutant PATCH: its line of the table into `line`; 1 when it was not killed as it should be.
try_mutant() {
  local patch=$1 killer rung expected began took=0 verdict=''
  killer=$(killer_of "$patch")
  expected=$(check_of "$patch")
  in_tree apply "$patch" || fail "$(basename "$patch") no longer applies"
  applied=$patch
  if ! build "$(killer_target "$killer")"; then
    tail -n 30 "$work/build.log" >&2
    verdict='does not compile'
  else
    began=$(date +%s%N)
    run_killer "$killer"
    took=$((($(date +%s%N) - began) / 10000000))
    if [ "$outcome" != killed ]; then
      verdict="$outcome by its killer${evidence:+ ($evidence)}"
      if $killer_only; then
        verdict+=', no other was tried'
      elif climb_ladder; then
        verdict+=", killed by $rung ($evidence)"
      else
        verdict+=', SURVIVED'
      fi
    elif ! names_check "$evidence" "$expected"; then
      verdict="killed by another check: $evidence"
    fi
  fi
  take_back
  line="$(id_of "$patch")|$(head -n 1 "$patch" | cut -d' ' -f2-)|${killer%% *}: ${verdict:-$named}|${seed:--}|"
  line+=$(printf '%d.%02d' "$((took / 100))" "$((took % 100))")
  [ -z "$verdict" ]
}

applied=''
take_back() {
  [ -z "$applied" ] || in_tree apply -R "$applied"
  applied=''
}

print_preamble() {
  cat <<'END'
# Mutants

Deliberate bugs, one at a time, and the check that noticed each. Made by `scripts/mutants.sh all --table docs/mutants.md`;
what mutants are and how to add one is in [testing](testing.md#mutants). A check such as iS6 is an invariant: iS safety of
the protocol, iD what a message promises is on the sender's disk, iR reads, iX what clients are told, iB bounds, iL progress
once all is healed ([checks](checks.md)). Others are the names of tests or of assertions in the product. `sim` is `raft_sim`,
`explore` is `raft_explore`. `seed` is the first random schedule or seed of `raft_sim` that shows the bug, counted from 1; of
the explorer it is how many states were visited.
END
}

write_table() {
  {
    print_preamble
    printf '\n| mutant | the bug | noticed by | seed | seconds |\n|---|---|---|---|---|\n'
    printf '%s\n' "${lines[@]}" | awk -F'|' '{ printf "| %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5 }'
    printf '\n%d mutants, %d killed.\n' "${#chosen[@]}" "$killed"
    printf '\n## Not applicable\n\n| mutant | why |\n|---|---|\n'
    sed -n 's/^\(m[A-Z0-9]*\): \(.*\)/| \1 | \2 |/p' "$patches/not-applicable.txt"
  } >"$1"
}

# choose: from the ids into `chosen`.
choose() {
  local id patch found twice every=() ids=("$@")
  mapfile -t every < <(all_patches)
  [ "${#every[@]}" -gt 0 ] || die "there are no patches in $patches"
  twice=$(for patch in "${every[@]}"; do id_of "$patch"; done | sort | uniq -d)
  [ -z "$twice" ] || fail "several mutants share an id: ${twice//$'\n'/ }"
  if [ -n "$rotate_hash" ]; then
    local turn=$((16#${rotate_hash:0:6})) i
    for ((i = 0; i < rotate_count; ++i)); do
      chosen+=("${every[(turn * rotate_count + i) % ${#every[@]}]}")
    done
  elif [ "${#ids[@]}" -eq 0 ] || [ "${ids[*]}" = all ]; then
    chosen=("${every[@]}")
  else
    for id in "${ids[@]}"; do
      found=''
      for patch in "${every[@]}"; do
        if [ "$(id_of "$patch")" = "$id" ]; then found=$patch; fi
      done
      [ -n "$found" ] || die "there is no mutant '$id' in tests/mutants"
      chosen+=("$found")
    done
  fi
}

ids=()
while [ $# -gt 0 ]; do
  case "$1" in
    --rotate)
      [[ $# -ge 3 && $2 =~ ^[0-9a-fA-F]+$ && $3 =~ ^[1-9][0-9]*$ ]] || die "--rotate takes a hash and a number"
      rotate_hash=$2 rotate_count=$3
      shift 2
      ;;
    --table)
      [ $# -ge 2 ] || die "--table takes a file"
      table=$2
      shift
      ;;
    --check) only_check=true ;;
    --killer)
      [ $# -ge 2 ] || die "--killer takes a killer as patches name it"
      other_killer=$2
      shift
      ;;
    --killer-only) killer_only=true ;;
    -h | --help)
      print_usage
      exit 0
      ;;
    -*) die "unknown option '$1' (see --help)" ;;
    *) ids+=("$1") ;;
  esac
  shift
done

need_programs git cmake ninja awk timeout
catch_exit
choose "${ids[@]}"
if $only_check; then
  work=$(mktemp -d "${TMPDIR:-/tmp}/libraft-mutants.XXXXXX")
  tree=$project_root
  remove_work() { rm -rf "$work"; }
  on_exit remove_work
  for patch in "${chosen[@]}"; do check_patch "$patch"; done
  note "${#chosen[@]} patches apply"
  exit 0
fi

mkdir -p "$work"
on_exit take_back
copy_sources
for patch in "${chosen[@]}"; do check_patch "$patch"; done
configure
prove_baseline
lines=() killed=0
for patch in "${chosen[@]}"; do
  if try_mutant "$patch"; then
    killed=$((killed + 1))
    note "killed  $line"
  else
    note "FAILED  $line"
  fi
  lines+=("$line")
done
note "${#chosen[@]} mutants, $killed killed"
[ -z "$table" ] || write_table "$table"
[ "$killed" -eq "${#chosen[@]}" ] || exit 1
