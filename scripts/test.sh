#!/usr/bin/env bash
# Builds everything and runs all tests. This is what continuous integration runs, and the README's test command.
#
# Usage: scripts/test.sh [--quick | --full] [--stage NAME]...
#   (no option)   set-up, three builds (g++ Release; clang with ASan and UBSan; clang with TSan), their tests, the
#                 documentation, simulated clusters, the explorer, some mutants and fuzzers; 30 minutes on two cores
#   --quick       g++ Release and its unit, conformance and simulation tests only: no process tests, no sanitizers
#   --full        everything, also what the other runs take turns with (see "rotation" in docs/testing.md)
#   --stage NAME  only this stage (repeatable); --list names them
#
# Prints a table of stages with seconds and, at the very end, ctest's own count. Fails when anything failed.
# The logs are in build/logs/.
#
# shellcheck disable=SC2317  # the stages are called by name
set -uo pipefail
unset CDPATH # with it, cd says where it went
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

all_stages=(setup build-release build-asan build-tsan docs test-asan test-tsan process-sanitized simulate explore
  mutants fuzz test-release)
quick_stages=(setup build-release test-release)
process_stages=(A1 A2 B1 B2 C1 C2 D1 E1 F1 F2 G1 H1 P1 P2 P3 S1)
stages=()
mode=default

usage() { sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

while [ $# -gt 0 ]; do
  case "$1" in
    --quick) mode=quick ;;
    --full) mode=full ;;
    --stage)
      [[ $# -gt 1 && " ${all_stages[*]} " == *" $2 "* ]] || {
        echo "test.sh: --stage takes one of: ${all_stages[*]}" >&2
        exit 2
      }
      stages+=("$2")
      shift
      ;;
    --list)
      printf '%s\n' "${all_stages[@]}"
      exit 0
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      echo "test.sh: unknown option '$1' (see --help)" >&2
      exit 2
      ;;
  esac
  shift
done
if [ "${#stages[@]}" -eq 0 ]; then
  stages=("${all_stages[@]}")
  [ "$mode" != quick ] || stages=("${quick_stages[@]}")
fi

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
logs=$root/build/logs
mkdir -p "$logs"
# One cache for the builds here and for the mutants' copy of the tree.
# By the headers as they are, not by what the preprocessor makes of them: g++ takes a precompiled header for another one
# when a comment in it has changed.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CTEST_OUTPUT_ON_FAILURE=1
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-suppressions=$root/cmake/tsan.supp:halt_on_error=1}

# What takes turns is chosen by the commit, so that a run can be repeated and all of it comes round.
commit=0 turn=0
choose_turn() {
  commit=$(git rev-parse HEAD 2>/dev/null || echo 0)
  turn=$((16#${commit:0:6}))
}
choose_turn

results=() # "name|seconds|outcome"
outcome_of() {
  local result
  for result in "${results[@]}"; do
    [ "${result%%|*}" != "$1" ] || echo "${result##*|}"
  done
}

# A stage needs the build that it tests; when that failed in this run, it has failed too, and says why.
needed_by() {
  case "$1" in
    test-release | docs | simulate | explore | mutants) echo build-release ;;
    test-asan | fuzz) echo build-asan ;;
    test-tsan) echo build-tsan ;;
    process-sanitized) echo "build-asan build-tsan" ;;
  esac
}

run_stage() {
  local name=$1 begin=$SECONDS outcome=passed need
  echo
  echo "=== $name"
  for need in $(needed_by "$name"); do
    if [ "$(outcome_of "$need")" = FAILED ]; then
      echo "not possible: $need failed"
      outcome=FAILED
    fi
  done
  if [ "$outcome" = passed ]; then
    "stage_${name//-/_}" 2>&1 </dev/null | tee "$logs/$name.log"
    [ "${PIPESTATUS[0]}" -eq 0 ] || outcome=FAILED
  fi
  [ "$name" != setup ] || choose_turn # it may have installed git
  results+=("$name|$((SECONDS - begin))|$outcome")
  echo "=== $name: $outcome after $((SECONDS - begin)) s"
}

stage_setup() { bash scripts/setup.sh; }

configure() { # preset, options
  local preset=$1 launcher=()
  shift
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$preset" "${launcher[@]}" "$@" >"$logs/configure-$preset.log" 2>&1 || {
    cat "$logs/configure-$preset.log"
    return 1
  }
}

build() { # preset, targets; Ninja's progress only when something fails
  local preset=$1
  shift
  if ! ninja -C "build/$preset" -j "$jobs" -k 0 "$@" >"$logs/ninja-$preset.log" 2>&1; then
    grep -v '^\[[0-9]*/[0-9]*\] \(Building\|Linking\|Generating\)' "$logs/ninja-$preset.log" | tail -n 150
    return 1
  fi
  tail -n 1 "$logs/ninja-$preset.log"
}

targets_of() { # preset, pattern: the programs that this tree has
  ninja -C "build/$1" -t targets all 2>/dev/null | sed -n 's/^\([a-z_0-9]*\): phony$/\1/p' | grep -E "^($2)$" | sort -u
}

stage_build_release() { configure release && build release; }
stage_build_asan() { configure asan && build asan; }

tsan_programs='unit_node|unit_asio|unit_storage|unit_transport|unit_kvserver|kvserver'
stage_build_tsan() {
  configure tsan || return 1
  local targets
  mapfile -t targets < <(targets_of tsan "libraft|$tsan_programs")
  echo "targets: ${targets[*]}"
  build tsan "${targets[@]}"
}

stage_docs() {
  mkdir -p build/docs
  doxygen docs/Doxyfile >"$logs/doxygen.log" 2>&1 || {
    tail -n 60 "$logs/doxygen.log"
    return 1
  }
  echo "doxygen: no warnings"
}

run_ctest() { # preset, options
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --no-tests=error --timeout 300 "$@"
}

# The text after the last progress line; ctest's list of a thousand passed tests is in the log.
stage_test_asan() { run_ctest asan -j "$jobs" -LE 'process|install|house' --progress; }
stage_test_tsan() { run_ctest tsan -j "$jobs" -R "^($tsan_programs):" --progress; }

# Two stages of the validation matrix by each sanitizer's kvserver, all of them with --full.
stage_process_sanitized() {
  local chosen preset failed=0 count=${#process_stages[@]} first=$turn
  for preset in asan tsan; do
    chosen=("${process_stages[@]}")
    if [ "$mode" != full ]; then
      chosen=("${process_stages[first % count]}" "${process_stages[(first + 8) % count]}")
    fi
    first=$((first + 5))
    echo "rotation: commit ${commit:0:6} runs stages ${chosen[*]} with the kvserver of build/$preset"
    bash scripts/validate.sh --binary "build/$preset/bin/kvserver" "${chosen[@]}" || failed=1
  done
  return "$failed"
}

# Simulated clusters with faults: the seeds that once failed, then fresh ones, others for each commit.
stage_simulate() {
  local sim=build/release/bin/raft_sim seed first=$((turn * 1000 + 1)) failed=0
  while read -r seed _; do
    case "$seed" in '' | '#'*) continue ;; esac
    "$sim" --seed "$seed" --no-shrink >"$logs/seed-$seed.log" 2>&1 || {
      tail -n 20 "$logs/seed-$seed.log"
      failed=1
    }
    echo "seed $seed, which once failed: $(tail -n 1 "$logs/seed-$seed.log")"
  done <tests/simulation/seeds.txt
  echo "fresh seeds from $first on"
  if [ "$mode" = full ]; then
    "$sim" --seeds 4000 --first "$first" --jobs "$jobs" || failed=1
  else
    "$sim" --seeds 1000000 --minutes 4 --first "$first" --jobs "$jobs" || failed=1
  fi
  return "$failed"
}

# Every state of the core within bounds; the search must come to its end.
stage_explore() {
  local bound bounds=(two-terms-quick elected-quick) failed=0
  [ "$mode" != full ] || bounds=(two-terms elected)
  for bound in "${bounds[@]}"; do
    build/release/bin/raft_explore --bound "$bound" --minutes 20 | tee "$logs/explore-$bound.log" || failed=1
    [ "$(tail -n 1 "$logs/explore-$bound.log" | jq -r .complete)" = true ] || {
      echo "$bound: not complete, or a violation"
      failed=1
    }
  done
  if [ "$mode" = full ]; then
    build/release/bin/raft_explore --bound three-terms --minutes 3 || failed=1
  fi
  return "$failed"
}

# Deliberate bugs, each of which a check must notice: six that take turns.
stage_mutants() {
  if [ "$mode" = full ]; then
    bash scripts/mutants.sh all --table "$logs/mutants.md"
  else
    bash scripts/mutants.sh --rotate "${commit:0:6}" 6
  fi
}

# Half of the fuzzers for 30 s each.
stage_fuzz() {
  local names chosen=() i
  mapfile -t names < <(bash scripts/fuzz.sh --list)
  if [ "$mode" = full ]; then
    chosen=("${names[@]}")
  else
    for ((i = turn % 2; i < ${#names[@]}; i += 2)); do chosen+=("${names[i]}"); done
  fi
  echo "rotation: commit ${commit:0:6} runs ${chosen[*]}"
  bash scripts/fuzz.sh --seconds "$([ "$mode" = full ] && echo 60 || echo 30)" "${chosen[@]}"
}

stage_test_release() {
  if [ "$mode" = quick ]; then
    run_ctest release -j "$jobs" -LE 'process|install' --progress
  else
    run_ctest release -j "$jobs" --progress
  fi
}

for stage in "${stages[@]}"; do
  run_stage "$stage"
done

failed=0
echo
echo "stage                 seconds  outcome"
for result in "${results[@]}"; do
  IFS='|' read -r name seconds outcome <<<"$result"
  printf '%-20s %8d  %s\n' "$name" "$seconds" "$outcome"
  [ "$outcome" = passed ] || failed=1
done
printf '%-20s %8d  %s\n' total "$SECONDS" "$([ "$failed" -eq 0 ] && echo passed || echo FAILED)"
if [ "$mode" = default ] && [ "$SECONDS" -gt 1800 ]; then
  echo "warning: this run took more than its 30 minutes"
fi
echo
for result in "${results[@]}"; do
  name=${result%%|*}
  count=$(grep -aE '^[0-9]+% tests passed, ' "$logs/$name.log" 2>/dev/null | tail -n 1)
  [ -z "$count" ] || printf '%s: %s\n' "$name" "$count"
done
# The main count once more, alone, as ctest prints it.
grep -aE '^[0-9]+% tests passed, ' "$logs/test-release.log" 2>/dev/null | tail -n 1
exit "$failed"
