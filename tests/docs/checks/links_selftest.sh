#!/usr/bin/env bash
# links_selftest.sh: does links.sh find what it is there for?
# shellcheck disable=SC2016 # backticks of Markdown, not of the shell
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/docs" "$folder/libraft/include/libraft" "$folder/libraft/src/core"
header=$folder/libraft/include/libraft/a.hpp
printf '%s\n' '# Other' '## What `a` is, and why' '## Twice' '## Twice' >"$folder/docs/other.md"

expect() { # passes|fails, what, lines of docs/page.md...
  local wanted=$1 what=$2 outcome=passes
  shift 2
  printf '%s\n' '# Page' "$@" >"$folder/docs/page.md"
  bash "$here/links.sh" "$folder" >"$folder/log" 2>&1 || outcome=fails
  [[ $outcome == "$wanted" ]] || {
    echo "$what: $outcome"
    cat "$folder/log"
    exit 1
  }
}

printf '%s\n' '// docs/other.md is the guide.' >"$header"
expect passes "no link" 'Text.'
expect passes "a file" 'See [other](other.md), ![it](../docs/other.md "title") and [that][1].' '' '[1]: other.md'
expect passes "a folder" '[sources](../libraft)'
expect passes "headings" '[a](other.md#what-a-is-and-why), [b](other.md#twice-1), [c](#page)'
expect passes "another site" '[far](https://example.org/none.md)'
expect passes "a link in code" '`[a](none.md)`' '```' '[a](none.md)' '```' '' '    [a](none.md)'
expect passes "paths" '`docs/other.md`, `libraft/a.hpp`, `src/core`, docs/other.md'
expect fails "no such file" '[a](none.md)'
expect fails "no such file by reference" '[a][1]' '' '[1]: none.md'
expect fails "the second of two links" '[a](other.md) [b](none.md)'
expect fails "a link after code" '```' 'code' '```' '[a](none.md)'
expect fails "no such heading" '[a](other.md#where)'
expect fails "no such heading in the page" '[a](#where)'
expect fails "a heading of a file that has none" '[a](../libraft/include/libraft/a.hpp#L1)'
expect fails "a link without target" '[a]()'
expect fails "out of the project" '[a](../../other.md)'
expect fails "from the root of the disk" '[a](/etc/hosts)'
expect fails "no such path" '`docs/none.md`'
expect fails "no such document in the text" 'See docs/none.md.'
printf '%s\n' '// docs/none.md is the guide.' >"$header"
expect fails "no such document in a header" 'Text.'
