#!/usr/bin/env bash
# mutants_selftest.sh ROOT: what a killer reports is judged right, and a patch that no longer applies is told.
set -euo pipefail
cd "${1:?the root of the project}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# judged EXPECTED: the report on standard input; tabs are shown as |.
judged() {
  local said
  said=$(awk -f scripts/lib/mutant_report.awk | tr '\t' '|')
  [ "$said" = "$1" ] || {
    echo "judged as '$said', not as '$1'"
    exit 1
  }
}

judged 'passed|-|-|-' <<'END'
    <TestCase name="a rule" filename="a.cpp" line="1">
      <OverallResult success="true"/>
END
judged 'failed|a &quot;rule&quot; of two|-|-' <<'END'
    <TestCase name="another" filename="a.cpp" line="1">
    <TestCase name="a &quot;rule&quot; of two" tags="[x]" filename="a.cpp" line="1">
      <Expression success="false" type="CHECK" filename="a.cpp" line="2">
END
judged 'rule|schedules|iS6: on the disks of a quorum|19' <<'END'
    <TestCase name="schedules" filename="a.cpp" line="1">
      <Info>
        seed := 19 (0x13)
      </Info>
      <Expression success="false" type="REQUIRE_NOTHROW" filename="a.cpp" line="2">
        <Exception filename="a.cpp" line="2">
          violated: iS6: on the disks of a quorum
        </Exception>
END
judged 'rule|t|one vote for each term (§3.4)|-' <<'END'
    <TestCase name="t" filename="a.cpp" line="1">
      <Exception filename="a.cpp" line="2">
        one vote for each term (§3.4) (state.vote == before.vote, ../core/invariants.cpp:71)
      </Exception>
END
judged 'crashed|t|bad optional access|-' <<'END'
    <TestCase name="t" filename="a.cpp" line="1">
      <Exception filename="a.cpp" line="2">
        bad optional access
      </Exception>
END
judged 'crashed|t|-|-' <<'END'
    <TestCase name="t" filename="a.cpp" line="1">
      <Expression success="false" type="CHECK" filename="a.cpp" line="2">
      <FatalErrorCondition filename="a.cpp" line="2">
        SIGSEGV - Segmentation violation signal
      </FatalErrorCondition>
END
judged 'failed|t|-|-' <<'END'
    <TestCase name="t" filename="a.cpp" line="1">
      <Expression success="false" type="REQUIRE" filename="a.cpp" line="2">
      </Expression>
      <Expression success="false" type="CHECK" filename="a.cpp" line="3">
        <Exception filename="a.cpp" line="3">
          Exception translation was disabled by CATCH_CONFIG_FAST_COMPILE
        </Exception>
END
judged 'none|-|-|-' <<'END'
<Catch name="t"/>
END

# shellcheck source=scripts/lib/mutant_runs.sh
source scripts/lib/mutant_runs.sh
named() { names_check "$1" "$2" || { echo "'$1' is said not to name '$2'" && exit 1; }; }
unnamed() { ! names_check "$1" "$2" || { echo "'$1' is said to name '$2'" && exit 1; }; }
named 'schedules: iS6: on a quorum' 'iS6'
named 'iD1: at 2 s: not on disk' 'iD7|iD1'
unnamed 'iS1: at 2 s: two leaders' 'iD7|iD1'
unnamed 'a test' 'a test, and another'

mkdir -p "$scratch/scripts/lib" "$scratch/tests/mutants"
cp scripts/mutants.sh "$scratch/scripts/"
cp scripts/lib/common.sh scripts/lib/mutant_runs.sh "$scratch/scripts/lib/"
printf 'old\n' >"$scratch/file"
patch_of() { # the line it expects
  printf 'mX9: a bug\nKiller: paper\nCheck: a test\n\n'
  printf 'diff --git a/file b/file\n--- a/file\n+++ b/file\n@@ -1,1 +1,1 @@\n-%s\n+new\n' "$1"
}
patch_of old >"$scratch/tests/mutants/mX9-a-bug.patch"
bash "$scratch/scripts/mutants.sh" --check >/dev/null || { echo "a patch that applies is refused" && exit 1; }
patch_of other >"$scratch/tests/mutants/mX9-a-bug.patch"
! bash "$scratch/scripts/mutants.sh" --check 2>/dev/null >&2 || { echo "a patch that does not apply is taken" && exit 1; }
patch_of old | sed '/^Check:/d' >"$scratch/tests/mutants/mX9-a-bug.patch"
! bash "$scratch/scripts/mutants.sh" --check 2>/dev/null >&2 || { echo "a patch without a check is taken" && exit 1; }
patch_of old | tee "$scratch/tests/mutants/mX9-a-bug.patch" >"$scratch/tests/mutants/mX9-again.patch"
! bash "$scratch/scripts/mutants.sh" --check 2>/dev/null >&2 || { echo "two mutants of one id are taken" && exit 1; }
