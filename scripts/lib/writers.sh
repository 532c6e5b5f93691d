# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared with those who source this
# Writers that write and read through crashes and note each outcome. To be sourced by chaos.sh.
#
# A writer sends small batches, each by one curl over one connection, to the node that it takes for the leader, and
# looks for another when a write fails. It keeps two accounts: of its writes, in the format of check-history.sh, and of
# all it did and saw, with times, in that of docs/linearizability.md.

writes_per_batch=10
shared_keys=5
writer_pids=()

# compose_batch WRITER FIRST-SEQUENCE URL: curl's instructions. Every tenth write goes to a key that all share; in between
# two shared keys are read, and one of the writer's own. Each answer is followed by a line that begins with "@" (of a
# write, for history_lines) or "?" (of a read), and by its seconds.
compose_batch() {
  local writer=$1 sequence key value position=0
  for ((sequence = $2; sequence < $2 + writes_per_batch; sequence++)); do
    key=$writer-$sequence
    [ $((sequence % 10)) -ne 0 ] || key=shared-$((sequence / 10 % shared_keys + 1))
    value=$writer.$sequence
    [ "$position" -eq 0 ] || echo next
    printf 'url = "%s/set"\nrequest = PUT\nheader = "Content-Type: application/json"\n' "$3"
    printf 'data = "{\\"key\\":\\"%s\\",\\"value\\":\\"%s\\"}"\n' "$key" "$value"
    printf 'write-out = "\\n@ %s %d %d %s %s %%{http_code} %%{exitcode} %%{num_connects} ' \
      "$writer" "$sequence" "$position" "$key" "$value"
    printf '%%header{x-raft-index} %%header{x-raft-term}\\n= %%{time_total}\\n"\n'
    printf 'fail-with-body\nmax-time = 4\nnoproxy = "*"\n'
    position=$((position + 1))
    case $((sequence % 10)) in
      3 | 7) compose_read "$writer" "shared-$((RANDOM % shared_keys + 1))" "$3" ;;
      8) compose_read "$writer" "$writer-$((RANDOM % sequence + 1))" "$3" ;;
      *) continue ;;
    esac
    position=$((position + 1))
  done
}

# No answer to a read ends the batch: a key may be absent.
compose_read() { # writer, key, URL
  printf 'next\nurl = "%s/get?key=%s&consistency=linearizable"\n' "$3" "$2"
  printf 'write-out = "\\n? %s %s %%{http_code} %%{exitcode}\\n= %%{time_total}\\n"\n' "$1" "$2"
  printf 'max-time = 4\nnoproxy = "*"\n'
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
    /^\? / { word = "" }
    match($0, /"error":"[a-z_]+"/) { word = substr($0, RSTART + 9, RLENGTH - 10) }'
}

# operation_lines BEGIN END: the same with the reads and with times, from what curl printed between these two moments.
# An operation began at the earliest when those before it had taken their time, and ended at the latest so that those
# behind it could take theirs: times may be too wide, never too narrow.
operation_lines() {
  awk -v begin="$1" -v end="$2" '
    # As check-history.sh has it: what curl may have sent twice is never certainly refused.
    function outcome(position, status, exit_code, connects, error) {
      if (status == 200) return "ok"
      if ((position == 0 || connects == 0) && status ~ /^[45]/ && status != 500 && error != "" && error != "timeout")
        return "failed"
      return position == 0 && exit_code == 7 ? "failed" : "unknown"
    }
    /^\{/ {
      word = value = ""
      if (match($0, /"error":"[a-z_]+"/)) word = substr($0, RSTART + 9, RLENGTH - 10)
      if (match($0, /"value":"[^"]*"/)) value = substr($0, RSTART + 9, RLENGTH - 10)
      if ($0 ~ /"message":"key not found"/) value = "-"
      next
    }
    /^@ / {
      what[++n] = $2 " put " $5 " " $6
      result[n] = outcome($4, $7, $8, $9, word)
      is_repeated[n] = $4 > 0 && $9 > 0 && result[n] != "failed"
      word = value = ""
      next
    }
    /^\? / {
      what[++n] = $2 " get " $3 " " (value == "" ? "-" : value)
      result[n] = value != "" && ($4 == 200 || $4 == 404) && $5 == 0 ? "ok" : "failed"
      word = value = ""
      next
    }
    /^= / { took[n] = int($2 * 1000000) }
    END {
      for (i = n; i > 0; i--) { last[i] = end - behind; behind += took[i] }
      for (i = 1; i <= n; i++) {
        first = begin + ahead
        ahead += took[i]
        printf "%s %s %.0f ", what[i], result[i], first
        if (result[i] == "unknown") print "-"
        else printf "%.0f\n", last[i]
        if (is_repeated[i]) printf "%s unknown %.0f -\n", what[i], first
      }
    }'
}

# microseconds: the time of day, which all writers share.
microseconds() { echo "${EPOCHREALTIME/[.,]/}"; }

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
  local writer=$1 sequence=0 target='' batch answers status written begin
  while [ ! -e "$scratch/stop" ] && kill -0 "$$" 2>/dev/null; do # also ends when the script itself was killed
    if [ -z "$target" ]; then
      target=$(look_for_leader)
      [ -n "$target" ] || { sleep 0.1 && continue; }
    fi
    batch=$(compose_batch "$writer" $((sequence + 1)) "$target")
    begin=$(microseconds)
    answers=$(curl -s --fail-early -K - 2>/dev/null <<<"$batch")
    status=$?
    operation_lines "$begin" "$(microseconds)" <<<"$answers" >>"$scratch/operations.$writer"
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
    : >"$scratch/operations.w$n"
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

# collect_operations CONTENT BEGIN END: all that was done and seen, and what a node held at the end, between these moments.
collect_operations() {
  cat "$scratch"/operations.w*
  awk -v begin="$2" -v end="$3" '{ print "end get", $1, $2, "ok", begin, end }' "$1"
}

# clock_lead: by how many milliseconds the time of day leads the time since the system's start, if that can be known.
clock_lead() {
  local up
  read -r up _ 2>/dev/null </proc/uptime || up=0.00
  echo $(($(microseconds) / 1000 - ${up%.*} * 1000 - 10#${up#*.} * 10))
}

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
