# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared with those who source this
# Writers that write through crashes and note each write's outcome. To be sourced by chaos.sh.
#
# A writer sends small batches, each by one curl over one connection, to the node that it takes for the leader, and
# looks for another when a write fails. The format of the history is described in check-history.sh.

writes_per_batch=10
shared_keys=5
writer_pids=()

# compose_batch WRITER FIRST-SEQUENCE URL: curl's instructions. Every tenth write goes to a key that all share. Each
# answer is followed by a line that begins with "@", for history_lines.
compose_batch() {
  local writer=$1 sequence key value position
  for ((position = 0; position < writes_per_batch; position++)); do
    sequence=$(($2 + position))
    key=$writer-$sequence
    [ $((sequence % 10)) -ne 0 ] || key=shared-$((sequence / 10 % shared_keys + 1))
    value=$writer.$sequence
    printf 'url = "%s/set"\nrequest = PUT\nheader = "Content-Type: application/json"\n' "$3"
    printf 'data = "{\\"key\\":\\"%s\\",\\"value\\":\\"%s\\"}"\n' "$key" "$value"
    printf 'write-out = "\\n@ %s %d %d %s %s %%{http_code} %%{exitcode} %%{num_connects} ' \
      "$writer" "$sequence" "$position" "$key" "$value"
    printf '%%header{x-raft-index} %%header{x-raft-term}\\n"\n'
    printf 'fail-with-body\nmax-time = 4\nnoproxy = "*"\n'
    [ $((position + 1)) -eq "$writes_per_batch" ] || echo next
  done
}

# history_lines: lines of the history from what curl printed; the word of an error takes the place of index and term.
history_lines() {
  awk '
    /^@ / {
      if ($7 == 200) print substr($0, 3)
      else print $2, $3, $4, $5, $6, $7, $8, $9, (word == "" ? "-" : word)
      word = ""
      next
    }
    match($0, /"error":"[a-z_]+"/) { word = substr($0, RSTART + 9, RLENGTH - 10) }'
}

# look_for_leader: the URL of a node that says that it leads; all are asked at once, for a paused one does not answer.
look_for_leader() {
  local i urls=()
  for ((i = 1; i <= cluster_size; i++)); do
    urls+=("$(node_url "$i")/health")
  done
  curl -s -Z --noproxy '*' -m 0.5 "${urls[@]}" -w '\n' 2>/dev/null |
    sed -n 's/.*"state":"leader".*"leader":"\([^"]*\)".*/\1/p' | tail -n 1
}

run_writer() {
  local writer=$1 sequence=0 target='' answers status written
  while [ ! -e "$scratch/stop" ] && kill -0 "$$" 2>/dev/null; do # also ends when the script itself was killed
    if [ -z "$target" ]; then
      target=$(look_for_leader)
      [ -n "$target" ] || { sleep 0.1 && continue; }
    fi
    answers=$(compose_batch "$writer" $((sequence + 1)) "$target" | curl -s --fail-early -K - 2>/dev/null)
    status=$?
    answers=$(history_lines <<<"$answers")
    [ -z "$answers" ] || printf '%s\n' "$answers" >>"$scratch/history.$writer"
    written=$(grep -c . <<<"$answers")
    sequence=$((sequence + written))
    [ "$status" -eq 0 ] || target=
    sleep 0.1 # the pace of the load, so that the nodes have time for faults and snapshots
  done
  echo "end $writer $sequence" >>"$scratch/history.$writer"
}

start_writers() {
  local n
  on_exit end_writers
  for ((n = 1; n <= $1; n++)); do
    : >"$scratch/history.w$n"
    (
      trap - EXIT
      run_writer "w$n"
    ) </dev/null &
    writer_pids+=($!)
  done
}

end_writers() { kill "${writer_pids[@]}" 2>/dev/null; }

stop_writers() {
  touch "$scratch/stop"
  wait "${writer_pids[@]}"
}

count_acknowledged() { cat "$scratch"/history.w* | awk '$6 == 200 { n++ } END { print n + 0 }'; }
has_acknowledged_writes() { [ "$(count_acknowledged)" -gt 0 ]; }

collect_history() { cat "$scratch"/history.w*; }

# dump_content I: "KEY VALUE" for every key that any writer may have written, "-" for an absent one.
dump_content() {
  local file writer last
  for file in "$scratch"/history.w*; do
    writer=${file##*.}
    last=$(awk '$1 == "end" { print $3 }' "$file")
    [ "$last" -eq 0 ] || dump_keys "$1" "$writer" "$last"
  done
  dump_keys "$1" shared "$shared_keys"
}

dump_keys() { # node, prefix, last number
  curl -s --noproxy '*' -m 600 "$(node_url "$1")/get?key=$2-[1-$3]" -w '\n' |
    awk -v prefix="$2" '
      { value = "?" }
      /"message":"key not found"/ { value = "-" }
      match($0, /"value":"[^"]*"/) { value = substr($0, RSTART + 9, RLENGTH - 10) }
      { print prefix "-" NR, value }'
}
