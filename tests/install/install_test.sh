#!/usr/bin/env bash
# One step of the tests of installing and using libraft. CMakeLists.txt beside it says which.
#
#   subdirectory BUILD OPTION...  a project that has libraft as a folder: configure, build, run
#   prefix KIND BUILD             install BUILD and move the result: WORK/KIND
#   tools KIND NAME...            runs the programs of the component `tools` in WORK/KIND
#   package KIND                  a project that finds libraft in WORK/KIND: configure, build, run
#   pkg_config KIND               the same with the compiler and pkg-config alone
set -euo pipefail
: "${SOURCE:?}" "${WORK:?}" "${CXX:?}" "${CMAKE:?}" "${GENERATOR:?}"

build_and_run() { # source folder, build folder, options
  local from=$1 build=$2 program
  shift 2
  "$CMAKE" -G "$GENERATOR" -S "$from" -B "$build" -DCMAKE_CXX_COMPILER="$CXX" -DLIBRAFT_SOURCE="$SOURCE" "$@"
  "$CMAKE" --build "$build" --parallel 2
  for program in core_user testkit_user counter; do
    echo "--- $program"
    "$build/$program"
  done
}

subdirectory() {
  build_and_run "$SOURCE/tests/install/subdirectory" "$1" -DLIBRAFT_INSTALL=ON "${@:2}"
}

prefix() {
  local kind=$1 build=$2 first=$WORK/first-$1 named
  rm -rf "$first" "${WORK:?}/$kind"
  "$CMAKE" --install "$build" --prefix "$first" --component runtime >"$WORK/install-$kind.log"
  "$CMAKE" --install "$build" --prefix "$first" --component dev >>"$WORK/install-$kind.log"
  "$CMAKE" --install "$build" --prefix "$first" --component tools >>"$WORK/install-$kind.log"
  mv "$first" "$WORK/$kind"
  # What names a folder of ours, or a target that is not the user's to have, breaks elsewhere.
  named=$(grep -rnE "$SOURCE|$build|$first|xxhash" "$WORK/$kind" --include='*.cmake' --include='*.pc' || true)
  [ -z "$named" ] || {
    echo "installed files name what is not installed: $named"
    return 1
  }
}

tools() {
  local bin=$WORK/$1/bin name
  shift
  diff <(printf '%s\n' "$@" | sort) <(ls "$bin") || {
    echo "the component tools is not what is built"
    return 1
  }
  for name in "$@"; do
    echo "--- $name"
    case "$name" in
      raft_explore) "$bin/$name" --list ;;
      raft_sim) "$bin/$name" --seed 1 --seconds 1 ;;
      *) "$bin/$name" --help ;;
    esac
  done
}

package() {
  rm -rf "$WORK/package-$1"
  build_and_run "$SOURCE/tests/install/package" "$WORK/package-$1" -DCMAKE_PREFIX_PATH="$WORK/$1"
}

pkg_config() {
  local pc flags
  pc=$(find "$WORK/$1" -name libraft-cpp.pc -printf '%h')
  flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs libraft-cpp)
  echo "pkg-config: $flags"
  # shellcheck disable=SC2086  # flags are words
  "$CXX" -std=c++20 "$SOURCE/examples/counter/main.cpp" -o "$WORK/counter-$1" $flags -Wl,-rpath,"$(dirname "$pc")"
  "$WORK/counter-$1"
}

"$@"
