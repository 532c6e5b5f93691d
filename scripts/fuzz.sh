#!/usr/bin/env bash
# Builds the fuzzers with libFuzzer, AddressSanitizer and UBSan, and runs one after the other.
#
# Usage: scripts/fuzz.sh [--seconds N] [--build FOLDER] [--minimise] [--list] [NAME...]
#   --seconds N     for each fuzzer; default 60
#   --build FOLDER  with fuzzers built by the preset `fuzz`; default build/fuzz, built when needed
#   --minimise      afterwards tests/fuzz/corpus/NAME is few inputs that reach what was reached, at most 40 KiB of them
#   --list          names the fuzzers
#   NAME            default: all
#
# Each begins with tests/fuzz/corpus/NAME and with what earlier runs found (FOLDER/corpus/NAME). Prints for each how many
# inputs were tried, and how much more code than at the start was reached. Exit status 1 when an input broke a rule, took
# longer than 20 s or more than 2 GiB: its path is printed, and the command that tries it again. Put such an input
# into tests/fuzz/corpus/NAME with the fix: every build runs what is there.
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

seconds=60
build=$project_root/build/fuzz
is_minimising=
names=()
corpus_bytes_max=40960
known=()
for source in "$project_root"/tests/fuzz/*_fuzz.cpp; do
  known+=("$(basename "$source" _fuzz.cpp)")
done

while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      print_usage
      exit 0
      ;;
    --list)
      printf '%s\n' "${known[@]}"
      exit 0
      ;;
    --minimise) is_minimising=1 ;;
    --seconds | --build)
      [ $# -gt 1 ] || die "$1 needs a value"
      if [ "$1" = --seconds ]; then seconds=$2; else build=$2; fi
      shift
      ;;
    -*) die "unknown option '$1' (see --help)" ;;
    *) names+=("$1") ;;
  esac
  shift
done
case "$seconds" in '' | *[!0-9]* | 0) die "--seconds takes a number of at least 1" ;; esac
[ "${#names[@]}" -gt 0 ] || names=("${known[@]}")
for name in "${names[@]}"; do
  [ -e "$project_root/tests/fuzz/${name}_fuzz.cpp" ] || die "there is no fuzzer '$name'; there are: ${known[*]}"
done

build_fuzzers() {
  local log=$project_root/build/fuzz-build.log options=()
  need_programs cmake ninja clang++
  mkdir -p "$project_root/build"
  ! command -v ccache >/dev/null || options=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  (cd "$project_root" && cmake --preset fuzz "${options[@]}") >"$log" 2>&1 || { tail -n 30 "$log" >&2 && die "cmake failed"; }
  ninja -C "$build" "${names[@]/#/fuzz_}" >"$log" 2>&1 || { tail -n 40 "$log" >&2 && die "the build failed"; }
}

# What is printed in front of the last line of a log that has it: "INITED cov: 812 ft: ..."
coverage_of() { sed -n "s/^#[0-9]*[[:space:]]*$1[[:space:]]*cov: \([0-9]*\) .*/\1/p" "$2" | tail -n 1; }
stat_of() { sed -n "s/^stat::$1:[[:space:]]*//p" "$2" | tail -n 1; }

longest_of() { # of one input: schedules are choices, and long ones only cost time
  case "$1" in
    schedule) echo 800 ;;
    simulation) echo 400 ;;
    *) echo 4096 ;;
  esac
}

# libFuzzer begins with short inputs and takes its time; a short schedule gets a cluster hardly anywhere.
growth_of() { if [ "$1" = schedule ] || [ "$1" = simulation ]; then echo 0; else echo 100; fi; }

run_fuzzer() { # name
  local name=$1 own=$build/corpus/$1 log=$build/fuzz-$1.log program=$build/bin/fuzz_$1 status=0
  mkdir -p "$own" "$build/crashes"
  # The time goes to one process; some fuzzers of storage and schedules run thousands of lines for each input.
  nice "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len="$(longest_of "$name")" \
    -len_control="$(growth_of "$name")" -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" \
    "$own" "$project_root/tests/fuzz/corpus/$name" \
    >"$log" 2>&1 || status=$?
  local first last
  first=$(coverage_of INITED "$log")
  last=$(coverage_of '[A-Za-z]*' "$log")
  printf '%-14s %10s executions in %s s, coverage %s to %s, %s new inputs\n' "$name" \
    "$(stat_of number_of_executed_units "$log")" "$seconds" "${first:-?}" "${last:-?}" "$(stat_of new_units_added "$log")"
  [ "$status" -ne 0 ] || return 0
  grep -E '^violated:|ERROR:|runtime error|what\(\):|SUMMARY' "$log" | head -n 5 >&2
  local input
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  printf 'FAILED: %s\n  input: %s\n  again: %s %s\n  log: %s\n' "$name" "$input" "$program" "$input" "$log" >&2
  return 1
}

# Few inputs that together reach each branch (how often is not counted), the smallest first, as long as they fit.
minimise() { # name
  local name=$1 all=$build/corpus/$1-merged target=$project_root/tests/fuzz/corpus/$1 sum=0 size file
  rm -rf "$all"
  mkdir -p "$all"
  "$build/bin/fuzz_$name" -set_cover_merge=1 -use_counters=0 -max_len="$(longest_of "$name")" "$all" "$target" "$build/corpus/$name" \
    >"$build/merge-$name.log" 2>&1 || { tail -n 5 "$build/merge-$name.log" >&2 && fail "merging the corpus of $name"; }
  find "$target" -type f ! -name 'once-*' -delete
  while read -r size file; do
    sum=$((sum + size))
    [ "$sum" -le "$corpus_bytes_max" ] || break
    cp "$all/$file" "$target/$file"
  done < <(find "$all" -type f -printf '%s %f\n' | sort -n)
  note "$name: $(find "$target" -type f | wc -l) inputs in tests/fuzz/corpus/$name"
}

[ "$build" != "$project_root/build/fuzz" ] || build_fuzzers
failures=0
for name in "${names[@]}"; do
  run_fuzzer "$name" || failures=$((failures + 1))
  [ -z "$is_minimising" ] || minimise "$name"
done
[ "$failures" -eq 0 ] || fail "$failures of ${#names[@]} fuzzers found an input that breaks a rule"
