#!/usr/bin/env bash
# loose_ends.sh ROOT: no file of the project says that something is left to do.
set -euo pipefail
cd "${1:?the root of the project}"
words="TO""DO|FIX""ME|XX""X"
folders=()
for folder in libraft examples tests cmake scripts docs README.md CMakeLists.txt; do
  if [[ -e $folder ]]; then folders+=("$folder"); fi
done
if grep -rnwIE "$words" "${folders[@]}"; then
  echo "the lines above say that something is left to do"
  exit 1
fi
