#!/usr/bin/env bash
# Does doc_samples.sh find what it is there for? Usage: doc_samples_test.sh PATH_OF_DOC_SAMPLES
set -euo pipefail
checker=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expect() { # passes|fails, what
  local outcome=passes
  bash "$checker" "$folder" doc.md >"$folder/log" 2>&1 || outcome=fails
  [ "$outcome" = "$1" ] || {
    echo "$2: $outcome"
    cat "$folder/log"
    exit 1
  }
}
document() { printf '%s\n' "$@" >"$folder/doc.md"; }

printf '%s\n' 'void f() {' '  // sample: call' '  if (true) {' '    g();' '  }' '  // end of sample' '}' >"$folder/a.cpp"
call=('```cpp' 'if (true) {' '  g();' '}' '```')

document 'Text.' '```cpp' 'anything' '```'
expect passes "a document without samples"
document '<!-- sample: a.cpp call -->' "${call[@]}"
expect passes "the sample without its indentation"
document '<!-- sample: a.cpp -->' '```cpp' 'void f() {' '  if (true) {' '    g();' '  }' '}' '```'
expect passes "a whole file without the marks"
document '<!-- sample: a.cpp call -->' '```cpp' 'if (true) {' '  h();' '}' '```'
expect fails "another text"
document '<!-- sample: a.cpp call -->' '```cpp' 'if (true) {' '  g();' '```'
expect fails "a line left out"
document '<!-- sample: a.cpp other -->' "${call[@]}"
expect fails "a sample that is not there"
document '<!-- sample: b.cpp call -->' "${call[@]}"
expect fails "a file that is not there"
document '<!-- sample: a.cpp call -->' "${call[@]}" 'Text.' "${call[@]}"
expect fails "a block without a source after one with"
