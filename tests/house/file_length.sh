#!/usr/bin/env bash
# file_length.sh ROOT: no source or script is longer than 600 lines.
set -euo pipefail
cd "${1:?the root of the project}"
folders=()
for folder in libraft examples tests cmake scripts; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done
find "${folders[@]}" -type f \( -name '*.hpp' -o -name '*.cpp' -o -name '*.sh' -o -name '*.awk' -o -name '*.cmake' \) |
  sort | xargs awk '
    FNR == 601 { print FILENAME " is longer than 600 lines"; failed = 1 }
    END { exit failed }'
