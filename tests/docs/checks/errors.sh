#!/usr/bin/env bash
# errors.sh ROOT: docs/errors.md lists each errc and condition exactly once, and the conditions of each errc truly.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:?the root of the project}"
awk -f "$here/errors.awk" libraft/include/libraft/error.hpp libraft/src/data/error.cpp docs/errors.md
