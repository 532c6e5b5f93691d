#!/usr/bin/env bash
# Checks the writes of a chaos run against what the nodes hold at its end.
#
# Usage: scripts/lib/check-history.sh HISTORY NODE-CONTENT...
#
#   HISTORY       a line for each write, in each writer's order (and "end WRITER COUNT" at each writer's end):
#                   WRITER SEQUENCE POSITION KEY VALUE 200 CURL-EXIT CONNECTS INDEX TERM
#                   WRITER SEQUENCE POSITION KEY VALUE STATUS CURL-EXIT CONNECTS ERROR
#                 POSITION counts within one run of curl, CONNECTS are the connections that this write opened, ERROR
#                 is the word in the answer's body, or "-"
#   NODE-CONTENT  for each node a file of "KEY VALUE" lines; "-" stands for an absent key
#
# A write is acknowledged (200), refused (certainly not done, which docs/kvserver.md promises for every error but
# "timeout" and those of status 500), or its outcome is unknown. curl repeats a request by
# itself when a connection that it re-uses turns out dead, so a refusal counts only for a write sent once.
#
# What has to hold: no writer's history has a gap; an acknowledged write has an index of its own, above the writer's
# one before; its value is there on every node, unless a write to the same key with a higher index or an unknown
# outcome took its place; no refused write is there, and none that nobody wrote; and all nodes are equal.
#
# Prints the counts and at most 20 violations; exit 1 when there are any.
set -eu
[ $# -ge 2 ] || {
  sed -n '/^# Usage/,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
history=$1
shift

for content in "$@"; do
  cmp -s "$1" "$content" || {
    echo "VIOLATION: $1 and $content are not equal:"
    diff "$1" "$content" | head -n 10
    unequal=1
  }
done

awk -v unequal="${unequal:-0}" '
  function violation(text) { if (++violations <= 20) print "VIOLATION: " text }
  function outcome(position, status, exit_code, connects, error) {
    if (status == 200) return "acknowledged"
    sent_once = position == 0 || connects == 0
    if (sent_once && status ~ /^[45]/ && status != 500 && error ~ /^[a-z_]+$/ && error != "timeout") return "refused"
    if (position == 0 && exit_code == 7) return "refused"
    return "unknown"
  }

  FNR == 1 { file++ }

  file == 1 && $1 == "end" { ended[$2] = $3; next }
  file == 1 {
    if (NF < 8) { violation("not a line of a history: " $0); next }
    if ($2 != ++sequence[$1]) {
      violation("the history of " $1 " has a gap before write " $2)
      sequence[$1] = $2
    }
    result = outcome($3, $6, $7, $8, $9)
    count[result]++
    write = $4 SUBSEP $5
    result_of[write] = result
    known[$4] = 1
    if (result == "acknowledged") {
      index_of[write] = $9 + 0
      if ($9 + 0 == 0) violation("the acknowledged write " $4 "=" $5 " has no index")
      if ($9 in taken) violation($4 "=" $5 " and " taken[$9] " were both acknowledged at index " $9)
      taken[$9] = $4 "=" $5
      if ($9 + 0 <= newest[$1]) violation($4 "=" $5 " has index " $9 ", the same writer had " newest[$1] " before")
      newest[$1] = $9 + 0
      if ($9 + 0 > last_index[$4]) { last_index[$4] = $9 + 0; last_value[$4] = $5 }
    }
    next
  }

  {
    if (!(file SUBSEP $1 in seen)) contents[file]++
    seen[file, $1] = 1
    write = $1 SUBSEP $2
    if ($2 == "-" ) {
      if ($1 in last_value) lose($1, "absent")
    } else if (!(write in result_of)) {
      violation($1 "=" $2 " is there, and nobody wrote it")
    } else if (result_of[write] == "refused") {
      violation($1 "=" $2 " is there, and was refused")
    } else if (result_of[write] == "acknowledged" && index_of[write] != last_index[$1]) {
      lose($1, $2)
    }
  }
  function lose(key, found) {
    if (key in lost) return
    lost[key] = 1
    lost_count++
    violation("lost: " key "=" last_value[key] " was acknowledged at index " last_index[key] "; found: " found)
  }

  END {
    for (writer in sequence) {
      if (!(writer in ended)) violation("the history of " writer " has no end")
      else if (ended[writer] != sequence[writer])
        violation("the history of " writer " has " sequence[writer] " writes of " ended[writer])
    }
    for (key in known)
      for (f = 2; f <= file; f++)
        if (!((f, key) in seen)) violation("the content of node " f - 1 " does not say anything about " key)
    if (file < 2) violation("there is no content of a node")
    if (count["acknowledged"] + 0 == 0) violation("no write was acknowledged")
    if (violations > 20) print "... and " violations - 20 " more violations"
    printf "acknowledged %d, unknown %d, refused %d, lost %d\n",
      count["acknowledged"], count["unknown"], count["refused"], lost_count
    exit violations > 0 || unequal
  }
' "$history" "$@"
