#!/usr/bin/env bash
# formatting.sh ROOT: all sources are as clang-format leaves them. Exit 77: there is no clang-format.
set -euo pipefail
cd "${1:?the root of the project}"
command -v clang-format >/dev/null || exit 77
find libraft examples tests -name '*.hpp' -o -name '*.cpp' | sort | xargs -P 2 -n 20 clang-format --dry-run -Werror
