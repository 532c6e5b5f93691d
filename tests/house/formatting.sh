#!/usr/bin/env bash
# formatting.sh ROOT: all sources are as clang-format 14 leaves them. Exit 77: there is no clang-format 14. (Another
# version lays some lines out in another way.)
set -euo pipefail
cd "${1:?the root of the project}"
format=$(command -v clang-format-14 || command -v clang-format) || exit 77
[[ $("$format" --version) == *"version 14."* ]] || exit 77
find libraft examples tests -name '*.hpp' -o -name '*.cpp' | sort | xargs -P 2 -n 20 "$format" --dry-run -Werror
