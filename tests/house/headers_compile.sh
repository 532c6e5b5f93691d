#!/usr/bin/env bash
# headers_compile.sh ROOT COMPILER: each public header compiles alone, twice in one file. Exit 77: no such compiler.
set -euo pipefail
root=${1:?the root of the project}
compiler=${2:?a compiler}
command -v "$compiler" >/dev/null || exit 77
cd "$root/libraft/include"

flags=(-std=c++20 -fsyntax-only -x c++ -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wold-style-cast -Wnon-virtual-dtor -Werror -DASIO_STANDALONE -DASIO_NO_DEPRECATED -I"$root/libraft/include")
if "$compiler" --version | grep -qi clang; then flags+=(-DASIO_HAS_CO_AWAIT=1); fi

compile() {
  local header=$1
  shift
  if ! printf '#include <%s>\n#include <%s>\n' "$header" "$header" | "$@" -; then
    echo "does not compile alone: $header"
    return 1
  fi
}
export -f compile

find libraft -name '*.hpp' | sort |
  xargs -P 2 -I{} bash -c 'compile "$@"' compile {} "$compiler" "${flags[@]}"
