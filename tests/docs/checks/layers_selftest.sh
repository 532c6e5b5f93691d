#!/usr/bin/env bash
# layers_selftest.sh ROOT: does layers.sh find what it is there for?
# shellcheck disable=SC2016 # backticks of Markdown, not of the shell
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${1:?the root of the project}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/libraft/src/"{asio,codec,core,data,node,storage,testkit,transport,util} "$folder/docs" "$folder/tests/house"

expect() { # passes|fails, what, file, sed script
  local outcome=passes file
  for file in docs/architecture.md tests/house/dependency_rule.awk; do sed '' "$root/$file" >"$folder/$file"; done
  sed -i "$4" "$folder/$3"
  if [[ $1 == fails ]] && cmp -s "$root/$3" "$folder/$3"; then
    echo "$2: the change did not change anything"
    exit 1
  fi
  bash "$here/layers.sh" "$folder" >"$folder/log" 2>&1 || outcome=fails
  [[ $outcome == "$1" ]] || {
    echo "$2: $outcome"
    cat "$folder/log"
    exit 1
  }
}

page=docs/architecture.md
rules=tests/house/dependency_rule.awk
expect passes "nothing changed" "$page" ''
expect fails "a row left out" "$page" '/^| .src.codec/d'
expect fails "a header that may be used left out" "$page" '/^| .src.core/s/interface, //'
expect fails "a source that must not be used" "$page" '/^| .src.storage/s/.src.util./&, `src\/node`/'
expect fails "a rule that was loosened" "$rules" '/allow("src:core"/s/")$/ fmt")/'
expect fails "a rule that was tightened" "$rules" '/allow("src:node"/s/ fmt//'
