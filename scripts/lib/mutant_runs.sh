# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared with those who source this
# Runs a killer and says what it found. To be sourced by mutants.sh.
#
# A killer is a program of the tests with a test's name, `explore BOUND` or `sim SEEDS OPTION...`. After run_killer:
#   outcome   passed, killed, crashed, hung or broken (the killer itself could not run)
#   evidence  what it reported: the test, and the rule where there is one
#   named     the rule, or the test where there is none; what goes into the table
#   seed      of the run that found it, or how many states were explored; empty where there is neither

seconds_max=60

# killer_target KILLER: what has to be built for it.
killer_target() {
  case "$1" in
    explore\ *) echo raft_explore ;;
    sim\ *) echo raft_sim ;;
    *) echo "${1%% *}" ;;
  esac
}

# run_killer KILLER: see above. Its output stays in $work/killer.out.
run_killer() {
  local killer=$1 words status=0 name
  outcome=broken evidence='' named='' seed=''
  case "$killer" in
    explore\ *) words=(raft_explore --bound "${killer#explore }" --minutes 0.25 --memory 3000) ;;
    sim\ *)
      read -ra words <<<"${killer#sim }"
      words=(raft_sim --first 1 --jobs 1 --no-shrink --seeds "${words[@]}")
      ;;
    *\ \"*\")
      name=${killer#*\"} name=${name%\"}
      words=("${killer%% *}" "${name//,/\\,}" -r xml --abort)
      ;;
    *) words=("$killer" -r xml --abort) ;;
  esac
  words[0]=$tree/build/release/bin/${words[0]}
  (ulimit -v 4000000; cd "$work" && exec timeout -k 5 "$seconds_max" "${words[@]}") >"$work/killer.out" 2>"$work/killer.err" || status=$?
  case "$killer" in
    explore\ * | sim\ *) judge_run "$status" ;;
    *) judge_tests "$status" ;;
  esac
}

# names_check EVIDENCE EXPECTED: it has what is expected, or one of what is expected between bars.
names_check() {
  local one
  while read -r one; do
    [[ $1 != *"$one"* ]] || return 0
  done < <(tr '|' '\n' <<<"$2")
  return 1
}

# judge_tests STATUS: of a Catch2 program that wrote XML. A broken invariant is a check; any other exception, and a
# signal, is a crash by luck.
judge_tests() {
  local report test kind rule
  if [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
    outcome=hung
    return
  fi
  report=$(awk -f "$project_root/scripts/lib/mutant_report.awk" "$work/killer.out")
  IFS=$'\t' read -r kind test rule seed <<<"$report"
  test=${test//&quot;/\"}
  case "$kind" in
    passed) [ "$1" -ne 0 ] || outcome=passed ;;
    failed)
      outcome=killed
      evidence="$test" named="$test"
      ;;
    rule)
      outcome=killed
      evidence="$test: $rule" named=$rule
      ;;
    crashed) outcome=crashed evidence="$test: $rule" ;;
    none) evidence='there is no such test' ;;
  esac
  [ "$seed" != - ] || seed=''
}

# judge_run STATUS: of raft_explore or raft_sim: exit 1 is a violation, and a line names the rule.
judge_run() {
  case "$1" in
    0 | 3) outcome=passed ;; # 3: a mark was never hit
    1)
      # raft_sim: "VIOLATION of iS6 by seed 7" and a sentence below it; raft_explore: "violation: iS6: ...".
      named=$(sed -n '/^VIOLATION of /{s/^VIOLATION of //; s/ by seed .*//; N; s/\n */: /; p; q}' "$work/killer.out")
      seed=$(sed -n '/^VIOLATION of /{s/.* by seed \([0-9]*\).*/\1/p; q}' "$work/killer.out")
      if [ -z "$named" ]; then
        named=$(sed -n '/^violation: /{s///p; q}' "$work/killer.out")
        seed=$(sed -n 's/^{.*"states":\([0-9]*\).*/\1 states/p' "$work/killer.out")
      fi
      evidence=$named
      # What a whole cluster was like is too long for a line of the table.
      [ "${#named}" -le 150 ] || named="${named:0:150}..."
      [ -z "$evidence" ] || outcome=killed
      ;;
    124 | 137) outcome=hung ;;
    *) [ "$1" -lt 128 ] || outcome=crashed ;;
  esac
}
