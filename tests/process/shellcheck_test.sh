#!/usr/bin/env bash
# All shell scripts pass shellcheck.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
command -v shellcheck >/dev/null || {
  echo "shellcheck is missing; scripts/setup.sh installs it" >&2
  exit 1
}
shellcheck -x .ci/run scripts/*.sh scripts/lib/*.sh tests/process/*.sh tests/house/*.sh tests/docs/checks/*.sh
