# shellcheck shell=bash disable=SC2034,SC2154,SC2120,SC2119  # variables are shared with those who source this
# Finds or builds programs of the project. To be sourced after common.sh.

# ensure_kvserver: sets KVSERVER to the program: what the caller chose, else the Release build, made when needed.
ensure_kvserver() {
  if [ -n "${KVSERVER:-}" ]; then
    [ -x "$KVSERVER" ] || die "there is no program '$KVSERVER'"
    KVSERVER=$(cd "$(dirname "$KVSERVER")" && pwd)/$(basename "$KVSERVER")
    return
  fi
  build_program kvserver
  KVSERVER=$project_root/build/release/bin/kvserver
}

# ensure_linearizability: sets LINEARIZABILITY to the program: what the caller chose, else what lies beside the
# kvserver, else the Release build.
ensure_linearizability() {
  LINEARIZABILITY=${LINEARIZABILITY:-$(dirname "$KVSERVER")/raft_linearizability}
  [ ! -x "$LINEARIZABILITY" ] || return 0
  build_program raft_linearizability
  LINEARIZABILITY=$project_root/build/release/bin/raft_linearizability
}

build_program() { # target
  local build=$project_root/build/release log=$project_root/build/run-build.log options=()
  bash "$project_root/scripts/setup.sh" --run || die "the set-up failed"
  mkdir -p "$project_root/build"
  if [ ! -e "$build/build.ninja" ]; then
    options=(-DLIBRAFT_BUILD_TESTS=OFF -DLIBRAFT_BUILD_BENCHMARKS=OFF)
    ! command -v ccache >/dev/null || options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    (cd "$project_root" && cmake --preset release "${options[@]}") >"$log" 2>&1 ||
      { tail -n 30 "$log" >&2 && die "cmake failed; all of it is in $log"; }
  fi
  [ -x "$build/bin/$1" ] || note "building $1 (Release); this takes a few minutes the first time"
  ninja -C "$build" "$1" >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2 && die "the build failed; all of it is in $log"; }
}
