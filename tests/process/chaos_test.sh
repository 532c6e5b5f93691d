#!/usr/bin/env bash
# Thirty rounds of chaos lose nothing; and the check of this very history turns red when it is falsified.
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
end_test
