#!/usr/bin/env bash
# links.sh ROOT: links of the project's documents lead to files and headings that are there, and so do the paths that
# they and the public headers name. Links out of the project are not followed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:?the root of the project}"

mapfile -t sources < <(find . -path ./build -prune -o -path '*/.*' ! -name . -prune -o \
  -type f \( -name '*.md' -o -path './libraft/include/*.hpp' \) -print | sed 's|^\./||' | sort)
facts=$(LC_ALL=C awk -f "$here/links.awk" "${sources[@]}")

failures=0
complain() {
  echo "$*"
  failures=$((failures + 1))
}

declare -A anchors
while read -r _ file name; do anchors[$file#$name]=1; done < <(grep '^anchor ' <<<"$facts")

# Where a target leads, from the root; fails when that is outside.
resolved() { # file, target
  local path
  path=$(realpath -ms --relative-to=. "$(dirname "$1")/$2")
  [[ $path != ../* && $path != .. ]] && echo "$path"
}

check_link() { # file, line, target
  local path=${3%%#*} anchor="" file=$1
  if [[ $3 == *#* ]]; then anchor=${3#*#}; fi
  if [[ -n $path ]]; then
    if [[ $path == /* ]] || ! file=$(resolved "$1" "$path"); then
      complain "$1:$2: $3 leads out of the project"
      return
    fi
    if [[ ! -e $file ]]; then
      complain "$1:$2: there is no $file"
      return
    fi
  fi
  if [[ -n $anchor && ! -v "anchors[$file#$anchor]" ]]; then complain "$1:$2: $file has no heading #$anchor"; fi
}

# A path in the text is meant from the root, or is the name of a public header, or begins in the library's sources.
check_path() { # file, line, path
  local place
  for place in "$3" "libraft/include/$3" "libraft/$3"; do
    if [[ -e $place ]]; then return; fi
  done
  complain "$1:$2: there is no $3"
}

while read -r kind file line target; do
  "check_$kind" "$file" "$line" "$target"
done < <(grep -E '^(link|path) ' <<<"$facts")

echo "${#sources[@]} files, $(grep -cE '^(link|path) ' <<<"$facts") links and paths, $failures of them dead"
[[ $failures -eq 0 ]]
