#!/usr/bin/env bash
# Checks that the code in documents is code that the build compiles.
#
# Usage: doc_samples.sh ROOT DOCUMENT...     (paths of documents are relative to ROOT)
#
# A document says where a block comes from in the line before it; without a name it is the whole file:
#
#     <!-- sample: docs/samples/embedding.cpp propose -->
#     ```cpp
#     ...
#     ```
#
# and the source marks the part, whose common indentation is not part of the sample:
#
#     // sample: propose
#     ...
#     // end of sample
#
# A document with one such line must have one before each of its cpp blocks. A document without any is not looked at.
set -uo pipefail
root=$1
shift

failures=0
complain() {
  echo "$*" >&2
  failures=$((failures + 1))
}

# A marked part of a source, or all of it, without the indentation that all its lines have.
part_of() { # file, name
  awk -v name="$2" '
    /^ *\/\/ sample: / { sub(/^ *\/\/ sample: /, ""); is_inside = $0 == name; next }
    /^ *\/\/ end of sample$/ { is_inside = 0; next }
    name == "" || is_inside { lines[++count] = $0 }
    END {
      indentation = 1000
      for (i = 1; i <= count; i++)
        if (match(lines[i], /[^ ]/) && RSTART - 1 < indentation) indentation = RSTART - 1
      for (i = 1; i <= count; i++) print substr(lines[i], indentation + 1)
    }' "$1"
}

check_block() { # document, line, "file name", block
  local file name expected
  read -r file name <<<"$3"
  if [ ! -f "$root/$file" ]; then
    complain "$1:$2: there is no file $file"
    return
  fi
  expected=$(part_of "$root/$file" "${name:-}")
  if [ -z "$expected" ]; then
    complain "$1:$2: $file has no sample '$name'"
  elif [ "$4" != "$expected" ]; then
    complain "$1:$2: differs from $file ${name:-}:"
    diff <(printf '%s\n' "$expected") <(printf '%s\n' "$4") >&2
  fi
}

check_document() {
  local document=$1 line number=0 source="" block="" is_block=no begin=0 blocks=0
  grep -q '^<!-- sample: ' "$root/$document" || return 0
  while IFS= read -r line; do
    number=$((number + 1))
    if [ "$is_block" = yes ]; then
      if [ "$line" = '```' ]; then
        is_block=no
        check_block "$document" "$begin" "$source" "${block%$'\n'}"
        source=""
      else
        block+=$line$'\n'
      fi
    elif [[ $line =~ ^\<!--\ sample:\ (.*[^ ])\ *--\>$ ]]; then
      source=${BASH_REMATCH[1]}
    elif [[ $line == '```cpp'* ]]; then
      if [ -z "$source" ]; then
        complain "$document:$number: a cpp block without a line <!-- sample: FILE NAME --> before it"
      else
        is_block=yes begin=$number block="" blocks=$((blocks + 1))
      fi
    elif [ -n "$line" ]; then
      source=""
    fi
  done <"$root/$document"
  echo "$document: $blocks samples"
}

for document in "$@"; do
  check_document "$document"
done
[ "$failures" -eq 0 ]
