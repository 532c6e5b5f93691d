#!/usr/bin/env bash
# kvserver_words.sh ROOT: the error words and statuses of the client API in docs/kvserver.md, and of the Raft port in
# docs/formats.md, are those of the sources.
set -euo pipefail
cd "${1:?the root of the project}"
sources=(examples/kvserver/api/*.cpp)

# "status word" of each row of the table of errors
documented=$(awk -F'|' '/^\| [0-9]+ \| `[a-z_]+` \|/ { gsub(/[ `]/, ""); print $2, $3 }' docs/kvserver.md)
written=$(grep -ohE 'error_reply\([0-9]+, "[a-z_]+"' "${sources[@]}" | sed -E 's/error_reply\(([0-9]+), "(.*)"/\1 \2/')

failures=0
complain() {
  echo "$*"
  failures=$((failures + 1))
}
while read -r status word; do
  grep -qx "$status $word" <<<"$documented" || complain "docs/kvserver.md does not list $status $word"
done < <(sort -u <<<"$written")
while read -r status word; do
  grep -qF "\"$word\"" "${sources[@]}" || complain "docs/kvserver.md lists $status $word, which no source has"
done <<<"$documented"
while read -r twice; do
  complain "docs/kvserver.md lists $twice twice"
done < <(sort <<<"$documented" | uniq -d)

# The Raft port's own words: a row may list several.
of_raft_port=$(awk -F'|' '/^\| [0-9]+ \| `[a-z_]+`/ {
    gsub(/ /, "", $2); gsub(/[ `]/, "", $3)
    for (i = split($3, words, ","); i > 0; i--) print $2, words[i]
  }' docs/formats.md | sort)
of_transport=$({
  grep -ohE 'error_reply\([0-9]+, "[a-z_]+"' examples/kvserver/transport/*.cpp | sed -E 's/error_reply\(([0-9]+), "(.*)"/\1 \2/'
  grep -ohE 'word = "[a-z_]+"' examples/kvserver/transport/*.cpp | sed -E 's/.*"(.*)"/400 \1/'
} | sort -u)
[[ $of_raft_port == "$of_transport" ]] ||
  complain "docs/formats.md and the sources differ: $(diff <(echo "$of_raft_port") <(echo "$of_transport"))"

count=$(wc -l <<<"$documented")
if [[ $count -lt 10 ]]; then complain "docs/kvserver.md: the table of errors is not understood"; fi
echo "$count error words, $failures of them false"
[[ $failures -eq 0 ]]
