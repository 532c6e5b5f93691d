#!/usr/bin/env bash
# Thirty rounds of chaos lose nothing, and one order explains what was seen; and the checks of these very histories turn
# red when they are falsified.
# shellcheck disable=SC2016  # awk programs
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test chaos

"${launcher[@]}" bash "$project_root/scripts/chaos.sh" --rounds "${CHAOS_ROUNDS:-30}" --keep "$scratch/kept" ||
  fail "the chaos run failed"
passed

check=$project_root/scripts/lib/check-history.sh
middle=$(awk '$6 == 200 && $4 !~ /^shared/ { line[++n] = NR } END { print line[int((n + 1) / 2)] }' "$scratch/kept/history")
key=$(awk -v line="$middle" 'NR == line { print $4 }' "$scratch/kept/history")
note "- one acknowledged write, $key, dropped from the history"
sed "${middle}d" "$scratch/kept/history" >"$scratch/history"
if output=$(bash "$check" "$scratch/history" "$scratch"/kept/content.n?); then
  fail "the check did not notice: $output"
fi
expect_contains "the check" "$output" "nobody wrote it"

note "- the same write dropped from the nodes"
for i in 1 2 3; do
  sed "s/^$key .*/$key -/" "$scratch/kept/content.n$i" >"$scratch/content.n$i"
done
if output=$(bash "$check" "$scratch/kept/history" "$scratch"/content.n?); then
  fail "the check did not notice: $output"
fi
expect_contains "the check" "$output" "lost 1"

# expect_not_linearizable WHAT WORDS AWK-PROGRAM: forges the operations by the program, which knows KEY, a shared key with
# several acknowledged writes, the FIRST of them, and the LAST read of it.
ensure_linearizability
read -r key first last < <(awk '
  $2 == "put" && $5 == "ok" && $3 ~ /^shared/ { if ($3 in first) many[$3] = 1; else first[$3] = $4 }
  $1 == "end" && ($3 in many) && $4 != first[$3] { print $3, first[$3], $4; exit }' "$scratch/kept/operations")
expect_not_linearizable() {
  local output
  note "- $1"
  awk -v key="$key" -v first="$first" -v last="$last" "$3" "$scratch/kept/operations" >"$scratch/operations"
  output=$("$LINEARIZABILITY" "$scratch/operations")
  expect_equal "the verdict on $1: $output" "$?" 1
  expect_contains "the verdict on $1" "$output" "$2"
}
expect_not_linearizable "the first of many values read at the end" "Key \"$key\": s" \
  '$1 == "end" && $3 == key { $4 = first } { print }'
expect_not_linearizable "no value read at the end" "Key \"$key\": lost write: " \
  '$1 == "end" && $3 == key { $4 = "-" } { print }'
expect_not_linearizable "a value read that nobody wrote" "Key \"$key\": value from nowhere: " \
  '$1 == "end" && $3 == key { $4 = "forged" } { print }'
expect_not_linearizable "a write that was refused and is there" "Key \"$key\": read of a failed write: " \
  '$2 == "put" && $3 == key && $4 == last { $5 = "failed"; if ($7 == "-") $7 = $6 } { print }'
end_test
