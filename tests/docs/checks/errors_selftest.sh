#!/usr/bin/env bash
# errors_selftest.sh ROOT: does errors.sh find what it is there for?
# shellcheck disable=SC2016 # backticks of Markdown, not of the shell
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${1:?the root of the project}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expect() { # passes|fails, what, file, sed script
  local outcome=passes file
  for file in libraft/include/libraft/error.hpp libraft/src/data/error.cpp docs/errors.md; do
    mkdir -p "$folder/$(dirname "$file")"
    cp "$root/$file" "$folder/$file"
  done
  sed -i "$4" "$folder/$3"
  if [[ $2 != nothing* ]] && cmp -s "$root/$3" "$folder/$3"; then
    echo "$2: the change did not change anything"
    exit 1
  fi
  bash "$here/errors.sh" "$folder" >"$folder/log" 2>&1 || outcome=fails
  [[ $outcome == "$1" ]] || {
    echo "$2: $outcome"
    cat "$folder/log"
    exit 1
  }
}

page=docs/errors.md
expect passes "nothing changed" "$page" ''
expect fails "a row left out" "$page" '/^| .overloaded/d'
expect fails "a row of two left out" "$page" 's/, .already_formatted.//'
expect fails "a row twice" "$page" '/^| .io_error/p'
expect fails "a name that is no errc" "$page" 's/^| .io_error. /| `ioerror` /'
expect fails "a condition left out" "$page" '/^| .stopped/s/`retry_safe`//'
expect fails "a condition too many" "$page" '/^| .timeout/s/`outcome_unknown`/`outcome_unknown`, `retry_safe`/'
expect fails "a condition without its row" "$page" '/^| .redirect/d'
expect fails "an errc that is new" libraft/include/libraft/error.hpp 's/^  timeout = 20,/  new_error = 19,\n&/'
expect fails "an errc that got a condition" libraft/src/data/error.cpp 's/^    case errc::overloaded:/    case errc::io_error:\n&/'
expect fails "an errc that lost its condition" libraft/src/data/error.cpp 's/ || code == errc::interrupted//'
