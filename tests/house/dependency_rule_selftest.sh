#!/usr/bin/env bash
# Plants includes that break the layers, one at a time, and expects dependency_rule.sh to find each.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# put FILE INCLUDE...: a file with these includes
put() {
  local file=$tree/$1
  shift
  mkdir -p "$(dirname "$file")"
  printf '#include %s\n' "$@" >"$file"
}

plant_clean() {
  rm -rf "${tree:?}"/*
  put libraft/include/libraft/transport.hpp '<libraft/types.hpp>' '<span>'
  put libraft/include/libraft/transport/tcp_transport.hpp '<asio/ip/tcp.hpp>'
  put libraft/src/util/assert.cpp '"util/assert.hpp"' '<libraft/error.hpp>'
  put libraft/src/core/log.cpp '"core/term_runs.hpp"' '"util/assert.hpp"' '<libraft/event.hpp>'
  put libraft/src/node/node.cpp '"core/log.hpp"' '<libraft/storage.hpp>'
  put libraft/src/asio/raft_node.cpp '<asio/post.hpp>' '"node/node.hpp"'
  put libraft/src/transport/local_transport.cpp '<libraft/codec.hpp>' '<vector>'
  put libraft/src/testkit/world.cpp '"node/node.hpp"' '<libraft/testkit/conformance.hpp>'
  put examples/kv/transport/http.hpp '<httplib.h>'
  put examples/kv/main.cpp '<libraft/libraft.hpp>' '"transport/http.hpp"'
}

# expect_breach FILE INCLUDE: planting this must be found, and named
expect_breach() {
  plant_clean
  put "$1" "$2"
  local output
  if output=$("$here/dependency_rule.sh" "$tree" 2>&1); then
    echo "not found: $1 includes $2"
    failed=1
  elif [[ $output != *"$1"* && $output != *"includes itself"* ]]; then
    echo "found, but not named: $1 includes $2: $output"
    failed=1
  fi
}

plant_clean
if ! "$here/dependency_rule.sh" "$tree"; then
  echo "a clean tree was refused"
  failed=1
fi
expect_breach examples/kv/bad.cpp '"core/log.hpp"'
expect_breach examples/kv/bad.cpp '"transport/local_transport.hpp"'
expect_breach examples/kv/bad.cpp '<libraft/detail/completion.hpp>'
expect_breach libraft/include/libraft/storage.hpp '<libraft/core.hpp>'
expect_breach libraft/include/libraft/codec.hpp '<libraft/transport.hpp>'
expect_breach libraft/include/libraft/testkit/bad.hpp '<catch2/catch.hpp>'
expect_breach libraft/include/libraft/testkit/bad.hpp '<libraft/raft_node.hpp>'
expect_breach libraft/include/libraft/novelty.hpp '<vector>'
expect_breach libraft/src/util/bad.cpp '"core/log.hpp"'
expect_breach libraft/src/codec/bad.cpp '<libraft/event.hpp>'
expect_breach libraft/src/core/bad.cpp '"node/node.hpp"'
expect_breach libraft/src/core/bad.cpp '<asio/post.hpp>'
expect_breach libraft/src/core/bad.cpp '<libraft/codec.hpp>'
expect_breach libraft/src/core/quorum.hpp '"core/log.hpp"'
expect_breach libraft/src/core/progress.cpp '"core/state.hpp"'
expect_breach libraft/src/core/timers.cpp '"core/commit.hpp"'
expect_breach libraft/src/core/commit.cpp '"core/core.hpp"'
expect_breach libraft/src/node/bad.cpp '<asio/post.hpp>'
expect_breach libraft/src/node/bad.cpp '<libraft/raft_node.hpp>'
expect_breach libraft/src/storage/bad.cpp '"core/log.hpp"'
expect_breach libraft/src/storage/bad.cpp '<libraft/transport/local_transport.hpp>'
expect_breach libraft/src/transport/bad.cpp '<asio/post.hpp>'
expect_breach libraft/src/transport/bad.cpp '"node/node.hpp"'
expect_breach libraft/src/testkit/bad.cpp '<libraft/storage/memory_storage.hpp>'
expect_breach libraft/src/testkit/bad.cpp '"asio/asio_runtime.hpp"'
expect_breach libraft/src/novelty/bad.cpp '<vector>'

# A circle among handlers.
plant_clean
put libraft/src/core/commit.cpp '"core/election.hpp"'
put libraft/src/core/election.hpp '"core/following.hpp"'
put libraft/src/core/following.cpp '"core/commit.hpp"'
if "$here/dependency_rule.sh" "$tree" >/dev/null; then
  echo "a circle inside the core was not found"
  failed=1
fi
exit $failed
